//! A transport like SRT's live mode: datagrams, repeated on request until they are too late.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use ghoststream_adaptation::Signals;

use crate::bottleneck::Bottleneck;
use crate::encoder::Picture;
use crate::link::Link;
use crate::transport::{Arrival, Transport};

const PAYLOAD: u64 = 1316;
const HEADERS: u64 = 44;
/// How often the receiver says what it has.
const EVERY: u64 = 10;

#[derive(Clone, Copy, Debug)]
struct Sent {
    bytes: u64,
    made: u64,
    picture: usize,
}

/// What the receiver says.
#[derive(Clone, Debug)]
struct Said {
    at: u64,
    /// Everything before has come or was given up.
    up_to: u64,
    missing: Vec<u64>,
    /// With those that come regularly.
    round: Option<u64>,
}

#[derive(Debug)]
pub struct Srt {
    path: Bottleneck<(u64, Sent)>,
    link: Link,
    /// At the peer, whose program has not read it.
    unread: Vec<(u64, Sent)>,
    /// How long that had no time before it read, in milliseconds.
    held_up: u64,
    back: VecDeque<Said>,
    latency: u64,
    one_way: u64,
    next: u64,
    /// In the sender's buffer.
    held: BTreeMap<u64, Sent>,
    again: BTreeSet<u64>,
    /// When each missing one was last asked for, at the receiver.
    asked: BTreeMap<u64, u64>,
    receiver: Receiver,
    acknowledged: u64,
    delivered: u64,
    sent: u64,
    lost: u64,
    round: f64,
    /// Something was given up, and no key picture has come since.
    broken: bool,
    /// How many milliseconds of media it takes at most; `None` is any.
    holds: Option<u64>,
}

#[derive(Debug, Default)]
struct Receiver {
    up_to: u64,
    highest: u64,
    beyond: BTreeMap<u64, u64>,
    /// How many datagrams of each picture have not come in time yet.
    left: BTreeMap<usize, u64>,
}

impl Srt {
    pub fn new(link: &Link, seed: u64, latency: u64) -> Self {
        Self {
            path: Bottleneck::new(link, seed),
            link: link.clone(),
            unread: vec![],
            held_up: 0,
            back: VecDeque::new(),
            latency,
            one_way: link.one_way,
            next: 0,
            held: BTreeMap::new(),
            again: BTreeSet::new(),
            asked: BTreeMap::new(),
            receiver: Receiver::default(),
            acknowledged: 0,
            delivered: 0,
            sent: 0,
            lost: 0,
            round: 2.0 * link.one_way as f64,
            broken: false,
            holds: None,
        }
    }

    /// As the product uses it: it gets no more than it needs to send again what is lost, so that a jam
    /// is seen in the queue before it.
    pub fn held_back(self) -> Self {
        let holds = Some(self.latency.max(1000) * 9 / 10);
        Self { holds, ..self }
    }

    fn transmit(&mut self, number: u64, now: u64) {
        if let Some(&it) = self.held.get(&number) {
            self.sent += 1;
            self.path.give(now, it.bytes + HEADERS, (number, it));
        }
    }

    /// The sender gives up what nobody can use any more.
    fn give_up(&mut self, now: u64) {
        let most = self.latency.max(1000) + 20;
        while let Some((&number, it)) = self.held.first_key_value()
            && now - it.made > most
        {
            self.held.remove(&number);
            self.again.remove(&number);
            self.broken = true;
        }
    }

    /// The peer's program reads.
    fn receive(&mut self, now: u64, arrivals: &mut Vec<Arrival>) {
        for (number, it) in std::mem::take(&mut self.unread) {
            self.asked.remove(&number);
            let seen = number < self.receiver.up_to || self.receiver.beyond.contains_key(&number);
            if seen {
                continue;
            }
            self.receiver.beyond.insert(number, it.made);
            self.receiver.highest = self.receiver.highest.max(number + 1);
            if now <= it.made + self.one_way + self.latency
                && let Some(entry) = self.receiver.left.get_mut(&it.picture)
            {
                *entry -= 1;
                if *entry == 0 {
                    arrivals.push(Arrival { picture: it.picture, at: now });
                    self.receiver.left.remove(&it.picture);
                }
            }
        }
        self.advance(now);
    }

