//! Which captured frame is shown at which tick.
//!
//! A [`Pacer`] is a pure state machine over times in nanoseconds of media time: frames are offered as
//! they come, [`Pacer::poll`] tells it how late it is, and it answers with what to show.
//!
//! **Constant rate.** Each tick gets the frame nearest in time. The grid of ticks may be moved by up
//! to about half a period, slowly, so that it sits on the source's own rhythm: at 60 Hz into 60 a
//! frame then falls in the middle of its tick, and jitter cannot push it into a neighbour's, which
//! would show as a beat of repeated and skipped frames. When a source's rate is a little off, the grid
//! follows it until it is half a period out, then slips by one whole period: one frame repeated or
//! skipped, and the next slip is a full beat away. A frame is decided upon as soon as the next one,
//! where the source's interval puts it, would be farther from the tick.
//!
//! **Variable rate.** Each frame is shown at its own time, as long as that keeps to the rate.

use crate::FrameRate;

/// What to do with a frame, or with a tick that has none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action<F> {
    /// Show this frame at `pts`.
    Show { pts: i64, frame: F },
    /// Show the frame before once more, at `pts`.
    Repeat { pts: i64 },
    /// Leave this frame out; what it changed has to be added to the next.
    Skip(F),
}

/// How a pacer runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pacing {
    /// Ticks a second, or the most pictures a second.
    pub(crate) rate: FrameRate,
    /// Whether there is a picture for every tick.
    pub(crate) constant: bool,
    /// How long after a tick a frame may still arrive for it, in nanoseconds. Small for live use;
    /// a file loses nothing by waiting.
    pub(crate) patience: i64,
}

/// The state machine. `F` is whatever stands for a frame.
#[derive(Debug)]
pub(crate) struct Pacer<F> {
    pacing: Pacing,
    /// The next tick to fill.
    next: i64,
    /// How far the grid was moved to meet the source, in nanoseconds.
    phase: f64,
    /// Whether the first frame says where it begins.
    late: bool,
    /// The source's interval, smoothed; `None` before two frames came.
    interval: Option<f64>,
    last_offered: Option<i64>,
    /// The frame that may be shown at `next`, and its time.
    candidate: Option<(i64, F)>,
    /// When the last picture was shown; `None` before the first.
    shown: Option<i64>,
    /// At a variable rate: the earliest time for the next picture.
    due: i64,
    /// At a variable rate: a picture that does not change is shown again after this long.
    keep_alive: i64,
}

impl<F> Pacer<F> {
    /// How much of a frame's distance from its tick the grid moves by.
    const GAIN: f64 = 0.05;
    /// Beyond this share of a period the grid slips. Above one half, so that it does not slip back.
    const SLIP: f64 = 0.55;

    pub(crate) fn new(pacing: Pacing) -> Self {
        Self {
            pacing,
            next: 0,
            phase: 0.0,
            late: false,
            interval: None,
            last_offered: None,
            candidate: None,
            shown: None,
            due: i64::MIN,
            keep_alive: pacing.rate.tick_nanos(1),
        }
    }

    /// Begins at the tick of its first frame, amid a recording, and not at the recording's begin.
    pub(crate) fn begin_late(&mut self) {
        self.late = true;
    }

    /// At a variable rate, how long a picture that does not change stands before it is shown again.
    /// Begins at one period.
    pub(crate) fn set_keep_alive(&mut self, nanos: i64) {
        self.keep_alive = nanos;
    }

    /// Takes a frame of time `pts`. Times must not decrease; one that does is treated as the last.
    pub(crate) fn offer(&mut self, pts: i64, frame: F, actions: &mut Vec<Action<F>>) {
        let pts = self.last_offered.map_or(pts, |last| pts.max(last));
        self.measure(pts);
        if std::mem::take(&mut self.late) {
            self.next = (pts as f64 / self.period()).round() as i64;
        }
        if self.pacing.constant {
            self.offer_constant(pts, frame, actions);
        } else {
            self.offer_variable(pts, frame, actions);
        }
    }

    /// Does what is due at `now`: repeats for ticks that no frame came for.
    pub(crate) fn poll(&mut self, now: i64, actions: &mut Vec<Action<F>>) {
        if let Some((pts, _)) = self.candidate
            && now >= self.decide_by(pts)
        {
            self.show_candidate(actions);
        }
        while self.candidate.is_none() && self.repeat_at().is_some_and(|at| now >= at) {
            self.repeat(actions);
        }
    }

    /// When [`Pacer::poll`] has something to do if no frame comes before.
    pub(crate) fn deadline(&self) -> Option<i64> {
        match self.candidate {
            Some((pts, _)) => Some(self.decide_by(pts)),
            None => self.repeat_at(),
        }
    }

