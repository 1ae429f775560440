//! Decides.

use std::time::Duration;

use crate::memory::Memory;
use crate::phase::{Jam, Phase};
use crate::restraint::Restraint;
use crate::view::{Terms, View};
use crate::window::Window;
use crate::{Limits, Signals};

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// The bitrate of the picture, in kbit/s.
    pub kbps: u32,
    /// Whether what waits in the output's own queue is dropped down to a key picture: what waits comes
    /// too late, and the peer loses what is late, or less than the floor cannot be asked for.
    pub drop: bool,
    /// Whether the encoder is to make a key picture: without one the peer can use nothing of what it
    /// gets, and the path carries again.
    pub key_picture: bool,
}

/// A controller of one output's bitrate: a pure function of what was told to it.
///
/// See the [crate's documentation](crate) for how it decides.
#[derive(Clone, Debug)]
pub struct Controller {
    limits: Limits,
    kbps: f64,
    phase: Phase,
    window: Window,
    memory: Memory,
    restraint: Restraint,
    /// There is a new connection, of which nothing has been seen yet.
    is_new: bool,
    /// What was asked of the path before it went silent, in kbit/s; that is no failure to carry it.
    before_silence: Option<f64>,
    /// The last jam.
    jam: Option<Jam>,
    /// When the bitrate was last changed.
    changed_at: Duration,
    /// How many raises in a row went well.
    raises: u32,
    dropped_at: Option<Duration>,
    /// When a key picture was asked for last.
    asked_at: Option<Duration>,
    /// When more was asked for without knowing that it is carried.
    tried_at: Option<Duration>,
}

impl Controller {
    /// How long a transport takes to carry again what the path does.
    const SETTLES: Duration = Duration::from_secs(1);
    /// A path that falls silent so soon after a jam was falling silent already.
    const MOMENT: Duration = Duration::from_millis(700);
    /// What is lost until so long after a cut was sent before it.
    const SHOWS_LOSS: Duration = Duration::from_millis(200);
    /// How long it is that more is tried.
    const TRIAL: Duration = Duration::from_secs(2);
    /// A sender may be held up for so long by its own machine, which is no reason to drop anything.
    const HICCUP: Duration = Duration::from_secs(1);

