//! The thread of each output.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::encoder::Feed;
use super::lock;
use super::pictures::Subscription;
use super::registry::Entry;
use super::shared::{Command, Shared, thread};
use super::span::Span;
use super::status::OutputState;
use crate::encode::{Packet, Track};
use crate::output::{self, Interleaver, Marker, Opened, OutputError, Sink};
use crate::stats::OutputReport;
use crate::{Error, MediaTime, Output, Timestamp};

/// What comes through an output's door.
#[derive(Debug)]
pub(super) enum Item {
    Packet(Packet),
    /// Nothing more of this track.
    TrackEnded(usize),
    /// The output ends with what was captured until then, and waits for the last of it so long.
    EndAt(MediaTime, Timestamp),
}

/// A way into an output, for one of its tracks.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) sender: SyncSender<Item>,
    pub(super) track: usize,
    /// What the output does not know yet of what is made: its first key frame says so.
    pub(super) begins: Option<Arc<Track>>,
}

/// An output that is open, before its thread runs.
pub(super) struct Open {
    entry: Arc<Entry>,
    sink: Box<dyn Sink>,
    /// Where its tracks come from, and what was made there when it was opened.
    feeds: Vec<(Arc<Feed>, Track)>,
}

/// Opens an output for its rendition's track and its audio tracks. One that is `late` begins amid them.
pub(super) fn open(entry: &Arc<Entry>, shared: &Shared, late: bool) -> Result<Open, Error> {
    let feeds = lock(&shared.feeds).of(&entry.config)?;
    let feeds: Vec<_> = feeds.into_iter().map(|it| (Arc::clone(&it), it.track())).collect();
    let tracks = feeds.iter().map(|(_, track)| if late { track.continued() } else { Ok(track.clone()) });
    let tracks: Vec<Track> = tracks.collect::<Result<_, _>>().map_err(OutputError::no_memory)?;
    let context = output::Context {
        journal: shared.journal.clone(),
        gauge: Arc::default(),
        stop: entry.stop.clone(),
        stopping: Arc::clone(&shared.given_up),
    };
    let Opened { sink, remote } = output::open(&entry.config, &tracks, &context)?;
    entry.opened(remote);
    Ok(Open { entry: Arc::clone(entry), sink, feeds })
}

/// When an output begins.
pub(super) enum Begin {
    /// With the recording.
    First,
    /// Later. Whether a picture has got there, or why none ever does, is told to somebody who waits for it;
    /// where nobody does, a failure is the supervisor's.
    Late(oneshot::Sender<Result<(), Error>>),
}

/// A running output. It ends when every door is closed.
pub(super) struct OutputThread {
    entry: Arc<Entry>,
    life: Life,
    handle: JoinHandle<OutputReport>,
}

/// What a running output lives by.
enum Life {
    Packets(SyncSender<Item>),
    Pictures(Subscription),
}

impl OutputThread {
    /// Packets that wait at most; whoever brings more waits too, and nothing is dropped.
    const QUEUE: usize = 256;
    /// How long the last pictures may take to come out of their encoder.
    const LAST: Duration = Duration::from_secs(2);
    /// The same while nothing follows that would drive them out.
    const LAST_IN_PAUSE: Duration = Duration::from_millis(200);

    /// An output that takes pictures, by its thread.
    pub(super) const fn of_pictures(
        entry: Arc<Entry>,
        subscription: Subscription,
        handle: JoinHandle<OutputReport>,
    ) -> Self {
        Self { entry, life: Life::Pictures(subscription), handle }
    }

    /// Lets it end with what was captured until now. Waits for room in its queue.
    pub(super) fn end(self, shared: &Shared) -> Self {
        match &self.life {
            // It may have failed and gone.
            Life::Packets(sender) => drop(sender.send(end_now(shared))),
            Life::Pictures(subscription) => subscription.queue.leave(),
        }
        self
    }

    /// Nothing comes that it could wait for.
    pub(super) fn abandon(&self) {
        if let Life::Pictures(subscription) = &self.life {
            subscription.queue.leave();
        }
    }

