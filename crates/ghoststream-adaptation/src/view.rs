//! What is seen of the path at one moment.

use std::time::Duration;

use crate::window::Window;

/// Times in seconds, rates in kbit/s of everything that is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// How old a picture may be when it reaches the peer.
    pub(crate) room: f64,
    /// A standing delay that is a jam.
    pub(crate) trouble: f64,
    /// Of what is carried, so much is used at least while a jam drains.
    pub(crate) least_used: f64,
    /// Of what is remembered to be carried, so much is used: what waits meanwhile is shown later, or not at all.
    pub(crate) used: f64,
    /// A standing delay that is cut again, where it has grown since the last cut.
    pub(crate) trouble_again: f64,
    /// Of the bitrate, so much is left while nothing moves.
    pub(crate) in_silence: f64,
    /// And while what waited for a new connection goes out.
    pub(crate) at_first: f64,
    /// What is looked at together.
    pub(crate) window: f64,
    /// How long a byte takes beyond the round trip, the least within the window.
    pub(crate) standing: f64,
    /// How long it takes now.
    pub(crate) current: f64,
    /// How long the oldest byte has waited.
    pub(crate) age: f64,
    /// Whether something is missing that holds up the acknowledgement of what came after it.
    held_back: bool,
    /// Whether so much of it that the path may carry more than what arrives, and not because it is full.
    pub(crate) losing: bool,
    /// Whether the queue before the narrowest place is full, and what comes is lost there.
    pub(crate) overflows: bool,
    /// How many seconds the path needs for what was lost there: what is sent again is carried, too.
    pub(crate) debt: f64,
    /// Whether something is missing that comes too late even if it is on its way.
    pub(crate) missed: bool,
    /// How long what comes now waits on its way, as the round trip shows it.
    round_over: f64,
    /// What reached the peer lately.
    pub(crate) carried: f64,
    /// The same, over a second where it comes in lumps.
    pub(crate) learnt: f64,
    /// What reached it over some seconds.
    pub(crate) delivered: f64,
    /// How long nothing has moved although something waits.
    silent: f64,
    /// How long that was lately, at most.
    lump: f64,
    /// Whether the peer's program acknowledges what comes, and not its kernel.
    by_program: bool,
    /// Whether enough was seen to judge.
    pub(crate) is_known: bool,
    /// Whether this machine kept the sender from looking, so that what waits says nothing of the path.
    held_up: bool,
    /// Whether something moves again since a moment ago, of which more has to be seen: where what is late is shown, there
    /// is time to.
    moves_again: bool,
}

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// How old a picture may be when it reaches the peer.
    pub(crate) room: Duration,
    /// Whether the peer never sees what is older.
    pub(crate) late_is_lost: bool,
}

