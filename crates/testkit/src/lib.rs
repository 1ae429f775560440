//! What GhostStream's tests need of the world, for real: a session with its own D-Bus, PipeWire and
//! WirePlumber, and judges of what was recorded.
//!
//! Everything is started on sockets of its own in a temporary directory and ends with its owner, so
//! that tests run side by side and leave nothing behind.
#![allow(unsafe_code)]

pub mod bus;
pub mod child;
pub mod desktop;
pub mod judge;
pub mod peers;
pub mod portal;
pub mod producer;
pub mod secrets;
pub mod session;
pub mod sheet;
pub mod sound;
pub mod viewer;
pub mod window;

pub use desktop::Desktop;
pub use portal::Portal;
pub use producer::Producer;
pub use session::Session;
/// A network path with delay, loss, a rate and cuts.
pub use testkit_net as net;
pub use viewer::Viewer;
pub use window::CardWindow;
