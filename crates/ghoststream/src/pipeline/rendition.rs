//! The thread that makes a rendition's pictures: which frame at which tick, in which form.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use ghoststream_camera::Audience;

use super::channel::{Frames, Job};
use super::interpolation::{Interpolation, Shown};
use super::shared::{Command, Shared};
use crate::capture::{CapturedFrame, Damage, FrameQueue, Taken};
use crate::encode::{AnyPicture, Frame};
use crate::processing::Process;
use crate::processing::pacer::{Action, Pacer, Pacing};
use crate::stats::Counters;
use crate::{EncoderConfig, Error, FrameRate, FrameRateMode, Interpolate, MediaTime, Timeline, Timestamp};

/// How a rendition is paced, with or without latency to spare.
pub(super) fn pacing(config: &EncoderConfig, fps: f64, low_latency: bool) -> Pacing {
    let rate = FrameRate::from_fps(fps);
    // A file loses nothing when a picture that is late waits for it; a live output does.
    let patience = if low_latency { rate.tick_nanos(1) / 2 + 4_000_000 } else { 250_000_000 };
    Pacing { rate, constant: config.frame_rate_mode == FrameRateMode::Constant, patience }
}

/// What makes pictures between the source's, where that is asked for and possible.
pub(super) fn interpolation(
    config: &EncoderConfig,
    process: &mut dyn Process,
    fps: f64,
    shared: &Shared,
) -> Option<Interpolation> {
    let asked = config.interpolate == Interpolate::On;
    let period = FrameRate::from_fps(fps).tick_nanos(1);
    asked.then(|| Interpolation::open(process, period, &shared.journal)).flatten()
}

/// One rendition's thread.
pub(super) struct Rendition {
    pacer: Pacer<CapturedFrame>,
    period: i64,
    constant: bool,
    process: Box<dyn Process>,
    interpolation: Option<Interpolation>,
    frames: Frames,
    timeline: Timeline,
    counters: Arc<Counters>,
    /// What changed in frames that were left out since the last one that was processed.
    missed: Damage,
    /// Who looks, where that is known and nobody else takes the pictures.
    audience: Option<Audience>,
    /// The newest frame that was due while nobody looked, or at a tick that was left out: what the screen shows to
    /// who looks next, even if nothing moves any more.
    unseen: Option<CapturedFrame>,
    /// The newest frame that lies outside the recording, before its start or in a pause: what the
    /// screen shows when it goes on, even if nothing moves any more.
    outside: Option<CapturedFrame>,
    /// Whether the next picture is the first after a pause.
    after_pause: bool,
    /// The last picture, for ticks that have no new one.
    last: Option<AnyPicture>,
    /// When the last picture is shown that was handed on.
    sent: Option<i64>,
}

/// Why the thread ends early.
pub(super) enum Stop {
    /// Who takes the pictures has gone, and has said why.
    TakerGone,
    Failed(Error),
}

impl Rendition {
    /// Follows this time, and counts what it does with frames.
    pub(super) fn new(
        pacing: Pacing,
        process: Box<dyn Process>,
        interpolation: Option<Interpolation>,
        frames: Frames,
        (timeline, counters): (Timeline, Arc<Counters>),
    ) -> Self {
        Self {
            pacer: Pacer::new(pacing),
            period: pacing.rate.tick_nanos(1),
            constant: pacing.constant,
            process,
            interpolation,
            frames,
            timeline,
            counters,
            missed: Damage::Rects(Vec::new()),
            audience: None,
            unseen: None,
            outside: None,
            after_pause: false,
            last: None,
            sent: None,
        }
    }

    /// Begins with its first frame, amid the recording.
    #[must_use]
    pub(super) fn joining(mut self) -> Self {
        self.pacer.begin_late();
        self
    }

    /// Makes pictures only while these look, once there was a first one.
    #[must_use]
    pub(super) fn seen_by(mut self, audience: Option<Audience>) -> Self {
        self.audience = audience;
        self
    }

    /// Makes an encoder's pictures until the queue ends, and tells the supervisor why it did.
    pub(super) fn run(self, first: CapturedFrame, queue: &FrameQueue, commands: &Sender<Command>) {
        let command = match self.show_all(first, queue) {
            // Nobody wants it any more.
            _ if queue.is_left() => return,
            Ok((reason, at)) => Command::SourceEnded(reason, at),
            Err(Stop::Failed(error)) => Command::RenditionFailed(error),
            Err(Stop::TakerGone) => return,
        };
        // The supervisor has gone when it is draining.
        let _ = commands.send(command);
    }

