//! The thread of each output.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::supervisor::{Command, Shared, thread};
use crate::encode::Packet;
use crate::output::{Interleaver, OutputError, Sink};
use crate::stats::OutputReport;
use crate::{Error, Timestamp};

/// What comes through an output's door.
#[derive(Debug)]
pub(super) enum Item {
    Packet(Packet),
    /// Nothing more of this track.
    TrackEnded(usize),
}

/// A way into an output, for one of its tracks.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) sender: SyncSender<Item>,
    pub(super) track: usize,
}

/// An output that is open, before its thread runs.
pub(super) struct Open {
    pub(super) sink: Box<dyn Sink>,
    pub(super) tracks: usize,
}

/// A running output. It ends when every door is closed.
pub(super) struct OutputThread {
    sender: SyncSender<Item>,
    handle: JoinHandle<OutputReport>,
}

impl OutputThread {
    /// Packets that wait at most; whoever brings more waits too, and nothing is dropped.
    const QUEUE: usize = 256;

    /// A way in for `track`.
    pub(super) fn door(&self, track: usize) -> Door {
        Door { sender: self.sender.clone(), track }
    }

    /// Closes our own door and waits until the output is whole.
    pub(super) fn join(self) -> OutputReport {
        let Self { sender, handle } = self;
        drop(sender);
        handle.join().unwrap_or_else(|_| {
            let error = Some("its thread panicked; what was written before is whole".to_owned());
            OutputReport { path: None, bytes: 0, seconds: 0.0, error, continued: vec![] }
        })
    }
}

pub(super) fn spawn(
    index: usize,
    open: Open,
    shared: &Arc<Shared>,
    commands: &Sender<Command>,
) -> Result<OutputThread, Error> {
    let (sender, items) = sync_channel(OutputThread::QUEUE);
    let writer = Writer {
        index,
        interleaver: Interleaver::new(open.tracks),
        sink: open.sink,
        shared: Arc::clone(shared),
        commands: commands.clone(),
        started: false,
    };
    let handle = thread(&format!("gs-output-{index}"), move || writer.run(&items))?;
    Ok(OutputThread { sender, handle })
}

struct Writer {
    index: usize,
    interleaver: Interleaver,
    sink: Box<dyn Sink>,
    shared: Arc<Shared>,
    commands: Sender<Command>,
    started: bool,
}

impl Writer {
    fn run(mut self, items: &Receiver<Item>) -> OutputReport {
        let written = self.write_all(items);
        let finished = self.sink.finish();
        let mut report = self.sink.report();
        if let Err(error) = written.and(finished) {
            report.error = Some(error.to_string());
            // The supervisor has gone when it is draining; the report tells it then.
            let _ = self.commands.send(Command::OutputFailed(self.index, error.into()));
        }
        report
    }

    /// Writes until every door is closed. After an error the doors are closed from this side.
    fn write_all(&mut self, items: &Receiver<Item>) -> Result<(), OutputError> {
        loop {
            match items.recv_timeout(self.patience()) {
                Ok(Item::Packet(packet)) => {
                    if let Err(packet) = self.interleaver.push(packet, Timestamp::now()) {
                        tracing::error!(track = packet.track, "a packet of a track that this output lacks");
                    }
                }
                Ok(Item::TrackEnded(track)) => self.interleaver.end_track(track),
                Err(RecvTimeoutError::Timeout) => self.sink.idle()?,
                Err(RecvTimeoutError::Disconnected) => {
                    self.interleaver.close();
                    return self.write_ready();
                }
            }
            self.write_ready()?;
        }
    }

    /// How long to wait for the next item: until a packet need wait no longer, and no longer than the
    /// sink allows.
    fn patience(&self) -> Duration {
        const MOST: Duration = Duration::from_millis(200);
        self.interleaver.deadline().map_or(MOST, |at| at.since(Timestamp::now()).min(MOST))
    }

    fn write_ready(&mut self) -> Result<(), OutputError> {
        while let Some(packet) = self.interleaver.pop(Timestamp::now()) {
            self.write(&packet)?;
        }
        Ok(())
    }

    fn write(&mut self, packet: &Packet) -> Result<(), OutputError> {
        self.sink.write(packet)?;
        if packet.track != 0 {
            return Ok(());
        }
        let latency = &self.shared.counters.latency;
        let now = Timestamp::now();
        latency.write.record(now.since(packet.encoded));
        if let Some(arrived) = packet.arrived {
            latency.total.record(now.since(arrived));
        }
        if !self.started {
            self.started = true;
            // The supervisor has gone when it is draining.
            let _ = self.commands.send(Command::OutputStarted(self.index));
        }
        Ok(())
    }
}
