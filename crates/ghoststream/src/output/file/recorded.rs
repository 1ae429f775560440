//! What a file is, whatever its container: where its bytes go, where it ends, its chapters, and what went wrong first.

use super::chapters::Chapters;
use super::disk::Disk;
use crate::MediaTime;
use crate::encode::Packet;
use crate::output::{Marker, OutputError, Sink};
use crate::stats::OutputReport;

/// A container: how packets lie in a file.
pub(super) trait Layout: Send {
    /// Takes a packet, and writes the units that are full.
    fn write(&mut self, packet: &Packet, file: &mut State) -> Result<(), OutputError>;

    /// Writes a unit that has waited for long.
    fn idle(&mut self, file: &mut State) -> Result<(), OutputError>;

    /// Writes what is left, and then what makes the file an ordinary one. The disk is closed by who calls.
    fn finish(&mut self, file: &mut State) -> Result<(), OutputError>;
}

/// What is known of a file that is being written.
pub(super) struct State {
    pub(super) disk: Disk,
    /// When the last of what was taken ends.
    pub(super) end: MediaTime,
    /// When the last of its pictures does.
    pictured: MediaTime,
    pub(super) chapters: Chapters,
}

/// A file of a container.
pub(super) struct Recorded<L> {
    pub(super) layout: L,
    file: State,
    /// What went wrong first.
    failed: Option<String>,
}

impl<L: Layout> Recorded<L> {
    /// Makes the file, for a layout that has nothing in it yet.
    pub(super) fn create(
        layout: L,
        disk: impl FnOnce() -> Result<Disk, OutputError>,
    ) -> Result<Self, OutputError> {
        let file = State {
            disk: disk()?,
            end: MediaTime::ZERO,
            pictured: MediaTime::ZERO,
            chapters: Chapters::default(),
        };
        Ok(Self { layout, file, failed: None })
    }

    /// Bytes handed to the kernel so far, rewritten ones included.
    #[cfg(test)]
    pub(super) fn written(&self) -> u64 {
        self.file.disk.written()
    }

    fn remember(&mut self, result: Result<(), OutputError>) -> Result<(), OutputError> {
        if let Err(error) = &result {
            self.failed.get_or_insert_with(|| error.to_string());
        }
        result
    }
}

impl<L: Layout> Sink for Recorded<L> {
    fn write(&mut self, packet: &Packet) -> Result<(), OutputError> {
        let result = self.layout.write(packet, &mut self.file);
        // The first track is the picture's.
        if packet.track == 0 {
            self.file.pictured = self.file.pictured.max((packet.pts + packet.duration).min(self.file.end));
        }
        self.remember(result)
    }

    fn idle(&mut self) -> Result<(), OutputError> {
        let result = self.layout.idle(&mut self.file);
        self.remember(result)
    }

    fn mark(&mut self, marker: &Marker) {
        self.file.chapters.add(marker);
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        let made_whole = self.layout.finish(&mut self.file);
        let closed = self.file.disk.close();
        self.remember(made_whole.and(closed))
    }

    fn report(&self) -> OutputReport {
        OutputReport {
            path: Some(self.file.disk.path()),
            bytes: self.file.disk.end(),
            seconds: self.file.end.as_secs_f64(),
            picture_seconds: Some(self.file.pictured.as_secs_f64()),
            error: self.failed.clone(),
            ..OutputReport::default()
        }
    }
}
