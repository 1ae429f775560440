//! How fast each encoder is on this machine, on moving pictures.
//!
//! Each encoder of the table that opens is run twice: as fast as it goes, for frames a second, CPU
//! time and bits; then at the rate that was asked for, as a recording runs it, for its latency. One
//! that is slower than that rate has no latency worth a number.
//!
//! ```no_run
//! use ghoststream::bench::{Bench, run};
//! use ghoststream::{EncoderConfig, Size};
//!
//! let bench = Bench::new(EncoderConfig::default(), Size::new(1920, 1080), 60.0);
//! for it in run(&bench, |_| {})? {
//!     println!("{}: {:?}", it.encoder, it.figures.map(|it| it.fps));
//! }
//! # Ok::<(), ghoststream::ConfigError>(())
//! ```

mod pictures;
mod trial;

use std::time::Duration;

use serde::Serialize;

use super::backend::Backend;
use super::{Opened, Request, table};
use crate::stats::{Percentiles, Refusal};
use crate::{ConfigError, EncoderConfig, Size};
pub(crate) use pictures::Pictures;

/// What to measure.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Bench {
    /// How to encode. Its codec and encoder say which rows of the table are measured; its size does
    /// not count.
    pub encoder: EncoderConfig,
    /// Pixels across and down; even.
    pub size: Size,
    /// Pictures a second that a recording would have.
    pub fps: f64,
    /// How long each of an encoder's two runs takes.
    pub length: Duration,
}

impl Bench {
    /// Runs of three seconds.
    pub const fn new(encoder: EncoderConfig, size: Size, fps: f64) -> Self {
        Self { encoder, size, fps, length: Duration::from_secs(3) }
    }

    /// Runs of another length.
    #[must_use]
    pub const fn with_length(mut self, length: Duration) -> Self {
        self.length = length;
        self
    }

    fn validate(&self) -> Result<(), ConfigError> {
        self.encoder.clone().with_resolution(self.size.width, self.size.height).validate()?;
        if !(1.0..=240.0).contains(&self.fps) {
            return Err(ConfigError::new("fps", self.fps, "1 to 240"));
        }
        Ok(())
    }
}

/// What came of one encoder.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Measurement {
    /// Its name in libavcodec.
    pub encoder: String,
    /// What it makes: the codec's word.
    pub codec: String,
    /// The figures, where it opened and did not fail.
    pub figures: Option<Figures>,
    /// Why there are none, and the remedy.
    pub refusal: Option<Refusal>,
    /// What it did instead of what was asked.
    pub notes: Vec<String>,
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Figures {
    /// Pictures that it encoded as fast as it could.
    pub pictures: u64,
    /// Pictures a second.
    pub fps: f64,
    /// Milliseconds of CPU time of the whole process for each picture.
    pub cpu_ms: f64,
    /// Thousand bits a second, at the rate that was asked for.
    pub kbps: f64,
    /// From handing a picture in to its packet, at the rate that was asked for. None where the
    /// encoder is slower than that.
    pub latency: Option<Percentiles>,
}

/// Measures every encoder that the configuration allows, and hands each to `done` as it is ready.
///
/// # Errors
/// A setting is out of its range.
pub fn run(bench: &Bench, mut done: impl FnMut(&Measurement)) -> Result<Vec<Measurement>, ConfigError> {
    bench.validate()?;
    let mut pictures = None;
    let rows = table::candidates(bench.encoder.codec, bench.encoder.encoder, &[], false);
    let measure = |row| {
        let measurement = measure(row, bench, &mut pictures);
        done(&measurement);
        measurement
    };
    Ok(rows.map(measure).collect())
}

fn measure(row: &'static Backend, bench: &Bench, pictures: &mut Option<Pictures>) -> Measurement {
    // A codec by its name: a free choice would also make a slow encoder faster than was asked.
    let config = bench.encoder.clone().with_codec(row.codec);
    let request = Request { config: &config, size: bench.size, fps: bench.fps, containers: &[] };
    let mut notes = Vec::new();
    let figures = figures(row, &request, bench.length, pictures, &mut notes);
    let (figures, refusal) = match figures {
        Ok(figures) => (Some(figures), None),
        Err(refusal) => (None, Some(refusal)),
    };
    Measurement { encoder: row.name.to_owned(), codec: row.codec.to_string(), figures, refusal, notes }
}

fn figures(
    row: &'static Backend,
    request: &Request<'_>,
    length: Duration,
    pictures: &mut Option<Pictures>,
    notes: &mut Vec<String>,
) -> Result<Figures, Refusal> {
    let failed = |reason: String| Refusal { encoder: row.name.to_owned(), reason, remedy: None };
    let opened = table::try_open(row, request)?;
    notes.clone_from(&opened.notes);
    let pictures = matching(pictures, &opened).map_err(|error| failed(error.to_string()))?;
    let flat_out = trial::flat_out(opened, pictures, request.fps, length)
        .map_err(|error| failed(format!("it failed while it was measured: {error}")))?;
    let mut figures = flat_out;
    if figures.fps >= request.fps {
        let again = table::try_open(row, request)?;
        let latency = trial::at_rate(again, pictures, request.fps, length)
            .map_err(|error| failed(format!("it failed while it was measured: {error}")))?;
        figures.latency = Some(latency);
    }
    Ok(figures)
}

/// The pictures as this encoder wants them: made anew where the one before wanted others.
fn matching<'a>(
    kept: &'a mut Option<Pictures>,
    opened: &Opened,
) -> Result<&'a Pictures, crate::ProcessError> {
    let (input, memory) = (&opened.input, opened.memory.as_ref());
    let pictures = match kept.take().filter(|it| it.suit(input, memory)) {
        Some(pictures) => pictures,
        None => Pictures::new(input, memory)?,
    };
    Ok(kept.insert(pictures))
}
