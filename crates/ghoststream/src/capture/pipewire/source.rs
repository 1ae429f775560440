//! A stream of a connection, and what becomes of the node that it takes from.

use std::time::{Duration, Instant};

use super::connection::Context;
use super::daemon::{Daemon, Node};
use super::frames::Frames;
use super::stream::{Status, Stream};
use super::{NodeName, Target};
use crate::CursorMode;
use crate::capture::{CaptureError, CaptureEvent, FrameSink};

/// A pause shorter than this is not told: producers pause for a moment to change their format.
const PAUSE_TOLD: Duration = Duration::from_millis(500);

/// How often to look at what no event tells of.
const LOOK: Duration = Duration::from_secs(1);

/// What one of the capture's streams takes from.
pub(super) struct Source {
    /// Which of the streams it is.
    index: usize,
    node: u32,
    /// As the daemon lists it; a portal's node need not be listed, and then it is empty.
    name: String,
    label: String,
    stream: Stream,
    paused: Pause,
    lost: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    Running,
    Since(Instant),
    Told,
}

impl Source {
    /// Finds the node and connects to it. A `trusted` daemon lists every node that there is.
    pub(super) fn connect(
        context: &Context<'_>,
        daemon: &Daemon,
        index: usize,
        target: &Target,
        trusted: bool,
    ) -> Result<Self, CaptureError> {
        let (node, info) = match (daemon.find(&target.node), &target.node) {
            (Some(found), _) => found,
            // A portal may show less than it lets us use.
            (None, NodeName::Id(id)) if !trusted => (*id, Node::default()),
            (None, name) => return Err(refused(name, "there is no such node")),
        };
        info.check_sends_pictures().map_err(|why| refused(&target.node, &why))?;
        let with_cursor = context.config.cursor == CursorMode::Metadata;
        let frames = Frames::new(index, context.sink.clone(), with_cursor);
        let stream = Stream::connect(daemon.core(), node, context.asking.clone(), frames)
            .map_err(|error| refused(&target.node, &error.to_string()))?;
        let own = if info.description.is_empty() { &info.name } else { &info.description };
        let label = if target.label.is_empty() { own.clone() } else { target.label.clone() };
        Ok(Self { index, node, name: info.name, label, stream, paused: Pause::Running, lost: None })
    }

    /// Waits until there are a format and buffers.
    pub(super) fn agree(
        &mut self,
        context: &Context<'_>,
        daemon: &Daemon,
        deadline: Instant,
    ) -> Result<(), CaptureError> {
        loop {
            let settled = || {
                self.stream.tend(context.sink.journal());
                let status = self.stream.status();
                is_ready(&status)
                    || status.error.is_some()
                    || matches!(status.format, Some(Err(_)))
                    || self.loss(daemon, &status).is_some()
            };
            context.until(deadline, settled);
            let status = self.stream.status();
            if is_ready(&status) {
                return Ok(());
            }
            if !self.remedy(context, daemon, &status) {
                return Err(self.why_not(context, daemon, status));
            }
        }
    }

    /// Takes a stream that broke over buffers of a GPU's up again, with others. `false` when it is something else.
    fn remedy(&mut self, context: &Context<'_>, daemon: &Daemon, status: &Status) -> bool {
        let gone = !self.name.is_empty() && !daemon.lists(self.node);
        if gone || daemon.error().is_some() {
            return false;
        }
        let why = status.error.as_deref().unwrap_or("the source made no buffers");
        let Some((asking, frames)) = self.stream.remedy(why, context.sink.journal()) else { return false };
        match Stream::connect(daemon.core(), self.node, asking, frames) {
            Ok(stream) => {
                self.stream = stream;
                true
            }
            Err(error) => {
                tracing::debug!(%error, "the stream cannot be taken up again");
                false
            }
        }
    }

