//! Capture → pace → process → encode → output.
//!
//! ```text
//! capture thread(s)      CapturedFrame, leased from the producer
//!    │  FrameQueue: 6 frames; the oldest makes room, counted as dropped, its damage kept
//! picture thread         paces (which frame at which tick), then processes: crop, turn, scale, convert
//!    │  frame channel: up to 64 MiB of pictures; when full the tick is left out, counted as dropped
//! encoder thread         Packet, shared
//!    │  packet channels: 256 packets; when full the encoder waits, nothing after it is dropped
//! output thread (each)   interleaves its tracks by decoding time, writes, finishes
//!    ▲
//! audio threads (each track)  capture → resample to the capture clock → encode
//! ```
//!
//! A supervisor thread opens all of this ([`start`]), watches over it, and drains it in the order of
//! the arrows ([`drain`]). It ends when it is told to stop, when the source ends, or when nothing is
//! left to write to.

mod builder;
mod change;
mod channel;
mod control;
mod drain;
mod encoder;
#[cfg(test)]
mod gpu_tests;
mod hdr;
mod interpolation;
mod markers;
mod outputs;
mod pictures;
mod rates;
mod ready;
mod registry;
mod rendition;
mod renditions;
mod replay;
mod shared;
mod sound;
mod span;
mod start;
mod status;
mod supervisor;

pub use builder::PipelineBuilder;
pub use encoder::Trial;
pub use status::{OutputState, OutputStatus, PipelineState, Status};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use builder::Plan;
use shared::{Command, Shared};

use crate::config::{Names, check_bitrate};
use crate::output::Remote;
use crate::stats::Report;
use crate::{
    AudioConfig, AudioSource, CaptureConfig, ConfigError, EncoderConfig, Error, FrameStream, MediaTime,
    OutputConfig, OutputId, PacketStream, Timestamp,
};

/// One capture on its way to one or more outputs.
///
/// Nothing happens before [`start`](Self::start). The pipeline then runs in the background;
/// [`stop`](Self::stop) ends it and makes every output whole, and so does dropping it, which waits
/// until the files are finished.
///
/// The methods need no particular async runtime.
#[derive(Debug)]
pub struct Pipeline {
    shared: Arc<Shared>,
    /// What is to be done, until it is started.
    plan: Mutex<Option<Plan>>,
    supervisor: Mutex<Option<JoinHandle<()>>>,
    names: Mutex<Names>,
}

impl Pipeline {
    /// A pipeline with one rendition and one output.
    ///
    /// # Errors
    /// A setting is out of range, the output cannot be used, or it is not built yet.
    pub fn new(
        capture: CaptureConfig,
        encoder: EncoderConfig,
        output: impl Into<OutputConfig>,
    ) -> Result<Self, Error> {
        Self::builder(capture).rendition(encoder).output(output).build()
    }

    /// A pipeline with any number of renditions, outputs and audio tracks.
    pub fn builder(capture: CaptureConfig) -> PipelineBuilder {
        PipelineBuilder::new(capture)
    }

    fn from_plan(plan: Plan, names: Names) -> Self {
        Self {
            shared: Arc::default(),
            plan: Mutex::new(Some(plan)),
            supervisor: Mutex::new(None),
            names: Mutex::new(names),
        }
    }

    /// What its renditions and tracks are called.
    pub(crate) fn names(&self) -> Names {
        lock(&self.names).clone()
    }

    /// Records this source as the only audio track, or gives the only track another source while it runs:
    /// every output goes on as it was, and between the two sources there is silence where neither has sound.
    ///
    /// Takes anything that names a PipeWire node: its id, its name, or an [`AudioSource`]. One that is not there yet is
    /// silent until it appears.
    ///
    /// # Errors
    /// While it runs: there is no audio track or no output that takes sound, or there are several tracks
    /// ([`set_track_source`](Self::set_track_source) says which); or the source is a node that has no sound, and the one
    /// before goes on.
    pub fn set_audio_source(&self, source: impl Into<AudioSource>) -> Result<(), Error> {
        let source = source.into();
        if let Some(plan) = lock(&self.plan).as_mut() {
            plan.audio = vec![AudioConfig::new(source)];
            return Ok(());
        }
        self.running()?;
        let switches = lock(&self.shared.sound);
        let mut sources = switches.iter().flatten();
        match (sources.next(), sources.next()) {
            (Some(only), None) => Ok(only.to(&source)?),
            (None, _) => Err(Error::State(
                "there is no audio track: one is to be there from the start on, and an output that takes sound",
            )),
            _ => Err(Error::State("there are several audio tracks; say whose source is to change")),
        }
    }