    /// Goes on where nothing is missing, and past what comes too late.
    fn advance(&mut self, now: u64) {
        let receiver = &mut self.receiver;
        loop {
            if receiver.beyond.remove(&receiver.up_to).is_some() {
                receiver.up_to += 1;
                continue;
            }
            let Some((&number, &made)) = receiver.beyond.first_key_value() else { return };
            if now < made + self.one_way + self.latency {
                return;
            }
            receiver.up_to = number;
        }
    }

    fn say(&mut self, now: u64) {
        let again = (self.round as u64 + 20).max(20);
        let mut missing = vec![];
        for number in self.receiver.up_to..self.receiver.highest {
            let known = self.receiver.beyond.contains_key(&number);
            if !known && self.asked.get(&number).is_none_or(|&at| now - at >= again) {
                self.asked.insert(number, now);
                missing.push(number);
            }
        }
        self.asked.retain(|&number, _| number >= self.receiver.up_to);
        let regular = now.is_multiple_of(EVERY);
        if !missing.is_empty() || regular {
            // What the peer's program measures has waited for it, too.
            let held_up = std::mem::take(&mut self.held_up);
            let round = regular.then(|| 2 * self.one_way + self.path.wait(now) + held_up);
            self.back.push_back(Said { at: now + self.one_way, up_to: self.receiver.up_to, missing, round });
        }
    }

    fn hear(&mut self, now: u64) {
        while self.back.front().is_some_and(|it| it.at <= now) {
            let Some(said) = self.back.pop_front() else { return };
            self.lost += said.missing.len() as u64;
            self.again.extend(said.missing);
            while self.acknowledged < said.up_to {
                if let Some(it) = self.held.remove(&self.acknowledged) {
                    self.delivered += it.bytes;
                }
                self.again.remove(&self.acknowledged);
                self.acknowledged += 1;
            }
            if let Some(round) = said.round {
                self.round += (round as f64 - self.round) / 8.0;
            }
        }
    }
}

impl Transport for Srt {
    fn has_room(&self) -> bool {
        let span = match (self.held.first_key_value(), self.held.last_key_value()) {
            (Some((_, first)), Some((_, last))) => last.made - first.made,
            _ => 0,
        };
        self.holds.is_none_or(|most| span <= most)
    }

    fn give(&mut self, picture: Picture, now: u64) {
        self.broken &= !picture.key;
        let datagrams = picture.bytes.div_ceil(PAYLOAD);
        self.receiver.left.insert(picture.number, datagrams);
        for index in 0..datagrams {
            let bytes = (picture.bytes - index * PAYLOAD).min(PAYLOAD);
            self.held.insert(self.next, Sent { bytes, made: picture.made, picture: picture.number });
            self.transmit(self.next, now);
            self.next += 1;
        }
    }

    fn tick(&mut self, now: u64, arrivals: &mut Vec<Arrival>) {
        self.path.tick(now, &mut self.unread);
        if self.link.peer_is_busy(now) {
            self.held_up += 1;
        } else {
            self.receive(now, arrivals);
            self.say(now);
        }
        self.hear(now);
        self.give_up(now);
        for number in std::mem::take(&mut self.again) {
            self.transmit(number, now);
        }
    }

    fn signals(&self, signals: &mut Signals) {
        signals.unacknowledged_bytes = self.held.values().map(|it| it.bytes).sum();
        signals.delivered_bytes = self.delivered;
        signals.rtt = Some(Duration::from_micros((self.round * 1000.0) as u64));
        (signals.sent, signals.lost) = (self.sent, self.lost);
        signals.needs_key_picture = self.broken;
        signals.latency = Some(Duration::from_millis(self.latency));
    }
}
