//! An encoder at a constant bitrate, as sizes of pictures.

use crate::random::Random;

/// A picture as it comes out of the encoder.
#[derive(Clone, Copy, Debug)]
pub struct Picture {
    /// Counted from 0.
    pub number: usize,
    /// When it was encoded, in milliseconds.
    pub made: u64,
    /// Its size.
    pub bytes: u64,
    /// Whether decoding can begin here.
    pub key: bool,
}

/// Makes 60 pictures a second with a key picture every two seconds, five times the size of others.
///
/// Sizes scatter by a quarter, and every few seconds something happens and some pictures are twice
/// as large; what was too much is taken from those after. A new bitrate holds from the next picture on.
#[derive(Debug)]
pub struct Encoder {
    random: Random,
    number: usize,
    /// Pictures since the last key picture.
    since_key: usize,
    asked: bool,
    /// Bytes made beyond what the bitrate allows.
    over: f64,
    /// Pictures left of something that moves a lot.
    busy: usize,
}

impl Encoder {
    /// Pictures a second.
    pub const FPS: usize = 60;
    const GROUP: usize = 2 * Self::FPS;
    const KEY: f64 = 5.0;

    pub const fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), number: 0, since_key: 0, asked: true, over: 0.0, busy: 0 }
    }

    /// The next picture is a key picture, with which a group begins.
    pub const fn make_key(&mut self) {
        self.asked = true;
    }

    /// The pictures of this millisecond: one, or none.
    pub fn tick(&mut self, now: u64, kbps: u32) -> Option<Picture> {
        if now * (Self::FPS as u64) / 1000 < self.number as u64 {
            return None;
        }
        let mean = f64::from(kbps) * 125.0 / Self::FPS as f64;
        let key = self.asked || self.since_key == Self::GROUP;
        (self.asked, self.since_key) = (false, if key { 1 } else { self.since_key + 1 });
        if self.busy == 0 && self.random.unit() < 0.004 {
            self.busy = 20;
        }
        self.busy = self.busy.saturating_sub(1);
        let usual = Self::GROUP as f64 / (Self::GROUP as f64 - 1.0 + Self::KEY);
        let wish = usual
            * if key { Self::KEY } else { 1.0 }
            * if self.busy > 0 { 2.0 } else { 1.0 }
            * (1.0 + 0.25 * self.random.normal()).clamp(0.3, 2.5);
        // What is over is worked off within half a second.
        let correction = (1.0 - self.over / (mean * Self::FPS as f64 / 2.0)).clamp(0.4, 1.3);
        let bytes = (mean * wish * correction).max(40.0);
        self.over = (self.over + bytes - mean).clamp(-10.0 * mean, 60.0 * mean);
        self.number += 1;
        Some(Picture { number: self.number - 1, made: now, bytes: bytes as u64, key })
    }
}
