//! The last seconds of signals, and what they say about the path.

use std::collections::VecDeque;
use std::time::Duration;

use crate::Signals;

/// What is looked at together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    samples: VecDeque<Sample>,
    /// The least round trip time of each of the last seconds' stretches, the newest last.
    rounds: VecDeque<(Duration, Duration)>,
    /// When bytes were last delivered while some waited, or none waited.
    moved_at: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    delivered: u64,
    /// Bytes anywhere between the encoder and the peer.
    backlog: u64,
    age: Duration,
    lost: u64,
    sent: u64,
    rtt: Option<Duration>,
    latency: Option<Duration>,
}

impl Window {
    const KEPT: Duration = Duration::from_millis(2500);
    /// How long a round trip time is thought possible again.
    const ROUNDS_KEPT: Duration = Duration::from_secs(30);

    /// Takes what is known now. A time that goes backwards, or a total that falls by half, begins a new
    /// connection; a total that falls by less was counted from several numbers.
    pub(crate) fn add(&mut self, now: Duration, signals: &Signals) {
        if self.samples.back().is_some_and(|it| now < it.at || signals.delivered_bytes < it.delivered / 2) {
            *self = Self::default();
        }
        let delivered = self.samples.back().map_or(0, |it| it.delivered).max(signals.delivered_bytes);
        let backlog = signals.queue_bytes.saturating_add(signals.unacknowledged_bytes);
        let moved = self.samples.back().is_none_or(|it| delivered > it.delivered);
        if moved || backlog == 0 {
            self.moved_at = now;
        }
        self.samples.push_back(Sample {
            at: now,
            delivered,
            backlog,
            age: signals.queue_age,
            lost: signals.lost,
            sent: signals.sent,
            rtt: signals.rtt,
            latency: signals.latency,
        });
        while self.samples.front().is_some_and(|it| now - it.at > Self::KEPT) {
            self.samples.pop_front();
        }
        if let Some(rtt) = signals.rtt {
            self.add_round(now, rtt);
        }
    }

    /// Forgets larger ones before it: they are never the least again.
    fn add_round(&mut self, now: Duration, rtt: Duration) {
        while self.rounds.back().is_some_and(|it| it.1 >= rtt) {
            self.rounds.pop_back();
        }
        self.rounds.push_back((now, rtt));
        while self.rounds.front().is_some_and(|it| now - it.0 > Self::ROUNDS_KEPT) {
            self.rounds.pop_front();
        }
    }

    /// The round trip time of the path with nothing in the way.
    pub(crate) fn base_round(&self) -> Duration {
        self.rounds.front().map_or(Duration::ZERO, |it| it.1)
    }

    /// How long nothing has moved although something waits.
    pub(crate) fn silent(&self, now: Duration) -> Duration {
        now.saturating_sub(self.moved_at)
    }

    /// The longest that nothing had moved, lately, before it did: some paths and peers take what comes in lumps.
    pub(crate) fn lump(&self) -> Duration {
        let mut moved: Option<&Sample> = None;
        let mut longest = Duration::ZERO;
        for it in &self.samples {
            let before = *moved.get_or_insert(it);
            if it.delivered > before.delivered || it.backlog == 0 {
                longest = longest.max(if it.backlog == 0 { Duration::ZERO } else { it.at - before.at });
                moved = Some(it);
            }
        }
        longest
    }

    /// How long has been looked.
    pub(crate) fn span(&self) -> Duration {
        match (self.samples.front(), self.samples.back()) {
            (Some(first), Some(last)) => last.at - first.at,
            _ => Duration::ZERO,
        }
    }

    /// Whether the transport had to send something again within the last `over`. What it acknowledges
    /// then comes in lumps.
    pub(crate) fn lossy(&self, over: Duration) -> bool {
        let Some(last) = self.samples.back() else { return false };
        self.samples.iter().any(|it| last.at - it.at <= over && it.lost < last.lost)
    }

    /// Of what the transport sent over the last `over`, the share that had to be sent again. A few are none: a window
    /// that is closed is probed, and over loopback the whole of a second is three segments.
    pub(crate) fn lost_share(&self, over: Duration) -> f64 {
        const FEW: u64 = 5;
        let Some(last) = self.samples.back() else { return 0.0 };
        let first = self.samples.iter().find(|it| last.at - it.at <= over).unwrap_or(last);
        let (lost, sent) = (last.lost.saturating_sub(first.lost), last.sent.saturating_sub(first.sent));
        if lost < FEW { 0.0 } else { lost as f64 / sent.max(lost) as f64 }
    }

    /// For how many seconds the path is busy with what was lost within the last `over`, at the rate at which it let
    /// the rest through.
    pub(crate) fn debt(&self, over: Duration) -> f64 {
        let Some(last) = self.samples.back() else { return 0.0 };
        let first = self.samples.iter().find(|it| last.at - it.at <= over).unwrap_or(last);
        let (lost, sent) = (last.lost.saturating_sub(first.lost), last.sent.saturating_sub(first.sent));
        lost as f64 * (last.at - first.at).as_secs_f64() / sent.saturating_sub(lost).max(1) as f64
    }

