//! Opening: capture, sound, encoders, outputs, then the threads between them.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use super::builder::{Plan, RenditionPlan};
use super::control::Control;
use super::encoder::{EncoderThread, Ends, FanOut, RunningEncoder};
use super::hdr;
use super::lock;
use super::outputs::{self, OutputThread};
use super::rendition::{self, Rendition};
use super::supervisor::{Command, Shared, thread};
use crate::audio::AudioTrack;
use crate::capture::{self, Capture, CaptureError, CapturedFrame, FrameQueue, FrameSink, Taken};
use crate::encode::{self, Opened, Request, Row, Track};
use crate::processing::gpu::{Chosen, Devices, Wanted, choose};
use crate::processing::{Recipe, ToneMapping};
use crate::stats::RenditionReport;
use crate::{
    CaptureConfig, EncoderConfig, Error, FrameRate, OutputConfig, ProcessError, Rect, Size, Timestamp, output,
};

/// Everything that a running pipeline owns, in the order of the data flow.
pub(super) struct Running {
    pub(super) capture: Box<dyn Capture>,
    pub(super) sink: FrameSink,
    pub(super) renditions: Vec<JoinHandle<()>>,
    pub(super) encoders: Vec<RunningEncoder>,
    pub(super) audio: Vec<AudioTrack>,
    pub(super) outputs: Vec<OutputThread>,
    /// Outputs that did not fail.
    pub(super) outputs_left: usize,
    /// Outputs that have no picture yet.
    pub(super) waiting_for: Vec<usize>,
}

/// A rendition whose encoder is open.
struct Ready {
    queue: FrameQueue,
    first: CapturedFrame,
    opened: Opened,
    /// The encoders that it may use, the opened one first.
    rows: Vec<Row>,
    processing: Chosen,
}

/// Opens every stage. When one fails, what was opened before is dropped, which closes it.
pub(super) fn open(plan: &Plan, shared: &Arc<Shared>, commands: &Sender<Command>) -> Result<Running, Error> {
    encode::prepare(plan.renditions.iter().map(|it| &it.encoder));
    let devices = Devices::begin(plan.renditions.iter().map(|it| &it.encoder.processing));
    let sink = FrameSink::new(Arc::clone(&shared.counters), shared.journal.clone())
        .given_up_with(Arc::clone(&shared.given_up));
    sink.hold(true);
    let queues: Vec<FrameQueue> = plan.renditions.iter().map(|it| sink.subscribe(it.stream)).collect();
    let imports = devices.imports(plan.renditions.iter().map(|it| &it.encoder.processing));
    let capture = capture::open(&plan.capture, sink.clone(), imports)?;
    check_streams(plan, capture.streams())?;
    let (mut audio, ready) = open_tracks(plan, shared, queues, &devices)?;
    let tracks: Vec<Track> = audio.iter().map(AudioTrack::track).collect();
    let outputs = open_outputs(plan, &ready, &tracks)?;

    remember_facts(shared, &*capture, &ready);
    let outputs: Vec<OutputThread> = outputs
        .into_iter()
        .enumerate()
        .map(|(index, it)| outputs::spawn(index, it, shared, commands))
        .collect::<Result<_, _>>()?;
    let (renditions, encoders) = spawn_renditions(plan, shared, commands, ready, &outputs)?;
    sink.hold(false);
    for (index, track) in audio.iter_mut().enumerate() {
        track.start(audio_sink(plan, shared, index, &outputs))?;
    }
    Ok(Running {
        capture,
        sink,
        renditions,
        encoders,
        audio,
        outputs_left: outputs.len(),
        waiting_for: (0..outputs.len()).collect(),
        outputs,
    })
}

fn check_streams(plan: &Plan, streams: usize) -> Result<(), Error> {
    match plan.renditions.iter().map(|it| it.stream).find(|&it| it >= streams) {
        None => Ok(()),
        Some(stream) => {
            let allowed = format!("below {streams}, the number of sources that were picked");
            Err(CaptureError::from(crate::ConfigError::new("stream", stream, allowed)).into())
        }
    }
}

