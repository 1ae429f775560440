//! The thread that makes a rendition's pictures: which frame at which tick, in which form.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, sync_channel};
use std::time::Duration;

use super::interpolation::{Between, Interpolation};
use super::supervisor::{Command, Shared};
use crate::capture::{CapturedFrame, Damage, FrameQueue, Taken};
use crate::encode::{AnyPicture, Frame, InputSpec};
use crate::processing::Process;
use crate::processing::pacer::{Action, Pacer, Pacing};
use crate::{EncoderConfig, Error, FrameRate, FrameRateMode, Interpolate, MediaTime, Timestamp};

/// A picture on its way to the encoder.
pub(super) struct Job {
    pub(super) frame: Frame,
    /// Recording went on after a pause here: players can seek to it, and editors cut.
    pub(super) after_pause: bool,
}

/// The end of the frame channel that the rendition writes to.
pub(super) struct Frames {
    sender: SyncSender<Job>,
    queued: Arc<AtomicUsize>,
    capacity: usize,
}

/// The end that the encoder thread reads from.
pub(super) struct ReceivedFrames {
    receiver: Receiver<Job>,
    queued: Arc<AtomicUsize>,
}

/// The bounded channel between a rendition and its encoder: deep enough to ride out a stall of the
/// machine, within 64 MiB of pictures; two pictures where latency matters.
pub(super) fn channel(input: InputSpec, low_latency: bool) -> (Frames, ReceivedFrames) {
    let plane = |index| {
        let (row, rows) = input.format.plane_layout(index, input.size);
        row * rows
    };
    let bytes: usize = (0..input.format.planes()).map(plane).sum();
    let fits = 64 * 1024 * 1024 / bytes.max(1);
    let capacity = if low_latency { 2 } else { fits.clamp(4, 32) };
    let (sender, receiver) = sync_channel(capacity);
    let queued = Arc::new(AtomicUsize::new(0));
    (Frames { sender, queued: Arc::clone(&queued), capacity }, ReceivedFrames { receiver, queued })
}

impl Frames {
    fn is_full(&self) -> bool {
        !self.has_room_for(1)
    }

    fn has_room_for(&self, pictures: usize) -> bool {
        // Only this thread adds, so room that is seen stays.
        self.queued.load(Ordering::Acquire) + pictures <= self.capacity
    }

    /// Waits for room. False when the encoder has gone.
    fn send(&self, job: Job) -> bool {
        self.queued.fetch_add(1, Ordering::AcqRel);
        self.sender.send(job).is_ok()
    }
}

impl ReceivedFrames {
    /// Waits for the next frame; `None` once the rendition has ended.
    pub(super) fn next(&self) -> Option<Job> {
        let job = self.receiver.recv().ok()?;
        self.queued.fetch_sub(1, Ordering::AcqRel);
        Some(job)
    }

    /// The next frame, if one waits.
    pub(super) fn try_next(&self) -> Option<Job> {
        let job = self.receiver.try_recv().ok()?;
        self.queued.fetch_sub(1, Ordering::AcqRel);
        Some(job)
    }
}

/// How a rendition is paced.
pub(super) fn pacing(config: &EncoderConfig, fps: f64) -> Pacing {
    let rate = FrameRate::from_fps(fps);
    // A file loses nothing when a picture that is late waits for it; a live output does.
    let patience = if config.low_latency { rate.tick_nanos(1) / 2 + 4_000_000 } else { 250_000_000 };
    Pacing { rate, constant: config.frame_rate_mode == FrameRateMode::Constant, patience }
}

/// What makes pictures between the source's, where that is asked for and possible.
pub(super) fn interpolation(
    config: &EncoderConfig,
    spec: InputSpec,
    fps: f64,
    shared: &Shared,
) -> Option<Interpolation> {
    let asked = config.interpolate == Interpolate::On;
    let period = FrameRate::from_fps(fps).tick_nanos(1);
    asked.then(|| Interpolation::open(spec, period, &shared.journal)).flatten()
}

/// One rendition's thread.
pub(super) struct Rendition {
    pacer: Pacer<CapturedFrame>,
    period: i64,
    constant: bool,
    process: Box<dyn Process>,
    interpolation: Option<Interpolation>,
    frames: Frames,
    shared: Arc<Shared>,
    commands: Sender<Command>,
    /// What changed in frames that were left out since the last one that was processed.
    missed: Damage,
    /// The newest frame that lies outside the recording, before its start or in a pause: what the
    /// screen shows when it goes on, even if nothing moves any more.
    outside: Option<CapturedFrame>,
    /// Whether the next picture is the first after a pause.
    after_pause: bool,
    /// The last picture, for ticks that have no new one.
    last: Option<AnyPicture>,
}

/// Why the thread ends early.
enum Stop {
    /// The encoder has gone, and has said why.
    EncoderGone,
    Failed(Error),
}

