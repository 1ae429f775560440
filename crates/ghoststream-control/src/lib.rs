//! The control of a GhostStream that runs: a socket, and what is said through it.
//!
//! Every capturing process listens at a socket of its own in `$XDG_RUNTIME_DIR/ghoststream/`
//! ([`Directory`]), which only its user can open. A client sends a [`Request`] a line, as JSON, and
//! gets a reply a line:
//!
//! ```text
//! → {"version":1,"id":7,"command":"marker","text":"goal"}
//! ← {"version":1,"id":7,"ok":{}}
//! → {"version":1,"id":8,"command":"bitrate","kbps":1}
//! ← {"version":1,"id":8,"error":{"code":"invalid","message":"bitrate = 1 is not possible: …"}}
//! ```
//!
//! Nothing that a client does reaches further than its own connection: lines are bounded, so are
//! clients, and none is waited for ([`Server`] says the figures). [`Client`] is the other end.
#![warn(missing_docs)]

mod client;
mod connection;
mod directory;
mod message;
mod refusal;
mod seats;
mod server;
mod which;

pub use client::{Client, ClientError};
pub use directory::{Directory, DirectoryError, Instance, Name};
pub use message::{OutputTable, Request, VERSION};
pub use refusal::{Code, Refusal};
pub use server::{Handler, Server, ServerError};
pub use which::Which;
