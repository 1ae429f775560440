//! Who decides about the bitrate.

use std::time::Duration;

use ghoststream_adaptation::{Controller, Limits, Signals};

/// What a policy may look at.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// In milliseconds.
    pub now: u64,
    pub signals: Signals,
    /// Pictures that wait, and how many milliseconds of video they are.
    pub queued: usize,
    pub queued_span: u64,
}

/// What it wants.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub kbps: u32,
    /// Whether what waits is dropped down to a key picture.
    pub drop: bool,
    /// Whether the encoder makes a key picture next.
    pub key: bool,
}

/// Decides about the bitrate.
pub trait Policy {
    /// How often it is asked, in milliseconds.
    fn every(&self) -> u64;
    /// A picture of so many bytes was handed to the transport, which took it from one time to another.
    fn sent(&mut self, from: u64, to: u64, bytes: u64);
    /// Asked.
    fn step(&mut self, seen: &Seen) -> Wanted;
    /// Milliseconds that pictures wait at most before the queue drops them.
    fn patience(&self) -> Option<u64>;
    /// Milliseconds without an answer after which the connection is given up; `None` is never.
    fn misses(&self) -> Option<u64>;
    /// The connection is no more; the bitrate meanwhile.
    fn lost(&mut self) -> u32;
    /// There is another.
    fn connected(&mut self);
}

/// The product's.
#[derive(Debug)]
pub struct Ours {
    controller: Controller,
    ceiling: u32,
}

impl Ours {
    pub fn new(limits: Limits) -> Self {
        Self { controller: Controller::new(limits), ceiling: limits.ceiling_kbps }
    }
}

impl Policy for Ours {
    fn every(&self) -> u64 {
        20
    }

    fn sent(&mut self, _: u64, _: u64, _: u64) {}

    fn step(&mut self, seen: &Seen) -> Wanted {
        let decision = self.controller.step(Duration::from_millis(seen.now), &seen.signals);
        Wanted { kbps: decision.kbps, drop: decision.drop, key: decision.key_picture }
    }

    fn patience(&self) -> Option<u64> {
        Some(3000)
    }

    fn misses(&self) -> Option<u64> {
        Some(3000)
    }

    /// Nobody needs less.
    fn lost(&mut self) -> u32 {
        self.ceiling
    }

    fn connected(&mut self) {
        self.controller.connected();
    }
}
