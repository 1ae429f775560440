//! A peer that takes the stream.

use std::time::Duration;

use ghoststream_adaptation::Signals;
use ghoststream_srt::{Connection, Occupied, Stats, Target};

use super::overdue::Overdue;
use super::refusal::explain;
use super::silence::Silence;
use super::stream::TransportStream;
use crate::Timestamp;
use crate::encode::Packet;
use crate::output::live::{Dropped, Link, LinkError, LinkFault};

/// A connection over which a transport stream goes.
#[derive(Debug)]
pub(super) struct SrtLink {
    connection: Connection,
    stream: TransportStream,
    target: Target,
    /// Of the stream, what libsrt has not taken.
    out: Vec<u8>,
    /// Bytes that libsrt took.
    taken: u64,
    /// Messages that it took.
    messages: u64,
    /// How long what libsrt holds may be.
    allowed: Duration,
    looked: Option<Timestamp>,
    silence: Silence,
    overdue: Overdue,
    /// Of a listener, whose next caller may come when this one is gone.
    _occupied: Option<Occupied>,
}

impl SrtLink {
    /// How often it is looked how far away the peer is.
    const LOOK: Duration = Duration::from_millis(100);
    /// How often it is looked whether there is room again.
    const STEP: Duration = Duration::from_millis(5);

    pub(super) fn new(
        connection: Connection,
        stream: TransportStream,
        target: Target,
        occupied: Option<Occupied>,
    ) -> Self {
        let allowed = target.settings().latency;
        Self {
            connection,
            stream,
            target,
            out: Vec::new(),
            taken: 0,
            messages: 0,
            allowed,
            looked: None,
            silence: Silence::default(),
            overdue: Overdue::default(),
            _occupied: occupied,
        }
    }

    /// Hands messages to libsrt, and with `all` the rest, too, which is shorter than one.
    fn flush(&mut self, all: bool) -> Result<(), LinkError> {
        let size = self.target.settings().payload;
        let mut gone = 0;
        while self.out.len() - gone >= if all { 1 } else { size } {
            let message = &self.out[gone..self.out.len().min(gone + size)];
            let (length, taken) = (message.len(), self.connection.send(message));
            if !taken.map_err(|error| explain(&error, &self.target))? {
                break;
            }
            gone += length;
            self.messages += 1;
        }
        self.out.drain(..gone);
        self.taken += gone as u64;
        Ok(())
    }

    /// Whether libsrt holds no more than it needs.
    ///
    /// What it holds is under way, or was lost and is sent again: up to the latency and a round trip of
    /// media. A path that does not carry the rate makes that more; the rest then waits in our own queue,
    /// where a jam is seen and whole groups of pictures are dropped. libsrt itself would drop single
    /// packets, after a second or the latency (`SRTO_TLPKTDROP`): that is never reached.
    fn has_room(&mut self) -> Result<bool, LinkError> {
        let now = Timestamp::now();
        if self.looked.is_none_or(|it| now.since(it) >= Self::LOOK) {
            self.looked = Some(now);
            let stats = self.connection.stats().map_err(|error| explain(&error, &self.target))?;
            let dropped_after = stats.latency.max(Duration::from_secs(1));
            let needed = stats.latency + 2 * stats.rtt + Duration::from_millis(50);
            self.allowed = needed.min(dropped_after.mul_f64(0.9));
            self.must_answer(now, &stats)?;
        }
        let waiting = self.target.settings().payload;
        Ok(self.out.len() < waiting && self.connection.buffered().span <= self.allowed)
    }

    /// A peer that acknowledges nothing for as long as it may be silent is lost.
    fn must_answer(&mut self, now: Timestamp, stats: &Stats) -> Result<(), LinkError> {
        let held = self.connection.buffered().bytes as u64;
        let acknowledged = self.acknowledged(held, stats);
        if self.silence.look(now, acknowledged, held) < self.target.settings().peer_idle {
            return Ok(());
        }
        Err(self.gone())
    }

    /// Bytes that the peer has, where libsrt holds so many.
    const fn acknowledged(&self, held: u64, stats: &Stats) -> u64 {
        self.taken.saturating_sub(held + stats.dropped_bytes)
    }

    /// Looks which pictures have come.
    fn follow(&mut self, stats: &Stats) {
        let held = self.connection.buffered().packets as u64;
        self.overdue.look(Timestamp::now(), self.messages.saturating_sub(held), stats);
    }

    fn gone(&self) -> LinkError {
        let seconds = self.target.settings().peer_idle.as_secs_f32();
        let text = format!("it ended the connection, or was not heard of for {seconds} seconds");
        LinkError::new(LinkFault::Closed, text)
    }

    fn check(&self) -> Result<(), LinkError> {
        if self.connection.is_connected() { Ok(()) } else { Err(self.gone()) }
    }
}

impl Link for SrtLink {
    fn ready(&mut self, patience: Duration) -> Result<bool, LinkError> {
        let until = Timestamp::now() + patience;
        loop {
            self.check()?;
            self.flush(false)?;
            if self.has_room()? {
                return Ok(true);
            }
            let left = until.since(Timestamp::now());
            if left.is_zero() {
                return Ok(false);
            }
            // libsrt has no event for less that is held.
            std::thread::sleep(left.min(Self::STEP));
        }
    }

    fn send(&mut self, packets: &[Packet]) -> Result<(), LinkError> {
        for packet in packets {
            let bytes = self.stream.write(packet)?;
            self.out.extend(bytes);
        }
        let picture = packets.iter().rfind(|it| it.track == 0);
        // A picture's end does not wait for the next; sound waits for the picture beside it.
        self.flush(picture.is_some())?;
        if let Some(picture) = picture {
            let rest = self.out.len().div_ceil(self.target.settings().payload);
            self.overdue.sent(Timestamp::now(), picture.key, self.messages + rest as u64);
        }
        Ok(())
    }

    fn signals(&mut self, signals: &mut Signals) {
        // Who is lost is told by `ready`.
        let Ok(stats) = self.connection.stats() else { return };
        let held = self.connection.buffered().bytes as u64;
        signals.unacknowledged_bytes = held + self.out.len() as u64;
        signals.delivered_bytes = self.acknowledged(held, &stats);
        signals.rtt = Some(stats.rtt);
        signals.lost = stats.lost_packets;
        signals.sent = stats.sent_packets;
        signals.latency = Some(stats.latency);
        self.follow(&stats);
        signals.needs_key_picture = self.overdue.is_broken();
    }

    fn take_missed(&mut self, over: bool) -> Dropped {
        if over {
            if let Ok(stats) = self.connection.stats() {
                self.follow(&stats);
            }
            self.overdue.end();
        }
        self.overdue.take()
    }

    /// A peer that hears of the end forgets what it has not played: its latency is waited for as well.
    /// Hands over what is left for as long as patience lasts, and then lets the peer play it: what it holds back for
    /// the latency is lost with the connection.
    fn close(&mut self, patience: Duration) {
        let until = Timestamp::now() + patience;
        let latency = self.connection.stats().map_or(Duration::ZERO, |it| it.latency);
        let mut played = None;
        // Whatever fails now, there is nothing left to be saved.
        while self.flush(true).is_ok() && self.check().is_ok() {
            let now = Timestamp::now();
            if let Ok(stats) = self.connection.stats() {
                self.follow(&stats);
            }
            if self.out.is_empty() && self.connection.buffered().packets == 0 {
                played.get_or_insert(now + latency + Self::LOOK);
            }
            if now >= played.unwrap_or(until) {
                return;
            }
            std::thread::sleep(Self::STEP);
        }
    }
}