    /// Runs until the queue ends, and answers why and when it did.
    pub(super) fn show_all(
        mut self,
        first: CapturedFrame,
        queue: &FrameQueue,
    ) -> Result<(String, Timestamp), Stop> {
        let mut actions = Vec::new();
        self.offer(first, &mut actions);
        let reason = loop {
            self.act(&mut actions, false)?;
            match queue.take(self.timeout()) {
                Taken::Frame(frame) => self.offer(frame, &mut actions),
                Taken::Timeout => self.poll(&mut actions),
                Taken::Ended(reason) => break reason,
            }
        };
        let end = queue.ended_at().unwrap_or_else(Timestamp::now);
        self.finish(end, &mut actions)?;
        Ok((reason, end))
    }

    fn offer(&mut self, mut frame: CapturedFrame, actions: &mut Vec<Action<CapturedFrame>>) {
        if let Some(before) = self.outside.take() {
            frame.damage.merge(&before.damage);
        }
        match self.timeline.map(frame.pts) {
            Some(pts) => self.pacer.offer(pts.as_nanos(), frame, actions),
            None => {
                self.after_pause |= self.timeline.is_paused();
                self.outside = Some(frame);
            }
        }
    }

    /// Shows the newest frame from before the start or from a pause, now that recording goes on.
    fn offer_outside(&mut self, now: MediaTime, actions: &mut Vec<Action<CapturedFrame>>) {
        if let Some(frame) = self.outside.take() {
            self.pacer.offer(now.as_nanos(), frame, actions);
        }
    }

    fn poll(&mut self, actions: &mut Vec<Action<CapturedFrame>>) {
        if !self.constant && self.frames.is_flowing() {
            // Until the encoder lets go of its first packet a still picture is repeated at the full
            // rate, so that a start does not wait for something to move; then once a second.
            self.pacer.set_keep_alive(1_000_000_000);
        }
        if let Some(now) = self.timeline.map(Timestamp::now()) {
            self.offer_outside(now, actions);
            self.pacer.poll(now.as_nanos(), actions);
        }
    }

    /// How long to wait for a frame.
    fn timeout(&self) -> Duration {
        const MOST: i64 = 100_000_000;
        let now = self.timeline.map(Timestamp::now());
        let wait = match (now, self.pacer.deadline()) {
            (Some(_), _) if self.outside.is_some() => 0,
            (Some(now), Some(deadline)) => (deadline - now.as_nanos()).clamp(0, MOST),
            _ => MOST,
        };
        Duration::from_nanos(wait as u64)
    }

    /// Does what the pacer decided. While `draining`, waits for the encoder instead of dropping.
    fn act(&mut self, actions: &mut Vec<Action<CapturedFrame>>, draining: bool) -> Result<(), Stop> {
        for action in actions.drain(..) {
            let full = !draining && self.frames.is_full();
            let Some(action) = self.if_seen(action) else { continue };
            let counters = &self.counters;
            match action {
                Action::Skip(frame) => {
                    counters.skipped.add(1);
                    self.missed.merge(&frame.damage);
                }
                Action::Show { frame, .. } if full => {
                    counters.dropped_encoder.add(1);
                    self.missed.merge(&frame.damage);
                    // A tick without news that finds no room is no loss: so with those that were held.
                    self.interpolation.as_mut().map(Interpolation::interrupt);
                }
                Action::Show { pts, frame } => {
                    let arrived = frame.arrived;
                    if let Some(picture) = self.make(frame)? {
                        self.fill_until(pts, &picture, draining)?;
                        self.last = Some(share(&picture)?);
                        self.send(pts, picture, arrived)?;
                    }
                }
                Action::Repeat { .. } if full => {}
                Action::Repeat { pts } => {
                    let due = self.interpolation.as_mut().map_or_else(|| vec![pts], |it| it.hold(pts));
                    self.repeat(due)?;
                }
            }
        }
        Ok(())
    }

    /// Whether nobody would see a picture. The first one is made all the same: it shows that it can be.
    fn is_unseen(&self) -> bool {
        self.last.is_some() && self.audience.as_ref().is_some_and(|it| !it.is_there())
    }

    /// Whether a tick is left out, since the path of an output carries too little for all of them.
    fn is_thinned(&self, action: &Action<CapturedFrame>) -> bool {
        let (Action::Show { pts, .. } | Action::Repeat { pts }) = action else { return false };
        self.frames.half_rate() && self.sent.is_some_and(|sent| pts - sent < self.period * 3 / 2)
    }

