//! Sums sound without clipping.
//!
//! A [`Mixer`] takes interleaved samples of several inputs that share one time: the first sample of each is
//! that of the same moment. It adds them up at their own levels, and where the sum would be too loud a
//! [`Limiter`] turns it down for as long as that lasts, smoothly, without delaying anything.
//!
//! Pure: no clock, no thread, no I/O.
#![warn(missing_docs)]

mod limiter;
mod mixer;

pub use limiter::{CEILING, LOOK_AHEAD, Limiter, RELEASE};
pub use mixer::Mixer;
