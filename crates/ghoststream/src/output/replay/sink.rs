//! A replay buffer as the pipeline sees it.

use std::path::Path;
use std::sync::Arc;

use super::buffer::Buffer;
use super::options::{ReplayOptions, limits, room};
use super::ring::{Limits, Ring};
use super::saver;
use super::shelf::Shelf;
use super::store::Store;
use crate::Error;
use crate::encode::{Packet, Track};
use crate::output::{Context, OutputError, Sink, file};
use crate::stats::{Journal, OutputReport, ReplayReport};

/// Puts packets into a [`Buffer`].
struct ReplaySink {
    buffer: Arc<Buffer>,
    journal: Journal,
}

/// Opens a buffer for these tracks, the first of which is the picture; makes the directory.
pub(crate) fn open(
    (seconds, directory): (u32, &Path),
    options: &ReplayOptions,
    tracks: &[Track],
    context: &Context,
) -> Result<(Box<dyn Sink>, Arc<Buffer>), Error> {
    file::check_tracks(options.container, tracks)?;
    saver::make(directory)?;
    let Some((picture, sound)) = tracks.split_first() else {
        return Err(Error::State("a replay buffer needs a picture"));
    };
    let sound = sound.iter().map(Track::continued).collect::<Result<Vec<_>, _>>();
    let sound = sound.map_err(|source| OutputError::Mux { what: "describing the sound", source })?;
    let limits = limits(seconds, options, tracks);
    let most = ReplayReport {
        most_seconds: limits.span.as_secs_f64(),
        most_bytes: limits.bytes,
        most_disk_bytes: options.disk.as_ref().map_or(0, |it| it.max_bytes),
        ..ReplayReport::default()
    };
    let shelf = options.disk.as_ref().map(|disk| {
        let failed = |source| OutputError::Create { path: disk.directory.clone(), source };
        Shelf::open(&disk.directory, room(disk, limits)).map_err(failed)
    });
    let shelf = shelf.transpose()?;
    let set_aside = options.disk.as_ref().map_or(0, |disk| room(disk, limits).memory);
    let ring = Limits { bytes: limits.bytes - set_aside, ..limits };
    let store = Store::new(Ring::new(ring, picture.clone(), sound.len()), shelf);
    let buffer = Arc::new(Buffer::new((store, most), sound, directory.to_owned(), options.container));
    let sink = ReplaySink { buffer: Arc::clone(&buffer), journal: context.journal.clone() };
    Ok((Box::new(sink), buffer))
}

impl Sink for ReplaySink {
    fn write(&mut self, packet: &Packet) -> Result<(), OutputError> {
        if self.buffer.push(packet) {
            let report = self.buffer.report();
            self.journal.note(shortened(&report));
        }
        Ok(())
    }

    fn idle(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        self.buffer.close();
        Ok(())
    }

    fn report(&self) -> OutputReport {
        let replay = self.buffer.report();
        OutputReport {
            bytes: replay.bytes,
            seconds: replay.seconds,
            replay: Some(replay),
            ..OutputReport::default()
        }
    }
}

/// What a user should know when there is too little room for the time.
fn shortened(report: &ReplayReport) -> String {
    let ReplayReport { held_seconds, most_seconds, most_bytes, .. } = report;
    if report.most_disk_bytes == 0 {
        return format!(
            "the replay buffer's memory is full: {} MiB hold the last {held_seconds:.1} of {most_seconds:.0} seconds; \
             give it more with --max-size, or lower the bitrate",
            most_bytes >> 20
        );
    }
    let why = report.disk_failure.as_ref().map_or_else(
        || {
            "give it more room with --disk-size, or lower the bitrate; or the disk is full, or too slow"
                .to_owned()
        },
        |failure| format!("the disk cannot be written to: {failure}"),
    );
    format!(
        "the replay buffer's disk holds no more: the last {held_seconds:.1} of {most_seconds:.0} seconds are held; {why}"
    )
}

impl Drop for ReplaySink {
    fn drop(&mut self) {
        self.buffer.close();
    }
}
