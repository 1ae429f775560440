//! The thread that encodes: it feeds an encoder, hands its packets on, and replaces it when it fails.
//!
//! ```text
//! this thread      frames in, packets out, counting, the choice of who takes over
//!    │ a call at a time, with a time limit where a driver stands behind it
//! codec thread     owns the encoder and nothing else: one that hangs is left behind (worker.rs)
//! ```
//!
//! While an encoder is replaced frames wait in their channel, and what finds no room is counted as
//! dropped. The picture at which it failed goes to the next one, so that nothing is lost but what was
//! inside; the next one begins with a key frame, and its first packet says what it makes, for the
//! outputs to see whether their file can go on.

mod adapter;
mod fan_out;
mod succession;
mod trial;
mod worker;

#[cfg(test)]
mod half_rate_tests;
#[cfg(test)]
mod tests;

pub(super) use fan_out::{FanOut, Feed, Feeds};
pub use trial::Trial;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use self::adapter::Adapter;
use self::succession::{Failure, Succession};
use self::worker::Worker;
use super::channel::{Job, ReceivedFrames};
use super::control::{Asked, Control};
use super::lock;
use super::shared::{Command, Shared, thread};
use crate::encode::{EncodeError, Frame, InputSpec, Opened, Packet, PictureMemory, Row, Terms, Track};
use crate::processing::gpu::{Handover, Told};
use crate::stats::{BitrateChange, EncoderFailure, FrameRateChange, Refusal, RenditionReport};
use crate::{Error, MediaTime, Timestamp};

/// As many changes and failures are listed in the report; more may happen.
const MOST_LISTED: usize = 1000;

/// One rendition's encoder and all that its thread needs.
pub(super) struct EncoderThread {
    index: usize,
    /// Nothing while it is being replaced.
    worker: Option<Worker>,
    succession: Succession,
    /// What pictures are like when they come here.
    made: InputSpec,
    /// Where they lie, if that is the driver's.
    memory: Option<PictureMemory>,
    /// Tells whoever makes them where they are taken.
    handover: Handover,
    /// What makes them what the encoder takes.
    adapter: Option<Adapter>,
    frames: ReceivedFrames,
    fan_out: FanOut,
    control: Arc<Control>,
    shared: Arc<Shared>,
    commands: Sender<Command>,
    report: RenditionReport,
    /// The bitrate, once it was changed.
    kbps: Option<u32>,
    /// Whether every second picture is left out.
    half_rate: bool,
    /// When the pictures that are still inside were handed in, oldest first.
    inside: VecDeque<(MediaTime, Timestamp)>,
    /// What an encoder makes that has just taken over, until its first packet says so.
    begins: Option<Arc<Track>>,
    last_dts: Option<MediaTime>,
}

/// Where a rendition's frames come from and its packets go.
pub(super) struct Ends {
    pub(super) frames: ReceivedFrames,
    pub(super) fan_out: FanOut,
    pub(super) control: Arc<Control>,
    /// Tells processing on which GPU pictures are taken.
    pub(super) handover: Handover,
    /// What processing tells.
    pub(super) processing: Told,
}

impl EncoderThread {
    /// Starts it for rendition number `index`. `rows` are the encoders that it may use, the one that
    /// was opened first.
    pub(super) fn spawn(
        index: usize,
        (opened, rows): (Opened, Vec<Row>),
        report: RenditionReport,
        ends: Ends,
        (shared, commands): (&Arc<Shared>, &Sender<Command>),
    ) -> Result<RunningEncoder, Error> {
        let Ends { frames, fan_out, control, handover, processing } = ends;
        control.begins(&opened);
        let succession = Succession::new(rows);
        let worker = Worker::spawn(index, opened.name, succession.is_hardware(), opened.encoder)?;
        let it = Self {
            index,
            worker: Some(worker),
            succession,
            made: opened.input,
            memory: opened.memory,
            handover,
            adapter: None,
            frames,
            fan_out,
            control,
            shared: Arc::clone(shared),
            commands: commands.clone(),
            report: report.clone(),
            kbps: None,
            half_rate: false,
            inside: VecDeque::new(),
            begins: None,
            last_dts: None,
        };
        let handle = thread(&format!("gs-encode-{index}"), move || it.run())?;
        Ok(RunningEncoder { handle, report, processing })
    }

    /// Encodes until the rendition ends, then empties the encoder.
    fn run(mut self) -> RenditionReport {
        match self.encode_all() {
            Ok(()) => self.flush(),
            Err(error) => {
                let waiting = std::iter::from_fn(|| self.frames.try_next()).count();
                self.shared.counters.dropped_encoder.add(waiting as u64);
                // The supervisor has gone when it is draining; the report tells it then.
                let _ = self.commands.send(Command::RenditionFailed(error.into()));
            }
        }
        self.report
    }

    fn encode_all(&mut self) -> Result<(), EncodeError> {
        while let Some(job) = self.frames.next() {
            self.encode(job)?;
        }
        Ok(())
    }

