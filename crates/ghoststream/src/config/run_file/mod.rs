//! What `ghoststream run` runs: several renditions, audio tracks and outputs of one capture, from a file.
//!
//! What stands at the top is what a profile can say, and counts for every rendition. `[rendition.NAME]`
//! lies over that for one; `[audio.NAME]` is a track; `[output.NAME]` is a place to write to, which names the
//! rendition and the tracks that it takes. Every mistake is told with its line.

mod json;
mod named;
mod output;
mod reader;
mod secret;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use super::profile::read_bounded;
use super::{AudioConfig, CaptureConfig, EncoderConfig, OutputConfig, ProfileError};
use crate::{Error, Pipeline, PipelineBuilder};

pub(crate) use json::{output_from_json, rendition_from_json};
pub(crate) use named::{Named, Names};

/// A file that describes a pipeline, understood and checked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunFile {
    /// What to capture.
    pub capture: CaptureConfig,
    /// The renditions, in the order of the file.
    pub renditions: Vec<EncoderConfig>,
    /// The audio tracks, in the order of the file.
    pub audio: Vec<AudioConfig>,
    /// The outputs, in the order of the file.
    pub outputs: Vec<OutputConfig>,
    /// How long to record. `None` is until it is stopped.
    pub duration: Option<Duration>,
    /// Whether the desktop is asked for keys; `None` where it does not say. [`pipeline`](Self::pipeline) knows nothing
    /// of it: it is for the program that runs one.
    pub hotkeys: Option<bool>,
    /// What its user should know: secrets that others can read.
    pub warnings: Vec<String>,
    /// What it calls its renditions and tracks.
    names: Names,
}

impl RunFile {
    /// Reads a file. Relative paths in it are relative to its own directory, and `~/` is the user's home.
    ///
    /// # Errors
    /// It cannot be read, or something in it cannot be used; an environment variable or a file that it takes
    /// a key from is not there.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        let text =
            read_bounded(path).map_err(|source| ProfileError::Read { path: path.to_owned(), source })?;
        let mut file = Self::parse(&text, path)?;
        let holds_secret = file.outputs.iter().any(|it| secret::in_url(&it.output, &text));
        file.warnings.extend(secret::warning(path).filter(|_| holds_secret));
        Ok(file)
    }

    /// Understands the text of a file; `path` is for messages and relative paths.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str, path: &Path) -> Result<Self, ProfileError> {
        reader::RunReader::new(text, path).file()
    }

    /// The pipeline that it describes.
    ///
    /// # Errors
    /// An output cannot be written to.
    pub fn pipeline(self) -> Result<Pipeline, Error> {
        let builder = Pipeline::builder(self.capture).names(self.names);
        let builder = self.renditions.into_iter().fold(builder, PipelineBuilder::rendition);
        let builder = self.audio.into_iter().fold(builder, PipelineBuilder::audio);
        self.outputs.into_iter().fold(builder, PipelineBuilder::output).build()
    }
}
