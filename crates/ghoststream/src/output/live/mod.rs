//! Outputs to a peer over a network: what RTMP and SRT have in common.
//!
//! ```text
//! output thread   takes packets as they come, never waits for the peer
//!    ▼ Queue      bounded in time and in bytes; when full pictures are dropped down to a key frame, counted
//! sending thread  dials, sends from a key frame on; when the peer is lost, dials again with back-off
//! ```
//!
//! A protocol is a [`Dial`] and a [`Link`]. Time goes on over a lost connection: what the peer gets
//! after it has the timestamps that it would have had without.

mod backoff;
mod error;
mod follower;
mod gauge;
mod queue;
#[cfg(test)]
mod queue_tests;
mod rate;
mod resolve;
mod sender;
mod sink;
mod stop;
#[cfg(test)]
mod tests;
mod waiting;

use std::time::Duration;

use ghoststream_adaptation::Signals;

use crate::encode::{Packet, Track};

pub(crate) use error::LinkError;
pub use error::LinkFault;
pub(crate) use gauge::Gauge;
pub(crate) use rate::{Rate, Terms as RateTerms};
pub(crate) use resolve::Name;
pub(crate) use sink::LiveSink;
pub(crate) use stop::Stop;
pub(crate) use waiting::Dropped;

/// How a peer is reached. Belongs to the sending thread, but for the first call.
pub(crate) trait Dial: Send {
    /// Connects, and gets so far that packets of these tracks can be sent. Gives up after a time of
    /// its own, and within a tenth of a second of `stop` being raised.
    fn dial(&mut self, tracks: &[Track], stop: &Stop) -> Result<Box<dyn Link>, LinkError>;

    /// Whether there is a connection already which only has to be used: nothing is waited for before the next dial.
    fn is_reached(&self) -> bool {
        false
    }

    /// The peer in words, without any secret.
    fn peer(&self) -> String;
}

/// A connection to a peer.
///
/// The sending thread calls `ready` until it says yes, then `send` once, and so on. The first packet
/// of each link is a key picture; sound that belongs before it was left out.
pub(crate) trait Link: Send {
    /// Moves bytes both ways for `patience` at most, and answers whether another packet is wanted
    /// now. While bytes of earlier packets wait in this process the answer is no: they would be
    /// stale before they are sent, and nobody would see the jam.
    fn ready(&mut self, patience: Duration) -> Result<bool, LinkError>;

    /// Takes packets that go together, of pictures the last one at most, and sends what can be sent of
    /// them at once. Never waits.
    fn send(&mut self, packets: &[Packet]) -> Result<(), LinkError>;

    /// Fills in what is known of the path. Asked a few times a second.
    fn signals(&mut self, signals: &mut Signals);

    /// Pictures that were sent and have not come in time, as far as the protocol tells, since the last call. With `over`
    /// no more is said by the peer: what it has not acknowledged it has not got.
    fn take_missed(&mut self, over: bool) -> Dropped;

    /// Says good-bye: sends what is left and what the protocol wants at the end, for `patience` at
    /// most.
    fn close(&mut self, patience: Duration);
}
