//! The outputs of a pipeline, running and ended, as everybody else sees them.

use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;

use super::lock;
use super::outputs::OutputThread;
use super::shared::thread;
use super::status::{OutputState, OutputStatus};
use crate::encode::Packet;
use crate::output::live::{RateTerms, Stop};
use crate::output::{self, Remote};
use crate::stats::{Counter, OutputReport};
use crate::{ConfigError, Error, OutputConfig, OutputId};

/// All outputs in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: Vec<Arc<Entry>>,
    next: u64,
    /// Threads that open and close outputs while the pipeline runs.
    helpers: Vec<JoinHandle<()>>,
    /// The pipeline ends: no output joins any more.
    closed: bool,
}

impl Outputs {
    /// Outputs that have ended and are remembered, at most: then the oldest are forgotten.
    const MOST_ENDED: usize = 1000;

    /// Adds one that is yet to be opened.
    ///
    /// # Errors
    /// Another one that runs writes the same file.
    pub(super) fn add(&self, config: &OutputConfig) -> Result<Arc<Entry>, ConfigError> {
        let mut inner = lock(&self.inner);
        let mut alive = inner.entries.iter().filter(|it| it.report().is_none());
        if let Some(path) = alive.find_map(|it| output::same_file(&it.config.output, &config.output)) {
            return Err(ConfigError::new("output", path.display(), "a different file for each output"));
        }
        let ended = |it: &Arc<Entry>| it.report().is_some();
        if inner.entries.iter().filter(|it| ended(it)).count() >= Self::MOST_ENDED
            && let Some(oldest) = inner.entries.iter().position(ended)
        {
            inner.entries.remove(oldest);
        }
        let entry = Arc::new(Entry::new(OutputId::new(inner.next), config.clone()));
        inner.next += 1;
        inner.entries.push(Arc::clone(&entry));
        Ok(entry)
    }

    /// The one with this number.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn get(&self, id: OutputId) -> Result<Arc<Entry>, ConfigError> {
        let inner = lock(&self.inner);
        inner.entries.iter().find(|it| it.id == id).cloned().ok_or_else(|| {
            let all: Vec<_> = inner.entries.iter().map(|it| it.id.to_string()).collect();
            ConfigError::new("output", id, format!("the number of one that there is: {}", all.join(", ")))
        })
    }

    /// All of them, those that have ended too.
    pub(super) fn all(&self) -> Vec<Arc<Entry>> {
        lock(&self.inner).entries.clone()
    }

    /// One that was never there.
    pub(super) fn forget(&self, id: OutputId) {
        lock(&self.inner).entries.retain(|it| it.id != id);
    }

    /// Keeps the thread of an output, or gives it back where the pipeline ends.
    pub(super) fn keep(&self, entry: &Entry, output: OutputThread) -> Result<(), OutputThread> {
        let inner = lock(&self.inner);
        if inner.closed {
            return Err(output);
        }
        *lock(&entry.thread) = Some(output);
        Ok(())
    }

    /// Gives the thread of a running output away, for it to be ended.
    ///
    /// # Errors
    /// It cannot be ended now, or should not be.
    pub(super) fn release(&self, entry: &Entry) -> Result<OutputThread, Error> {
        let inner = lock(&self.inner);
        if entry.state() == OutputState::Opening {
            return Err(Error::State(
                "the output is still being opened; it can be removed once it was added",
            ));
        }
        if !inner.entries.iter().any(|it| it.id != entry.id && it.is_alive()) {
            return Err(Error::State("it is the last output: stop the pipeline, or add another one before"));
        }
        let thread = lock(&entry.thread).take();
        let thread = thread.ok_or(Error::State("the output is being removed already"))?;
        entry.set_state(OutputState::Finishing);
        Ok(thread)
    }

    /// Whether any takes packets, or is about to.
    pub(super) fn any_alive(&self) -> bool {
        lock(&self.inner).entries.iter().any(|it| it.is_alive())
    }

    /// Whether any takes packets of this rendition, is about to, or is being made whole with the last of them.
    pub(super) fn any_encoded_by(&self, rendition: usize) -> bool {
        let takes =
            |it: &Entry| it.config.rendition == rendition && !output::takes_pictures(&it.config.output);
        lock(&self.inner).entries.iter().any(|it| takes(it) && it.report().is_none())
    }

    /// Does what takes time beside everything else; the end of the pipeline waits for it.
    pub(super) fn help(&self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), Error> {
        let mut inner = lock(&self.inner);
        inner.helpers.retain(|it| !it.is_finished());
        inner.helpers.push(thread(name, body)?);
        Ok(())
    }

    /// Nobody waits any more for what is still being opened.
    pub(super) fn give_up_opening(&self) {
        self.all().iter().filter(|it| it.state() == OutputState::Opening).for_each(|it| it.stop.raise());
    }

    /// Ends every output of a pipeline that did not start.
    pub(super) fn abandon(&self) {
        for entry in self.all() {
            lock(&entry.thread).as_ref().inspect(|it| it.abandon());
        }
        self.join();
    }

    /// Waits until every output is whole, once nothing more comes for any, and reports.
    pub(super) fn join(&self) -> Vec<OutputReport> {
        lock(&self.inner).closed = true;
        self.give_up_opening();
        for entry in self.all() {
            let thread = lock(&entry.thread).take();
            thread.map(OutputThread::join);
        }
        let helpers = std::mem::take(&mut lock(&self.inner).helpers);
        for helper in helpers {
            // What it was to do was for somebody who is told that it panicked.
            let _ = helper.join();
        }
        self.all().iter().filter_map(|it| it.report().cloned()).collect()
    }

    /// What outputs of a rendition want of its encoder: the least bitrate that one does, in kbit/s, whether any
    /// needs a key frame, and whether any wants half the pictures. Each learns the terms.
    pub(super) fn wishes(&self, rendition: usize, terms: RateTerms) -> Wishes {
        let inner = lock(&self.inner);
        let mut wishes = Wishes::default();
        let ours =
            inner.entries.iter().filter(|it| it.config.rendition == rendition && it.report().is_none());
        for it in ours {
            if let Remote::Live(gauge) = it.remote() {
                gauge.rate.tell(terms);
                wishes.kbps = wishes.kbps.into_iter().chain(gauge.rate.wanted()).min();
                wishes.key_frame |= gauge.rate.take_key_frame();
                wishes.half_rate |= gauge.rate.wants_half_rate();
            }
        }
        wishes
    }

    /// How all of them go.
    pub(super) fn status(&self) -> Vec<OutputStatus> {
        self.all().iter().map(|it| it.status()).collect()
    }
}