    /// Begins at the ceiling.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            kbps: f64::from(limits.ceiling_kbps),
            phase: Phase::Open { since: Duration::ZERO },
            window: Window::default(),
            memory: Memory::default(),
            restraint: Restraint::new(f64::from(limits.ceiling_kbps)),
            is_new: false,
            before_silence: None,
            jam: None,
            changed_at: Duration::ZERO,
            raises: 0,
            dropped_at: None,
            asked_at: None,
            tried_at: None,
        }
    }

    /// Other limits from now on. A bitrate that was at the old ceiling goes to the new one; a lower one
    /// stays, and is moved only as far as it must.
    pub fn set_limits(&mut self, limits: Limits) {
        let at_the_top = self.kbps >= f64::from(self.limits.ceiling_kbps);
        self.limits = limits;
        let aim = if at_the_top { f64::from(limits.ceiling_kbps) } else { self.kbps };
        self.kbps = limits.clamp(aim);
    }

    /// There is a new connection: what was seen of the old one is forgotten, the rate at which the path failed is not.
    /// It begins with the bitrate that was carried before the old one fell silent.
    pub fn connected(&mut self) {
        self.window = Window::default();
        self.is_new = true;
        if let Some(kbps) = self.before_silence.take() {
            self.kbps = self.limits.clamp(self.kbps.max(kbps));
        }
    }

    /// What reached the peer lately, in kbit/s: the path may carry more.
    pub fn carried_kbps(&self) -> f64 {
        self.window.delivered_kbps(Duration::from_secs(2))
    }

    /// Takes what is known at `now`, a time that only grows, and decides. Called every 20 to 200 ms.
    pub fn step(&mut self, now: Duration, signals: &Signals) -> Decision {
        self.window.add(now, signals);
        let room = signals.latency.unwrap_or(self.limits.deadline);
        let view = View::of(&self.window, now, Terms { room, late_is_lost: signals.latency.is_some() });
        self.restraint.asked(self.kbps, now);
        if std::mem::take(&mut self.is_new) {
            self.begin(now, &view, signals);
        }
        match self.phase {
            Phase::Silent if view.moves() => self.phase = Phase::Settling { since: now },
            Phase::Silent => {}
            Phase::Open { .. } if view.falls_silent() => self.fall_silent(now, &view),
            Phase::Draining { .. } if view.is_silent() => self.fall_silent(now, &view),
            Phase::Settling { since } => self.settle(now, &view, since),
            Phase::Open { .. } if view.jammed() && view.shows() => self.jam(now, &view),
            Phase::Open { since } => self.raise(now, &view, since, signals),
            Phase::Draining { since, from } => self.drain(now, &view, since, from),
        }
        let drop = self.drop(now, signals, room);
        let key_picture = self.ask(now, signals, &view);
        Decision { kbps: self.kbps.round() as u32, drop, key_picture }
    }

    /// Nobody knows what will be when it moves again; what waits by then shall not be much.
    fn fall_silent(&mut self, now: Duration, view: &View) {
        // What looked like a jam a moment ago was the beginning of this.
        if let Some(jam) = self.jam.take().filter(|it| now.saturating_sub(it.at) < Self::MOMENT) {
            (self.memory, self.restraint) = (jam.memory, jam.restraint);
            self.before_silence = Some(jam.kbps);
        }
        self.spare(view.in_silence, now);
        self.phase = Phase::Silent;
    }

    /// What waited for the connection comes first.
    fn begin(&mut self, now: Duration, view: &View, signals: &Signals) {
        let waits = signals.queue_bytes.saturating_add(signals.unacknowledged_bytes) as f64 / 125.0;
        if waits > view.trouble * self.kbps {
            self.spare(view.at_first, now);
        }
        self.phase = Phase::Settling { since: now };
    }

    /// A share of the bitrate for a moment, and all of it again soon.
    fn spare(&mut self, share: f64, now: Duration) {
        let before = *self.before_silence.get_or_insert(self.kbps);
        self.set(self.kbps.min(share * before), now);
    }

    /// A transport that was silent begins slowly, and has much to send: neither is a jam.
    fn settle(&mut self, now: Duration, view: &View, since: Duration) {
        // Over a long round trip a new connection has shown nothing yet after a second.
        if !view.is_known {
            return;
        }
        if view.standing < view.trouble / 4.0 {
            self.phase = Phase::Open { since: now };
        } else if now.saturating_sub(since) > Self::SETTLES {
            self.phase = Phase::Draining { since: now, from: view.standing };
        }
    }

    /// What was carried until now is no longer.
    fn jam(&mut self, now: Duration, view: &View) {
        self.before_silence = None;
        self.jam = Some(Jam { at: now, kbps: self.kbps, memory: self.memory, restraint: self.restraint });
        let carried = self.picture(view.carried);
        self.memory.fail(carried, now);
        // What failed a moment after more was tried was the try, not the path.
        if self.tried_at.is_none_or(|at| now.saturating_sub(at) > Self::TRIAL) {
            self.restraint.fail(1.0 - carried / self.kbps.max(1.0), now);
        }
        self.cut(now, view);
    }

    /// Down at once to what the path carries, and below that by what has to drain.
    fn cut(&mut self, now: Duration, view: &View) {
        let over = (view.current - view.trouble).max(0.0);
        // What was lost in a full queue comes again, and is carried within half the room, too.
        let debt = if view.overflows { view.debt } else { 0.0 };
        let used = (0.94 - 2.0 * over.max(debt) / view.room).clamp(view.least_used, 0.94);
        let mut aim = self.picture(view.carried * used);
        // A transport that sends again carries little for a moment: a little at a time, while there is time.
        if view.losing && view.age < view.room / 2.0 {
            aim = aim.max(0.8 * self.kbps);
        }
        self.set(self.kbps.min(aim), now);
        self.phase = Phase::Draining { since: now, from: view.standing };
    }

    fn drain(&mut self, now: Duration, view: &View, since: Duration, from: f64) {
        let waited = now.saturating_sub(since).as_secs_f64();
        let grows =
            view.shows() && waited > 2.0 * view.window && view.standing > from.max(view.trouble_again);
        // A shallow queue that is full delays nothing more, and loses what comes. After a silence that is what waited.
        let overflows =
            view.overflows && self.before_silence.is_none() && waited > Self::SHOWS_LOSS.as_secs_f64();
        if view.standing < view.trouble / 4.0 && waited > view.window {
            self.phase = Phase::Open { since: now };
        } else if grows || overflows {
            self.before_silence = None;
            self.cut(now, view);
        } else if view.standing > view.trouble / 4.0 {
            // While something waits the path shows all that it carries.
            self.memory.learn(self.picture(view.learnt), now);
        }
    }

    fn raise(&mut self, now: Duration, view: &View, open: Duration, signals: &Signals) {
        let since = now.saturating_sub(self.changed_at);
        let pause = self.limits.raise_every.max(Duration::from_secs_f64(4.0 * view.window));
        // What was not sent was not carried: nothing is known of it.
        let used = self.picture(view.delivered) > 0.6 * self.kbps;
        if since < pause || !used || !view.is_known || view.standing > view.trouble / 3.0 {
            return;
        }
        self.memory.passed(self.kbps);
        if let Some(before) = self.before_silence {
            self.before_silence = Some(before).filter(|&it| it > 2.0 * self.kbps);
            return self.set(before.min(2.0 * self.kbps), now);
        }
        let next = match self.memory.safe(view.used) {
            Some(safe) if self.kbps < 0.98 * safe => safe,
            _ => match self.shown(open, signals) {
                Some(shown) => shown,
                None if self.memory.may_try(now) => {
                    self.raises += 1;
                    self.tried_at = Some(now);
                    self.kbps * (1.0 + 0.02 * f64::from(self.raises.min(10)))
                }
                None => return,
            },
        };
        let most = self.restraint.most(now).unwrap_or(next);
        self.set(next.min(most).max(self.kbps), now);
    }

    /// What large pictures have shown of the path, where that is much more than what is asked of it.
    fn shown(&self, open: Duration, signals: &Signals) -> Option<f64> {
        let (burst, enough) = match signals.burst_rate {
            Some(bytes) => (bytes as f64 / 125.0, 1.25),
            None => (self.window.burst_kbps(open.max(self.changed_at)), 1.5),
        };
        let shown = self.picture(burst);
        (shown > enough * self.kbps).then(|| (0.85 * shown).min(1.4 * self.kbps))
    }

    fn drop(&mut self, now: Duration, signals: &Signals, room: Duration) -> bool {
        let at_floor = self.kbps <= f64::from(self.limits.floor_kbps);
        let hopeless = (at_floor && signals.queue_age > room.mul_f64(0.4))
            || (signals.latency.is_some() && signals.queue_age > room.mul_f64(0.7).max(Self::HICCUP));
        let again = self.dropped_at.is_none_or(|at| now.saturating_sub(at) >= room / 2);
        if hopeless && again {
            self.dropped_at = Some(now);
        }
        hopeless && again
    }

    /// Asks for a key picture once a second at most, and only where it gets through. Where something is missing that
    /// comes too late it is not waited until the transport has given it up.
    fn ask(&mut self, now: Duration, signals: &Signals, view: &View) -> bool {
        const AGAIN: Duration = Duration::from_secs(1);
        let again = self.asked_at.is_none_or(|at| now.saturating_sub(at) >= AGAIN);
        let asks = (signals.needs_key_picture || view.missed) && again && view.takes_key_picture();
        if asks {
            self.asked_at = Some(now);
        }
        asks
    }

    fn set(&mut self, kbps: f64, now: Duration) {
        let next = self.limits.clamp(kbps);
        if next < self.kbps {
            self.raises = 0;
        }
        if (next - self.kbps).abs() >= 1.0 {
            self.kbps = next;
            self.changed_at = now;
        }
    }

    /// What is left for the picture of what the path carries.
    fn picture(&self, kbps: f64) -> f64 {
        (kbps - f64::from(self.limits.beside_kbps)).max(0.0)
    }
}
