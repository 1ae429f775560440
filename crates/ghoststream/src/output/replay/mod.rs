//! The last seconds, kept in memory and saved on demand.
//!
//! ```text
//! output thread   puts packets into the ring, in order of decoding time
//!    ▼ Ring       groups of pictures over shared packets; bounded in time and bytes; the oldest group goes
//!    ▼ Shelf      where there is a disk for them: what memory has no room for, written by a thread of its own
//! saving thread   one for each save: takes handles of what is held, cuts, writes, renames
//! ```
//!
//! A save holds the ring's lock for as long as it takes to copy handles, and writes while the ring goes
//! on. What it writes stays in memory until it is written, also where the ring has given it up. Several
//! saves may overlap; a save that fails leaves the ring as it is.

mod buffer;
mod clip;
mod options;
mod record;
mod ring;
mod saver;
mod shelf;
mod sink;
mod store;
#[cfg(test)]
mod tests;
mod trial;
mod whole;

pub(crate) use buffer::{Buffer, Wish};
pub use options::{ReplayDisk, ReplayOptions};
pub(crate) use options::{check, check_encoder};
pub use saver::SavedReplay;
pub(crate) use sink::open;
pub use trial::ReplayTrial;