    /// Gives an audio track, by its number from 0, another source while it runs: see
    /// [`set_audio_source`](Self::set_audio_source).
    ///
    /// # Errors
    /// As [`set_audio_source`](Self::set_audio_source), or there is no such track, or it is a mix.
    pub fn set_track_source(&self, track: usize, source: impl Into<AudioSource>) -> Result<(), Error> {
        self.running()?;
        let switches = lock(&self.shared.sound);
        let switch = switches.get(track).and_then(Option::as_ref);
        let unknown = || ConfigError::new("track", track, "one of the audio tracks, and no mix");
        Ok(switch.ok_or_else(unknown)?.to(&source.into())?)
    }

    /// Starts it. Resolves when the first encoded picture has reached every output.
    ///
    /// # Errors
    /// Any stage failed; everything that was opened is closed again. A pipeline starts once.
    pub async fn start(&self) -> Result<(), Error> {
        let mut plan = lock(&self.plan).take().ok_or(Error::State("a pipeline is started once only"))?;
        plan.settle_sound()?;
        let (started, answer) = tokio::sync::oneshot::channel();
        let handle = supervisor::spawn(plan, Arc::clone(&self.shared), started)?;
        *lock(&self.supervisor) = Some(handle);
        answer.await.unwrap_or_else(|_| Err(panicked()))
    }

    /// Resolves when it ends by itself: the source ended, or no output is left. Also after `stop`.
    ///
    /// # Errors
    /// Why it ended, where that was a failure; what was written is whole, and
    /// [`report`](Self::report) tells about it. The error is returned once.
    pub async fn wait(&self) -> Result<Report, Error> {
        if self.shared.state() == PipelineState::New {
            return Err(Error::State("the pipeline was not started"));
        }
        self.shared.ended().await;
        match self.shared.take_error() {
            Some(error) => Err(error),
            None => self.report().ok_or(Error::State("the pipeline did not start, so it has no report")),
        }
    }