/// Opens sound while the first pictures come in, then the encoders for them.
fn open_tracks(
    plan: &Plan,
    shared: &Shared,
    queues: Vec<FrameQueue>,
    devices: &Devices,
) -> Result<(Vec<AudioTrack>, Vec<Ready>), Error> {
    std::thread::scope(|scope| {
        let audio: Vec<_> = plan
            .audio
            .iter()
            .enumerate()
            .map(|(index, config)| {
                let containers = plan.containers_of_audio(index);
                let (timeline, journal) = (shared.timeline.clone(), shared.journal.clone());
                scope.spawn(move || AudioTrack::open(config, &containers, timeline, journal))
            })
            .collect();
        let ready = queues
            .into_iter()
            .zip(&plan.renditions)
            .enumerate()
            .map(|(index, (queue, it))| open_rendition((plan, shared, devices), index, queue, it))
            .collect::<Result<Vec<_>, Error>>();
        let audio = audio
            .into_iter()
            .map(|it| match it.join() {
                Ok(opened) => opened.map_err(Error::from),
                Err(_) => Err(Error::Thread { thread: "audio".into(), reason: "it panicked".into() }),
            })
            .collect::<Result<Vec<_>, Error>>();
        Ok((audio?, ready?))
    })
}

fn open_rendition(
    (plan, shared, devices): (&Plan, &Shared, &Devices),
    index: usize,
    queue: FrameQueue,
    rendition: &RenditionPlan,
) -> Result<Ready, Error> {
    let first = first_frame(&plan.capture, &queue)?;
    let (config, note) = hdr::settle(&rendition.encoder, &first);
    note.into_iter().for_each(|note| shared.journal.note(note));
    let size = output_size(&plan.capture, &config, &first)?;
    let request = Request {
        config: &config,
        size,
        fps: plan.capture.fps,
        containers: &plan.containers_of_rendition(index),
    };
    let rows = encode::rows(&request)?;
    #[cfg(test)]
    let rows = plan.double.map_or(rows.clone(), |double| double(rows));
    let (opened, rows) = encode::open_first(rows, config.codec)?;
    for note in &opened.notes {
        shared.journal.note(note.as_str());
    }
    for it in &opened.refused {
        let remedy = it.remedy.as_ref().map_or_else(String::new, |remedy| format!(" ({remedy})"));
        shared.journal.note(format!("{} is not used: {}{remedy}", it.encoder, it.reason));
    }
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
    Ok(Ready { queue, first, opened, rows, processing })
}

fn first_frame(config: &CaptureConfig, queue: &FrameQueue) -> Result<CapturedFrame, CaptureError> {
    match queue.take(config.first_frame_timeout) {
        Taken::Frame(frame) => Ok(frame),
        Taken::Timeout => Err(CaptureError::NoFrame(config.first_frame_timeout)),
        Taken::Ended(reason) => Err(CaptureError::Ended(reason)),
    }
}

