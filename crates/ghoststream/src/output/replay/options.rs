//! What a replay buffer can be told, and what it does where it is told nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ring::Limits;
use super::shelf::Room;
use crate::encode::{Track, TrackKind};
use crate::output::OutputError;
use crate::output::file;
use crate::{ConfigError, Container, EncoderConfig, Error};

/// How a replay buffer keeps and saves; part of an [`OutputConfig`](crate::OutputConfig).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayOptions {
    /// What clips are saved in: MP4, which can begin a clip anywhere, Matroska or WebM, which begin it
    /// at a key frame.
    pub container: Container,
    /// The memory that it may take, in bytes, 1 MiB at least. `None` is half as much again as the
    /// bitrate comes to, and half of the machine's memory at most.
    pub max_bytes: Option<u64>,
    /// Where what memory has no room for is kept, for hours; `None` gives it up.
    pub disk: Option<ReplayDisk>,
}

/// A disk for what memory has no room for.
///
/// What is written there has no name that others could find, and nothing of it is left when the program ends, however it
/// does. Where the disk is full, slow or broken the buffer holds less, and a note says so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayDisk {
    /// Where; made where it is missing.
    pub directory: PathBuf,
    /// What it may take there, in bytes, 16 MiB at least. Clips that are being saved hold on to what they are made of.
    pub max_bytes: u64,
}

impl Default for ReplayOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl ReplayOptions {
    /// MP4, and as much memory as the bitrate comes to.
    pub const fn new() -> Self {
        Self { container: Container::Mp4, max_bytes: None, disk: None }
    }

    /// What clips are saved in.
    #[must_use]
    pub const fn with_container(mut self, container: Container) -> Self {
        self.container = container;
        self
    }

    /// The memory that it may take, in bytes.
    #[must_use]
    pub const fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Keeps what memory has no room for in a directory, of which it takes so many bytes. Unless told otherwise, a
    /// quarter of a GiB at most is then kept in memory.
    #[must_use]
    pub fn with_disk(mut self, directory: impl Into<PathBuf>, max_bytes: u64) -> Self {
        self.disk = Some(ReplayDisk { directory: directory.into(), max_bytes });
        self
    }
}

/// A day.
const LONGEST: u32 = 86_400;
const LEAST_BYTES: u64 = 1 << 20;
const LEAST_DISK_BYTES: u64 = 16 << 20;
/// Memory beside a disk, where nobody says how much.
const BESIDE_DISK_BYTES: u64 = 256 << 20;

/// Whether such a buffer can be kept, before anything is started.
pub(crate) fn check(seconds: u32, directory: &Path, options: &ReplayOptions) -> Result<(), Error> {
    if !(1..=LONGEST).contains(&seconds) {
        return Err(ConfigError::new("seconds", seconds, format!("1 to {LONGEST}")).into());
    }
    if let Some(bytes) = options.max_bytes.filter(|&it| it < LEAST_BYTES) {
        return Err(ConfigError::new("max-size", bytes, "1 MiB (1048576 bytes) and more").into());
    }
    if let Some(disk) = &options.disk {
        if disk.max_bytes < LEAST_DISK_BYTES {
            let allowed = "16 MiB (16777216 bytes) and more";
            return Err(ConfigError::new("disk-size", disk.max_bytes, allowed).into());
        }
        if disk.directory.as_os_str().is_empty() {
            return Err(
                ConfigError::new("disk-dir", "", "a directory, which is made where it is missing").into()
            );
        }
    }
    if directory.as_os_str().is_empty() {
        return Err(ConfigError::new("dir", "", "a directory, which is made where it is missing").into());
    }
    match std::fs::metadata(directory) {
        Ok(found) if !found.is_dir() => {
            let source = std::io::Error::from(std::io::ErrorKind::NotADirectory);
            Err(OutputError::Create { path: directory.to_owned(), source }.into())
        }
        _ => Ok(file::check_recorded(options.container)?),
    }
}

/// Whether clips can be cut out of what the encoder makes.
pub(crate) fn check_encoder(encoder: &EncoderConfig) -> Result<(), Error> {
    if encoder.nvenc.intra_refresh == Some(true) {
        let allowed = "off where a replay is kept: a clip begins at a key frame, and there would be one only";
        return Err(ConfigError::new("intra-refresh", true, allowed).into());
    }
    Ok(())
}

/// How much is kept of these tracks.
pub(super) fn limits(seconds: u32, options: &ReplayOptions, tracks: &[Track]) -> Limits {
    let span = Duration::from_secs(seconds.into());
    let most = if options.disk.is_some() { BESIDE_DISK_BYTES } else { most_bytes() };
    let bytes = options.max_bytes.unwrap_or_else(|| usual_bytes(seconds, tracks).min(most));
    Limits { span, bytes }
}

/// What of that is set aside for what waits to be written to the disk; and how much that takes.
pub(super) fn room(disk: &ReplayDisk, limits: Limits) -> Room {
    Room { disk: disk.max_bytes, memory: limits.bytes / 4 }
}

/// Half as much again as the bitrate comes to, for a bitrate is not kept to the second, and two groups
/// of pictures of the usual length beside.
fn usual_bytes(seconds: u32, tracks: &[Track]) -> u64 {
    const LEAST: u64 = 32 << 20;
    let bits: u64 = tracks.iter().map(bits_a_second).sum();
    (bits / 8 * (u64::from(seconds) + 4) * 3 / 2).max(LEAST)
}

/// As the encoder says; where it goes by quality and says nothing, generously by the picture's size.
fn bits_a_second(track: &Track) -> u64 {
    let fields = track.parameters.fields();
    if let Some(said) = u64::try_from(fields.bit_rate).ok().filter(|&it| it > 0) {
        return said;
    }
    match track.kind {
        TrackKind::Video { fps, .. } => {
            let pixels = f64::from(fields.width.max(0)) * f64::from(fields.height.max(0));
            (pixels * fps * 0.3) as u64
        }
        // FLAC of two channels comes to about this.
        TrackKind::Audio { rate } => u64::from(rate) * 24,
    }
}

fn most_bytes() -> u64 {
    let found = rustix::system::sysinfo();
    (found.totalram as u64).saturating_mul(found.mem_unit.into()) / 2
}
