//! Publishing to an RTMP server (Adobe's *Real-Time Messaging Protocol*, version 1.0, and *Enhanced
//! RTMP*, version 2, for HEVC and AV1).
//!
//! There is no I/O here: a [`Session`] is given the bytes that came from the server and says which
//! are to be sent. Whoever owns the socket decides how to wait, which TLS to speak and when to give
//! up.
//!
//! ```
//! use ghoststream_rtmp::{Session, State, Target};
//!
//! let target = Target::parse("rtmp://live.example/app/secret").unwrap();
//! assert_eq!(target.to_string(), "rtmp://live.example/app/…");
//! let mut session = Session::new(&target, 7);
//! let first = session.take_output(); // C0 and C1 of the handshake, for the socket
//! assert_eq!(first.len(), 1 + 1536);
//! assert_eq!(session.state(), State::Handshake);
//! ```
#![warn(missing_docs)]

mod amf;
mod bytes;
mod chunk;
mod command;
mod error;
mod handshake;
mod message;
mod session;
mod tag;
mod target;

pub use error::SessionError;
pub use session::{Session, State};
pub use tag::{Audio, Metadata, Video, VideoCodec};
pub use target::{Target, TargetError};