    /// The recording ends at `end`: shows what is pending and fills the ticks before it.
    pub(crate) fn finish(&mut self, end: i64, actions: &mut Vec<Action<F>>) {
        if self.shown.is_none() || self.tick(self.next) < end as f64 {
            self.show_candidate(actions);
        }
        // Its tick lies beyond the end, and a nearer frame was to be expected for it.
        actions.extend(self.candidate.take().map(|(_, frame)| Action::Skip(frame)));
        if !self.pacing.constant {
            // The last picture lasts until the end: say so with a picture one period before it.
            let last = end - self.pacing.rate.tick_nanos(1);
            if self.shown.is_some_and(|shown| last >= shown + self.pacing.rate.tick_nanos(1)) {
                self.shown = Some(last);
                actions.push(Action::Repeat { pts: last });
            }
            return;
        }
        while self.shown.is_some() && self.pacing.rate.tick_nanos(self.next + 1) <= end {
            self.repeat(actions);
        }
    }

    fn offer_constant(&mut self, pts: i64, frame: F, actions: &mut Vec<Action<F>>) {
        if let Some((before, _)) = self.candidate {
            if self.distance(pts) < self.distance(before) {
                if let Some((_, skipped)) = self.candidate.take() {
                    actions.push(Action::Skip(skipped));
                }
            } else {
                self.show_candidate(actions);
            }
        }
        let half = self.period() / 2.0;
        while self.shown.is_some() && self.tick(self.next) + half <= pts as f64 {
            self.repeat(actions);
        }
        self.candidate = Some((pts, frame));
        if self.is_decided(pts) {
            self.show_candidate(actions);
        }
    }

    fn offer_variable(&mut self, pts: i64, frame: F, actions: &mut Vec<Action<F>>) {
        let period = self.pacing.rate.tick_nanos(1);
        // A period of grace: a compositor that ticks a little faster than the rate sends its frames
        // unevenly, and none of them is one too many as long as their average keeps to the rate.
        let grace = period;
        if pts.saturating_add(grace) < self.due || self.shown.is_some_and(|shown| pts <= shown) {
            actions.push(Action::Skip(frame));
            return;
        }
        self.due = if self.due == i64::MIN { pts + period } else { (self.due + period).max(pts) };
        self.shown = Some(pts);
        actions.push(Action::Show { pts, frame });
    }

    /// Whether no later frame can be nearer to the tick, as far as the source's rhythm tells.
    fn is_decided(&self, pts: i64) -> bool {
        if self.shown.is_none() || pts as f64 >= self.tick(self.next) {
            return true;
        }
        self.interval
            .is_some_and(|interval| (pts as f64 + interval - self.tick(self.next)).abs() > self.distance(pts))
    }

    fn show_candidate(&mut self, actions: &mut Vec<Action<F>>) {
        let Some((pts, frame)) = self.candidate.take() else { return };
        let error = pts as f64 - self.tick(self.next);
        let at = self.pacing.rate.tick_nanos(self.next);
        self.shown = Some(at);
        self.next += 1;
        actions.push(Action::Show { pts: at, frame });
        self.follow(error);
    }

    /// Moves the grid towards the source.
    fn follow(&mut self, error: f64) {
        let period = self.period();
        self.phase += Self::GAIN * error.clamp(-period, period);
        if self.phase > Self::SLIP * period {
            self.phase -= period;
        } else if self.phase < -Self::SLIP * period {
            self.phase += period;
        }
    }

    fn repeat(&mut self, actions: &mut Vec<Action<F>>) {
        let pts = if self.pacing.constant {
            self.next += 1;
            self.pacing.rate.tick_nanos(self.next - 1)
        } else {
            self.shown.unwrap_or(0) + self.keep_alive
        };
        self.shown = Some(pts);
        actions.push(Action::Repeat { pts });
    }

    fn repeat_at(&self) -> Option<i64> {
        let shown = self.shown?;
        Some(if self.pacing.constant {
            self.tick(self.next) as i64 + self.pacing.patience.max(self.period() as i64 / 2)
        } else {
            shown + self.keep_alive + self.pacing.patience
        })
    }

    /// Until when a nearer frame than that of `pts` could be made and arrive.
    fn decide_by(&self, pts: i64) -> i64 {
        let tick = self.tick(self.next) as i64;
        tick + (tick - pts).max(0) + self.pacing.patience
    }

    /// Follows the source's interval. A pause in what a desktop sends is not an interval.
    fn measure(&mut self, pts: i64) {
        if let Some(last) = self.last_offered {
            let step = (pts - last) as f64;
            self.interval = Some(match self.interval {
                None => step,
                Some(mean) if step > 1.5 * mean && step > self.period() => mean,
                Some(mean) => mean + (step - mean) * 0.1,
            });
        }
        self.last_offered = Some(pts);
    }

    fn distance(&self, pts: i64) -> f64 {
        (pts as f64 - self.tick(self.next)).abs()
    }

    fn tick(&self, index: i64) -> f64 {
        self.pacing.rate.tick_nanos(index) as f64 + self.phase
    }

    fn period(&self) -> f64 {
        self.pacing.rate.tick_nanos(1) as f64
    }
}

#[cfg(test)]
#[path = "pacer_tests.rs"]
mod tests;
