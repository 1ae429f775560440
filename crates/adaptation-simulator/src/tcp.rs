//! A transport like Linux's TCP: CUBIC, selective acknowledgements, in order.

use std::collections::{BTreeMap, VecDeque};

use ghoststream_adaptation::Signals;

use crate::bottleneck::Bottleneck;
use crate::encoder::Picture;
use crate::link::Link;
use crate::transport::{Arrival, Transport};

const SEGMENT: u64 = 1448;
const HEADERS: u64 = 52;
/// As the product sets it: what the kernel holds unsent before it says that there is no room.
const NOT_SENT: u64 = 64 << 10;

#[derive(Clone, Copy, Debug)]
struct Segment {
    start: u64,
    bytes: u64,
    /// Of its last transmission, counted over all.
    transmission: u64,
    sent_at: u64,
    again: bool,
    arrived: bool,
    lost: bool,
    /// Bytes delivered when it was sent, and when the last of them was.
    delivered: (u64, u64),
}

/// What the receiver says about one segment that came.
#[derive(Clone, Copy, Debug)]
struct Acknowledgement {
    /// Everything before has come.
    up_to: u64,
    /// What came.
    start: u64,
    transmission: u64,
    /// When that transmission was sent: TCP's timestamps echo it.
    sent_at: u64,
    at: u64,
}

#[derive(Clone, Copy, Debug)]
struct Flying {
    start: u64,
    bytes: u64,
    transmission: u64,
    sent_at: u64,
}

#[derive(Debug)]
pub struct Tcp {
    path: Bottleneck<Flying>,
    back: VecDeque<Acknowledgement>,
    one_way: u64,
    /// Where each picture ends in the stream of bytes.
    ends: VecDeque<(u64, Picture)>,
    written: u64,
    next: u64,
    /// Sent and not acknowledged up to.
    segments: VecDeque<Segment>,
    /// At the receiver.
    got: BTreeMap<u64, u64>,
    got_up_to: u64,
    acknowledged: u64,
    transmissions: u64,
    retransmitted: u64,
    /// Bytes that the receiver has, in order or not, and when the last came.
    delivered: (u64, u64),
    /// Bytes a second of the last sample that shows what the path can.
    rate: u64,
    window: Cubic,
    round: Round,
    /// Since when nothing was acknowledged that is awaited.
    timer: u64,
    timeouts: u32,
    /// The longest that is waited, in milliseconds, before what is missing is sent again.
    longest_wait: u64,
    /// The window before a timeout that may have been a mistake, and the last transmission before it.
    before_timeout: Option<(f64, u64)>,
    /// No further reduction before this is acknowledged.
    recovers_at: u64,
}

impl Tcp {
    pub fn new(link: &Link, seed: u64) -> Self {
        Self {
            path: Bottleneck::new(link, seed),
            back: VecDeque::new(),
            one_way: link.one_way,
            ends: VecDeque::new(),
            written: 0,
            next: 0,
            segments: VecDeque::new(),
            got: BTreeMap::new(),
            got_up_to: 0,
            acknowledged: 0,
            transmissions: 0,
            retransmitted: 0,
            delivered: (0, 0),
            rate: 0,
            window: Cubic::new(),
            round: Round::shaken_hands(link),
            timer: 0,
            timeouts: 0,
            longest_wait: 120_000,
            before_timeout: None,
            recovers_at: 0,
        }
    }

    /// As the product has it: what a silent path has lost is sent again at least once a second.
    #[must_use]
    pub const fn sending_again(mut self) -> Self {
        self.longest_wait = 1000;
        self
    }

    /// Bytes that are thought to be on the way.
    fn in_flight(&self) -> u64 {
        self.segments.iter().filter(|it| !it.arrived && !it.lost).map(|it| it.bytes).sum()
    }