impl Rendition {
    pub(super) fn new(
        pacing: Pacing,
        process: Box<dyn Process>,
        interpolation: Option<Interpolation>,
        frames: Frames,
        shared: &Arc<Shared>,
        commands: &Sender<Command>,
    ) -> Self {
        Self {
            pacer: Pacer::new(pacing),
            period: pacing.rate.tick_nanos(1),
            constant: pacing.constant,
            process,
            interpolation,
            frames,
            shared: Arc::clone(shared),
            commands: commands.clone(),
            missed: Damage::Rects(Vec::new()),
            outside: None,
            after_pause: false,
            last: None,
        }
    }

    /// Runs until the queue ends.
    pub(super) fn run(mut self, first: CapturedFrame, queue: &FrameQueue) {
        let mut actions = Vec::new();
        self.offer(first, &mut actions);
        let ended = loop {
            if let Err(stop) = self.act(&mut actions, false) {
                break Err(stop);
            }
            match queue.take(self.timeout()) {
                Taken::Frame(frame) => self.offer(frame, &mut actions),
                Taken::Timeout => self.poll(&mut actions),
                Taken::Ended(reason) => break Ok(reason),
            }
        };
        let ended = ended.and_then(|reason| self.finish(&mut actions).map(|()| reason));
        let command = match ended {
            Ok(reason) => Command::SourceEnded(reason),
            Err(Stop::Failed(error)) => Command::RenditionFailed(error),
            Err(Stop::EncoderGone) => return,
        };
        // The supervisor has gone when it is draining.
        let _ = self.commands.send(command);
    }

    fn offer(&mut self, mut frame: CapturedFrame, actions: &mut Vec<Action<CapturedFrame>>) {
        if let Some(before) = self.outside.take() {
            frame.damage.merge(&before.damage);
        }
        match self.shared.timeline.map(frame.pts) {
            Some(pts) => self.pacer.offer(pts.as_nanos(), frame, actions),
            None => {
                self.after_pause |= self.shared.timeline.is_paused();
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
        if !self.constant && self.shared.counters.packets.get() > 0 {
            // Until the encoder lets go of its first packet a still picture is repeated at the full
            // rate, so that a start does not wait for something to move; then once a second.
            self.pacer.set_keep_alive(1_000_000_000);
        }
        if let Some(now) = self.shared.timeline.map(Timestamp::now()) {
            self.offer_outside(now, actions);
            self.pacer.poll(now.as_nanos(), actions);
        }
    }

    /// How long to wait for a frame.
    fn timeout(&self) -> Duration {
        const MOST: i64 = 100_000_000;
        let now = self.shared.timeline.map(Timestamp::now());
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
            let counters = &self.shared.counters;
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

    /// Shows what is between the source's last picture and `picture`, at the ticks that waited for it.
    fn fill_until(&mut self, pts: i64, picture: &AnyPicture, draining: bool) -> Result<(), Stop> {
        if self.after_pause {
            self.release()?;
        }
        let Some(interpolation) = &mut self.interpolation else { return Ok(()) };
        // It reads the pictures on the CPU, wherever they were made.
        let Ok(picture) = share(picture)?.into_memory() else { return Ok(()) };
        for (tick, between) in interpolation.advance(pts, picture) {
            // The source's picture comes after them and must not wait; theirs are no loss.
            if !draining && !self.frames.has_room_for(2) {
                continue;
            }
            match between {
                Between::Repeated => self.repeat(vec![tick])?,
                Between::Made(picture) => {
                    self.shared.counters.interpolated.add(1);
                    self.send(tick, picture.into(), Timestamp::now())?;
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
                self.shared.counters.repeated.add(1);
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
                self.shared.counters.dropped_encoder.add(1);
                self.missed = frame.damage;
                return Ok(None);
            }
            Err(error) => return Err(Stop::Failed(error.into())),
        };
        let latency = &self.shared.counters.latency;
        latency.pace.record(begin.since(frame.arrived));
        latency.process.record(Timestamp::now().since(begin));
        Ok(Some(picture))
    }

    fn send(&mut self, pts: i64, picture: AnyPicture, arrived: Timestamp) -> Result<(), Stop> {
        self.shared.counters.shown_until.raise((pts + self.period).max(0) as u64);
        let frame = Frame { pts: MediaTime::from_nanos(pts), picture, arrived };
        let after_pause = std::mem::take(&mut self.after_pause);
        if self.frames.send(Job { frame, after_pause }) { Ok(()) } else { Err(Stop::EncoderGone) }
    }

    /// Shows what is left, up to now.
    fn finish(&mut self, actions: &mut Vec<Action<CapturedFrame>>) -> Result<(), Stop> {
        if let Some(end) = self.shared.timeline.map(Timestamp::now()) {
            self.offer_outside(end, actions);
            self.pacer.finish(end.as_nanos(), actions);
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