    fn why_not(&self, context: &Context<'_>, daemon: &Daemon, status: Status) -> CaptureError {
        let title = NodeName::Typed(self.title());
        let gone = !status.disconnected && status.error.is_none();
        if let (true, Some(loss)) = (gone, self.loss(daemon, &status)) {
            return match status.format {
                Some(Err(reason)) => CaptureError::Format { reason },
                _ => CaptureError::Ended(loss),
            };
        }
        // A link that cannot be made is taken down by the session manager without a word, hence
        // the guess at the reason by how far it came.
        let how = match &status.error {
            Some(error) => error.clone(),
            None if status.disconnected => "PipeWire could not link it".to_owned(),
            None => format!("nothing came of it within {:?}", context.config.first_frame_timeout),
        };
        match status.format {
            Some(Err(reason)) => CaptureError::Format { reason },
            _ if status.agreed => {
                let reason = format!("it agreed on a format, but on no buffers in shared memory ({how})");
                refused(&title, &reason)
            }
            // The portal named it and PipeWire never listed it: most likely its producer has gone.
            _ if !daemon.lists(self.node) => refused(
                &title,
                &format!("PipeWire does not list it: what was shared is not there any more ({how})"),
            ),
            _ => {
                let reason = format!(
                    "{how}; taken are packed RGB of 8 and 10 bits, NV12, I420 and YUY2 up to 16384x16384, in shared \
                     memory"
                );
                CaptureError::Format { reason }
            }
        }
    }

    /// Why it can send no more, if so.
    fn loss(&self, daemon: &Daemon, status: &Status) -> Option<String> {
        if let Some(error) = daemon.error() {
            return Some(format!("the connection to PipeWire broke: {error}"));
        }
        // The session manager tells the stream of it, too, in words that say less.
        if !self.name.is_empty() && !daemon.lists(self.node) {
            return Some(format!("{} went away", self.title()));
        }
        if let Some(error) = &status.error {
            return Some(error.clone());
        }
        if let Some(Err(why)) = &status.format {
            return Some(format!("it changed to a format that cannot be used: {why}"));
        }
        status.disconnected.then(|| "its stream was disconnected".to_owned())
    }

    /// Looks how it is. Tells when it pauses and, with `end`, when it is lost. Returns when to look again.
    pub(super) fn look(&mut self, context: &Context<'_>, daemon: &Daemon, end: bool) -> Duration {
        let next = LOOK.min(self.stream.tend(context.sink.journal()));
        if self.lost.is_some() {
            return next;
        }
        let status = self.stream.status();
        if let Some(loss) = self.loss(daemon, &status)
            && !self.remedy(context, daemon, &status)
        {
            if end {
                context.sink.event(self.index, CaptureEvent::Ended(loss.clone()));
            }
            self.lost = Some(loss);
            return next;
        }
        next.min(self.tell_pauses(status.streaming, context.sink).unwrap_or(LOOK))
    }

    /// Tells of pauses that last; returns when to look again.
    fn tell_pauses(&mut self, streaming: bool, sink: &FrameSink) -> Option<Duration> {
        match (streaming, self.paused) {
            (true, Pause::Told) => {
                self.paused = Pause::Running;
                sink.event(self.index, CaptureEvent::Resumed);
            }
            (true, _) => self.paused = Pause::Running,
            (false, Pause::Running) => {
                self.paused = Pause::Since(Instant::now());
                return Some(PAUSE_TOLD);
            }
            (false, Pause::Since(since)) => {
                let left = PAUSE_TOLD.saturating_sub(since.elapsed());
                if !left.is_zero() {
                    return Some(left);
                }
                self.paused = Pause::Told;
                sink.event(self.index, CaptureEvent::Paused);
            }
            (false, Pause::Told) => {}
        }
        None
    }

    /// Why it was lost, if it was.
    pub(super) fn lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    /// It by a name that outlives the node, where it has one.
    pub(super) fn named(&self, target: &Target) -> Target {
        match self.name.as_str() {
            "" => target.clone(),
            name => Target { node: NodeName::Typed(name.to_owned()), label: target.label.clone() },
        }
    }

    /// Its node, where its pictures come through shared memory.
    pub(super) fn in_shared_memory(&self) -> Option<u32> {
        let format = self.stream.status().format?.ok()?;
        format.modifier.is_none().then_some(self.node)
    }

    /// It in words.
    pub(super) fn title(&self) -> String {
        if self.label.is_empty() { format!("PipeWire node {}", self.node) } else { self.label.clone() }
    }
}

/// Whether pictures can come.
const fn is_ready(status: &Status) -> bool {
    matches!(status.format, Some(Ok(_))) && status.buffers > 0
}

fn refused(name: &NodeName, reason: &str) -> CaptureError {
    let node = match name {
        NodeName::Id(id) => id.to_string(),
        NodeName::Typed(typed) => typed.clone(),
    };
    CaptureError::Node { node, reason: reason.to_owned() }
}