/// The size to encode: what was asked for, else what is shown of the source, with even sides.
fn output_size(
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

/// Opens every output for its rendition's track and its audio tracks.
fn open_outputs(plan: &Plan, ready: &[Ready], audio: &[Track]) -> Result<Vec<outputs::Open>, Error> {
    plan.outputs
        .iter()
        .map(|config| {
            let mut tracks = vec![ready[config.rendition].opened.track.clone()];
            let taken = (0..audio.len()).filter(|&track| config.takes_audio(track));
            tracks.extend(taken.map(|track| audio[track].clone()));
            let sink = output::open(config, &tracks)?;
            Ok(outputs::Open { sink, tracks: tracks.len() })
        })
        .collect()
}

type Threads = (Vec<JoinHandle<()>>, Vec<RunningEncoder>);

fn spawn_renditions(
    plan: &Plan,
    shared: &Arc<Shared>,
    commands: &Sender<Command>,
    ready: Vec<Ready>,
    outputs: &[OutputThread],
) -> Result<Threads, Error> {
    let (mut renditions, mut encoders) = (Vec::new(), Vec::new());
    let mut ready = ready;
    ready.iter_mut().for_each(Ready::renew);
    let origin = shared.timeline.start(origin(&ready, plan.capture.fps));
    for (index, mut it) in ready.into_iter().enumerate() {
        it.first.pts = it.first.pts.max(origin);
        let config = &plan.renditions[index].encoder;
        let (frames, received) = rendition::channel(it.opened.input, config.low_latency);
        let fan_out = FanOut::new(fan_out(&plan.outputs, index, outputs));
        let control = Arc::new(Control::new(config.rate_control));
        lock(&shared.controls).push(Arc::clone(&control));
        let report = report(&it.opened, plan.capture.fps);
        let Chosen { process, handover, told } = it.processing;
        let ends = Ends { frames: received, fan_out, control, handover, processing: told };
        let interpolation = rendition::interpolation(config, it.opened.input, plan.capture.fps, shared);
        let encoder = (it.opened, it.rows);
        encoders.push(EncoderThread::spawn(index, encoder, report, ends, (shared, commands))?);
        let pacing = rendition::pacing(config, plan.capture.fps);
        let rendition = Rendition::new(pacing, process, interpolation, frames, shared, commands);
        renditions.push(thread(&format!("gs-picture-{index}"), move || rendition.run(it.first, &it.queue))?);
    }
    Ok((renditions, encoders))
}

impl Ready {
    /// Takes what the source has sent while encoders and outputs were being opened.
    fn renew(&mut self) {
        while let Taken::Frame(mut frame) = self.queue.take(Duration::ZERO) {
            frame.damage.merge(&self.first.damage);
            self.first = frame;
        }
    }
}

/// When the recording begins: with the first source's newest picture, so that the ticks sit on that
/// source's rhythm from the start; now, when nothing has moved for a while.
fn origin(ready: &[Ready], fps: f64) -> Timestamp {
    let now = Timestamp::now();
    let fresh = now - 2 * FrameRate::from_fps(fps).period();
    ready.first().map(|it| it.first.pts).filter(|&pts| pts >= fresh && pts <= now).unwrap_or(now)
}

/// Where the packets of a rendition go: an output's first track is its picture.
fn fan_out(plan: &[OutputConfig], rendition: usize, outputs: &[OutputThread]) -> Vec<outputs::Door> {
    let pairs = plan.iter().zip(outputs);
    pairs.filter(|(config, _)| config.rendition == rendition).map(|(_, output)| output.door(0)).collect()
}

/// Where the packets of an audio track go: an output's audio tracks follow its picture, in order.
fn audio_sink(
    plan: &Plan,
    shared: &Shared,
    track: usize,
    outputs: &[OutputThread],
) -> crate::audio::PacketSink {
    let doors = plan.outputs.iter().zip(outputs).filter(|(config, _)| config.takes_audio(track)).map(
        |(config, output)| {
            let before = (0..track).filter(|&it| config.takes_audio(it)).count();
            output.door(1 + before)
        },
    );
    let mut fan_out = FanOut::new(doors.collect());
    let counters = Arc::clone(&shared.counters);
    Box::new(move |packet| {
        counters.bytes.add(packet.data().len() as u64);
        fan_out.send(&packet);
    })
}

fn report(opened: &Opened, fps: f64) -> RenditionReport {
    let Size { width, height } = opened.input.size;
    RenditionReport {
        encoder: opened.name.to_owned(),
        codec: opened.codec.to_string(),
        width,
        height,
        fps,
        processing: crate::stats::ProcessingReport::default(),
        refused: opened.refused.clone(),
        bitrate_changes: vec![],
        failures: vec![],
    }
}

fn remember_facts(shared: &Shared, capture: &dyn Capture, ready: &[Ready]) {
    let mut facts = lock(&shared.facts);
    facts.source = capture.description();
    facts.encoders = ready.iter().map(|it| it.opened.name.to_owned()).collect();
    facts.sizes = ready.iter().map(|it| it.opened.input.size.to_string()).collect();
}
