//! The desktop portal: how it is found, what it says in our words ([`Fault`]), and keys that work wherever the
//! user is ([`hotkeys`]).
//!
//! Whoever speaks with the portal has a bus connection of its own: whatever way that ends, leaving the bus makes
//! the portal withdraw its dialog and drop what it held for us.
#![warn(missing_docs)]

mod fault;
mod find;
pub mod hotkeys;

pub use fault::Fault;
pub use find::{ANSWERING, CLOSING, Portal, closed_signals, connect, within};
