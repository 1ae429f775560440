//! A model of belacoder's bitrate control for SRT, for comparison alone.
//!
//! Every 20 ms it compares datagrams in the send buffer and the round trip time with thresholds that
//! follow their smoothed values and jitter, and goes down by one of three steps or up by a small one.

use crate::policy::{Policy, Seen, Wanted};

#[derive(Debug)]
pub struct Belacoder {
    ceiling: f64,
    kbps: f64,
    buffered: f64,
    buffered_jitter: f64,
    before: f64,
    round: Option<Round>,
    delivered: u64,
    throughput: f64,
    lower_at: u64,
    raise_at: u64,
}

#[derive(Debug)]
struct Round {
    smoothed: f64,
    change: f64,
    jitter: f64,
    least: f64,
    before: f64,
}

impl Belacoder {
    const FLOOR: f64 = 300.0;
    const TICK: u64 = 20;
    const DATAGRAM: f64 = 1316.0;

    pub const fn new(kbps: u32) -> Self {
        Self {
            ceiling: kbps as f64,
            kbps: kbps as f64,
            buffered: 0.0,
            buffered_jitter: 0.0,
            before: 0.0,
            round: None,
            delivered: 0,
            throughput: 0.0,
            lower_at: 0,
            raise_at: 0,
        }
    }

    fn smooth_buffer(&mut self, now: f64) {
        self.buffered = self.buffered * 0.99 + now * 0.01;
        self.buffered_jitter = (self.buffered_jitter * 0.99).max(now - self.before);
        self.before = now;
    }

    fn smooth_throughput(&mut self, delivered: u64) {
        let bytes = delivered.saturating_sub(self.delivered) as f64;
        self.delivered = delivered;
        let kbps = bytes * 8.0 / Self::TICK as f64;
        self.throughput = self.throughput * 0.97 + kbps * 0.03;
    }
}

impl Round {
    const fn new(first: f64) -> Self {
        Self { smoothed: first, change: 0.0, jitter: 0.0, least: first, before: first }
    }

    fn smooth(&mut self, now: f64) {
        self.smoothed = self.smoothed * 0.99 + now * 0.01;
        let change = now - self.before;
        self.change = self.change * 0.8 + change * 0.2;
        self.jitter = (self.jitter * 0.99).max(change);
        self.least = (self.least * 1.001).min(now);
        self.before = now;
    }
}

impl Policy for Belacoder {
    fn every(&self) -> u64 {
        Self::TICK
    }

    fn sent(&mut self, _: u64, _: u64, _: u64) {}

    fn step(&mut self, seen: &Seen) -> Wanted {
        let latency = seen.signals.latency.map_or(1000.0, |it| it.as_secs_f64() * 1000.0);
        let rtt = seen.signals.rtt.map_or(0.0, |it| it.as_secs_f64() * 1000.0);
        let buffer = seen.signals.unacknowledged_bytes as f64 / Self::DATAGRAM;
        self.smooth_buffer(buffer);
        self.smooth_throughput(seen.signals.delivered_bytes);
        let round = self.round.get_or_insert_with(|| Round::new(rtt));
        round.smooth(rtt);

        let (mean, jitter) = (self.buffered, self.buffered_jitter);
        let within_latency = self.throughput / 8.0 * latency / Self::DATAGRAM;
        let first = (mean + 2.5 * jitter).max(50.0);
        let second = (mean + (3.0 * jitter).max(mean)).max(50.0).min(within_latency / 2.0);
        let third = 4.0 * (mean + jitter);
        let round_most = round.smoothed + (4.0 * round.jitter).max(0.15 * round.smoothed);
        let round_least = round.least + (2.0 * round.jitter).max(1.0);

        let now = seen.now;
        if self.kbps > Self::FLOOR && (rtt >= latency / 3.0 || buffer > third) {
            self.kbps = Self::FLOOR;
            self.lower_at = now + 250;
        } else if now > self.lower_at && (rtt > latency / 5.0 || buffer > second) {
            self.kbps -= 100.0 + self.kbps / 10.0;
            self.lower_at = now + 250;
        } else if now > self.lower_at && (rtt > round_most || buffer > first) {
            self.kbps -= 100.0;
            self.lower_at = now + 200;
        } else if now > self.raise_at && rtt < round_least && round.change < 0.01 {
            self.kbps += 30.0 + self.kbps / 30.0;
            self.raise_at = now + 500;
        }
        self.kbps = self.kbps.clamp(Self::FLOOR, self.ceiling);
        // Its encoder takes hundreds.
        Wanted { kbps: (self.kbps / 100.0).round() as u32 * 100, drop: false, key: false }
    }

    fn patience(&self) -> Option<u64> {
        None
    }

    /// As long as libsrt waits for its peer.
    fn misses(&self) -> Option<u64> {
        Some(5000)
    }

    /// It ends, and is begun anew.
    fn lost(&mut self) -> u32 {
        *self = Self::new(self.ceiling as u32);
        self.ceiling as u32
    }

    fn connected(&mut self) {}
}