    fn send(&mut self, now: u64) {
        let mut in_flight = self.in_flight();
        let room = (self.window.segments * SEGMENT as f64) as u64;
        for index in 0..self.segments.len() {
            if self.segments[index].lost && (in_flight + SEGMENT <= room || in_flight == 0) {
                in_flight += self.segments[index].bytes;
                self.retransmitted += 1;
                self.transmit(index, now, true);
            }
        }
        while self.next < self.written && in_flight + SEGMENT <= room {
            let bytes = (self.written - self.next).min(SEGMENT);
            let start = self.next;
            let segment = Segment {
                start,
                bytes,
                transmission: 0,
                sent_at: 0,
                again: false,
                arrived: false,
                lost: false,
                delivered: (0, 0),
            };
            if self.segments.is_empty() {
                self.timer = now;
                self.delivered.1 = now;
            }
            self.segments.push_back(segment);
            self.transmit(self.segments.len() - 1, now, false);
            self.next += bytes;
            in_flight += bytes;
        }
        self.window.limited = self.next < self.written;
    }

    fn transmit(&mut self, index: usize, now: u64, again: bool) {
        self.transmissions += 1;
        let segment = &mut self.segments[index];
        (segment.transmission, segment.sent_at, segment.lost) = (self.transmissions, now, false);
        segment.again |= again;
        segment.delivered = self.delivered;
        let flying = Flying {
            start: segment.start,
            bytes: segment.bytes,
            transmission: self.transmissions,
            sent_at: now,
        };
        self.path.give(now, segment.bytes + HEADERS, flying);
    }

    fn receive(&mut self, now: u64, arrivals: &mut Vec<Arrival>) {
        let mut came = vec![];
        self.path.tick(now, &mut came);
        for it in came {
            if it.start >= self.got_up_to {
                self.got.insert(it.start, it.bytes);
            }
            while let Some(bytes) = self.got.remove(&self.got_up_to) {
                self.got_up_to += bytes;
            }
            let at = now + self.one_way;
            self.back.push_back(Acknowledgement {
                up_to: self.got_up_to,
                start: it.start,
                transmission: it.transmission,
                sent_at: it.sent_at,
                at,
            });
        }
        while let Some(&(end, picture)) = self.ends.front()
            && end <= self.got_up_to
        {
            arrivals.push(Arrival { picture: picture.number, at: now });
            self.ends.pop_front();
        }
    }

    fn hear(&mut self, now: u64) {
        while self.back.front().is_some_and(|it| it.at <= now) {
            let Some(said) = self.back.pop_front() else { return };
            self.take_in(said, now);
        }
    }

    fn take_in(&mut self, said: Acknowledgement, now: u64) {
        self.round.add(now - said.sent_at);
        let index = self.segments.partition_point(|it| it.start < said.start);
        if let Some(it) = self.segments.get_mut(index).filter(|it| it.start == said.start && !it.arrived) {
            (it.arrived, it.lost) = (true, false);
            self.delivered = (self.delivered.0 + it.bytes, now);
            // A rate sample as Linux takes it, over a round trip at least.
            let lasted = (now - it.delivered.1).max(now - it.sent_at).max(1);
            let rate = (self.delivered.0 - it.delivered.0) * 1000 / lasted;
            if self.window.limited || rate > self.rate {
                self.rate = rate;
            }
        }
        let progress = said.up_to > self.acknowledged;
        if progress {
            let bytes = said.up_to - self.acknowledged;
            self.acknowledged = said.up_to;
            while let Some(it) = self.segments.pop_front_if(|it| it.start < said.up_to) {
                // What came by an earlier transmission than its last.
                self.delivered.0 += if it.arrived { 0 } else { it.bytes };
            }
            (self.timer, self.timeouts) = (now, 0);
            if said.up_to >= self.recovers_at {
                self.window.grow(bytes as f64 / SEGMENT as f64, now, self.round.smoothed);
            }
        }
        self.judge_timeout(said.transmission, progress);
        self.find_lost(said.transmission, now);
    }

    /// After a timeout: when something comes that was sent before it, it was a mistake (RFC 4015);
    /// else everything was lost.
    fn judge_timeout(&mut self, came: u64, progress: bool) {
        let Some((window, before)) = self.before_timeout else { return };
        if came <= before {
            self.window.segments = window;
            self.before_timeout = None;
        } else if progress {
            for it in self.segments.iter_mut().filter(|it| !it.arrived && !it.again) {
                it.lost = true;
            }
            self.before_timeout = None;
        }
    }

    /// The path keeps the order: what was sent three transmissions before one that came is lost.
    fn find_lost(&mut self, came: u64, now: u64) {
        let mut lost = false;
        for it in &mut self.segments {
            if !it.arrived && !it.lost && it.transmission + 3 <= came {
                it.lost = true;
                lost = true;
            }
        }
        if lost && self.acknowledged >= self.recovers_at {
            self.recovers_at = self.next;
            self.window.reduce(now);
        }
    }

