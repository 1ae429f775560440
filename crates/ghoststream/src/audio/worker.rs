//! The thread of one audio track: from the ring, through the aligner, to the encoder and the sink.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::align::Aligner;
use super::encoder::{Encoder, media_time};
use super::losses::Losses;
use super::mix::Tap;
use super::ring::{self, Reader};
use super::{AudioError, PacketSink, RATE, Source, open_source};
use crate::av::AvError;
use crate::stats::Journal;
use crate::{AudioSource, MediaTime, Timeline, Timestamp};

/// How often the ring is looked at.
const TICK: Duration = Duration::from_millis(10);
/// Samples of one channel encoded at a time.
const CHUNK: i64 = RATE as i64 / 100;
/// How long a source that sends may be late before silence is written for it.
const PATIENCE: Duration = Duration::from_millis(500);
/// The same for a source that is not there.
const IDLE: Duration = Duration::from_millis(150);
/// How long sound is kept back, so that a pause and a stop cut at their time when they are told a
/// moment later, and though PipeWire hands sound out before it is played.
const KEPT_BACK: Duration = Duration::from_millis(50);
/// How long `stop` waits for the last sound.
const LAST_WAIT: Duration = Duration::from_millis(250);

/// How long the source before is kept while the next one does not send yet.
const OVERLAP: Duration = Duration::from_millis(500);

/// What the track's owner asks of its thread.
pub(super) enum Command {
    /// Hand packets on from now.
    Start(PacketSink),
    /// Hand on everything captured before this, and end.
    Stop(Timestamp),
    /// Go on with another source, of this name.
    Switch(Feed, String),
    /// End at once.
    Quit,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Start(_) => "Start",
            Self::Stop(_) => "Stop",
            Self::Switch(..) => "Switch",
            Self::Quit => "Quit",
        })
    }
}

/// A source, and what it writes into.
pub(super) struct Feed {
    // Dropped in this order: the source writes into what is read.
    _source: Box<dyn Source>,
    reader: Reader,
    /// Nothing of it was taken yet.
    fresh: bool,
}

impl Feed {
    pub(super) fn open(source: &AudioSource, journal: &Journal) -> Result<Self, AudioError> {
        let (writer, reader) = ring::ring();
        Ok(Self { _source: open_source(source, writer, journal)?, reader, fresh: true })
    }
}

/// What came of the sound.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// The source's name: the last one's.
    pub name: String,
    pub ppm: f64,
    pub max_skew: f64,
    pub silence_seconds: f64,
}

pub(super) struct Worker {
    /// The track's name, in notes.
    pub name: String,
    pub feed: Feed,
    /// The source that it is to go on with, its name, and when at the latest.
    pub next: Option<(Feed, String, Timestamp)>,
    /// Who else wants its samples.
    pub taps: Vec<Tap>,
    pub encoder: Encoder,
    pub timeline: Timeline,
    pub journal: Journal,
}

