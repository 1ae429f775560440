//! A rendition whose encoder is open, before its threads run.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use super::builder::Plan;
use super::channel::channel;
use super::control::Control;
use super::encoder::{EncoderThread, Ends, FanOut, Feed, RunningEncoder};
use super::hdr;
use super::interpolation::Interpolation;
use super::lock;
use super::rendition::{self, Rendition};
use super::shared::{Command, Shared, thread};
use crate::capture::{CaptureError, CapturedFrame, FrameQueue, Taken};
use crate::encode::{self, Opened, Request, Row};
use crate::processing::gpu::{Chosen, Devices, Wanted, choose};
use crate::processing::{Recipe, ToneMapping};
use crate::stats::RenditionReport;
use crate::{CaptureConfig, Container, EncoderConfig, Error, ProcessError, Rect, Size};

/// What a rendition needs beside frames.
pub(super) struct Ready {
    /// Its number.
    pub(super) rendition: usize,
    queue: FrameQueue,
    pub(super) first: CapturedFrame,
    pub(super) opened: Opened,
    /// The encoders that it may use, the opened one first.
    rows: Vec<Row>,
    processing: Chosen,
    interpolation: Option<Interpolation>,
    /// Whether it begins amid the recording.
    late: bool,
}

/// A rendition that is encoded, by its threads.
pub(super) struct Encoded {
    pub(super) queue: FrameQueue,
    pub(super) pictures: JoinHandle<()>,
    pub(super) encoder: RunningEncoder,
}

impl Ready {
    /// Waits for the first frame of `queue` and opens what makes packets of it that fit these containers.
    pub(super) fn open(
        (plan, shared, devices): (&Plan, &Shared, &Devices),
        index: usize,
        queue: FrameQueue,
        containers: &[Container],
    ) -> Result<Self, Error> {
        let rendition = &plan.renditions[index];
        let first = first_frame(&plan.capture, &queue)?;
        let (config, note) = hdr::settle(&rendition.encoder, &first);
        note.into_iter().for_each(|note| shared.journal.note(note));
        let size = output_size(&plan.capture, &config, &first)?;
        let request = Request { config: &config, size, fps: plan.capture.fps, containers };
        let rows = encode::rows(&request)?;
        #[cfg(test)]
        let rows = plan.double.map_or(rows.clone(), |double| double(rows));
        let (opened, rows) = encode::open_first(rows, config.codec)?;
        tell(&opened, shared);
        let recipe = Recipe {
            output: opened.input,
            region: plan.capture.region,
            scaler: config.scaler,
            tone: ToneMapping::from(&rendition.encoder),
        };
        let wanted = Wanted {
            wish: &config.processing,
            recipe,
            frame: &first,
            memory: opened.memory.as_ref(),
            fps: plan.capture.fps,
            journal: &shared.journal,
            #[cfg(test)]
            double: plan.gpu_double,
            #[cfg(not(test))]
            double: None,
        };
        let processing = choose(&wanted, devices);
        Ok(Self {
            rendition: index,
            queue,
            first,
            opened,
            rows,
            processing,
            interpolation: None,
            late: false,
        })
    }

    /// It begins amid the recording, with its first frame.
    #[must_use]
    pub(super) fn joining(mut self) -> Self {
        self.late = true;
        self
    }

    /// Opens what makes pictures between the source's, where that is wanted, and takes what the source has sent
    /// meanwhile. Before time begins: shaders are compiled for it.
    pub(super) fn prepare(&mut self, plan: &Plan, shared: &Shared) {
        let config = &plan.renditions[self.rendition].encoder;
        let fps = plan.capture.fps;
        self.interpolation = rendition::interpolation(config, &mut *self.processing.process, fps, shared);
        while let Taken::Frame(mut frame) = self.queue.take(Duration::ZERO) {
            frame.damage.merge(&self.first.damage);
            self.first = frame;
        }
    }

    /// Starts its threads, whose packets go to `feed`.
    pub(super) fn spawn(
        self,
        plan: &Plan,
        feed: Arc<Feed>,
        shared: &Arc<Shared>,
        commands: &Sender<Command>,
    ) -> Result<Encoded, Error> {
        let Self { rendition: index, queue, first, opened, rows, processing, interpolation, late } = self;
        let config = &plan.renditions[index].encoder;
        let (frames, received) = channel(opened.input, config.low_latency);
        let control = Arc::new(Control::new(config.rate_control));
        let report = report(index, &opened, plan.capture.fps);
        let Chosen { process, handover, told } = processing;
        let fan_out = FanOut::new(feed);
        let ends =
            Ends { frames: received, fan_out, control: Arc::clone(&control), handover, processing: told };
        let encoder = EncoderThread::spawn(index, (opened, rows), report, ends, (shared, commands))?;
        lock(&shared.controls).insert(index, control);
        let pacing = rendition::pacing(config, plan.capture.fps, config.low_latency);
        let clocks = (shared.timeline.clone(), Arc::clone(&shared.counters));
        let rendition = Rendition::new(pacing, process, interpolation, frames, clocks);
        let rendition = if late { rendition.joining() } else { rendition };
        let (commands, taken) = (commands.clone(), queue.clone());
        let body = move || rendition.run(first, &taken, &commands);
        Ok(Encoded { queue, pictures: thread(&format!("gs-picture-{index}"), body)?, encoder })
    }
}

/// Tells which encoder it is and which it is not.
fn tell(opened: &Opened, shared: &Shared) {
    for note in &opened.notes {
        shared.journal.note_once(note.as_str());
    }
    for it in &opened.refused {
        let remedy = it.remedy.as_ref().map_or_else(String::new, |remedy| format!(" ({remedy})"));
        shared.journal.note_once(format!("{} is not used: {}{remedy}", it.encoder, it.reason));
    }
}

pub(super) fn first_frame(config: &CaptureConfig, queue: &FrameQueue) -> Result<CapturedFrame, CaptureError> {
    match queue.take(config.first_frame_timeout) {
        Taken::Frame(frame) => Ok(frame),
        Taken::Timeout => Err(CaptureError::NoFrame(config.first_frame_timeout)),
        Taken::Ended(reason) => Err(CaptureError::Ended(reason)),
    }
}

/// The size to encode: what was asked for, else what is shown of the source, with even sides.
pub(super) fn output_size(
    capture: &CaptureConfig,
    encoder: &EncoderConfig,
    first: &CapturedFrame,
) -> Result<Size, Error> {
    let shown = first.shown_size();
    let taken = match capture.region {
        Some(region) => region.intersection(Rect::of(shown)),
        None => Rect::of(shown),
    };
    if taken.is_empty() {
        return Err(ProcessError::Region(shown).into());
    }
    Ok(encoder.size.unwrap_or_else(|| taken.size().even()))
}

/// What is known of a rendition when it begins.
pub(super) fn report(rendition: usize, opened: &Opened, fps: f64) -> RenditionReport {
    let Size { width, height } = opened.input.size;
    RenditionReport {
        rendition,
        encoder: opened.name.to_owned(),
        codec: opened.codec.to_string(),
        width,
        height,
        fps,
        processing: crate::stats::ProcessingReport::default(),
        refused: opened.refused.clone(),
        bitrate_changes: vec![],
        frame_rate_changes: vec![],
        failures: vec![],
    }
}
