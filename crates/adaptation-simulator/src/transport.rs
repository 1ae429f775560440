//! What carries pictures to the peer.

use ghoststream_adaptation::Signals;

use crate::encoder::Picture;

/// A picture that is whole at the peer.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub picture: usize,
    /// In milliseconds.
    pub at: u64,
}

/// A transport between the sender's queue and the peer.
pub trait Transport {
    /// Whether it takes a picture now.
    fn has_room(&self) -> bool;
    /// Takes one.
    fn give(&mut self, picture: Picture, now: u64);
    /// Goes on by a millisecond.
    fn tick(&mut self, now: u64, arrivals: &mut Vec<Arrival>);
    /// What it knows of the path.
    fn signals(&self, signals: &mut Signals);
}