/// What outputs want of their rendition's encoder.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wishes {
    pub(super) kbps: Option<u32>,
    pub(super) key_frame: bool,
    /// Whether any wants every second picture left out.
    pub(super) half_rate: bool,
}

/// One output.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: OutputId,
    pub(super) config: OutputConfig,
    /// Its kind and place, without any secret.
    pub(super) name: String,
    pub(super) progress: Progress,
    /// Ends waiting for it to be opened.
    pub(super) stop: Stop,
    /// While it runs and nobody is ending it.
    thread: Mutex<Option<OutputThread>>,
    remote: OnceLock<Remote>,
    state: Mutex<OutputState>,
    report: OnceLock<OutputReport>,
}

impl Entry {
    fn new(id: OutputId, config: OutputConfig) -> Self {
        Self {
            id,
            name: output::name(&config.output),
            config,
            progress: Progress::default(),
            stop: Stop::default(),
            thread: Mutex::default(),
            remote: OnceLock::new(),
            state: Mutex::default(),
            report: OnceLock::new(),
        }
    }

    /// It was opened, and waits for its first picture.
    pub(super) fn opened(&self, remote: Remote) {
        // An output is opened once.
        let _ = self.remote.set(remote);
        self.set_state(OutputState::Waiting);
    }

    /// What can be asked of it from outside; nothing before it is open.
    pub(super) fn remote(&self) -> &Remote {
        self.remote.get().unwrap_or(&Remote::None)
    }

    pub(super) fn set_state(&self, state: OutputState) {
        *lock(&self.state) = state;
    }

    /// It has ended, whole or not.
    pub(super) fn ended(&self, report: OutputReport) {
        let failed = report.error.is_some();
        // An output ends once.
        let _ = self.report.set(report);
        self.set_state(if failed { OutputState::Failed } else { OutputState::Ended });
    }

    /// How it went, once it has ended.
    pub(super) fn report(&self) -> Option<&OutputReport> {
        self.report.get()
    }

    /// Whether it takes packets, or is about to.
    fn is_alive(&self) -> bool {
        use OutputState::{Opening, Reconnecting, Running, Waiting};
        matches!(self.state(), Opening | Waiting | Running | Reconnecting)
    }

    /// Where in its life it is.
    pub(super) fn state(&self) -> OutputState {
        match (*lock(&self.state), self.remote()) {
            (OutputState::Running, Remote::Live(gauge)) if gauge.is_down() => OutputState::Reconnecting,
            (state, _) => state,
        }
    }

    fn status(&self) -> OutputStatus {
        let (mut live, mut replay, mut sent) = (None, None, self.progress.bytes.get());
        match self.remote() {
            Remote::Live(gauge) => (live, sent) = (Some(gauge.report(&self.name)), gauge.sent.get()),
            Remote::Replay(buffer) => replay = Some(buffer.report()),
            Remote::None | Remote::Frames(_) | Remote::Packets(_) => {}
        }
        let ended = self.report();
        OutputStatus {
            id: self.id,
            label: None,
            name: self.name.clone(),
            rendition: self.config.rendition,
            state: self.state(),
            bytes: ended.map_or(sent, |it| it.bytes),
            seconds: ended.map_or_else(|| self.progress.seconds(), |it| it.seconds),
            error: ended.and_then(|it| it.error.clone()),
            live,
            replay,
        }
    }
}

/// How far an output has got.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Bytes of all packets that it took.
    bytes: Counter,
    /// Until when pictures were written, in nanoseconds from its own beginning.
    until: Counter,
}

impl Progress {
    /// A packet was written, with the time that it has there.
    pub(super) fn wrote(&self, packet: &Packet) {
        self.bytes.add(packet.data().len() as u64);
        if packet.track == 0 {
            self.until.raise((packet.pts + packet.duration).as_nanos().max(0) as u64);
        }
    }

    /// Pictures were shown until then, in nanoseconds.
    pub(super) fn reached(&self, until: u64) {
        self.until.raise(until);
    }

    fn seconds(&self) -> f64 {
        self.until.get() as f64 / 1e9
    }
}
