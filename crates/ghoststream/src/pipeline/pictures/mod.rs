//! Outputs that take pictures: a camera, the caller's code.
//!
//! ```text
//! FrameQueue of its own
//!    ▼
//! picture thread     its own pacer and processing, for the format and the latency that the output wants
//!    │ two pictures; when full the tick is left out, counted
//! sink thread        stands where others have an encoder and an output thread
//! ```
//!
//! What such an output drops and repeats is counted apart from everybody else's: it is in its own report.

mod taker;

use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::builder::Plan;
use super::channel::{ReceivedFrames, channel};
use super::hdr;
use super::outputs::{Begin, OutputThread};
use super::ready::{first_frame, output_size};
use super::registry::Entry;
use super::rendition::{self, Rendition};
use super::shared::{Command, Shared, thread};
use crate::capture::{CapturedFrame, FrameQueue, FrameSink};
use crate::output::{self, OpenedPictures, PictureOffer, PictureSink};
use crate::processing::gpu::{Chosen, Devices, Told, Wanted, choose};
use crate::processing::{Recipe, ToneMapping};
use crate::stats::Counters;
use crate::{Error, Output, OutputConfig, Size};

/// An output's own queue for the source's frames. It is left when this is dropped, so that no frame is kept from
/// its producer.
pub(super) struct Subscription {
    pub(super) queue: FrameQueue,
    counters: Arc<Counters>,
    /// The output itself, where it need not know the source.
    early: Option<OpenedPictures>,
}

impl Subscription {
    pub(super) fn new(
        plan: &Plan,
        config: &OutputConfig,
        sink: &FrameSink,
        shared: &Shared,
    ) -> Result<Self, Error> {
        let counters: Arc<Counters> = Arc::default();
        let rendition = &plan.renditions[config.rendition];
        let queue = sink.subscribe_counting(rendition.stream, Arc::clone(&counters));
        let offer = |size| PictureOffer { size, fps: plan.capture.fps, color: rendition.encoder.color };
        // Who looks at a camera need not wait until someone has answered the portal's dialog.
        let early = matches!(config.output, Output::VirtualCamera { .. });
        let early = rendition.encoder.size.filter(|_| early);
        let early =
            early.map(|size| output::open_pictures(config, &offer(size), &shared.timeline)).transpose()?;
        Ok(Self { queue, counters, early })
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.queue.leave();
    }
}

/// An output that is open, before its threads run.
pub(super) struct OpenPictures {
    pub(super) entry: Arc<Entry>,
    subscription: Subscription,
    first: CapturedFrame,
    rendition: Rendition,
    frames: ReceivedFrames,
    sink: Box<dyn PictureSink>,
    told: Told,
}

impl OpenPictures {
    pub(super) fn size(&self) -> Size {
        self.sink.input().size
    }
}

/// Opens the output of `entry`, and what makes its pictures. Waits for the source's first frame.
pub(super) fn open(
    (plan, shared, devices): (&Plan, &Shared, &Devices),
    entry: Arc<Entry>,
    mut subscription: Subscription,
) -> Result<OpenPictures, Error> {
    let (fps, wishes) = (plan.capture.fps, &plan.renditions[entry.config.rendition].encoder);
    let first = first_frame(&plan.capture, &subscription.queue)?;
    let (config, note) = hdr::settle(wishes, &first);
    note.into_iter().for_each(|note| shared.journal.note(note));
    let offer = PictureOffer { size: output_size(&plan.capture, &config, &first)?, fps, color: config.color };
    let opened = match subscription.early.take() {
        Some(early) => early,
        None => output::open_pictures(&entry.config, &offer, &shared.timeline)?,
    };
    let OpenedPictures { sink, remote, note } = opened;
    note.into_iter().for_each(|note| shared.journal.note(note));
    let input = sink.input();
    let tone = ToneMapping::from(wishes);
    let wanted = Wanted {
        wish: &config.processing,
        recipe: Recipe { output: input, region: plan.capture.region, scaler: config.scaler, tone },
        frame: &first,
        // Where the CPU reads them.
        memory: None,
        fps,
        journal: &shared.journal,
        #[cfg(test)]
        double: plan.gpu_double,
        #[cfg(not(test))]
        double: None,
    };
    let Chosen { mut process, told, .. } = choose(&wanted, devices);
    let interpolation = rendition::interpolation(&config, &mut *process, fps, shared);
    let (to, frames) = channel(input, true);
    let pacing = rendition::pacing(&config, fps, true);
    let clocks = (shared.timeline.clone(), Arc::clone(&subscription.counters));
    let rendition = Rendition::new(pacing, process, interpolation, to, clocks).seen_by(sink.audience());
    entry.opened(remote);
    Ok(OpenPictures { entry, subscription, first, rendition, frames, sink, told })
}

/// What outputs and renditions need that are added while the pipeline runs.
pub(super) struct Place {
    pub(super) plan: Plan,
    pub(super) devices: Arc<Devices>,
    pub(super) sink: FrameSink,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// The same while the pipeline runs.
///
/// # Errors
/// As [`open`], or there is no such rendition.
pub(super) fn open_late(place: &Place, entry: &Arc<Entry>, shared: &Shared) -> Result<OpenPictures, Error> {
    let Place { plan, devices, sink } = place;
    entry.config.check(plan.renditions.len(), plan.audio.len())?;
    let subscription = Subscription::new(plan, &entry.config, sink, shared)?;
    // What comes while it is opened would be late.
    subscription.queue.hold(true);
    open((plan, shared, devices), Arc::clone(entry), subscription)
}

/// Starts its threads. Pictures come once time has begun.
pub(super) fn spawn(
    open: OpenPictures,
    begin: Begin,
    shared: &Arc<Shared>,
    commands: &Sender<Command>,
) -> Result<OutputThread, Error> {
    let OpenPictures { entry, subscription, first, rendition, frames, sink, told } = open;
    let queue = subscription.queue.clone();
    let (rendition, somebody) = match begin {
        Begin::First => (rendition, None),
        Begin::Late(waiting) => {
            queue.hold(false);
            (rendition.joining(), Some(waiting))
        }
    };
    let pictures = thread(&format!("gs-picture-o{}", entry.id), move || rendition.show_all(first, &queue))?;
    let taker = taker::Taker {
        entry: Arc::clone(&entry),
        sink,
        queue: subscription.queue.clone(),
        counters: Arc::clone(&subscription.counters),
        told,
        shared: Arc::clone(shared),
        commands: commands.clone(),
        started: false,
        waiting: somebody,
    };
    let handle = thread(&format!("gs-output-{}", entry.id), move || taker.run(frames, pictures))?;
    Ok(OutputThread::of_pictures(entry, subscription, handle))
}
