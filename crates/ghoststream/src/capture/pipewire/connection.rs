//! A connection to a PipeWire daemon, and the streams that take from its nodes.

use std::time::{Duration, Instant};

use pipewire as pw;
use pw::loop_::Timeout;

use super::daemon::Daemon;
use super::elsewhere::Asked;
use super::negotiation::Asking;
use super::source::Source;
use super::{Remote, Stop, Target};
use crate::CaptureConfig;
use crate::capture::{CaptureError, FrameSink};

/// How often to look whether to give up while a source is being opened, which comes without an event.
const LOOK_OPENING: Duration = Duration::from_millis(50);

/// The same while nothing is left to be looked after.
const LOOK_IDLE: Duration = Duration::from_secs(1);

/// What every connection of a capture has in common.
pub(super) struct Context<'a> {
    pub(super) main_loop: &'a pw::main_loop::MainLoopRc,
    pub(super) config: &'a CaptureConfig,
    pub(super) sink: &'a FrameSink,
    pub(super) asking: &'a Asking,
    pub(super) stop: &'a Stop,
}

#[derive(PartialEq, Eq)]
pub(super) enum Waited {
    Done,
    GaveUp,
}

impl Context<'_> {
    /// Lets the loop run until something happens, `most` at most.
    pub(super) fn turn(&self, most: Duration) {
        self.main_loop.loop_().iterate(Timeout::Finite(most));
    }

    /// Runs the loop until `done` says so.
    pub(super) fn until(&self, deadline: Instant, mut done: impl FnMut() -> bool) -> Waited {
        loop {
            if done() {
                return Waited::Done;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if self.stop.is_set() || self.sink.is_given_up() || left.is_zero() {
                return Waited::GaveUp;
            }
            // A millisecond more, since the loop rounds down and would spin on what is left.
            self.turn(left.min(LOOK_OPENING) + Duration::from_millis(1));
        }
    }
}

/// Streams that have agreed on their formats.
pub(super) struct Connection {
    // Streams go before the connection that they hang on.
    sources: Vec<Source>,
    daemon: Daemon,
}

impl Connection {
    /// Connects, finds the targets and agrees with them on formats.
    pub(super) fn open(
        context: &Context<'_>,
        remote: Remote,
        targets: &[Target],
    ) -> Result<Self, CaptureError> {
        let deadline = Instant::now() + context.config.first_frame_timeout;
        let trusted = matches!(remote, Remote::Default);
        let daemon = Daemon::connect(context.main_loop, remote)?;
        let mut this = Self { sources: Vec::new(), daemon };
        this.round_trip(context, deadline)?;
        for (index, target) in targets.iter().enumerate() {
            this.sources.push(Source::connect(context, &this.daemon, index, target, trusted)?);
        }
        for source in &mut this.sources {
            source.agree(context, &this.daemon, deadline)?;
        }
        this.tell_elsewhere(context, deadline);
        Ok(this)
    }

    /// Tells of sources that another GPU draws, which is why they come through shared memory.
    fn tell_elsewhere(&self, context: &Context<'_>, deadline: Instant) {
        let Some(imports) = context.asking.ladder.imports().filter(|it| !it.last) else { return };
        for source in &self.sources {
            let Some(node) = source.in_shared_memory() else { continue };
            // It is only to be told: a node that does not answer changes nothing.
            let Ok(asked) = Asked::new(self.daemon.registry(), node) else { continue };
            if self.round_trip(context, deadline).is_err() {
                return;
            }
            if let Some(note) = asked.note(&source.title(), imports) {
                context.sink.journal().once("elsewhere", || note);
            }
        }
    }

    /// Waits until the daemon has answered what it was asked, and told of every node.
    fn round_trip(&self, context: &Context<'_>, deadline: Instant) -> Result<(), CaptureError> {
        let asked = self.daemon.ask()?;
        let answered = || self.daemon.has_answered(asked) || self.daemon.error().is_some();
        let waited = context.until(deadline, answered);
        if let Some(reason) = self.daemon.error() {
            return Err(CaptureError::NoPipeWire { reason });
        }
        if waited == Waited::GaveUp {
            let reason = format!("it said nothing for {:?}", context.config.first_frame_timeout);
            return Err(CaptureError::NoPipeWire { reason });
        }
        Ok(())
    }

    /// Runs until every stream is lost, and says why; `None` when the capture is to stop.
    /// Tells of streams that pause and, with `end`, of those that end while others go on.
    pub(super) fn watch(&mut self, context: &Context<'_>, end: bool) -> Option<String> {
        loop {
            if context.stop.is_set() {
                return None;
            }
            let looks = self.sources.iter_mut().map(|source| source.look(context, &self.daemon, end));
            let next_look = looks.min().unwrap_or(LOOK_IDLE);
            if self.sources.iter().all(|source| source.lost().is_some()) {
                return self.sources.iter().find_map(|source| source.lost().map(str::to_owned));
            }
            context.turn(next_look + Duration::from_millis(1));
        }
    }

    /// The sources by names that outlive them, to look for them again.
    pub(super) fn names(&self, targets: &[Target]) -> Vec<Target> {
        self.sources.iter().zip(targets).map(|(source, target)| source.named(target)).collect()
    }

    /// What is captured, in words.
    pub(super) fn description(&self) -> String {
        let titles: Vec<String> = self.sources.iter().map(Source::title).collect();
        titles.join(", ")
    }
}
