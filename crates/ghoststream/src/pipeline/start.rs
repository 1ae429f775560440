//! Opening: capture, sound, encoders, outputs, then the threads between them.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::builder::Plan;
use super::encoder::{FanOut, Feed, Feeds};
use super::lock;
use super::outputs::{self, Begin, OutputThread};
use super::pictures::{self, Place, Subscription};
use super::ready::Ready;
use super::registry::Entry;
use super::shared::{Command, Shared};
use crate::audio::{self, AudioTrack};
use crate::capture::{self, Capture, CaptureError, FrameQueue, FrameSink};
use crate::encode;
use crate::processing::gpu::Devices;
use crate::{Error, FrameRate, OutputConfig, OutputId, Size, Timestamp, output};

/// Everything that a running pipeline owns, in the order of the data flow.
pub(super) struct Running {
    pub(super) capture: Box<dyn Capture>,
    pub(super) sink: FrameSink,
    pub(super) audio: Vec<AudioTrack>,
    /// Outputs that have no picture yet.
    pub(super) waiting_for: Vec<OutputId>,
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
    spawn_renditions(plan, shared, commands, ready)?;
    sink.hold(false);
    for (track, feed) in audio.iter_mut().zip(sound) {
        track.start(audio_sink(shared, feed))?;
    }
    let place = Place { plan: plan.clone(), devices: Arc::new(devices), sink: sink.clone() };
    *lock(&shared.pictures) = Some(Arc::new(place));
    Ok(Running { capture, sink, audio, waiting_for })
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
/// can hear it: every output takes pictures, and there is no rendition for others to join later.
fn open_tracks(
    plan: &Plan,
    shared: &Shared,
    queues: Vec<(usize, FrameQueue)>,
    devices: &Devices,
) -> Result<(Vec<AudioTrack>, Vec<Ready>), Error> {
    let heard = if plan.may_be_heard() { &plan.audio[..] } else { &[] };
    if heard.len() < plan.audio.len() {
        shared.journal.note("no sound is captured: every output takes pictures alone");
    }
    std::thread::scope(|scope| {
        let containers = |track| plan.containers_of_audio(track);
        let clocks = (&shared.timeline, &shared.journal);
        let audio = scope.spawn(move || audio::open_all(heard, &containers, clocks));
        let ready = queues
            .into_iter()
            .map(|(index, queue)| {
                let containers = plan.containers_of_rendition(index);
                Ready::open((plan, shared, devices), index, queue, &containers)
            })
            .collect::<Result<Vec<_>, Error>>();
        let audio = match audio.join() {
            Ok(opened) => opened.map_err(Error::from),
            Err(_) => Err(Error::Thread { thread: "audio".into(), reason: "it panicked".into() }),
        };
        Ok((audio?, ready?))
    })
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

/// Begins time, and starts the threads of what is encoded from the start on.
fn spawn_renditions(
    plan: &Plan,
    shared: &Arc<Shared>,
    commands: &Sender<Command>,
    mut ready: Vec<Ready>,
) -> Result<(), Error> {
    ready.iter_mut().for_each(|it| it.prepare(plan, shared));
    let origin = shared.timeline.start(origin(&ready, plan.capture.fps));
    for mut it in ready {
        it.first.pts = it.first.pts.max(origin);
        let index = it.rendition;
        let feed = lock(&shared.feeds).of_rendition(index)?;
        let encoded = it.spawn(plan, feed, shared, commands)?;
        // Nobody has closed it before it runs.
        let _ = shared.renditions.keep(index, encoded);
    }
    Ok(())
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

fn remember_facts(
    shared: &Shared,
    capture: &dyn Capture,
    ready: &[Ready],
    outputs: &[(Arc<Entry>, Opening)],
) {
    let mut facts = lock(&shared.facts);
    facts.source = capture.description();
    ready.iter().for_each(|it| facts.encodes(it.rendition, &it.opened));
    facts.pictures.extend(outputs.iter().filter_map(|it| it.1.size_of_pictures()).map(|it| it.to_string()));
}
