//! Devices and applications that make sound, in a [`Session`](crate::Session).
//!
//! [`Sink`] is a sound card that plays into nothing, made by PipeWire itself; [`Player`] is an
//! application that plays; [`Card`] is a microphone whose clock is off by as much as is asked for.
//! The latter two run in threads of this process, which must have [entered](crate::Session::enter) the
//! session.

mod card;
mod player;
mod sink;
mod thread;

pub use card::Card;
pub use player::Player;
pub use sink::{Sink, set_default_sink, set_default_source};

/// Samples a second of everything here.
pub const RATE: u32 = 48_000;

/// Sound as a function of when it is played or captured, in nanoseconds of CLOCK_MONOTONIC: -1.0 to
/// 1.0.
pub type Wave = std::sync::Arc<dyn Fn(i64) -> f32 + Send + Sync>;

/// A sine of this frequency, a quarter as loud as can be.
pub fn tone(hertz: f64) -> Wave {
    std::sync::Arc::new(move |nanos| {
        // The turns of whole seconds are taken out first, to keep the precision.
        let seconds = nanos.rem_euclid(1_000_000_000) as f64 / 1e9;
        ((seconds * hertz).fract() * std::f64::consts::TAU).sin() as f32 * 0.25
    })
}

/// The test card's beeps: one from each whole second of the clock on.
pub fn beeps() -> Wave {
    std::sync::Arc::new(|nanos| ghoststream::test_card::beep_at(ghoststream::Timestamp::from_nanos(nanos)))
}
