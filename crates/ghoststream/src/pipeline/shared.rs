//! What a pipeline's threads and the caller's handle have in common, and how they tell the supervisor.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::control::Control;
use super::encoder::Feeds;
use super::markers::Markers;
use super::pictures::Place;
use super::rates::Rates;
use super::registry::Outputs;
use super::renditions::Renditions;
use super::{PipelineState, Status, lock};
use crate::audio::Switch;
use crate::encode::Opened;
use crate::stats::{Counters, Journal, Report};
use crate::{Error, OutputId, Timeline, Timestamp};

/// What the pipeline's threads tell the supervisor.
#[derive(Debug)]
pub(super) enum Command {
    /// The caller wants it to end, with what was captured until then.
    Stop(Timestamp),
    /// A rendition's source sends no more: why, and since when.
    SourceEnded(String, Timestamp),
    /// The same of an output that goes on without it, and shows a still card.
    SourceGone(OutputId, String),
    /// A rendition's processing or encoder failed; its threads have ended.
    RenditionFailed(Error),
    /// An output has its first picture.
    OutputStarted(OutputId),
    /// An output failed and was made whole.
    OutputFailed(OutputId, Error),
    /// One was removed, or could not be added; who wanted that knows of it.
    OutputGone,
}

/// What the caller's handle and the pipeline's threads share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) counters: Arc<Counters>,
    pub(super) journal: Journal,
    pub(super) timeline: Timeline,
    pub(super) markers: Markers,
    /// What the status shows and only the start knows.
    pub(super) facts: Mutex<Facts>,
    /// A way to the encoder of each rendition that has one, by its number, once it is open.
    pub(super) controls: Mutex<BTreeMap<usize, Arc<Control>>>,
    /// A way to the source of each audio track, but of mixes.
    pub(super) sound: Mutex<Vec<Option<Switch>>>,
    /// Every output, running or ended.
    pub(super) outputs: Outputs,
    /// What is encoded now.
    pub(super) renditions: Renditions,
    /// Where pictures can be had, while it runs.
    pub(super) pictures: Mutex<Option<Arc<Place>>>,
    /// Where packets can be had, once encoders are open.
    pub(super) feeds: Mutex<Feeds>,
    /// Set by a stop: what is still being opened, a dialog say, need not be waited for.
    pub(super) given_up: Arc<AtomicBool>,
    pub(super) state: watch::Sender<PipelineState>,
    pub(super) commands: Mutex<Option<Sender<Command>>>,
    outcome: Mutex<Outcome>,
    rates: Mutex<Rates>,
}

/// What was found out while the pipeline was opened.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) source: String,
    /// That of each rendition which is encoded, by its number.
    pub(super) encoders: BTreeMap<usize, String>,
    /// What it makes.
    sizes: BTreeMap<usize, String>,
    /// The sizes of outputs that take pictures.
    pub(super) pictures: Vec<String>,
}

impl Facts {
    /// A rendition's encoder is open.
    pub(super) fn encodes(&mut self, rendition: usize, opened: &Opened) {
        self.encoders.insert(rendition, opened.name.to_owned());
        self.sizes.insert(rendition, opened.input.size.to_string());
    }

    /// It is closed.
    pub(super) fn forget(&mut self, rendition: usize) {
        self.encoders.remove(&rendition);
        self.sizes.remove(&rendition);
    }
}

#[derive(Debug, Default)]
struct Outcome {
    report: Option<Report>,
    error: Option<Error>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            counters: Arc::default(),
            journal: Journal::default(),
            timeline: Timeline::new(),
            markers: Markers::default(),
            facts: Mutex::default(),
            controls: Mutex::default(),
            sound: Mutex::default(),
            outputs: Outputs::default(),
            renditions: Renditions::default(),
            pictures: Mutex::default(),
            feeds: Mutex::default(),
            given_up: Arc::default(),
            state: watch::Sender::new(PipelineState::New),
            commands: Mutex::default(),
            outcome: Mutex::default(),
            rates: Mutex::default(),
        }
    }
}

impl Shared {
    pub(super) fn state(&self) -> PipelineState {
        let state = *self.state.borrow();
        if state == PipelineState::Running && self.timeline.is_paused() {
            PipelineState::Paused
        } else {
            state
        }
    }

    /// Tells the supervisor; nothing happens where there is none.
    pub(super) fn command(&self, command: Command) {
        if matches!(command, Command::Stop(_)) {
            self.given_up.store(true, Ordering::Release);
            self.outputs.give_up_opening();
        }
        if let Some(sender) = lock(&self.commands).as_ref() {
            // It has ended already when nobody listens.
            let _ = sender.send(command);
        }
    }

    /// A way to tell the supervisor; nothing where there is none.
    pub(super) fn sender(&self) -> Option<Sender<Command>> {
        lock(&self.commands).clone()
    }

    pub(super) async fn ended(&self) {
        let mut state = self.state.subscribe();
        // The sender lives as long as self.
        let _ = state.wait_for(|it| *it == PipelineState::Ended).await;
    }

    pub(super) fn report(&self) -> Option<Report> {
        lock(&self.outcome).report.clone()
    }

    pub(super) fn take_error(&self) -> Option<Error> {
        lock(&self.outcome).error.take()
    }

    pub(super) fn status(&self) -> Status {
        let (counters, now) = (&self.counters, Timestamp::now());
        let (encoded, bytes) = (counters.encoded(), counters.bytes.get());
        let mut rates = lock(&self.rates);
        let shown = counters.shown_until.get() as f64 / 1e9;
        rates.go_on_to(now, shown, (encoded, bytes));
        let facts = lock(&self.facts);
        Status {
            state: self.state(),
            seconds: shown,
            captured: counters.captured.get(),
            encoded,
            dropped: counters.dropped(),
            repeated: counters.repeated.get(),
            bytes,
            fps: rates.fps,
            bitrate_kbps: rates.kbps,
            latency: counters.latency.total.percentiles(),
            encoders: facts.encoders.values().cloned().collect(),
            source: facts.source.clone(),
            sizes: facts.sizes.values().chain(&facts.pictures).cloned().collect(),
            outputs: self.outputs.status(),
            notes: self.journal.count(),
        }
    }

    pub(super) fn end(&self, report: Option<Report>, error: Option<Error>) {
        *lock(&self.outcome) = Outcome { report, error };
        *lock(&self.commands) = None;
        lock(&self.sound).clear();
        *lock(&self.pictures) = None;
        self.state.send_replace(PipelineState::Ended);
    }
}

/// Starts a named thread.
pub(super) fn thread<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Error> {
    let failed = |error: std::io::Error| Error::Thread { thread: name.to_owned(), reason: error.to_string() };
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map_err(failed)
}