    /// Encodes a picture, with another encoder where the one that runs fails at it.
    fn encode(&mut self, Job { frame, after_pause, half_rate }: Job) -> Result<(), EncodeError> {
        let terms = self.control.terms();
        let wishes = self.shared.outputs.wishes(self.index, terms);
        self.frames.ask_half_rate(wishes.half_rate && terms.follows);
        let mut asked = self.control.take(wishes.kbps);
        asked.key_frame |= after_pause || wishes.key_frame;
        asked.half_rate = half_rate;
        self.note_rate(half_rate, frame.pts);
        self.shared.counters.encoded.add(1);
        while let Err(error) = self.try_encode(&frame, asked) {
            if let EncodeError::Picture { .. } = error {
                self.leave_out(&frame, &error);
                break;
            }
            let came_out = !self.inside.iter().any(|(pts, _)| *pts == frame.pts);
            self.inside.retain(|(pts, _)| *pts != frame.pts);
            self.kbps = asked.kbps.take().or(self.kbps);
            if let Err(error) = self.replace(error, frame.pts) {
                self.shared.counters.lost.add(u64::from(!came_out));
                return Err(error);
            }
            if came_out {
                break;
            }
        }
        Ok(())
    }

    /// A picture that the GPU never made: it is nobody's fault that is here.
    fn leave_out(&mut self, frame: &Frame, why: &EncodeError) {
        self.inside.retain(|(pts, _)| *pts != frame.pts);
        self.shared.counters.lost.add(1);
        self.shared.journal.once("picture that is not there", || why.to_string());
    }

    fn try_encode(&mut self, frame: &Frame, asked: Asked) -> Result<(), EncodeError> {
        let Some(worker) = &self.worker else {
            return Err(EncodeError::Panicked { encoder: "encoder" });
        };
        self.inside.push_back((frame.pts, Timestamp::now()));
        let failed = |source| EncodeError::Failed { encoder: worker.name(), source };
        let mut picture = frame.picture.share().map_err(failed)?;
        if let Some(adapter) = &self.adapter {
            picture = adapter.adapt(&picture.into_memory()?).map_err(failed)?.into();
        }
        let mut packets = Vec::new();
        let given = Frame { pts: frame.pts, picture, arrived: frame.arrived };
        let result = worker.encode(given, asked, &mut packets);
        self.hand_on(packets);
        let told = result?;
        told.note.into_iter().for_each(|note| self.shared.journal.note(note));
        if let Some(kbps) = asked.kbps {
            self.heeded(kbps, frame.pts, told.fixed);
        }
        Ok(())
    }

    /// Reports where every second picture begins to be left out, and where that ends.
    fn note_rate(&mut self, half: bool, at: MediaTime) {
        if std::mem::replace(&mut self.half_rate, half) == half {
            return;
        }
        if self.report.frame_rate_changes.len() < MOST_LISTED {
            let fps = if half { self.report.fps / 2.0 } else { self.report.fps };
            self.report.frame_rate_changes.push(FrameRateChange { seconds: at.as_secs_f64(), fps });
        }
    }

    /// Tells what became of a wish for another bitrate.
    fn heeded(&mut self, kbps: u32, at: MediaTime, fixed: Option<EncodeError>) {
        if let Some(error) = fixed {
            self.shared.journal.note(error.to_string());
            return;
        }
        self.kbps = Some(kbps);
        if self.report.bitrate_changes.len() < MOST_LISTED {
            self.report.bitrate_changes.push(BitrateChange { seconds: at.as_secs_f64(), kbps });
        }
    }

    /// Empties the encoder. What does not come out any more is lost, and told.
    fn flush(&mut self) {
        let Some(worker) = self.worker.take() else { return };
        let mut packets = Vec::new();
        let flushed = worker.flush(&mut packets);
        self.hand_on(packets);
        let hung = matches!(flushed, Err(EncodeError::Stuck { .. }));
        let closed = !hung && worker.close();
        if let Err(error) = flushed {
            let at = self.inside.front().map_or(MediaTime::ZERO, |(pts, _)| *pts);
            let failure = self.failed(&error, at, !closed);
            self.tell(failure);
        }
    }

    fn hand_on(&mut self, packets: Vec<Packet>) {
        if !packets.is_empty() {
            self.succession.made_something();
            self.frames.flows();
        }
        for mut packet in packets {
            if let Some(at) = self.inside.iter().position(|(pts, _)| *pts == packet.pts)
                && let Some((_, handed_in)) = self.inside.remove(at)
            {
                self.shared.counters.latency.encode.record(packet.encoded.since(handed_in));
            }
            packet.begins = self.begins.take();
            // Where B-frames come, an encoder that takes over begins to decode before its first
            // picture, which may be before the last one of the encoder that failed.
            let later = self.last_dts.map_or(packet.dts, |last| packet.dts.max(last.offset(1)));
            packet.dts = later.min(packet.pts);
            self.last_dts = Some(packet.dts);
            self.shared.counters.packets.add(1);
            self.shared.counters.bytes.add(packet.data().len() as u64);
            self.fan_out.send(&packet);
        }
        // An encoder that swallowed pictures must not make this grow.
        while self.inside.len() > 1024 {
            self.inside.pop_front();
        }
    }
}