impl Worker {
    /// Runs until it is told to stop, or its owner is gone.
    pub(super) fn run(mut self, commands: &Receiver<Command>) -> Outcome {
        let mut track = Writing {
            aligner: Aligner::new(),
            losses: Losses::default(),
            sink: None,
            next: 0,
            pcm: Vec::new(),
        };
        let mut block = Vec::new();
        let until = loop {
            match commands.recv_timeout(TICK) {
                Ok(Command::Start(sink)) => track.sink = Some(sink),
                Ok(Command::Stop(until)) => break Some(until),
                Ok(Command::Switch(feed, name)) => self.next = Some((feed, name, Timestamp::now() + OVERLAP)),
                Ok(Command::Quit) | Err(RecvTimeoutError::Disconnected) => break None,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.switch(&mut track, &mut block);
            if self.step(&mut track, &mut block, None).is_err() {
                break None;
            }
        };
        if let Some(until) = until {
            self.drain(&mut track, &mut block, until);
        }
        if let Some(seconds) = track.losses.rest() {
            self.tell_lost(seconds);
        }
        let quality = track.aligner.quality();
        Outcome {
            name: self.name,
            ppm: track.aligner.ppm(),
            max_skew: quality.max_skew,
            silence_seconds: quality.silence as f64 / f64::from(RATE),
        }
    }

    /// Takes what the source sent.
    fn take(&mut self, track: &mut Writing, block: &mut Vec<f32>) {
        while let Some(mut header) = self.feed.reader.pop(block) {
            header.fresh |= std::mem::take(&mut self.feed.fresh);
            track.aligner.push(header, block);
        }
    }

    /// Goes on with another source, once it sends, after all that the one before has sent.
    fn switch(&mut self, track: &mut Writing, block: &mut Vec<f32>) {
        let due =
            |(feed, _, by): &mut (Feed, String, Timestamp)| feed.reader.is_live() || Timestamp::now() >= *by;
        if let Some((feed, name, _)) = self.next.take_if(due) {
            self.take(track, block);
            self.journal.note(format!("{}: the track goes on with {name}", self.name));
            (self.feed, self.name) = (feed, name);
        }
    }

    /// Takes what the source sent and encodes what is ready.
    fn step(
        &mut self,
        track: &mut Writing,
        block: &mut Vec<f32>,
        until: Option<Timestamp>,
    ) -> Result<(), AvError> {
        self.take(track, block);
        let now = Timestamp::now();
        if let Some(seconds) = track.losses.add(self.feed.reader.take_dropped(), now) {
            self.tell_lost(seconds);
        }
        let patience = match (until, self.feed.reader.is_live()) {
            (Some(_), true) => LAST_WAIT,
            (Some(_), false) => Duration::ZERO,
            (None, true) => PATIENCE,
            (None, false) => IDLE,
        };
        let overdue = now - patience;
        let ready = track.aligner.ready_until().map_or(overdue, |ready| ready.max(overdue));
        let limit = ready.min(until.unwrap_or(now - KEPT_BACK));
        let written = track.write(&mut self.encoder, &mut self.taps, &self.timeline, limit);
        if let Err(error) = &written {
            self.journal.note(format!("{}: encoding sound failed: {error}; the track ends here", self.name));
        }
        written
    }

    /// Tells how much sound was lost so far.
    fn tell_lost(&self, seconds: f64) {
        let name = &self.name;
        self.journal
            .note(format!("{name}: {seconds:.2} s of sound were lost so far, this machine is too slow"));
    }

    /// Writes everything up to `until` and flushes. What has not come [`LAST_WAIT`] after it is
    /// silence, so that this ends.
    fn drain(&mut self, track: &mut Writing, block: &mut Vec<f32>, until: Timestamp) {
        if track.sink.is_none() {
            return;
        }
        let until = until.min(Timestamp::now() + PATIENCE);
        loop {
            if self.step(track, block, Some(until)).is_err() {
                return;
            }
            let left = self.timeline.capture_time(media_time(track.next));
            if left.is_none_or(|at| samples_before(at, until) == 0) {
                break;
            }
            std::thread::sleep(TICK);
        }
        if let Some(sink) = &mut track.sink
            && let Err(error) = self.encoder.finish(sink)
        {
            self.journal.note(format!("{}: the end of the sound was lost: {error}", self.name));
        }
    }
}

/// Where a track stands.
struct Writing {
    aligner: Aligner,
    losses: Losses,
    sink: Option<PacketSink>,
    /// The next sample of the recording.
    next: i64,
    pcm: Vec<f32>,
}

impl Writing {
    /// Encodes everything captured before `limit`, pauses left out to the sample.
    fn write(
        &mut self,
        encoder: &mut Encoder,
        taps: &mut Vec<Tap>,
        timeline: &Timeline,
        limit: Timestamp,
    ) -> Result<(), AvError> {
        let Some(sink) = &mut self.sink else {
            return Ok(());
        };
        while let Some(at) = timeline.capture_time(media_time(self.next)) {
            let before = samples_before(at, limit).min(CHUNK);
            let frames = unbroken(timeline, self.next, at, before);
            if frames == 0 {
                break;
            }
            self.pcm.clear();
            self.aligner.pull(at, frames as usize, &mut self.pcm);
            self.next += frames;
            taps.retain(|it| it.send(&self.pcm));
            encoder.push(&self.pcm, sink)?;
        }
        Ok(())
    }
}

/// Whole samples from `at` on that begin before `limit`.
fn samples_before(at: Timestamp, limit: Timestamp) -> i64 {
    // Times of samples are rounded to a nanosecond: one that begins less than that before counts not.
    let nanos = limit.nanos_since(at).saturating_sub(1).max(0);
    let samples = (i128::from(nanos) * i128::from(RATE) + 999_999_999) / 1_000_000_000;
    i64::try_from(samples).unwrap_or(i64::MAX)
}

/// How many of `frames` samples from `first` on, captured from `at` on, were captured without a pause
/// between them.
fn unbroken(timeline: &Timeline, first: i64, at: Timestamp, frames: i64) -> i64 {
    let start = media_time(first);
    let whole = |count: i64| {
        let last: MediaTime = media_time(first + count - 1);
        timeline.capture_time(last) == Some(at.offset(last.nanos_since(start)))
    };
    if frames == 0 || whole(frames) {
        return frames;
    }
    // The first is captured at `at`, the last is not where it should be: the pause is between.
    let (mut good, mut bad) = (1, frames);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if whole(middle) { good = middle } else { bad = middle }
    }
    good
}
