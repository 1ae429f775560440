//! The narrowest place of a path: a queue that is served at the link's rate.

use std::collections::VecDeque;

use crate::link::Link;
use crate::random::Random;

/// Carries datagrams of `T` from the sender's end to the receiver's.
#[derive(Debug)]
pub struct Bottleneck<T> {
    link: Link,
    random: Random,
    waiting: VecDeque<(u64, T)>,
    waiting_bytes: u64,
    /// Bytes that may leave now; a whole datagram is needed.
    credit: f64,
    /// On their way: when they arrive.
    flying: VecDeque<(u64, T)>,
}

impl<T> Bottleneck<T> {
    pub fn new(link: &Link, seed: u64) -> Self {
        Self {
            link: link.clone(),
            random: Random::new(seed),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            credit: 0.0,
            flying: VecDeque::new(),
        }
    }

    /// Takes a datagram, or loses it: at random as the link does, or because the buffer is full.
    pub fn give(&mut self, now: u64, bytes: u64, datagram: T) {
        let lost = self.random.unit() < self.link.loss(now);
        if !lost && self.waiting_bytes + bytes <= self.link.buffer {
            self.waiting_bytes += bytes;
            self.waiting.push_back((bytes, datagram));
        }
    }

    /// Serves a millisecond, and appends what arrives within it.
    pub fn tick(&mut self, now: u64, arrived: &mut Vec<T>) {
        self.credit += self.link.kbps(now) / 8.0;
        while let Some(&(bytes, _)) = self.waiting.front()
            && self.credit >= bytes as f64
        {
            self.credit -= bytes as f64;
            self.waiting_bytes -= bytes;
            if let Some((_, datagram)) = self.waiting.pop_front() {
                self.flying.push_back((now + self.link.one_way, datagram));
            }
        }
        if self.waiting.is_empty() {
            self.credit = 0.0;
        }
        while self.flying.front().is_some_and(|it| it.0 <= now) {
            arrived.extend(self.flying.pop_front().map(|it| it.1));
        }
    }

    /// How long a datagram would wait that came now, in milliseconds; a second and more where nothing moves.
    pub fn wait(&self, now: u64) -> u64 {
        let kbps = self.link.kbps(now).max(8.0);
        (self.waiting_bytes as f64 * 8.0 / kbps) as u64
    }
}