    /// Closes our own door and waits until the output is whole. The source of pictures has ended.
    pub(super) fn join(self) -> OutputReport {
        let Self { entry, life, handle } = self;
        let _subscription = match life {
            Life::Packets(sender) => {
                drop(sender);
                None
            }
            Life::Pictures(subscription) => Some(subscription),
        };
        handle.join().unwrap_or_else(|_| {
            let error = Some("its thread panicked; what was written before is whole".to_owned());
            let report = OutputReport { error, ..OutputReport::default() }.named(entry.id, &entry.name);
            entry.ended(report.clone());
            report
        })
    }
}

/// That an output ends with what was captured until now.
fn end_now(shared: &Shared) -> Item {
    let now = Timestamp::now();
    match shared.timeline.map(now) {
        Some(at) => Item::EndAt(at, now + OutputThread::LAST),
        None => {
            let at = MediaTime::from_nanos(shared.counters.shown_until.get() as i64);
            Item::EndAt(at, now + OutputThread::LAST_IN_PAUSE)
        }
    }
}

impl std::fmt::Debug for OutputThread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutputThread").field("output", &self.entry.id).finish_non_exhaustive()
    }
}

/// Starts the output's thread and lets it join its tracks.
pub(super) fn spawn(
    open: Open,
    begin: Begin,
    shared: &Arc<Shared>,
    commands: &Sender<Command>,
) -> Result<OutputThread, Error> {
    let (sender, items) = sync_channel(OutputThread::QUEUE);
    let Open { entry, sink, feeds } = open;
    // The caller's code reads several streams against one clock; each clip of a replay has a zero of its own, and a
    // save waits for a time of the recording.
    let own_zero = !matches!(entry.config.output, Output::Packets | Output::Replay { .. });
    let (span, first) = match begin {
        Begin::First => (Span::whole(feeds.len()), None),
        Begin::Late(first) => (Span::late(feeds.len(), own_zero), Some(first)),
    };
    let writer = Writer {
        entry: Arc::clone(&entry),
        span,
        end_by: None,
        interleaver: interleaver(&entry.config.output, feeds.len()),
        sink,
        shared: Arc::clone(shared),
        commands: commands.clone(),
        first,
        wrote: false,
        started: false,
        marked: 0,
    };
    let handle = thread(&format!("gs-output-{}", entry.id), move || writer.run(items))?;
    for (track, (feed, made)) in feeds.iter().enumerate() {
        feed.join(Door { sender: sender.clone(), track, begins: None }, made);
    }
    Ok(OutputThread { entry, life: Life::Packets(sender), handle })
}

/// In which order an output takes the packets of its tracks.
fn interleaver(output: &Output, tracks: usize) -> Interleaver {
    match output {
        // Each message of RTMP has a time of its own, and its tracks stand in order each by itself.
        Output::Rtmp { .. } => Interleaver::live(tracks),
        _ => Interleaver::new(tracks),
    }
}

struct Writer {
    entry: Arc<Entry>,
    span: Span,
    /// When it ends, whatever has come.
    end_by: Option<Timestamp>,
    interleaver: Interleaver,
    sink: Box<dyn Sink>,
    shared: Arc<Shared>,
    commands: Sender<Command>,
    /// Who waits for the first picture, where it is not the supervisor.
    first: Option<oneshot::Sender<Result<(), Error>>>,
    /// Whether it was given a picture.
    wrote: bool,
    /// Whether that has arrived, and somebody knows.
    started: bool,
    /// How many of the pipeline's markers the sink knows.
    marked: usize,
}

impl Writer {
    fn run(mut self, items: Receiver<Item>) -> OutputReport {
        let written = self.write_all(&items);
        // Whoever waits for room does so no longer: to make the output whole may take a while.
        drop(items);
        self.entry.set_state(OutputState::Finishing);
        self.mark();
        let finished = self.sink.finish();
        let mut report = self.sink.report().named(self.entry.id, &self.entry.name);
        let error = written.and(finished).err();
        report.error = error.as_ref().map(ToString::to_string).or(report.error);
        self.entry.ended(report.clone());
        if let Some(error) = error {
            self.failed(error.into());
        }
        report
    }

