//! Bitrate adaptation for live outputs.
//!
//! No I/O and no clock: what is known of the path goes in as [`Signals`], a [`Decision`] comes out of a
//! [`Controller`].
//!
//! - What was between encoder and peer a round trip ago and still is, over what arrives a second, is how long
//!   a byte takes beyond the round trip (Little's law). The least of some hundred milliseconds is a *standing*
//!   delay; a large picture makes none.
//! - A standing delay is a jam when it is a tenth of what a picture may take where what is late is lost, and
//!   a quarter where it is not. What arrives meanwhile is what the path carries: the bitrate goes there at
//!   once, and below it until nothing waits.
//! - Silence, another connection and a sender that was held up say nothing of what the path carries: what was
//!   asked of it before is soon asked again. So do the first round trips of TCP, and the first moment after nothing
//!   moved.
//! - What was carried is remembered, and used again up to a little less. More is asked for when large
//!   pictures have got through faster, or after a while, which doubles with each failure at that rate.
//! - After a failure no more is asked for, for a while, than was on the mean: over a path that fails again
//!   and again the bitrate settles where it fails seldom.
//! - Where a bitrate is too low for all pictures, a [`HalfRate`] says when every second one is better left out.
//!
//! ```
//! use std::time::Duration;
//!
//! use ghoststream_adaptation::{Controller, Limits, Signals};
//!
//! let mut controller = Controller::new(Limits::new(500, 6000));
//! let mut signals = Signals::default();
//! let mut kbps = 6000;
//! // 6 Mbit/s are sent and 3 arrive: every 50 ms 18,750 bytes more of them wait.
//! for tick in 0..40 {
//!     signals.delivered_bytes += 18_750;
//!     signals.unacknowledged_bytes += 18_750;
//!     kbps = controller.step(Duration::from_millis(50 * tick), &signals).kbps;
//! }
//! assert!(kbps < 3000);
//! ```

mod controller;
mod half_rate;
mod limits;
mod memory;
mod phase;
mod restraint;
mod signals;
mod view;
mod window;

pub use controller::{Controller, Decision};
pub use half_rate::HalfRate;
pub use limits::Limits;
pub use signals::Signals;
