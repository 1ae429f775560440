//! Opening: capture, sound, encoders, outputs, then the threads between them.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use super::builder::Plan;
use super::channel::channel;
use super::control::Control;
use super::encoder::{EncoderThread, Ends, FanOut, Feed, Feeds, RunningEncoder};
use super::hdr;
use super::lock;
use super::outputs::{self, Begin, OutputThread};
use super::pictures::{self, Place, Subscription};
use super::registry::Entry;
use super::rendition::{self, Rendition};
use super::supervisor::{Command, Shared, thread};
use crate::audio::{self, AudioTrack};
use crate::capture::{self, Capture, CaptureError, CapturedFrame, FrameQueue, FrameSink, Taken};
use crate::encode::{self, Opened, Request, Row};
use crate::processing::gpu::{Chosen, Devices, Wanted, choose};
use crate::processing::{Recipe, ToneMapping};
use crate::stats::RenditionReport;
use crate::{
    CaptureConfig, EncoderConfig, Error, FrameRate, OutputConfig, OutputId, ProcessError, Rect, Size,
    Timestamp, output,
};

/// Everything that a running pipeline owns, in the order of the data flow.
pub(super) struct Running {
    pub(super) capture: Box<dyn Capture>,
    pub(super) sink: FrameSink,
    pub(super) renditions: Vec<JoinHandle<()>>,
    pub(super) encoders: Vec<RunningEncoder>,
    pub(super) audio: Vec<AudioTrack>,
    /// Outputs that have no picture yet.
    pub(super) waiting_for: Vec<OutputId>,
}

/// A rendition whose encoder is open.
struct Ready {
    /// Its number.
    rendition: usize,
    queue: FrameQueue,
    first: CapturedFrame,
    opened: Opened,
    /// The encoders that it may use, the opened one first.
    rows: Vec<Row>,
    processing: Chosen,
}

