//! What the output thread fills and saves are taken from.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::clip::{Clip, Cut};
use super::ring::Snapshot;
use super::saver::{SavedReplay, save, unreadable};
use super::store::Store;
use crate::encode::{Packet, Track};
use crate::output::{Marker, OutputError};
use crate::stats::ReplayReport;
use crate::{Container, MediaTime};

/// What is to be saved.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    /// How much of it; `None` is all that is to be kept.
    pub(crate) last: Option<Duration>,
    /// What was captured until then is waited for.
    pub(crate) until: Option<MediaTime>,
    /// The recording's markers: chapters of the clip, as far as they lie in it.
    pub(crate) markers: Vec<Marker>,
}

/// What a save comes to.
pub(crate) type Answer = oneshot::Receiver<Result<Vec<SavedReplay>, OutputError>>;

/// What is held, and the saves that are taken from it. Shared by the output thread, which fills it, and
/// whoever wants a clip.
#[derive(Debug)]
pub(crate) struct Buffer {
    directory: PathBuf,
    container: Container,
    /// The tracks of sound, begun before each clip.
    sound: Vec<Track>,
    state: Mutex<State>,
    /// Something was put in, or nothing more is.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    store: Store,
    closed: bool,
    saves: Vec<JoinHandle<()>>,
    saved: ReplayReport,
}

impl Buffer {
    /// How many clips may be written at once: each holds what it writes.
    const SAVES: usize = 8;
    /// How long a save waits for pictures that were captured before it was asked for and are still
    /// being encoded.
    const PATIENCE: Duration = Duration::from_secs(3);
    /// The same for sound, which a moment of is put into a packet at once. A source that makes none any more
    /// keeps nobody waiting for longer.
    const SOUND: Duration = Duration::from_millis(300);

    /// An empty one. `most` says how much of it there may be.
    pub(super) fn new(
        (store, most): (Store, ReplayReport),
        sound: Vec<Track>,
        directory: PathBuf,
        container: Container,
    ) -> Self {
        let saved = most;
        let state = State { store, closed: false, saves: Vec::new(), saved };
        Self { directory, container, sound, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Saves the last of it, or all, as a clip of its own, on a thread of its own.
    ///
    /// # Errors
    /// It has ended, no time is asked for, or too many saves are being written. What goes wrong later is in
    /// the answer.
    pub(crate) fn save(self: Arc<Self>, wish: Wish) -> Result<Answer, OutputError> {
        let mut state = self.lock();
        if state.closed {
            return Err(self.failed("it has ended".to_owned()));
        }
        if wish.last.is_some_and(|it| it.is_zero()) {
            return Err(self.failed("no time was asked for; ask for a second or more".to_owned()));
        }
        state.saves.retain(|it| !it.is_finished());
        if state.saves.len() >= Self::SAVES {
            let many = format!("{} clips are being written already; save again when they are", Self::SAVES);
            return Err(self.failed(many));
        }
        let (sender, answer) = oneshot::channel();
        let buffer = Arc::clone(&self);
        let thread = std::thread::Builder::new().name("gs-replay-save".into());
        let thread = thread.spawn(move || {
            let result = buffer.save_now(wish);
            buffer.count(&result);
            // Nobody may be waiting; the report has it.
            let _ = sender.send(result);
        });
        state.saves.push(thread.map_err(|error| OutputError::thread("gs-replay-save", &error))?);
        Ok(answer)
    }

    fn save_now(&self, Wish { last, until, markers }: Wish) -> Result<Vec<SavedReplay>, OutputError> {
        let (held, span) = self.snapshot(until);
        let cut = Cut { last: last.unwrap_or(span), until, container: self.container };
        let clip = Clip::cut(held, cut).map_err(|error| unreadable(&self.directory, &error))?;
        let clip = clip.ok_or_else(|| self.failed("no picture is held yet".to_owned()))?;
        save(clip.with_markers(markers), &self.sound, &self.directory, self.container)
    }

    /// What is held, once it has what was captured until then; and how long the buffer is to be.
    fn snapshot(&self, until: Option<MediaTime>) -> (Snapshot, Duration) {
        let mut state = self.lock();
        if let Some(until) = until {
            state = self.wait(state, Self::PATIENCE, |it| it.has_pictures(until));
            state = self.wait(state, Self::SOUND, |it| it.has_sound(until));
        }
        (state.store.snapshot(), state.store.limits().span)
    }

    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        patience: Duration,
        enough: impl Fn(&Store) -> bool,
    ) -> MutexGuard<'a, State> {
        let behind = |state: &mut State| !state.closed && !enough(&state.store);
        let waited = self.changed.wait_timeout_while(state, patience, behind);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn count(&self, result: &Result<Vec<SavedReplay>, OutputError>) {
        let saved = &mut self.lock().saved;
        match result {
            Ok(clips) => {
                saved.clips += 1;
                saved.bytes += clips.iter().map(|it| it.bytes).sum::<u64>();
                saved.seconds += clips.iter().map(|it| it.seconds).sum::<f64>();
            }
            Err(error) => {
                saved.failed += 1;
                saved.last_failure = Some(error.to_string());
            }
        }
    }

    /// Takes a packet; true the first time that there was too little room for the time.
    pub(super) fn push(&self, packet: &Packet) -> bool {
        let mut state = self.lock();
        let before = state.store.shortened();
        state.store.push(packet);
        let shortened = state.store.shortened() && !before;
        drop(state);
        self.changed.notify_all();
        shortened
    }

    /// Nothing more comes: saves that were begun are waited for.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let saves = std::mem::take(&mut state.saves);
        let writer = state.store.close();
        drop(state);
        self.changed.notify_all();
        for thread in saves.into_iter().chain(writer) {
            // A save that panicked has sent no answer, which its caller is told.
            let _ = thread.join();
        }
    }

    /// How it goes, or went.
    pub(crate) fn report(&self) -> ReplayReport {
        let state = self.lock();
        state.store.report(&state.saved)
    }

    fn failed(&self, reason: String) -> OutputError {
        OutputError::Replay { directory: self.directory.clone(), reason }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
