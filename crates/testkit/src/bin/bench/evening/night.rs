//! Goes through one evening: makes things fail when it is time, and looks every second how it goes.

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ghoststream::{AudioConfig, AudioSource, Container, Output, Pipeline, RateControl, SavedReplay};
use testkit::net::{Path, Side};
use tokio::runtime::Runtime;

use super::faults::{EVENING, Fault, good};
use super::server::{Protocol, Server};
use super::tally::{self, Sample};
use super::{CLIP, CLIPS, KBPS};
use crate::recorded;

/// What became of the stream with one fault.
#[derive(Debug)]
pub(super) struct Suffered {
    pub(super) fault: Fault,
    /// Seconds of the evening at which it began, and at which all was well again for the path.
    pub(super) began: f64,
    pub(super) ended: f64,
    /// How long the stream took to be back, where it was gone.
    pub(super) back: Option<Duration>,
}

/// A clip, and how long it was to be at least.
#[derive(Debug)]
pub(super) struct Clip {
    pub(super) asked: Duration,
    pub(super) saved: SavedReplay,
}

/// All that was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) suffered: Vec<Suffered>,
    pub(super) samples: Vec<Sample>,
    pub(super) clips: Vec<Clip>,
}

/// Goes through the evening; what was found, in rows of when, what, and that.
pub(super) fn spend(protocol: Protocol, length: Duration) -> Result<Vec<Vec<String>>> {
    let path = Arc::new(Path::new(good(), 1)?);
    let server = Server::start(protocol, &path)?;
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("beside.mkv");
    // Every thread from here on is at this end of the path.
    path.enter(Side::Near)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let pipeline = pipeline(server.output(), &file, &dir.path().join("clips"))?;
    runtime.block_on(pipeline.start())?;

    let began = Instant::now();
    // All the room at once, so that the samples are not what grows.
    let samples = Vec::with_capacity(length.as_secs() as usize + 1);
    let seen = Seen { samples, ..Seen::default() };
    let mut night = Night { began, length, path, server, runtime, pipeline, seen };
    for (part, fault) in EVENING {
        night.wait_until(part)?;
        night.suffer(fault)?;
        night.save_clip()?;
    }
    night.wait_until(1.0)?;
    let report = night.runtime.block_on(night.pipeline.stop())?;
    eprintln!("{report:#?}");
    tally::rows(&night.seen, length, &report, &file, &night.server)
}

fn pipeline(stream: Output, file: &FilePath, clips: &FilePath) -> Result<Pipeline> {
    let encoder = recorded::x264()
        .with_rate_control(RateControl::Cbr)
        .with_gop_seconds(tally::GOP_SECONDS)
        .with_bitrate_kbps(KBPS);
    Ok(Pipeline::builder(recorded::card((640, 360), 30.0))
        .rendition(encoder)
        .audio(AudioConfig::new(AudioSource::TestCard))
        .output(stream)
        .output(Output::File { path: file.to_owned(), container: Container::Matroska })
        .output(Output::Replay { seconds: CLIP.as_secs() as u32 * 3 / 2, directory: clips.to_owned() })
        .build()?)
}

struct Night {
    began: Instant,
    length: Duration,
    path: Arc<Path>,
    server: Server,
    runtime: Runtime,
    pipeline: Pipeline,
    seen: Seen,
}

impl Night {
    fn now(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// Waits for a part of the evening: looks every second how it goes, and saves a clip when one is due.
    fn wait_until(&mut self, part: f64) -> Result<()> {
        let (until, clip) = (self.length.as_secs_f64() * part, self.length.as_secs_f64() / f64::from(CLIPS));
        while self.now() < until {
            self.server.tend(&self.path)?;
            let (before, now) = (self.seen.samples.last().map_or(0.0, |it| it.at), self.now());
            if now >= before + 1.0 {
                let sample = Sample::of(&self.pipeline.status(), now)?;
                if (now / 60.0).floor() > (before / 60.0).floor() {
                    eprintln!("{}", sample.memory());
                }
                self.seen.samples.push(sample);
                if (now / clip).floor() > (before / clip).floor() {
                    self.save_clip()?;
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn suffer(&mut self, fault: Fault) -> Result<()> {
        let began = self.now();
        match fault {
            Fault::Killed(time) => {
                self.server.kill();
                std::thread::sleep(time);
                self.server.go(&self.path)?;
            }
            Fault::Cut(time) => {
                self.path.cut();
                let begun = Instant::now();
                while begun.elapsed() < time {
                    self.server.tend(&self.path)?;
                    std::thread::sleep(Duration::from_millis(20));
                }
                self.path.mend();
            }
            Fault::Halved | Fault::Wifi => {}
        }
        let mut back = None;
        if let Some((conditions, part)) = fault.worse() {
            self.path.set(conditions);
            self.wait_until(began / self.length.as_secs_f64() + part)?;
            self.path.set(good());
        } else {
            back = Some(self.stream_is_back()?);
        }
        let ended = self.now();
        eprintln!("{began:.0} s: {}: {back:?}", fault.words());
        self.seen.suffered.push(Suffered { fault, began, ended, back });
        Ok(())
    }

    /// How long it takes from now until the server hands on of the stream again.
    fn stream_is_back(&mut self) -> Result<Duration> {
        let (began, before) = (Instant::now(), self.server.received());
        while self.server.received() <= before {
            self.server.tend(&self.path)?;
            if began.elapsed() > Duration::from_secs(120) {
                bail!("the stream did not come back: {:?}", self.pipeline.status().outputs[0]);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(began.elapsed())
    }

    /// Saves the last of the replay: all that there is, where the evening is too young for more.
    fn save_clip(&mut self) -> Result<()> {
        let held = self.pipeline.status().outputs[2].replay.as_ref().context("no replay")?.held_seconds;
        let asked = CLIP.min(Duration::from_secs_f64(held));
        let saved = self.runtime.block_on(self.pipeline.save_replay(Some(asked)))?;
        self.seen.clips.extend(saved.into_iter().map(|saved| Clip { asked, saved }));
        Ok(())
    }
}