/// Replacing an encoder that failed.
impl EncoderThread {
    /// Puts another encoder in the place of the one that failed at the picture of this time.
    fn replace(&mut self, error: EncodeError, at: MediaTime) -> Result<(), EncodeError> {
        let begin = Timestamp::now();
        let hung = matches!(error, EncodeError::Stuck { .. });
        // One that hangs has its thread in it: neither can be ended, and both are left behind.
        let closed = self.worker.take().is_none_or(|worker| !hung && worker.close());
        let mut failure = self.failed(&error, at, !closed);
        let how = if closed { Failure::Error } else { Failure::Hang };
        let found = self.find_successor(how, &mut failure.refused);
        failure.milliseconds = Timestamp::now().since(begin).as_secs_f64() * 1e3;
        failure.replaced_by = found.map(str::to_owned);
        let refused = failure.refused.clone();
        self.tell(failure);
        match found {
            Some(_) => Ok(()),
            None => Err(EncodeError::NoSuccessor { failure: Box::new(error), refused }),
        }
    }

    /// Opens the first that can be, and puts it in place.
    fn find_successor(&mut self, failure: Failure, refused: &mut Vec<Refusal>) -> Option<&'static str> {
        let failed = self.report.encoder.clone();
        let mut driver_hangs = false;
        for (tried, row) in self.succession.after(failure, Timestamp::now()).iter().enumerate() {
            if driver_hangs && row.hardware {
                continue;
            }
            let again = row.name == failed;
            let opened = worker::open(row, Terms { kbps: self.kbps, takes_over: !again });
            let taken = opened.and_then(|opened| {
                self.take_on(row, opened, again).map_err(|reason| worker::Refused::saying(row.name, reason))
            });
            match taken {
                Ok(()) => {
                    self.succession.took_over(tried, again, Timestamp::now());
                    return Some(row.name);
                }
                Err(it) => {
                    driver_hangs |= it.hung;
                    refused.push(it.refusal);
                }
            }
        }
        None
    }

    fn take_on(&mut self, row: &Row, opened: Opened, again: bool) -> Result<(), String> {
        let adapter = Adapter::between(self.made, opened.input)?;
        let worker = Worker::spawn(self.index, row.name, row.hardware, opened.encoder);
        self.worker = Some(worker.map_err(|error| error.to_string())?);
        self.adapter = adapter;
        self.handover.set(opened.memory.as_ref().map(PictureMemory::gpu));
        self.begins = Some(Arc::new(opened.track));
        self.control.runs(opened.name, opened.follows_bitrate);
        if let Some(name) = lock(&self.shared.facts).encoders.get_mut(&self.index) {
            row.name.clone_into(name);
        }
        row.name.clone_into(&mut self.report.encoder);
        self.report.codec = opened.codec.to_string();
        if !again {
            opened.notes.into_iter().for_each(|note| self.shared.journal.note(note));
        }
        Ok(())
    }

    /// Counts what was inside, and begins an entry of the report.
    fn failed(&mut self, error: &EncodeError, at: MediaTime, left_behind: bool) -> EncoderFailure {
        if left_behind && let Some(memory) = &self.memory {
            // To free it would be one more call that does not come back.
            memory.abandon();
        }
        let lost = self.inside.len() as u64;
        self.inside.clear();
        self.shared.counters.lost.add(lost);
        EncoderFailure {
            seconds: at.as_secs_f64(),
            encoder: self.report.encoder.clone(),
            reason: error.to_string(),
            replaced_by: None,
            refused: vec![],
            milliseconds: 0.0,
            lost,
            left_behind,
        }
    }

    fn tell(&mut self, failure: EncoderFailure) {
        self.shared.journal.note(failure.to_string());
        if self.report.failures.len() < MOST_LISTED {
            self.report.failures.push(failure);
        }
    }
}

/// An encoder's thread that was started.
pub(super) struct RunningEncoder {
    handle: JoinHandle<RenditionReport>,
    /// What was known at the start.
    report: RenditionReport,
    /// What processing tells.
    processing: Told,
}

impl RunningEncoder {
    /// Waits until it has ended. The report is that of the start where it panicked.
    pub(super) fn join(self) -> (RenditionReport, Option<Error>) {
        let (mut report, error) = match self.handle.join() {
            Ok(report) => (report, None),
            Err(_) => {
                let error = Error::Thread { thread: "encoder".into(), reason: "it panicked".into() };
                (self.report, Some(error))
            }
        };
        report.processing = self.processing.report();
        (report, error)
    }
}