/// Opens every stage. When one fails, what was opened before is dropped, which closes it.
pub(super) fn open(plan: &Plan, shared: &Arc<Shared>, commands: &Sender<Command>) -> Result<Running, Error> {
    let encoded = plan.encoded_renditions();
    encode::prepare(encoded.iter().map(|&it| &plan.renditions[it].encoder));
    let devices = Devices::begin(plan.renditions.iter().map(|it| &it.encoder.processing));
    let sink = FrameSink::new(Arc::clone(&shared.counters), shared.journal.clone())
        .given_up_with(Arc::clone(&shared.given_up));
    sink.hold(true);
    let queues = encoded.iter().map(|&it| (it, sink.subscribe(plan.renditions[it].stream))).collect();
    let subscriptions = subscriptions(plan, &sink, shared)?;
    let imports = devices.imports(plan.renditions.iter().map(|it| &it.encoder.processing));
    let capture = capture::open(&plan.capture, sink.clone(), Some(imports))?;
    check_streams(plan, capture.streams())?;
    let (mut audio, ready) = open_tracks(plan, shared, queues, &devices)?;
    *lock(&shared.sound) = audio.iter().map(AudioTrack::switch).collect();
    let sound: Vec<_> = audio.iter().map(|it| Arc::new(Feed::new(it.track()))).collect();
    *lock(&shared.feeds) = feeds(plan, &ready, &sound);
    let outputs = open_outputs((plan, shared, &devices), subscriptions)?;

    remember_facts(shared, &*capture, &ready, &outputs);
    let waiting_for = outputs.iter().map(|it| it.0.id).collect();
    for (entry, opening) in outputs {
        // Nobody has closed it before it runs.
        let _ = shared.outputs.keep(&entry, opening.spawn(shared, commands)?);
    }
    let (renditions, encoders) = spawn_renditions(plan, shared, commands, ready)?;
    sink.hold(false);
    for (track, feed) in audio.iter_mut().zip(sound) {
        track.start(audio_sink(shared, feed))?;
    }
    let place = Place { plan: plan.clone(), devices, sink: sink.clone() };
    *lock(&shared.pictures) = Some(Arc::new(place));
    Ok(Running { capture, sink, renditions, encoders, audio, waiting_for })
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

/// Opens sound while the first pictures come in, then the encoders for them. No sound is captured where nobody
/// can hear it: every output takes pictures, and none that takes packets can join later.
fn open_tracks(
    plan: &Plan,
    shared: &Shared,
    queues: Vec<(usize, FrameQueue)>,
    devices: &Devices,
) -> Result<(Vec<AudioTrack>, Vec<Ready>), Error> {
    let heard = if queues.is_empty() { &[] } else { &plan.audio[..] };
    if heard.len() < plan.audio.len() {
        shared.journal.note("no sound is captured: every output takes pictures alone");
    }
    std::thread::scope(|scope| {
        let containers = |track| plan.containers_of_audio(track);
        let clocks = (&shared.timeline, &shared.journal);
        let audio = scope.spawn(move || audio::open_all(heard, &containers, clocks));
        let ready = queues
            .into_iter()
            .map(|(index, queue)| open_rendition((plan, shared, devices), index, queue))
            .collect::<Result<Vec<_>, Error>>();
        let audio = match audio.join() {
            Ok(opened) => opened.map_err(Error::from),
            Err(_) => Err(Error::Thread { thread: "audio".into(), reason: "it panicked".into() }),
        };
        Ok((audio?, ready?))
    })
}

fn open_rendition(
    (plan, shared, devices): (&Plan, &Shared, &Devices),
    index: usize,
    queue: FrameQueue,
) -> Result<Ready, Error> {
    let rendition = &plan.renditions[index];
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
    Ok(Ready { rendition: index, queue, first, opened, rows, processing })
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

/// For each output that takes pictures, a queue of its own.
fn subscriptions(plan: &Plan, sink: &FrameSink, shared: &Shared) -> Result<Vec<Option<Subscription>>, Error> {
    let of = |config: &OutputConfig| {
        let takes = output::takes_pictures(&config.output);
        takes.then(|| Subscription::new(plan, config, sink, shared)).transpose()
    };
    plan.outputs.iter().map(of).collect()
}

/// Where packets of every track can be had.
fn feeds(plan: &Plan, ready: &[Ready], sound: &[Arc<Feed>]) -> Feeds {
    let pictures = ready.iter().map(|it| (it.rendition, Arc::new(Feed::new(it.opened.track.clone()))));
    let kinds = plan.sound.clone();
    Feeds { renditions: plan.renditions.len(), pictures: pictures.collect(), sound: sound.to_vec(), kinds }
}

/// Opens every output: for its rendition's track and its audio tracks, or for pictures.
fn open_outputs(
    (plan, shared, devices): (&Plan, &Shared, &Devices),
    subscriptions: Vec<Option<Subscription>>,
) -> Result<Vec<(Arc<Entry>, Opening)>, Error> {
    let open = |(config, subscription)| {
        let entry = shared.outputs.add(config)?;
        let opening = match subscription {
            Some(subscription) => {
                let opened = pictures::open((plan, shared, devices), Arc::clone(&entry), subscription)?;
                Opening::Pictures(Box::new(opened))
            }
            None => Opening::Packets(outputs::open(&entry, shared, false)?),
        };
        Ok((entry, opening))
    };
    plan.outputs.iter().zip(subscriptions).map(open).collect()
}

/// An output that is open, before its threads run.
enum Opening {
    Packets(outputs::Open),
    Pictures(Box<pictures::OpenPictures>),
}

impl Opening {
    fn spawn(self, shared: &Arc<Shared>, commands: &Sender<Command>) -> Result<OutputThread, Error> {
        match self {
            Self::Packets(it) => outputs::spawn(it, Begin::First, shared, commands),
            Self::Pictures(it) => pictures::spawn(*it, Begin::First, shared, commands),
        }
    }

    fn size_of_pictures(&self) -> Option<Size> {
        match self {
            Self::Packets(_) => None,
            Self::Pictures(it) => Some(it.size()),
        }
    }
}

type Threads = (Vec<JoinHandle<()>>, Vec<RunningEncoder>);

fn spawn_renditions(
    plan: &Plan,
    shared: &Arc<Shared>,
    commands: &Sender<Command>,
    ready: Vec<Ready>,
) -> Result<Threads, Error> {
    let (mut renditions, mut encoders) = (Vec::new(), Vec::new());
    let mut ready = ready;
    // Before time begins: shaders are compiled for it.
    let mut interpolations: Vec<_> = ready
        .iter_mut()
        .map(|it| {
            let config = &plan.renditions[it.rendition].encoder;
            rendition::interpolation(config, &mut *it.processing.process, plan.capture.fps, shared)
        })
        .collect();
    ready.iter_mut().for_each(Ready::renew);
    let origin = shared.timeline.start(origin(&ready, plan.capture.fps));
    for (mut it, interpolation) in ready.into_iter().zip(interpolations.drain(..)) {
        let index = it.rendition;
        it.first.pts = it.first.pts.max(origin);
        let config = &plan.renditions[index].encoder;
        let (frames, received) = channel(it.opened.input, config.low_latency);
        let fan_out = FanOut::new(lock(&shared.feeds).of_rendition(index)?);
        let control = Arc::new(Control::new(config.rate_control));
        lock(&shared.controls).insert(index, Arc::clone(&control));
        let report = report(&it.opened, plan.capture.fps);
        let Chosen { process, handover, told } = it.processing;
        let ends = Ends { frames: received, fan_out, control, handover, processing: told };
        let encoder = (it.opened, it.rows);
        encoders.push(EncoderThread::spawn(index, encoder, report, ends, (shared, commands))?);
        let pacing = rendition::pacing(config, plan.capture.fps, config.low_latency);
        let clocks = (shared.timeline.clone(), Arc::clone(&shared.counters));
        let rendition = Rendition::new(pacing, process, interpolation, frames, clocks);
        let commands = commands.clone();
        let body = move || rendition.run(it.first, &it.queue, &commands);
        renditions.push(thread(&format!("gs-picture-{index}"), body)?);
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

/// Where the packets of an audio track go.
fn audio_sink(shared: &Shared, feed: Arc<Feed>) -> crate::audio::PacketSink {
    let mut fan_out = FanOut::new(feed);
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

fn remember_facts(
    shared: &Shared,
    capture: &dyn Capture,
    ready: &[Ready],
    outputs: &[(Arc<Entry>, Opening)],
) {
    let mut facts = lock(&shared.facts);
    facts.source = capture.description();
    facts.encoders = ready.iter().map(|it| (it.rendition, it.opened.name.to_owned())).collect();
    let encoded = ready.iter().map(|it| it.opened.input.size);
    let pictures = outputs.iter().filter_map(|it| it.1.size_of_pictures());
    facts.sizes = encoded.chain(pictures).map(|it| it.to_string()).collect();
}