    fn time_out(&mut self, now: u64) {
        if self.segments.is_empty() {
            return;
        }
        let patience = self.round.timeout() << self.timeouts.min(8);
        if now - self.timer < patience.min(self.longest_wait) {
            return;
        }
        self.timer = now;
        self.timeouts += 1;
        if self.timeouts == 1 {
            self.before_timeout = Some((self.window.segments, self.transmissions));
            self.window.reduce(now);
        }
        self.window.segments = 2.0;
        if let Some(it) = self.segments.iter_mut().find(|it| !it.arrived) {
            it.lost = true;
        }
        // The first goes out whatever is thought to be on the way.
        if let Some(index) = self.segments.iter().position(|it| it.lost) {
            self.retransmitted += 1;
            self.transmit(index, now, true);
        }
    }
}

impl Transport for Tcp {
    fn has_room(&self) -> bool {
        self.written - self.next < NOT_SENT
    }

    fn give(&mut self, picture: Picture, _: u64) {
        self.written += picture.bytes;
        self.ends.push_back((self.written, picture));
    }

    fn tick(&mut self, now: u64, arrivals: &mut Vec<Arrival>) {
        self.receive(now, arrivals);
        self.hear(now);
        self.time_out(now);
        self.send(now);
    }

    fn signals(&self, signals: &mut Signals) {
        signals.unacknowledged_bytes = self.written - self.delivered.0;
        signals.delivered_bytes = self.delivered.0;
        signals.burst_rate = Some(self.rate);
        signals.rtt = Some(std::time::Duration::from_micros((self.round.smoothed * 1000.0) as u64));
        (signals.sent, signals.lost) = (self.transmissions, self.retransmitted);
    }
}

/// The round trip time and how it scatters (RFC 6298), in milliseconds.
#[derive(Debug, Default)]
struct Round {
    smoothed: f64,
    scatter: f64,
}

impl Round {
    /// The handshake is the first sample.
    fn shaken_hands(link: &Link) -> Self {
        let mut round = Self::default();
        round.add(2 * link.one_way);
        round
    }

    fn add(&mut self, sample: u64) {
        let sample = sample as f64;
        if self.smoothed == 0.0 {
            (self.smoothed, self.scatter) = (sample, sample / 2.0);
        } else {
            self.scatter += ((sample - self.smoothed).abs() - self.scatter) / 4.0;
            self.smoothed += (sample - self.smoothed) / 8.0;
        }
    }

    fn timeout(&self) -> u64 {
        if self.smoothed == 0.0 { 1000 } else { (self.smoothed + (4.0 * self.scatter).max(200.0)) as u64 }
    }
}

/// The congestion window (RFC 9438), in segments.
#[derive(Debug)]
struct Cubic {
    segments: f64,
    threshold: f64,
    most: f64,
    reduced_at: u64,
    /// Whether more would have been sent.
    limited: bool,
}

impl Cubic {
    const BETA: f64 = 0.7;
    const C: f64 = 0.4;

    const fn new() -> Self {
        Self { segments: 10.0, threshold: f64::MAX, most: 0.0, reduced_at: 0, limited: false }
    }

    /// A window that is not used does not grow.
    fn grow(&mut self, acknowledged: f64, now: u64, round: f64) {
        if !self.limited {
            return;
        }
        if self.segments < self.threshold {
            self.segments += acknowledged;
            return;
        }
        let since = (now - self.reduced_at) as f64 / 1000.0 + round / 1000.0;
        let back = (self.most * (1.0 - Self::BETA) / Self::C).cbrt();
        let cubic = Self::C * (since - back).powi(3) + self.most;
        let reno = self.most * Self::BETA + 0.53 * since / (round / 1000.0).max(0.001);
        let aim = cubic.max(reno).min(1.5 * self.segments);
        self.segments += ((aim - self.segments) / self.segments).max(0.01 / self.segments) * acknowledged;
    }

    fn reduce(&mut self, now: u64) {
        self.most = self.segments;
        self.segments = (self.segments * Self::BETA).max(2.0);
        self.threshold = self.segments;
        self.reduced_at = now;
    }
}
