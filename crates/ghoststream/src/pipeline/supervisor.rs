//! The thread that opens a pipeline, watches over it and drains it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::{oneshot, watch};

use super::builder::Plan;
use super::control::Control;
use super::drain::drain;
use super::encoder::Feeds;
use super::markers::Markers;
use super::pictures::Place;
use super::rates::Rates;
use super::registry::Outputs;
use super::renditions::{self, Renditions};
use super::start::{Running, open};
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
    state: watch::Sender<PipelineState>,
    commands: Mutex<Option<Sender<Command>>>,
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

    fn end(&self, report: Option<Report>, error: Option<Error>) {
        *lock(&self.outcome) = Outcome { report, error };
        *lock(&self.commands) = None;
        lock(&self.sound).clear();
        *lock(&self.pictures) = None;
        self.state.send_replace(PipelineState::Ended);
    }
}

/// Starts the supervisor. What became of the start goes to `started`.
pub(super) fn spawn(
    plan: Plan,
    shared: Arc<Shared>,
    started: oneshot::Sender<Result<(), Error>>,
) -> Result<JoinHandle<()>, Error> {
    let (sender, commands) = channel();
    *lock(&shared.commands) = Some(sender.clone());
    shared.state.send_replace(PipelineState::Starting);
    thread("gs-pipeline", move || supervise(&plan, &shared, &sender, &commands, started))
}

fn supervise(
    plan: &Plan,
    shared: &Arc<Shared>,
    sender: &Sender<Command>,
    commands: &Receiver<Command>,
    started: oneshot::Sender<Result<(), Error>>,
) {
    let mut running = match open(plan, shared, sender) {
        Ok(running) => running,
        Err(error) => {
            *lock(&shared.feeds) = Feeds::default();
            shared.renditions.abandon();
            shared.outputs.abandon();
            shared.end(None, None);
            // Whoever called start may have gone.
            let _ = started.send(Err(error));
            return;
        }
    };
    let mut started = Some(started);
    let end = watch_over(&mut running, shared, commands, &mut started);
    shared.state.send_replace(PipelineState::Stopping);
    let (report, error) = drain(running, shared, end);
    match (started, error) {
        // It ended before it ran: the caller of start gets the error, and there is no run to report.
        (Some(started), Some(error)) => {
            shared.end(None, None);
            let _ = started.send(Err(error));
        }
        (Some(started), None) => {
            shared.end(Some(report), None);
            let _ = started.send(Err(Error::State("it was stopped before the first picture was written")));
        }
        (None, error) => shared.end(Some(report), error),
    }
}

/// Why a pipeline ends.
#[derive(Debug)]
pub(super) struct End {
    /// What was captured until then belongs to it.
    pub(super) at: Timestamp,
    /// In words, when nobody asked it to.
    pub(super) reason: Option<String>,
    /// When it failed.
    pub(super) error: Option<Error>,
}

/// Waits until there is a reason to end. Answers the caller of start once every output has a picture.
fn watch_over(
    running: &mut Running,
    shared: &Arc<Shared>,
    commands: &Receiver<Command>,
    started: &mut Option<oneshot::Sender<Result<(), Error>>>,
) -> End {
    let failed = |error| End { at: Timestamp::now(), reason: None, error: Some(error) };
    loop {
        let Ok(command) = commands.recv() else {
            return End { at: Timestamp::now(), reason: None, error: None };
        };
        match command {
            Command::Stop(at) => return End { at, reason: None, error: None },
            Command::SourceEnded(reason, at) => {
                shared.journal.note(format!("the source ended: {reason}"));
                return End { at, reason: Some(reason), error: None };
            }
            Command::SourceGone(id, reason) => shared.journal.note(format!(
                "the source ended: {reason}; output {id} shows a still card until it is stopped"
            )),
            Command::RenditionFailed(error) => return failed(error),
            Command::OutputFailed(id, error) => {
                if started.is_some() || !shared.outputs.any_alive() {
                    return failed(error);
                }
                shared.journal.note(format!("output {id} ended, the others go on: {error}"));
                close_unused(shared);
            }
            Command::OutputGone => {
                if started.is_none() && !shared.outputs.any_alive() {
                    return failed(Error::State("the last output failed while another was being added"));
                }
                close_unused(shared);
            }
            Command::OutputStarted(id) => running.waiting_for.retain(|it| *it != id),
        }
        if running.waiting_for.is_empty()
            && let Some(started) = started.take()
        {
            shared.state.send_replace(PipelineState::Running);
            if started.send(Ok(())).is_err() {
                // The caller of start gave up on it.
                return End { at: Timestamp::now(), reason: Some("start was cancelled".into()), error: None };
            }
        }
    }
}

/// Closes encoders that nobody needs any more, beside everything else.
fn close_unused(shared: &Arc<Shared>) {
    let ours = Arc::clone(shared);
    // Without a thread for it they run on, and are closed with the next, or at the end.
    if let Err(error) = shared.outputs.help("gs-close-rendition", move || renditions::close_unused(&ours)) {
        shared.journal.note(format!("an encoder that nobody needs any more runs on: {error}"));
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
