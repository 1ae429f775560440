//! The thread that hands pictures to an output.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::capture::FrameQueue;
use crate::encode::Frame;
use crate::output::{OutputError, PictureSink};
use crate::pipeline::channel::{Job, ReceivedFrames};
use crate::pipeline::registry::Entry;
use crate::pipeline::rendition::Stop;
use crate::pipeline::shared::{Command, Shared};
use crate::pipeline::status::OutputState;
use crate::processing::gpu::Told;
use crate::stats::{Counters, OutputReport, PicturesReport};
use crate::{Error, Timestamp};

/// How long a sink is left alone when no picture comes.
const IDLE: Duration = Duration::from_millis(200);

/// A sink and all that its thread needs.
pub(super) struct Taker {
    pub(super) entry: Arc<Entry>,
    pub(super) sink: Box<dyn PictureSink>,
    pub(super) queue: FrameQueue,
    pub(super) counters: Arc<Counters>,
    /// What processing tells.
    pub(super) told: Told,
    pub(super) shared: Arc<Shared>,
    pub(super) commands: Sender<Command>,
    /// Whether it has a picture, and the supervisor knows.
    pub(super) started: bool,
    /// Who waits for that, where it was added while the pipeline runs; else the supervisor does.
    pub(super) waiting: Option<oneshot::Sender<Result<(), Error>>>,
}

impl Taker {
    /// Runs until no more pictures come, or the sink fails; then ends the thread that makes them.
    pub(super) fn run(
        mut self,
        frames: ReceivedFrames,
        pictures: JoinHandle<Result<(String, Timestamp), Stop>>,
    ) -> OutputReport {
        let shown = self.show_all(&frames).and_then(|()| self.stay());
        if shown.is_err() {
            self.queue.leave();
        }
        drop(frames);
        self.entry.set_state(OutputState::Finishing);
        let finished = self.sink.finish();
        let made = pictures.join();
        let failed = shown.and(finished).map_err(Error::from).err();
        let report = |error: Option<String>| {
            let mut report = self.report();
            report.error = error.or(report.error);
            report
        };
        // The supervisor has gone when it is draining; the report tells it then.
        let (report, command) = match (failed, made) {
            (Some(error), _) | (None, Ok(Err(Stop::Failed(error)))) => {
                (report(Some(error.to_string())), Some(Command::OutputFailed(self.entry.id, error)))
            }
            (None, Err(_)) => {
                let error = Error::Thread { thread: "picture".to_owned(), reason: "it panicked".to_owned() };
                (report(Some(error.to_string())), Some(Command::OutputFailed(self.entry.id, error)))
            }
            (None, Ok(Ok((reason, at)))) if !self.queue.is_left() => {
                (report(None), Some(Command::SourceEnded(reason, at)))
            }
            (None, Ok(_)) => (report(None), None),
        };
        self.entry.ended(report.clone());
        match (command, self.waiting.take()) {
            (Some(Command::OutputFailed(_, error)), Some(waiting)) => drop(waiting.send(Err(error))),
            (Some(command), _) => drop(self.commands.send(command)),
            (None, _) => {}
        }
        report
    }

    fn show_all(&mut self, frames: &ReceivedFrames) -> Result<(), OutputError> {
        loop {
            match frames.next_within(IDLE) {
                Ok(Job { frame, .. }) => {
                    self.show(frame)?;
                    frames.flows();
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.sink.idle()?;
                    self.went_on();
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    /// Goes on when the source has ended, where the output has something to show then, until it is to end.
    fn stay(&mut self) -> Result<(), OutputError> {
        let Some(reason) = self.queue.lost_source().filter(|_| self.started && self.sink.stays()) else {
            return Ok(());
        };
        // The supervisor has gone when it is draining.
        let _ = self.commands.send(Command::SourceGone(self.entry.id, reason));
        while !self.queue.wait_over(IDLE) {
            self.sink.idle()?;
        }
        Ok(())
    }

    fn show(&mut self, Frame { pts, picture, arrived }: Frame) -> Result<(), OutputError> {
        // What a GPU makes is waited for here, so that the next one is begun meanwhile.
        let picture = match picture.into_memory() {
            Ok(picture) => picture.into(),
            Err(absent) => {
                self.counters.lost.add(1);
                self.shared.journal.once("picture that is not there", || absent.to_string());
                return Ok(());
            }
        };
        self.sink.show(&Frame { pts, picture, arrived })?;
        self.counters.packets.add(1);
        self.counters.latency.total.record(Timestamp::now().since(arrived));
        self.went_on();
        if !self.started {
            self.started = true;
            self.entry.set_state(OutputState::Running);
            match self.waiting.take() {
                // It may have lost its patience.
                Some(waiting) => drop(waiting.send(Ok(()))),
                // The supervisor has gone when it is draining.
                None => drop(self.commands.send(Command::OutputStarted(self.entry.id))),
            }
        }
        Ok(())
    }

    /// Tells how far it is, also where pictures were due that nobody would have seen.
    fn went_on(&self) {
        let until = self.counters.shown_until.get();
        self.shared.counters.shown_until.raise(until);
        self.entry.progress.reached(until);
    }

    fn report(&self) -> OutputReport {
        let (input, report) = (self.sink.input(), self.sink.report());
        let pictures = PicturesReport {
            format: format!("{:?}", input.format).to_uppercase(),
            width: input.size.width,
            height: input.size.height,
            processing: self.told.report(),
            ..PicturesReport::of(&self.counters)
        };
        let seconds = self.counters.shown_until.get() as f64 / 1e9;
        OutputReport { pictures: Some(pictures), seconds, ..report }.named(self.entry.id, &self.entry.name)
    }
}
