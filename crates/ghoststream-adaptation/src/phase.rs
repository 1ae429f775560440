//! How the path does, as the controller sees it.

use std::time::Duration;

use crate::memory::Memory;
use crate::restraint::Restraint;

/// What was known before a jam.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jam {
    pub(crate) at: Duration,
    pub(crate) kbps: f64,
    pub(crate) memory: Memory,
    pub(crate) restraint: Restraint,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    /// What is sent arrives.
    Open { since: Duration },
    /// Nothing moves.
    Silent,
    /// It moves again, or for the first time: what carries little yet may soon carry more.
    Settling { since: Duration },
    /// Less is sent than the path carries until nothing waits any more.
    Draining {
        since: Duration,
        /// What waited at the last cut, in seconds.
        from: f64,
    },
}