impl View {
    pub(crate) fn of(window: &Window, now: Duration, terms: Terms) -> Self {
        let room = terms.room.as_secs_f64();
        let round = window.base_round().as_secs_f64();
        // Where what is late is lost, a jam is fought at once; where it is shown all the same, there is
        // time to see whether it passes, and to let it drain slowly.
        let (trouble, again, least_used, in_silence, at_first) = if terms.late_is_lost {
            ((room / 10.0).max((room / 4.0).min(0.1)), 0.2, 0.25, 0.4, 0.6)
        } else {
            ((room / 4.0).min(0.7), 0.5, 0.8, 0.7, 1.0)
        };
        let trouble = trouble.max(0.04).max(round);
        let (silent, lump) = (window.silent(now).as_secs_f64(), window.lump().as_secs_f64());
        let mut over = trouble.clamp(0.15, 0.5);
        // SRT's acknowledgements are made by the peer's program: where that is busy they come late, and many at
        // once. What waits least from one such lump to the next is what stands.
        let late = silent.max(lump);
        if terms.late_is_lost && late < 0.75 * Self::silence(trouble) {
            over = over.max(1.5 * late);
        }
        let recent = Duration::from_secs_f64(over.max(0.3));
        // TCP begins with a few segments, and twice as many with each round trip: what waits meanwhile is no jam.
        let begins = if terms.late_is_lost { 0.0 } else { (6.0 * round).min(2.0) };
        let moves_again =
            !terms.late_is_lost && window.moves_again(recent, Duration::from_secs_f64(trouble / 2.0));
        let (short, long) = (
            window.delivered_kbps(Duration::from_secs_f64(over)),
            window.delivered_kbps(Duration::from_secs(1)),
        );
        // After a loss acknowledgements come in lumps: one that is missing is no path that carries nothing.
        let lossy = window.lossy(recent);
        let (carried, learnt) =
            if lossy { (short.max(0.7 * long), long) } else { (short, window.delivered_kbps(recent)) };
        let drains = if lossy { long } else { short };
        let round_over = window.round_over_base();
        let losing = lossy
            && window.lost_share(Duration::from_secs(1)) > 0.02
            && round_over < 0.1_f64.max(round / 2.0);
        // Losses alone are the air's; with a longer round trip they are a queue's.
        let overflows = terms.late_is_lost
            && window.lost_share(Duration::from_millis(300)) > 0.1
            && round_over > 0.04_f64.max(round / 4.0);
        let (age, current) = (window.age(), window.standing(Duration::ZERO, drains));
        let missed = terms.late_is_lost
            && window.lossy(Duration::from_secs(1))
            && age > (room - round_over).max(room / 2.0);
        Self {
            room,
            trouble,
            // What waits for half of the time that it has is soon late.
            least_used: if !terms.late_is_lost && current > room / 2.0 { 0.7 } else { least_used },
            used: if terms.late_is_lost { 0.93 } else { 0.98 },
            trouble_again: again * room,
            in_silence,
            at_first,
            window: over,
            standing: window.standing(Duration::from_secs_f64(over), drains),
            current,
            age,
            held_back: lossy && terms.late_is_lost,
            losing,
            overflows,
            debt: window.debt(Duration::from_millis(500)),
            missed,
            round_over,
            carried,
            learnt,
            delivered: window.delivered_kbps(Duration::from_secs(2)),
            silent,
            lump,
            by_program: terms.late_is_lost,
            is_known: window.span() >= recent.max(Duration::from_secs_f64(begins)),
            held_up: window.held_up(recent, Duration::from_secs_f64(trouble.clamp(0.1, 0.3))),
            moves_again,
        }
    }

    /// How long nothing moves at least when nothing is known of what will be.
    fn silence(trouble: f64) -> f64 {
        (1.5 * trouble).max(0.4)
    }

    /// Whether it shows how much less it carries: while nothing comes from a program that may be busy, it does not.
    pub(crate) fn shows(&self) -> bool {
        self.moves() || !self.by_program
    }

    /// Whether a key picture that is made now comes while it is of use: where what is late is lost, one that waits for
    /// the end of a silence is the first that is.
    pub(crate) fn takes_key_picture(&self) -> bool {
        if self.by_program {
            !self.moves() || self.round_over < self.room / 3.0
        } else {
            self.moves() && self.current < self.room / 3.0
        }
    }

    pub(crate) fn jammed(&self) -> bool {
        let seen = !(self.held_up || self.moves_again) || self.age > self.room / 2.0;
        self.is_known && self.standing > self.trouble && seen
    }

    /// Whether what is sent arrives, or would.
    pub(crate) fn moves(&self) -> bool {
        self.silent < 0.1
    }

    /// Whether nothing moves where something did until now.
    pub(crate) fn falls_silent(&self) -> bool {
        let in_lumps = self.silent < 2.0 * self.lump;
        self.is_silent() || (!self.moves() && !in_lumps && !self.held_back && self.jammed())
    }

    /// Whether nothing is known of what will be when it moves again.
    pub(crate) fn is_silent(&self) -> bool {
        self.is_known && self.silent > Self::silence(self.trouble)
    }
}
