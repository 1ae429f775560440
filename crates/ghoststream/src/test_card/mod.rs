//! The test card: a moving picture that says which frame it is and when it was made.
//!
//! Every frame carries a [`Stamp`], its number and its time, as black and white blocks that survive
//! scaling and coarse encoding, so that a recording can be judged frame by frame: what was lost, what
//! came twice, what came at the wrong time. The rest of the card gives an encoder real work: colour
//! bars, ramps, fine detail, a ball and a sweep over a textured ground, scrolling text.
//!
//! # Its clock
//!
//! The card's clock is `CLOCK_MONOTONIC`: a stamp's time is a [`Timestamp`]. At each whole second of
//! it, to the nanosecond, a beep of [`BEEP`] starts, and the frames whose time lies in the first
//! [`FLASH`] of that second show a white area, which is black otherwise. Picture and sound thus need
//! to share nothing but the clock: [`beep_at`] is the card's sound at any time. A frame's time is in
//! its blocks, so the distance between picture and sound can be measured exactly even where no frame
//! falls on the whole second.
//!
//! # Example
//!
//! ```
//! use ghoststream::{Size, Timestamp};
//! use ghoststream::test_card::{Card, Luma, Stamp, read};
//!
//! let size = Size::new(320, 180);
//! let card = Card::new(size);
//! let mut picture = vec![0; 320 * 180 * 4];
//! let stamp = Stamp { frame: 7, time: Timestamp::from_nanos(1_500_000_000) };
//! card.paint(&mut picture, 320 * 4, stamp)?;
//!
//! let green: Vec<u8> = picture.chunks_exact(4).map(|bgrx| bgrx[1]).collect();
//! let reading = read(Luma { bytes: &green, stride: 320, size }).expect("it is the card");
//! assert_eq!(reading.stamp, stamp);
//! assert!(!reading.flash);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod blocks;
mod canvas;
mod font;
mod layout;
mod paint;
mod read;
mod texture;

use std::time::Duration;

pub use font::{GLYPH_HEIGHT, GLYPH_WIDTH, glyph};
pub use layout::{BARS, Part, READABLE, bar_area};
pub use paint::Card;
pub use read::{Luma, Reading, read};

use crate::Timestamp;

/// What a frame says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Counts the source's frames; goes round after 2^32.
    pub frame: u32,
    /// When the frame was made, on the card's clock.
    pub time: Timestamp,
}

impl Stamp {
    /// Whether this frame shows the flash: its time lies in the first [`FLASH`] of a second.
    pub const fn flashes(self) -> bool {
        since_second(self.time) < FLASH.as_nanos() as i64
    }
}

/// How long after each whole second frames show the flash.
pub const FLASH: Duration = Duration::from_millis(100);

/// The sound at each whole second of the card's clock.
pub const BEEP: Beep = Beep { frequency_hz: 1000.0, duration: Duration::from_millis(50), amplitude: 0.5 };

/// A sine that starts and ends at a zero crossing.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Beep {
    /// Oscillations a second.
    pub frequency_hz: f64,
    /// How long it sounds; a whole number of oscillations.
    pub duration: Duration,
    /// Its peak, 1.0 being full scale.
    pub amplitude: f64,
}

impl Beep {
    /// The sample `nanos` nanoseconds after its start, -1.0 to 1.0; silence before and after it.
    pub fn sample(&self, nanos: i64) -> f32 {
        if nanos < 0 || nanos >= self.duration.as_nanos() as i64 {
            return 0.0;
        }
        let turns = self.frequency_hz * nanos as f64 / 1e9;
        (self.amplitude * (std::f64::consts::TAU * turns.fract()).sin()) as f32
    }
}

/// The card's sound at `time`, -1.0 to 1.0: [`BEEP`] from each whole second on, silence otherwise.
pub fn beep_at(time: Timestamp) -> f32 {
    BEEP.sample(since_second(time))
}

/// Nanoseconds since the last whole second of the card's clock.
const fn since_second(time: Timestamp) -> i64 {
    time.as_nanos().rem_euclid(1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flash_and_beep_start_with_the_second() {
        let at = |nanos| Stamp { frame: 0, time: Timestamp::from_nanos(nanos) };
        assert!(at(5_000_000_000).flashes());
        assert!(at(5_099_999_999).flashes());
        assert!(!at(5_100_000_000).flashes());
        assert!(!at(4_999_999_999).flashes());
        assert!(at(-1_000_000_000).flashes(), "a clock before its zero counts on");

        let quarter = Timestamp::from_nanos(3_000_250_000);
        assert!((beep_at(quarter) - 0.5).abs() < 1e-6, "a quarter of 1 kHz is the peak");
        assert_eq!(beep_at(Timestamp::from_nanos(3_000_000_000)), 0.0, "from zero");
        assert_eq!(beep_at(Timestamp::from_nanos(3_050_000_000)), 0.0, "and over");
        assert_eq!(beep_at(Timestamp::from_nanos(2_999_750_000)), 0.0);
    }
}