    /// The round trip time now, beyond that of the path with nothing in the way, in seconds.
    pub(crate) fn round_over_base(&self) -> f64 {
        let now = self.samples.back().and_then(|it| it.rtt).unwrap_or_default();
        now.saturating_sub(self.base_round()).as_secs_f64()
    }

    /// Whether nobody looked for as long as `pause` within the last `over`: what waits meanwhile is no matter
    /// of the path.
    pub(crate) fn held_up(&self, over: Duration, pause: Duration) -> bool {
        let Some(last) = self.samples.back() else { return false };
        let both = self.samples.iter().zip(self.samples.iter().skip(1));
        both.filter(|it| last.at - it.1.at < over).any(|it| it.1.at - it.0.at > pause)
    }

    /// Whether something moves again, for less than `over`, after nothing did for longer than `pause`: what arrived within
    /// both says little of what is carried.
    pub(crate) fn moves_again(&self, over: Duration, pause: Duration) -> bool {
        let mut moved: Option<&Sample> = None;
        let mut again = None;
        for it in &self.samples {
            let before = *moved.get_or_insert(it);
            if it.delivered > before.delivered || it.backlog == 0 {
                again = again.max((it.backlog > 0 && it.at - before.at > pause).then_some(it.at));
                moved = Some(it);
            }
        }
        self.samples.back().zip(again).is_some_and(|(last, at)| last.at - at < over)
    }

    /// Kilobits a second that reached the peer over the last `over`.
    pub(crate) fn delivered_kbps(&self, over: Duration) -> f64 {
        let Some(last) = self.samples.back() else { return 0.0 };
        let within = |it: &&Sample| last.at - it.at <= over;
        let first = self.samples.iter().find(within).unwrap_or(last);
        let seconds = (last.at - first.at).as_secs_f64();
        if seconds > 0.0 { (last.delivered - first.delivered) as f64 / 125.0 / seconds } else { 0.0 }
    }

    /// The most that reached the peer within some 40 ms since a time: a large picture shows what the
    /// path can beyond what is asked of it. Nothing where acknowledgements came in lumps.
    pub(crate) fn burst_kbps(&self, since: Duration) -> f64 {
        const SHORT: Duration = Duration::from_millis(38);
        if self.lossy(Self::KEPT) {
            return 0.0;
        }
        let mut most = 0.0_f64;
        let mut from = self.samples.iter().skip_while(|it| it.at < since).peekable();
        for to in self.samples.iter().skip_while(|it| it.at < since) {
            while let Some(first) = from.next_if(|it| to.at.saturating_sub(it.at) >= SHORT) {
                let seconds = (to.at - first.at).as_secs_f64();
                most = most.max((to.delivered - first.delivered) as f64 / 125.0 / seconds);
            }
        }
        most
    }

    /// How long the oldest byte has waited that has not arrived, in seconds.
    pub(crate) fn age(&self) -> f64 {
        let Some(last) = self.samples.back() else { return 0.0 };
        let waits = |it: &&Sample| it.delivered.saturating_add(it.backlog) > last.delivered;
        let since = self.samples.iter().find(waits).map_or(last.at, |it| it.at);
        (last.at - since).as_secs_f64().max(last.age.as_secs_f64())
    }

    /// How long a byte that comes now takes to the peer, beyond the round trip, in seconds: what waits,
    /// over what is carried (Little's law). The least over the last `over`, so that a picture that is
    /// larger than others is no jam.
    pub(crate) fn standing(&self, over: Duration, kbps: f64) -> f64 {
        let Some(last) = self.samples.back() else { return 0.0 };
        let within = self.samples.iter().filter(|it| last.at - it.at <= over);
        let least = within.map(|it| self.delay(it, kbps)).fold(f64::INFINITY, f64::min);
        if least.is_finite() { least } else { 0.0 }
    }

    /// Bytes that were there a round trip before a sample already, and had not arrived at it: those that came
    /// later could not have, whatever the path carries.
    fn overdue(&self, sample: &Sample) -> u64 {
        let base = self.base_round();
        let after = self.samples.partition_point(|it| it.at <= sample.at.saturating_sub(base));
        let before = self.samples.get(after.saturating_sub(1)).unwrap_or(sample);
        before.delivered.saturating_add(before.backlog).saturating_sub(sample.delivered)
    }

    fn delay(&self, sample: &Sample, kbps: f64) -> f64 {
        let base = self.base_round().as_secs_f64();
        let mut drains = self.overdue(sample) as f64 / 125.0 / kbps.max(1.0);
        // A datagram that is missing holds up the acknowledgement of all that came after it. While
        // there is time to send it again, the round trip says better whether there is a jam. But it says so
        // late, for libsrt smooths it over several: where nothing was lost, nothing is held up either.
        if let (Some(rtt), Some(latency)) = (sample.rtt, sample.latency)
            && drains < latency.as_secs_f64() / 2.0
            && self.lossy(Self::KEPT)
        {
            drains = drains.min(rtt.as_secs_f64() - base);
        }
        // Where nearly nothing is carried the quotient says nothing; the age always does.
        drains.clamp(0.0, 60.0).max(sample.age.as_secs_f64())
    }
}
