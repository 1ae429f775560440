//! What a path is like.

use std::time::Duration;

/// What a path does to the packets of one direction. The default is a path that does nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Conditions {
    /// How long each packet is under way.
    pub delay: Duration,
    /// Up to how much longer some are; packets keep their order.
    pub jitter: Duration,
    /// Which are lost.
    pub loss: Loss,
    /// Bits a second that pass; `None` is all.
    pub rate: Option<u64>,
    /// Bytes that wait where the rate is limited; what finds no room is lost. A long queue is what
    /// *bufferbloat* means.
    pub queue: usize,
    /// Nothing passes, and what was under way is lost.
    pub cut: bool,
}

/// Which packets are lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// None.
    Never,
    /// Each with this probability, whatever became of others.
    Independent(f64),
    /// In bursts (Gilbert's model): one begins before a packet with the probability `begin`, ends with
    /// the probability `end`, and everything within it is lost.
    Bursts {
        /// The probability that a burst begins with a packet.
        begin: f64,
        /// The probability that a packet is the first after a burst.
        end: f64,
    },
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: Loss::Never,
            rate: None,
            queue: 64 << 10,
            cut: false,
        }
    }
}

impl Conditions {
    /// Each packet takes so long, one way.
    pub const fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Some packets take up to so much longer.
    pub const fn with_jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// Each packet is lost with this probability.
    pub const fn with_loss(mut self, probability: f64) -> Self {
        self.loss = Loss::Independent(probability);
        self
    }

    /// Packets are lost in bursts, this share of all of them, so many in a row on average.
    pub fn with_bursts(mut self, share: f64, length: f64) -> Self {
        let end = 1.0 / length.max(1.0);
        self.loss = Loss::Bursts { begin: end * share / (1.0 - share), end };
        self
    }

    /// So many bits a second pass.
    pub const fn with_rate(mut self, bits_per_second: u64) -> Self {
        self.rate = Some(bits_per_second);
        self
    }

    /// So many bytes wait for the rate.
    pub const fn with_queue(mut self, bytes: usize) -> Self {
        self.queue = bytes;
        self
    }
}
