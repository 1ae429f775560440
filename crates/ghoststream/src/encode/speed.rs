//! How fast a software encoder is, as far as it can be known without trying.
//!
//! A trial at every start would cost more time than starting may take, and would measure what else
//! runs at that moment. Instead each row of the table carries the speed of one core at each preset,
//! measured once on a server's core of middling speed (AMD EPYC, 2026) with a picture that moves
//! everywhere, and taken at 70% for harder pictures. A desktop, where most of the picture stands
//! still, is encoded faster.

use super::Request;
use crate::{EncoderPreset, Size};

/// Millions of pixels that one core encodes in a second, from the fastest preset to the best.
pub(super) type Speed = [f64; 5];

/// The share of the processors that encoding may take: the rest captures, converts, and runs what
/// is being recorded.
const SHARE: f64 = 0.75;

/// What is known of one encoding, in the units of this module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) size: Size,
    pub(super) fps: f64,
    pub(super) ten_bit: bool,
    /// Processors that this process may use.
    pub(super) cores: usize,
}

impl Load {
    /// A request on this machine.
    pub(super) fn new(request: &Request<'_>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { size: request.size, fps: request.fps, ten_bit: request.config.ten_bit, cores }
    }

    fn megapixels(&self) -> f64 {
        // Twice the bytes, and arithmetic half as wide.
        let weight = if self.ten_bit { 2.0 } else { 1.0 };
        f64::from(self.size.width) * f64::from(self.size.height) * weight / 1e6
    }

    /// Pictures a second that can be expected.
    pub(super) fn expected_fps(&self, speed: &Speed, preset: EncoderPreset) -> f64 {
        speed[index(preset)] * self.cores as f64 * SHARE / self.megapixels()
    }

    /// The best preset, `asked` or faster, that keeps up; the fastest if none does.
    pub(super) fn sustainable(&self, speed: &Speed, asked: EncoderPreset) -> EncoderPreset {
        let faster = EncoderPreset::ALL.iter().rev().copied().filter(|&it| index(it) <= index(asked));
        faster
            .into_iter()
            .find(|&preset| self.expected_fps(speed, preset) >= self.fps)
            .unwrap_or(EncoderPreset::Fastest)
    }

    /// Threads that encode it in half the time there is, which leaves room for hard pictures. No
    /// more: each costs memory and, in most encoders, holds a picture back, and what they add in
    /// overhead is taken from what is being recorded.
    pub(super) fn threads(&self, speed: &Speed, preset: EncoderPreset) -> usize {
        let needed = 2.0 * self.megapixels() * self.fps / speed[index(preset)];
        (needed.ceil() as usize).clamp(1, self.cores.clamp(1, 16))
    }
}

const fn index(preset: EncoderPreset) -> usize {
    match preset {
        EncoderPreset::Fastest => 0,
        EncoderPreset::Fast => 1,
        EncoderPreset::Balanced => 2,
        EncoderPreset::Quality => 3,
        EncoderPreset::Best => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use EncoderPreset::{Balanced, Best, Fast, Fastest};

    const SPEED: Speed = [250.0, 80.0, 45.0, 40.0, 25.0];

    fn load(width: u32, height: u32, fps: f64, cores: usize) -> Load {
        Load { size: Size::new(width, height), fps, ten_bit: false, cores }
    }

    #[test]
    fn a_preset_is_kept_where_the_machine_keeps_up() {
        assert_eq!(load(1280, 720, 30.0, 2).sustainable(&SPEED, Balanced), Balanced);
        assert_eq!(load(1920, 1080, 60.0, 8).sustainable(&SPEED, Best), Best);
    }

    #[test]
    fn a_preset_gives_way_to_the_best_that_keeps_up() {
        assert_eq!(load(1920, 1080, 60.0, 2).sustainable(&SPEED, Best), Fastest);
        assert_eq!(load(1920, 1080, 30.0, 2).sustainable(&SPEED, Best), Balanced);
        assert_eq!(load(1920, 1080, 60.0, 3).sustainable(&SPEED, Best), Fast);
        let deep = Load { ten_bit: true, ..load(1920, 1080, 30.0, 2) };
        assert_eq!(deep.sustainable(&SPEED, Best), Fastest, "ten bits cost twice as much");
    }

    #[test]
    fn a_preset_is_never_made_slower_and_never_missing() {
        assert_eq!(load(320, 180, 30.0, 64).sustainable(&SPEED, Fastest), Fastest);
        assert_eq!(load(8192, 8192, 240.0, 1).sustainable(&SPEED, Best), Fastest);
    }

    #[test]
    fn threads_are_as_many_as_the_work_needs() {
        assert_eq!(load(1920, 1080, 60.0, 16).threads(&SPEED, Fastest), 1);
        assert_eq!(load(1920, 1080, 60.0, 16).threads(&SPEED, Balanced), 6);
        assert_eq!(load(1920, 1080, 60.0, 4).threads(&SPEED, Balanced), 4);
        assert_eq!(load(320, 180, 30.0, 16).threads(&SPEED, Best), 1);
        assert_eq!(load(8192, 8192, 240.0, 128).threads(&SPEED, Best), 16);
    }
}
