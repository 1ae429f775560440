//! SRT (Secure Reliable Transport) as who streams live speaks it: a caller or a listener that sends
//! messages, by way of [libsrt](https://github.com/Haivision/srt).
//!
//! libsrt is loaded when it is wanted and never linked: a program runs where it is missing, and says what to
//! install when somebody streams. No call here waits unless it takes a time for which it may.
//!
//! ```no_run
//! use std::time::Duration;
//! use ghoststream_srt::{Connection, Library, Target};
//!
//! let target = Target::parse("srt://ingest.example.org:9000?latency=200&streamid=live/me")?;
//! let address = "192.0.2.1:9000".parse()?;
//! let mut connection = Connection::begin(&Library::start()?, None, address, target.settings())?;
//! while !connection.wait_until_connected(Duration::from_millis(50))? {}
//! connection.send(&[0x47; 1316])?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod connection;
mod error;
mod functions;
#[cfg(test)]
mod header_tests;
mod library;
mod listener;
mod reject;
mod settings;
mod socket;
mod stats;
mod target;

pub use connection::{Buffered, Connection};
pub use error::Error;
pub use library::Library;
pub use listener::{Listener, Occupied};
pub use reject::Reject;
pub use settings::{KeyLength, Passphrase, Settings};
pub use stats::Stats;
pub use target::{Mode, Target, TargetError};
