//! Bitrate adaptation, tried on links that do not exist.
//!
//! ```text
//! Encoder ─▶ Queue ─▶ Caller: Transport (Tcp, Srt) ─▶ Bottleneck (a Link's rate, buffer, loss) ─▶ judged
//!    ▲         │          │
//!    └──── Policy ◀── Signals          ours, or a model of what others do
//! ```
//!
//! Everything goes by steps of a millisecond and by seeds: the same every time.
//! `cargo run -p adaptation-simulator -- docs/adaptation` writes tables and plots.

mod belacoder;
mod bottleneck;
mod caller;
mod encoder;
mod held_out;
mod link;
pub mod links;
mod obs;
mod oracle;
mod outages;
mod over;
mod plot;
mod policy;
mod queue;
mod random;
mod recovery;
mod run;
mod srt;
mod table;
mod tcp;
mod transport;

pub use belacoder::Belacoder;
pub use held_out::HELD_OUT;
pub use link::Link;
pub use links::{Make, TUNED};
pub use obs::Obs;
pub use oracle::necessary;
pub use outages::{HELD_OUT_OUTAGES, OUTAGES};
pub use over::Over;
pub use plot::svg;
pub use policy::{Ours, Policy, Seen, Wanted};
pub use random::Random;
pub use run::{Outcome, Terms, Trace, run};
pub use srt::Srt;
pub use table::{Mean, Row, markdown, rows};
pub use tcp::Tcp;
pub use transport::{Arrival, Transport};
