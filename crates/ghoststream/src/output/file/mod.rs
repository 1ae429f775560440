//! Files that are whole whatever happens.
//!
//! Packets become a container's bytes in memory: Matroska and WebM are laid out by libavformat
//! ([`matroska`]), MP4 by a writer of our own ([`mp4`]); what both have in common is in [`recorded`]. Pictures are not copied: they are written from
//! where they are ([`pieces`]). Every byte goes through one
//! [`disk::Disk`], in units that a player can use by themselves, at least four times a second; a thread of
//! its own makes them durable. So a killed process or a power cut costs less than the last
//! second, and room for what the end of the file needs is set aside before it is needed, so that a
//! full disk still gives an ordinary file.
//!
//! A file that is to be replaced stays as it is until the first unit of the new one is written
//! beside it. A recording that never wrote anything leaves nothing behind.
//!
//! Where an encoder failed and another took over, [`series`] sees whether the file can go on.

mod chapters;
mod disk;
mod fit;
mod matroska;
mod memory_io;
mod mp4;
pub(super) mod muxer;
mod pieces;
mod recorded;
mod series;
mod sync;
mod target;
mod videos;

#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
pub(super) mod tests;

use std::path::Path;
use std::time::Duration;

use super::{OutputError, Sink};
use crate::Container;
use crate::encode::Track;

pub(super) use fit::{check as check_tracks, check_recorded};
pub(crate) use mp4::decoder_configuration;
use recorded::Recorded;
pub(super) use videos::local_time;
pub use videos::{default_directory, default_path};

/// The longest that packets wait in memory to fill a unit, in media time and in real time. Twice
/// this and the longest wait before ([`Interleaver::WAIT`](super::Interleaver::WAIT)) are less than a
/// second: libavformat's Matroska muxer may keep one packet of sound for the next unit.
const UNIT: Duration = Duration::from_millis(250);
/// The largest unit, so that memory stays bounded at any bitrate.
const UNIT_BYTES: usize = 16 << 20;

pub(super) fn check(path: &Path, container: Container, overwrite: bool) -> Result<(), OutputError> {
    fit::check_recorded(container)?;
    target::check(path, overwrite)
}

pub(super) fn create(
    path: &Path,
    container: Container,
    overwrite: bool,
    tracks: &[Track],
) -> Result<Box<dyn Sink>, OutputError> {
    Ok(Box::new(series::Series::create(path, container, overwrite, tracks)?))
}

/// Makes a new file whose tracks begin up to `lead` before zero: what is there is decoded and not shown,
/// which only MP4 can say.
pub(super) fn create_led(
    path: &Path,
    container: Container,
    tracks: &[Track],
    lead: Duration,
) -> Result<Box<dyn Sink>, OutputError> {
    Ok(Box::new(series::Series::create_led(path, container, tracks, lead)?))
}

/// Makes one file.
fn create_one(
    path: &Path,
    container: Container,
    overwrite: bool,
    tracks: &[Track],
    lead: Duration,
) -> Result<Box<dyn Sink>, OutputError> {
    fit::check(container, tracks)?;
    let create = || disk::Disk::create(path, overwrite);
    Ok(match container {
        Container::Matroska | Container::WebM => {
            Box::new(Recorded::create(matroska::Matroska::of(container, tracks)?, create)?)
        }
        Container::Mp4 => Box::new(Recorded::create(mp4::Mp4::of(tracks, lead)?, create)?),
        Container::Flv | Container::MpegTs => return Err(fit::not_recorded(container)),
    })
}
