//! A network path between two places of a test, with delay, jitter, loss, a rate, a queue and cuts,
//! all of which may change while it runs.
//!
//! ```text
//! namespace Near            this process                    namespace Far
//!   10.77.0.1  TUN ──► thread gs-net: Shaper (up)   ──► TUN  10.77.0.2
//!              TUN ◄──                Shaper (down) ◄──
//! ```
//!
//! Each side is a network namespace of its own, which nobody else sees and which is gone with the
//! last thread, process and descriptor in it. Kernel, TCP and sockets are real; only the wire between
//! the two is ours. Packets are lost by a generator with a seed: the same packets share one fate.
//!
//! Who is where:
//! - a program of others, or the command under test: [`Path::place`] on its `Command`;
//! - a socket of the test: made within [`Path::on`], usable from any thread afterwards;
//! - a pipeline within the test's own process: [`Path::enter`] before it is built, for threads begin
//!   where the thread was that started them.
//!
//! ```no_run
//! use std::net::{TcpListener, TcpStream};
//! use std::time::Duration;
//! use testkit_net::{Conditions, FAR, Path, Side};
//!
//! let path = Path::new(Conditions::default().with_delay(Duration::from_millis(20)), 1)?;
//! let server = path.on(Side::Far, || TcpListener::bind((FAR, 1935)))??;
//! let client = path.on(Side::Near, || TcpStream::connect((FAR, 1935)))??;
//! path.set(Conditions::default().with_rate(2_000_000).with_loss(0.02));
//! path.cut();
//! # let _ = (server, client);
//! # anyhow::Ok(())
//! ```
#![warn(missing_docs)]
#![allow(unsafe_code)]

mod conditions;
mod device;
mod flow;
mod namespace;
mod path;
mod pump;
mod shaper;

use std::net::Ipv4Addr;

pub use conditions::{Conditions, Loss};
pub use path::Path;
pub use shaper::Passed;

/// The address of the side where the product is.
pub const NEAR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// The address of the side where servers are.
pub const FAR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

/// An end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Where the product is: [`NEAR`].
    Near,
    /// Where servers are: [`FAR`].
    Far,
}

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From [`Side::Near`] to [`Side::Far`].
    Up,
    /// From [`Side::Far`] to [`Side::Near`].
    Down,
}
