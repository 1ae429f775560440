//! The thread that opens a pipeline, watches over it and drains it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::{oneshot, watch};

use super::builder::Plan;
use super::control::Control;
use super::drain::drain;
use super::start::{Running, open};
use super::{PipelineState, Status, lock};
use crate::stats::{Counters, Journal, Report};
use crate::{Error, Timeline, Timestamp};

/// What the pipeline's threads tell the supervisor.
#[derive(Debug)]
pub(super) enum Command {
    /// The caller wants it to end, with what was captured until then.
    Stop(Timestamp),
    /// A rendition's source sends no more.
    SourceEnded(String),
    /// A rendition's processing or encoder failed; its threads have ended.
    RenditionFailed(Error),
    /// An output has its first picture.
    OutputStarted(usize),
    /// An output failed and was made whole.
    OutputFailed(usize, Error),
}

/// What the caller's handle and the pipeline's threads share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) counters: Arc<Counters>,
    pub(super) journal: Journal,
    pub(super) timeline: Timeline,
    /// What the status shows and only the start knows.
    pub(super) facts: Mutex<Facts>,
    /// A way to each rendition's encoder, once it is open.
    pub(super) controls: Mutex<Vec<Arc<Control>>>,
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
    pub(super) encoders: Vec<String>,
    pub(super) sizes: Vec<String>,
}

#[derive(Debug, Default)]
struct Outcome {
    report: Option<Report>,
    error: Option<Error>,
}

/// The totals at the last call of `status`, for the rates since.
#[derive(Debug, Default)]
struct Rates {
    at: Timestamp,
    encoded: u64,
    bytes: u64,
    fps: f64,
    kbps: f64,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            counters: Arc::default(),
            journal: Journal::default(),
            timeline: Timeline::new(),
            facts: Mutex::default(),
            controls: Mutex::default(),
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
        }
        if let Some(sender) = lock(&self.commands).as_ref() {
            // It has ended already when nobody listens.
            let _ = sender.send(command);
        }
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
        let elapsed = now.since(rates.at).as_secs_f64();
        if elapsed >= 0.2 {
            rates.fps = encoded.saturating_sub(rates.encoded) as f64 / elapsed;
            rates.kbps = (bytes - rates.bytes) as f64 * 8.0 / 1000.0 / elapsed;
            (rates.at, rates.encoded, rates.bytes) = (now, encoded, bytes);
        }
        let facts = lock(&self.facts);
        Status {
            state: self.state(),
            seconds: counters.shown_until.get() as f64 / 1e9,
            captured: counters.captured.get(),
            encoded,
            dropped: counters.dropped(),
            repeated: counters.repeated.get(),
            bytes,
            fps: rates.fps,
            bitrate_kbps: rates.kbps,
            latency: counters.latency.total.percentiles(),
            encoders: facts.encoders.clone(),
            source: facts.source.clone(),
            sizes: facts.sizes.clone(),
            notes: self.journal.count(),
        }
    }

    fn end(&self, report: Option<Report>, error: Option<Error>) {
        *lock(&self.outcome) = Outcome { report, error };
        *lock(&self.commands) = None;
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
    shared: &Shared,
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
            Command::SourceEnded(reason) => {
                shared.journal.note(format!("the source ended: {reason}"));
                return End { at: Timestamp::now(), reason: Some(reason), error: None };
            }
            Command::RenditionFailed(error) => return failed(error),
            Command::OutputFailed(index, error) => {
                running.outputs_left -= 1;
                if running.outputs_left == 0 || started.is_some() {
                    return failed(error);
                }
                shared.journal.note(format!("output {index} ended, the others go on: {error}"));
            }
            Command::OutputStarted(index) => running.waiting_for.retain(|it| *it != index),
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

/// Starts a named thread.
pub(super) fn thread<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Error> {
    let failed = |error: std::io::Error| Error::Thread { thread: name.to_owned(), reason: error.to_string() };
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map_err(failed)
}