    fn failed(&mut self, error: Error) {
        match self.first.take() {
            // Who waited may have gone; then there is nobody to tell.
            Some(first) => drop(first.send(Err(error))),
            // The supervisor has gone when it is draining; the report tells it then.
            None => drop(self.commands.send(Command::OutputFailed(self.entry.id, error))),
        }
    }

    /// Writes until every door is closed or the output is over. After an error the doors are closed from
    /// this side.
    fn write_all(&mut self, items: &Receiver<Item>) -> Result<(), OutputError> {
        while !self.is_over() {
            match items.recv_timeout(self.patience()) {
                Ok(Item::Packet(packet)) => self.take(packet),
                Ok(Item::TrackEnded(track)) => {
                    self.span.end_track(track);
                    self.interleaver.end_track(track);
                }
                Ok(Item::EndAt(at, by)) => {
                    self.span.end_at(at);
                    self.end_by = Some(by);
                }
                Err(RecvTimeoutError::Timeout) => self.sink.idle()?,
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.write_ready()?;
            self.see_whether_it_has_started();
            self.mark();
        }
        self.interleaver.close();
        self.write_ready()
    }

    /// Tells the sink of markers that are new.
    fn mark(&mut self) {
        let Some(zero) = self.span.zero() else { return };
        for marker in self.shared.markers.since(self.marked) {
            self.marked += 1;
            // What was marked before it began is not in it.
            if marker.at >= zero {
                self.sink.mark(&Marker { at: marker.at.offset(-zero.as_nanos()), title: marker.title });
            }
        }
    }

    fn take(&mut self, packet: Packet) {
        let interleaver = &mut self.interleaver;
        self.span.take(packet, |packet| {
            if let Err(packet) = interleaver.push(packet, Timestamp::now()) {
                tracing::error!(track = packet.track, "a packet of a track that this output lacks");
            }
        });
    }

    fn is_over(&self) -> bool {
        self.span.is_over() || self.end_by.is_some_and(|by| Timestamp::now() >= by)
    }

    /// How long to wait for the next item: until a packet need wait no longer, and no longer than the
    /// sink allows.
    fn patience(&self) -> Duration {
        const MOST: Duration = Duration::from_millis(200);
        // Somebody waits for the start, or for the end.
        let hurry = self.wrote && !self.started || self.end_by.is_some();
        let most = if hurry { MOST / 20 } else { MOST };
        self.interleaver.deadline().map_or(most, |at| at.since(Timestamp::now()).min(most))
    }

    fn write_ready(&mut self) -> Result<(), OutputError> {
        while let Some(packet) = self.interleaver.pop(Timestamp::now()) {
            self.write(&packet)?;
        }
        Ok(())
    }

    fn write(&mut self, packet: &Packet) -> Result<(), OutputError> {
        self.sink.write(packet)?;
        self.entry.progress.wrote(packet);
        if packet.track != 0 {
            return Ok(());
        }
        self.wrote = true;
        let latency = &self.shared.counters.latency;
        let now = Timestamp::now();
        latency.write.record(now.since(packet.encoded));
        if let Some(arrived) = packet.arrived {
            latency.total.record(now.since(arrived));
        }
        Ok(())
    }

    /// Tells who waits for it, once, when a picture has got to where it is to go.
    fn see_whether_it_has_started(&mut self) {
        if !self.started && self.wrote && self.entry.remote().has_delivered() {
            self.started = true;
            self.entry.set_state(OutputState::Running);
            match self.first.take() {
                // Who waited may have gone, and withdraws it.
                Some(first) => drop(first.send(Ok(()))),
                // The supervisor has gone when it is draining.
                None => drop(self.commands.send(Command::OutputStarted(self.entry.id))),
            }
        }
    }
}
