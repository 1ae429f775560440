//! What a live output tells of itself while it runs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{LinkError, Rate};
use crate::Timestamp;
use crate::stats::{AdaptationReport, Counter, LiveReport};

/// Shared between the sending thread, which writes it, and whoever wants to know.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    /// Bytes of packets that the transport took.
    pub(crate) sent: Counter,
    /// Packets that the transport took.
    pub(crate) packets: Counter,
    /// Pictures that were dropped because they would have come too late, or while no peer was there, and that were sent
    /// and came too late.
    pub(crate) dropped: Counter,
    /// Stretches in which pictures were dropped.
    pub(crate) gaps: Counter,
    /// What the bitrate is to be.
    pub(crate) rate: Rate,
    story: Mutex<Story>,
}

#[derive(Debug, Default)]
struct Story {
    connected: u64,
    down_since: Option<Timestamp>,
    down_nanos: i64,
    last_loss: Option<String>,
    followed: Option<Followed>,
}

/// How the bitrate followed the path.
#[derive(Debug)]
struct Followed {
    report: AdaptationReport,
    since: Timestamp,
    /// When the bitrate was last added to the mean.
    until: Timestamp,
    /// Since when every second picture is to be left out, where it is.
    half_since: Option<Timestamp>,
}

impl Followed {
    /// Every second picture is to be left out, or not, from now on.
    fn halve(&mut self, half: bool, now: Timestamp) {
        match (self.half_since, half) {
            (None, true) => {
                self.half_since = Some(now);
                self.report.half_rates += 1;
            }
            (Some(since), false) => {
                self.half_since = None;
                self.report.half_rate_seconds += now.since(since).as_secs_f64();
            }
            _ => {}
        }
        self.report.half_rate = half;
    }

    fn report(&self) -> AdaptationReport {
        let going_on = self.half_since.map_or(0.0, |since| Timestamp::now().since(since).as_secs_f64());
        AdaptationReport { half_rate_seconds: self.report.half_rate_seconds + going_on, ..self.report }
    }
}

impl Gauge {
    /// The peer is there; how long it was not, where it was lost before.
    pub(super) fn connected(&self) -> Option<std::time::Duration> {
        let mut story = self.story();
        story.connected += 1;
        let since = story.down_since.take()?;
        let nanos = Timestamp::now().nanos_since(since);
        story.down_nanos += nanos;
        Some(std::time::Duration::from_nanos(nanos.max(0) as u64))
    }

    /// The peer was lost.
    pub(super) fn lost(&self, error: &LinkError) {
        let mut story = self.story();
        story.last_loss = Some(error.to_string());
        story.followed.iter_mut().for_each(|it| it.halve(false, Timestamp::now()));
        story.down_since.get_or_insert_with(Timestamp::now);
    }

    pub(super) fn ended(&self) {
        let mut story = self.story();
        story.followed.iter_mut().for_each(|it| it.halve(false, Timestamp::now()));
        if let Some(since) = story.down_since.take() {
            story.down_nanos += Timestamp::now().nanos_since(since);
        }
    }

    /// The bitrate is to be this, and the path carries that, in kbit/s; whether every second picture is left out.
    pub(super) fn follows(&self, kbps: u32, carried: f64, half: bool, now: Timestamp) {
        let mut story = self.story();
        let followed = story.followed.get_or_insert_with(|| Followed {
            report: AdaptationReport { kbps, lowest_kbps: kbps, ..AdaptationReport::default() },
            since: now,
            until: now,
            half_since: None,
        });
        followed.halve(half, now);
        let report = &mut followed.report;
        let (before, lasted) = (now.since(followed.since), now.since(followed.until));
        if !before.is_zero() {
            let share = lasted.as_secs_f64() / before.as_secs_f64();
            report.mean_kbps += (f64::from(report.kbps) - report.mean_kbps) * share;
        }
        report.changes += u64::from(report.kbps != kbps);
        report.lowest_kbps = report.lowest_kbps.min(kbps);
        (report.kbps, report.carried_kbps, followed.until) = (kbps, carried, now);
    }

    /// Whether the peer was lost, and is dialled again.
    pub(crate) fn is_down(&self) -> bool {
        self.story().down_since.is_some()
    }

    /// How it went so far.
    pub(crate) fn report(&self, peer: &str) -> LiveReport {
        let story = self.story();
        let down_now = story.down_since.map_or(0, |since| Timestamp::now().nanos_since(since));
        LiveReport {
            peer: peer.to_owned(),
            connections: story.connected,
            seconds_without: (story.down_nanos + down_now) as f64 / 1e9,
            dropped: self.dropped.get(),
            gaps: self.gaps.get(),
            last_loss: story.last_loss.clone(),
            adaptation: story.followed.as_ref().map(Followed::report),
        }
    }

    fn story(&self) -> MutexGuard<'_, Story> {
        self.story.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
