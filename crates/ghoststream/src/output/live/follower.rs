//! Lets the bitrate follow the path.

use std::sync::Arc;
use std::time::Duration;

use ghoststream_adaptation::{Controller, HalfRate, Limits, Signals};

use super::Gauge;
use super::rate::Terms;
use crate::Timestamp;
use crate::stats::Journal;

/// Tells a controller how the path does, and the encoder what that decides.
#[derive(Debug)]
pub(super) struct Follower {
    gauge: Arc<Gauge>,
    journal: Journal,
    begun: Timestamp,
    controller: Option<Controller>,
    half_rate: Option<HalfRate>,
    /// What the controller was made for.
    terms: Option<Terms>,
    beside: Beside,
    /// What was told: that it goes down, or that it cannot.
    told: bool,
    /// The same of the rate of pictures.
    told_half: bool,
}

impl Follower {
    pub(super) fn new(gauge: &Arc<Gauge>, journal: &Journal) -> Self {
        Self {
            gauge: Arc::clone(gauge),
            journal: journal.clone(),
            begun: Timestamp::now(),
            controller: None,
            half_rate: None,
            terms: None,
            beside: Beside::default(),
            told: false,
            told_half: false,
        }
    }

    /// A packet was sent that is not of the picture.
    pub(super) fn sent_beside(&mut self, bytes: usize, now: Timestamp) {
        self.beside.sent(bytes, now);
    }

    /// A new connection: what was seen of the old one says nothing.
    pub(super) fn connected(&mut self) {
        self.controller.iter_mut().for_each(Controller::connected);
    }

    /// The peer was lost: nobody needs less for now.
    pub(super) fn lost(&self) {
        self.gauge.rate.want(None);
        self.gauge.rate.want_half_rate(false);
    }

    /// Looks how the path does; whether what waits is to be dropped down to a key picture.
    pub(super) fn look(&mut self, now: Timestamp, signals: &Signals, peer: impl Fn() -> String) -> bool {
        let Some(terms) = self.gauge.rate.terms() else { return false };
        let adaptation = self.gauge.rate.adaptation();
        if !adaptation.follows {
            return false;
        }
        let limits = Limits::new(adaptation.floor_below(terms.ceiling), terms.ceiling)
            .with_beside_kbps(self.beside.kbps(now))
            .with_raise_every(Duration::from_secs(if terms.costs_key_frame { 4 } else { 1 }));
        let controller = self.controller.get_or_insert_with(|| Controller::new(limits));
        controller.set_limits(limits);
        self.terms = Some(terms);
        let decision = controller.step(now.since(self.begun), signals);
        let carried = controller.carried_kbps();
        if decision.kbps < terms.ceiling {
            self.tell(&peer, terms, decision.kbps);
        }
        if decision.key_picture {
            self.gauge.rate.ask_key_frame();
        }
        if !terms.follows {
            self.gauge.rate.want_half_rate(false);
            return false;
        }
        self.gauge.rate.want(Some(decision.kbps));
        let half = self.halves(&peer, terms, decision.kbps, now);
        self.gauge.rate.want_half_rate(half);
        self.gauge.follows(decision.kbps, carried, half, now);
        decision.drop
    }

    /// Whether every second picture is to be left out at this bitrate.
    fn halves(&mut self, peer: impl Fn() -> String, terms: Terms, kbps: u32, now: Timestamp) -> bool {
        let below = self.gauge.rate.adaptation().half_rate_below_kbps;
        let half_rate = self.half_rate.get_or_insert_with(|| HalfRate::new(below));
        let half = half_rate.step(now.since(self.begun), kbps, terms.ceiling);
        if let (true, Some(below)) = (half && !self.told_half, below) {
            self.told_half = true;
            self.journal.note(format!(
                "{}: the network carries less than {} kbit/s; every second picture is left out until it carries \
                 {} again, for every output of the rendition",
                peer(),
                below.min(terms.ceiling),
                HalfRate::back_at_kbps(below, terms.ceiling)
            ));
        }
        half
    }

    /// Once: what a user would otherwise wonder about.
    fn tell(&mut self, peer: impl Fn() -> String, terms: Terms, kbps: u32) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        let peer = peer();
        self.journal.note(if terms.follows {
            format!(
                "{peer}: the network carries less than {} kbit/s; the bitrate follows it from now on, to {kbps} at \
                 first, for every output of the rendition",
                terms.ceiling
            )
        } else {
            format!(
                "{peer}: the network carries less than {} kbit/s, and the encoder cannot change its bitrate while it \
                 runs; pictures are dropped. Rate control cbr with libx264 or NVENC follows",
                terms.ceiling
            )
        });
    }
}

/// What is sent beside the picture.
#[derive(Debug, Default)]
struct Beside {
    since: Option<Timestamp>,
    bytes: u64,
}

impl Beside {
    fn sent(&mut self, bytes: usize, now: Timestamp) {
        self.since.get_or_insert(now);
        self.bytes += bytes as u64;
    }

    /// Its rate, once there is enough of it to know.
    fn kbps(&mut self, now: Timestamp) -> u32 {
        let Some(since) = self.since else { return 0 };
        let seconds = now.since(since).as_secs_f64();
        if seconds < 2.0 { 0 } else { (self.bytes as f64 / 125.0 / seconds) as u32 }
    }
}