    /// Ends it: every frame captured so far is written or counted, every output is made whole.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub async fn stop(&self) -> Result<Report, Error> {
        self.shared.command(Command::Stop(Timestamp::now()));
        self.wait().await
    }

    /// Ends it as [`stop`](Self::stop) does, and leaves the error to whoever waits.
    pub(crate) async fn end(&self) {
        self.shared.command(Command::Stop(Timestamp::now()));
        if self.shared.state() != PipelineState::New {
            self.shared.ended().await;
        }
    }

    /// Stops recording until [`resume`](Self::resume); the outputs show no gap.
    ///
    /// # Errors
    /// It is not running.
    pub fn pause(&self) -> Result<(), Error> {
        self.running()?;
        self.shared.timeline.pause(Timestamp::now());
        Ok(())
    }

    /// Goes on after [`pause`](Self::pause).
    ///
    /// # Errors
    /// It is not running.
    pub fn resume(&self) -> Result<(), Error> {
        self.running()?;
        self.shared.timeline.resume(Timestamp::now());
        Ok(())
    }

    /// Changes the bitrate of the only rendition, in kbit/s, 50 to 800,000, from the next picture on.
    /// Its ceiling and buffer follow in proportion. For one of several renditions there is
    /// [`set_rendition_bitrate`](Self::set_rendition_bitrate).
    ///
    /// NVENC follows with rate control VBR and CBR, libx264 with CBR. NVENC begins with a key frame
    /// each time, which is how libavcodec drives it: a change is not free, and one a second is
    /// plenty. The report lists what was changed and when.
    ///
    /// # Errors
    /// It is not running or has several renditions, the bitrate is out of its range, or the rate
    /// control or the encoder in use does not go by a bitrate that can change.
    pub fn set_bitrate(&self, kbps: u32) -> Result<(), Error> {
        let only = {
            let controls = lock(&self.shared.controls);
            if controls.len() > 1 {
                return Err(Error::State(
                    "there are several renditions; say by its number, from 0, whose bitrate is to change",
                ));
            }
            controls.keys().next().copied()
        };
        self.set_rendition_bitrate(only.unwrap_or(0), kbps)
    }

    /// Changes the bitrate of one rendition, by its number from 0: see
    /// [`set_bitrate`](Self::set_bitrate).
    ///
    /// # Errors
    /// As [`set_bitrate`](Self::set_bitrate), or there is no such rendition.
    pub fn set_rendition_bitrate(&self, rendition: usize, kbps: u32) -> Result<(), Error> {
        self.running()?;
        check_bitrate(kbps)?;
        let controls = lock(&self.shared.controls);
        let control = controls.get(&rendition).ok_or_else(|| {
            let encoded: Vec<String> = controls.keys().map(ToString::to_string).collect();
            let allowed = format!("of those that are encoded: {}", encoded.join(", "));
            ConfigError::new("rendition", rendition, allowed)
        })?;
        control.ask_bitrate(kbps)
    }

    /// Makes the next picture of every rendition a key frame: a place to cut or to join at.
    ///
    /// # Errors
    /// It is not running.
    pub fn request_key_frame(&self) -> Result<(), Error> {
        self.running()?;
        lock(&self.shared.controls).values().for_each(|it| it.ask_key_frame());
        Ok(())
    }

    /// The pictures of an [`Output::Frames`](crate::Output::Frames), once the pipeline has started.
    ///
    /// All streams of one output take from the same queue.
    ///
    /// # Errors
    /// There is no such output, or it is not open yet.
    pub fn frames(&self, output: impl Into<OutputId>) -> Result<FrameStream, Error> {
        let id = output.into();
        let outputs = self.shared.outputs.all();
        let entry = outputs.iter().find(|it| it.id == id).ok_or_else(|| {
            let allowed = format!("below {}, the number of outputs, once it has started", outputs.len());
            ConfigError::new("output", id, allowed)
        })?;
        match entry.remote() {
            Remote::Frames(queue) => Ok(FrameStream::new(queue.clone())),
            _ => Err(ConfigError::new("output", id, "one that takes frames, and that is open").into()),
        }
    }

    /// The packets of an [`Output::Packets`](crate::Output::Packets), once the pipeline has started or the output
    /// was added. Nothing is lost before as long as it finds room.
    ///
    /// # Errors
    /// There is no such output, or its stream was handed out already.
    pub fn packets(&self, output: impl Into<OutputId>) -> Result<PacketStream, Error> {
        let entry = self.shared.outputs.get(output.into())?;
        let Remote::Packets(queue) = entry.remote() else {
            return Err(
                ConfigError::new("output", entry.id, "one that takes packets, and that is open").into()
            );
        };
        PacketStream::take(queue).ok_or(Error::State("the stream of this output was handed out already"))
    }

    /// Names this place in the recording: a chapter begins here in files that have chapters, Matroska, WebM
    /// and MP4. They are written when the file is finished, with one named `Start` before the first; a file
    /// that was cut off has none. Within a pause the place is where the pause began.
    ///
    /// # Errors
    /// It is not running, the text is not 1 to 200 characters long, or there are 10,000 markers already.
    pub fn marker(&self, text: impl AsRef<str>) -> Result<(), Error> {
        self.running()?;
        let at = self.shared.timeline.position(Timestamp::now()).unwrap_or(MediaTime::ZERO);
        self.shared.markers.add(at, text.as_ref())
    }

    /// How it goes.
    pub fn status(&self) -> Status {
        let mut status = self.shared.status();
        let names = lock(&self.names);
        for output in &mut status.outputs {
            let number = usize::try_from(output.id.number()).ok();
            output.label = number.and_then(|it| names.outputs.get(it)).cloned();
        }
        status
    }

    /// What a user should know and would otherwise not see, after the first `known` of it.
    pub fn notes_since(&self, known: usize) -> Vec<String> {
        self.shared.journal.since(known)
    }

    /// What it did, once it has ended, however it ended.
    pub fn report(&self) -> Option<Report> {
        self.shared.report()
    }

    fn running(&self) -> Result<(), Error> {
        match self.shared.state() {
            PipelineState::Running | PipelineState::Paused => Ok(()),
            _ => Err(NOT_RUNNING),
        }
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.shared.command(Command::Stop(Timestamp::now()));
        // While it is still being started a dialog may be up, which is withdrawn now: the thread ends
        // by itself, and there is no output yet that could be harmed.
        if self.shared.state() == PipelineState::Starting {
            return;
        }
        if let Some(handle) = lock(&self.supervisor).take() {
            // A panic was already reported through `wait`; there is no one left to tell here.
            let _ = handle.join();
        }
    }
}

const NOT_RUNNING: Error = Error::State("the pipeline is not running");

/// A thread ended without saying why.
fn panicked() -> Error {
    Error::Thread { thread: "pipeline".into(), reason: "it panicked, which is a bug".into() }
}

/// A lock whose holder panicked still guards valid data here: every update is a single assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
