//! Where packets go.
//!
//! A backend is a small blocking [`Sink`]; its thread, its bounded queue and the interleaving of its
//! tracks belong to the pipeline.

mod error;
pub(crate) mod file;
mod interleave;

pub use error::OutputError;
pub use file::default_path;
pub(crate) use interleave::Interleaver;

use crate::encode::{Packet, Track};
use crate::stats::OutputReport;
use crate::{Error, Output, OutputConfig};

/// An open output. All calls come from one thread.
pub(crate) trait Sink: Send {
    /// Writes a packet; `packet.track` is an index into the tracks that it was opened with. Packets
    /// come in order of decoding time over all tracks.
    fn write(&mut self, packet: &Packet) -> Result<(), OutputError>;

    /// Hands on what has waited in memory for long. Called at least four times a second, also while
    /// no packet comes.
    fn idle(&mut self) -> Result<(), OutputError>;

    /// Makes what was written whole. Called once, also after `write` or `idle` failed; what failed
    /// then is in the report and not an error again.
    fn finish(&mut self) -> Result<(), OutputError>;

    /// What was written so far.
    fn report(&self) -> OutputReport;
}

/// Whether this version has the output, and whether it fits: before anything is started.
pub(crate) fn check(config: &OutputConfig) -> Result<(), Error> {
    let not_built = |feature| Err(Error::NotBuilt { feature, instead: "record to a file" });
    match &config.output {
        Output::File { path, container } => Ok(file::check(path, *container, config.overwrite)?),
        Output::VirtualCamera { .. } => not_built("the virtual camera"),
        Output::Rtmp { .. } => not_built("streaming over RTMP"),
        Output::Srt { .. } => not_built("streaming over SRT"),
        Output::Replay { .. } => not_built("the replay buffer"),
        Output::Packets => not_built("handing packets to the caller"),
    }
}

/// Opens an output for these tracks.
pub(crate) fn open(config: &OutputConfig, tracks: &[Track]) -> Result<Box<dyn Sink>, Error> {
    check(config)?;
    match &config.output {
        Output::File { path, container } => Ok(file::create(path, *container, config.overwrite, tracks)?),
        _ => Err(Error::State("an output passed its check that cannot be opened")),
    }
}