    /// What is to be done where somebody would see it: with the newest frame that nobody saw. Else that
    /// frame is kept, and the tick is done with.
    fn if_seen(&mut self, mut action: Action<CapturedFrame>) -> Option<Action<CapturedFrame>> {
        if let Action::Show { frame, .. } = &mut action
            && let Some(before) = self.unseen.take()
        {
            frame.damage.merge(&before.damage);
        }
        let thinned = self.is_thinned(&action);
        if !thinned && !self.is_unseen() {
            return Some(match (action, self.unseen.take()) {
                (Action::Repeat { pts }, Some(frame)) => Action::Show { pts, frame },
                (action, unseen) => {
                    self.unseen = unseen;
                    action
                }
            });
        }
        let pts = match action {
            Action::Skip(_) => return Some(action),
            Action::Show { pts, frame } => {
                self.unseen = Some(frame);
                pts
            }
            Action::Repeat { pts } => pts,
        };
        self.interpolation.as_mut().map(Interpolation::interrupt);
        if thinned {
            self.counters.thinned.add(1);
        } else {
            self.audience.as_ref().inspect(|it| it.skip());
        }
        self.reached(pts);
        None
    }

    /// Shows what is between the source's last picture and `picture`, at the ticks that waited for it.
    fn fill_until(&mut self, pts: i64, picture: &AnyPicture, draining: bool) -> Result<(), Stop> {
        if self.after_pause {
            self.release()?;
        }
        let Some(interpolation) = &mut self.interpolation else { return Ok(()) };
        for (tick, shown) in interpolation.advance(pts, share(picture)?, &mut *self.process) {
            // The source's picture comes after them and must not wait; theirs are no loss.
            if !draining && !self.frames.has_room_for(2) {
                continue;
            }
            match shown {
                Shown::Before => self.repeat(vec![tick])?,
                Shown::Made(picture) => {
                    self.counters.interpolated.add(1);
                    self.send(tick, picture, Timestamp::now())?;
                }
            }
        }
        Ok(())
    }

    /// Repeats what was held for a picture that does not come.
    fn release(&mut self) -> Result<(), Stop> {
        let held = self.interpolation.as_mut().map(Interpolation::interrupt);
        self.repeat(held.unwrap_or_default())
    }

    /// Shows the last picture at these ticks.
    fn repeat(&mut self, ticks: Vec<i64>) -> Result<(), Stop> {
        for tick in ticks {
            if let Some(last) = &self.last {
                let picture = share(last)?;
                self.counters.repeated.add(1);
                self.send(tick, picture, Timestamp::now())?;
            }
        }
        Ok(())
    }

    /// Processes a frame, with the damage of those that were left out before it. Nothing where it is the
    /// frame that cannot be shown: it is counted, and what changed with it is kept.
    fn make(&mut self, mut frame: CapturedFrame) -> Result<Option<AnyPicture>, Stop> {
        let missed = std::mem::replace(&mut self.missed, Damage::Rects(Vec::new()));
        frame.damage.merge(&missed);
        let begin = Timestamp::now();
        let picture = match self.process.process(&frame) {
            Ok(picture) => picture,
            Err(error) if error.is_of_the_frame() => {
                tracing::debug!(%error, "a frame is left out");
                self.counters.dropped_encoder.add(1);
                self.missed = frame.damage;
                return Ok(None);
            }
            Err(error) => return Err(Stop::Failed(error.into())),
        };
        let latency = &self.counters.latency;
        latency.pace.record(begin.since(frame.arrived));
        latency.process.record(Timestamp::now().since(begin));
        Ok(Some(picture))
    }

    fn send(&mut self, pts: i64, picture: AnyPicture, arrived: Timestamp) -> Result<(), Stop> {
        self.reached(pts);
        let frame = Frame { pts: MediaTime::from_nanos(pts), picture, arrived };
        self.sent = Some(pts);
        let after_pause = std::mem::take(&mut self.after_pause);
        let job = Job { frame, after_pause, half_rate: self.frames.half_rate() };
        if self.frames.send(job) { Ok(()) } else { Err(Stop::TakerGone) }
    }

    /// The tick at `pts` is done with.
    fn reached(&self, pts: i64) {
        self.counters.shown_until.raise((pts + self.period).max(0) as u64);
    }

    /// Shows what is left, up to the end: a thread that is late has nothing to show of the time since then.
    fn finish(&mut self, end: Timestamp, actions: &mut Vec<Action<CapturedFrame>>) -> Result<(), Stop> {
        if let Some(last) = self.timeline.position(end) {
            // What was seen in a pause is not for the recording, unless it goes on after that.
            if self.timeline.map(end).is_some() {
                self.offer_outside(last, actions);
            }
            self.pacer.finish(last.as_nanos(), actions);
        }
        self.act(actions, true)?;
        self.release()
    }
}

fn share(picture: &AnyPicture) -> Result<AnyPicture, Stop> {
    let no_memory =
        |source| Stop::Failed(crate::ProcessError::Memory { size: picture.size(), source }.into());
    picture.share().map_err(no_memory)
}

#[cfg(test)]
#[path = "rendition_tests.rs"]
mod tests;
