//! A model of OBS's dynamic bitrate for RTMP (`rtmp-stream.c`), for comparison alone.
//!
//! Down: when five pictures or more wait and they are 200 ms of video, to what was sent over the last
//! one to two seconds, in steps of 100 kbit/s, 50 at least, where that is less. Up: by a tenth of the
//! first bitrate every four seconds; when trouble follows without a lower estimate, back by one step.
//! Nothing is dropped.

use std::collections::VecDeque;

use crate::policy::{Policy, Seen, Wanted};

#[derive(Debug)]
pub struct Obs {
    original: u32,
    current: u32,
    previous: Option<u32>,
    raise_at: Option<u64>,
    /// When sending began and ended, and bytes.
    sent: VecDeque<(u64, u64, u64)>,
    estimate: Option<u32>,
}

impl Obs {
    const RAISE_EVERY: u64 = 4000;
    const TROUBLE: u64 = 200;

    pub const fn new(kbps: u32) -> Self {
        let sent = VecDeque::new();
        Self { original: kbps, current: kbps, previous: None, raise_at: None, sent, estimate: None }
    }

    fn raise(&mut self, now: u64) {
        self.previous = Some(self.current);
        self.current = (self.current + self.original / 10).min(self.original);
        self.raise_at = (self.current < self.original).then_some(now + Self::RAISE_EVERY);
    }

    fn lower(&mut self, now: u64) {
        let lower = self.estimate.filter(|&it| it < self.current).map(|it| (it / 100 * 100).max(50));
        if lower.is_some() {
            self.sent.clear();
            self.estimate = None;
        }
        let Some(next) = lower.or(self.previous).filter(|&it| it != self.current) else { return };
        self.previous = None;
        self.current = next;
        self.raise_at = Some(now + Self::RAISE_EVERY);
    }
}

impl Policy for Obs {
    /// It looks with every packet that is queued.
    fn every(&self) -> u64 {
        16
    }

    fn sent(&mut self, from: u64, to: u64, bytes: u64) {
        self.sent.push_back((from, to, bytes));
        let lasts = |sent: &VecDeque<(u64, u64, u64)>| to - sent.front().map_or(to, |it| it.0);
        if lasts(&self.sent) >= 2000 {
            self.sent.pop_front();
        }
        let lasted = lasts(&self.sent);
        let bytes: u64 = self.sent.iter().map(|it| it.2).sum();
        self.estimate = (lasted >= 1000).then(|| ((bytes * 8 / lasted) as u32).max(50));
    }

    fn step(&mut self, seen: &Seen) -> Wanted {
        if self.raise_at.is_some_and(|at| seen.now >= at) {
            self.raise_at = None;
            self.raise(seen.now);
        }
        if seen.queued >= 5 && seen.queued_span >= Self::TROUBLE {
            self.lower(seen.now);
        }
        Wanted { kbps: self.current, drop: false, key: false }
    }

    fn patience(&self) -> Option<u64> {
        None
    }

    /// TCP alone says when it is over.
    fn misses(&self) -> Option<u64> {
        None
    }

    /// It ends, and begins anew.
    fn lost(&mut self) -> u32 {
        *self = Self::new(self.original);
        self.original
    }

    fn connected(&mut self) {}
}
