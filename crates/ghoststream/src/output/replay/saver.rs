//! Writes clips: under a hidden name until they are whole and on the disk, then under their own.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, RenameFlags};
use serde::Serialize;

use super::clip::Clip;
use crate::Container;
use crate::encode::Track;
use crate::output::{OutputError, Sink, file};

/// A clip that was saved.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SavedReplay {
    /// The file: whole, and on the disk.
    pub path: PathBuf,
    /// How long it is, in seconds.
    pub seconds: f64,
    /// Its size.
    pub bytes: u64,
}

/// Writes a clip into a directory, which is made where it is missing. There are several files where
/// encoders of different codecs made the pictures.
///
/// # Errors
/// The disk is full, or the directory cannot be written to. Nothing of the clip is left there.
pub(super) fn save(
    mut clip: Clip,
    sound: &[Track],
    directory: &Path,
    container: Container,
) -> Result<Vec<SavedReplay>, OutputError> {
    make(directory)?;
    check_room(directory, clip.bytes)?;
    let mut tracks = vec![Track::clone(&clip.track)];
    tracks.extend(sound.iter().cloned());
    let (hidden, mut sink) = create(directory, container, &tracks, &clip)?;
    let mut begun = Begun(vec![hidden]);
    let written = write(&mut clip, &mut *sink, directory);
    let finished = sink.finish();
    let report = sink.report();
    let reports: Vec<_> = std::iter::once(&report).chain(&report.continued).collect();
    begun.0 = reports.iter().filter_map(|it| it.path.clone()).collect();
    written.and(finished)?;
    let mut saved = Vec::new();
    for it in reports {
        let Some(hidden) = &it.path else { continue };
        let path = publish(hidden)?;
        saved.push(SavedReplay { path, seconds: it.seconds, bytes: it.bytes });
    }
    begun.0.clear();
    // Makes the names durable. Not every file system takes a directory's sync, and most need none.
    let _ = File::open(directory).and_then(|it| it.sync_all());
    Ok(saved)
}

/// Writes packets, and each marker into the file that has its place: an encoder of another codec begins
/// another one.
fn write(clip: &mut Clip, sink: &mut dyn Sink, directory: &Path) -> Result<(), OutputError> {
    while let Some(packet) = clip.next() {
        let packet = packet.map_err(|error| unreadable(directory, &error))?;
        while let Some(marker) = clip.marker_before(packet.dts) {
            sink.mark(&marker);
        }
        sink.write(&packet)?;
    }
    clip.markers.drain(..).for_each(|marker| sink.mark(&marker));
    Ok(())
}

/// Makes the directory.
///
/// # Errors
/// It cannot be made, or something else has its name.
pub(super) fn make(directory: &Path) -> Result<(), OutputError> {
    std::fs::create_dir_all(directory).map_err(|source| failed(directory, source))
}

/// Tells at once that a clip does not fit, before the disk is filled with a part of it.
fn check_room(directory: &Path, bytes: u64) -> Result<(), OutputError> {
    let Ok(found) = rustix::fs::statvfs(directory) else { return Ok(()) };
    if found.f_bavail.saturating_mul(found.f_frsize) < bytes {
        return Err(OutputError::NoRoom { path: directory.to_owned(), bytes });
    }
    Ok(())
}

/// Makes the file under a hidden name that is free, and for which the visible one is free.
fn create(
    directory: &Path,
    container: Container,
    tracks: &[Track],
    clip: &Clip,
) -> Result<(PathBuf, Box<dyn Sink>), OutputError> {
    let time = file::local_time();
    for number in 1..10_000 {
        let name = name(&time, number, container);
        let hidden = directory.join(format!(".{name}"));
        if directory.join(name).symlink_metadata().is_ok() {
            continue;
        }
        match file::create_led(&hidden, container, tracks, clip.lead) {
            Ok(sink) => return Ok((hidden, sink)),
            Err(OutputError::Exists(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Err(failed(directory, io::Error::other("no free name for the clip")))
}

fn name(time: &str, number: u32, container: Container) -> String {
    let number = if number > 1 { format!(" ({number})") } else { String::new() };
    format!("Replay {time}{number}.{}", container.word())
}

/// Gives a whole file the name that it hides behind a dot, or one beside that where another has it.
fn publish(hidden: &Path) -> Result<PathBuf, OutputError> {
    let shown = hidden.file_name().unwrap_or_default().to_string_lossy().trim_start_matches('.').to_owned();
    let shown = hidden.with_file_name(shown);
    for number in 1..10_000 {
        let path = if number > 1 { beside(&shown, number) } else { shown.clone() };
        match rename_new(hidden, &path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&path, error)),
        }
    }
    Err(failed(&shown, io::Error::other("no free name for the clip")))
}

/// Renames, but never over another file. Where the file system cannot promise that in one step, a
/// second name is made first, which cannot be one that exists.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {}
        other => return other.map_err(io::Error::from),
    }
    match rustix::fs::linkat(CWD, from, CWD, to, AtFlags::empty()) {
        Ok(()) => std::fs::remove_file(from),
        // FAT has one name for a file only.
        Err(rustix::io::Errno::PERM | rustix::io::Errno::OPNOTSUPP) if to.symlink_metadata().is_err() => {
            std::fs::rename(from, to)
        }
        Err(error) => Err(error.into()),
    }
}

/// `name (2).mp4` for `name.mp4`.
fn beside(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path.file_stem().unwrap_or_default());
    name.push(format!(" ({number})"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Files that are not whole yet: removed when the save fails, so that their room is free again.
struct Begun(Vec<PathBuf>);

impl Drop for Begun {
    fn drop(&mut self) {
        for path in &self.0 {
            // What cannot be removed keeps its hidden name; the save's own error is the one to tell.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// What is held on a disk does not come back from there.
pub(super) fn unreadable(directory: &Path, error: &io::Error) -> OutputError {
    let reason = format!("what is kept on the disk cannot be read: {error}; a shorter clip may be in memory");
    OutputError::Replay { directory: directory.to_owned(), reason }
}

fn failed(path: &Path, source: io::Error) -> OutputError {
    OutputError::Create { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for content in ["one", "two", "three"] {
            std::fs::write(at(".a b.mp4"), content).unwrap();
            publish(&at(".a b.mp4")).unwrap();
            assert!(!at(".a b.mp4").exists());
        }
        let read = |name: &str| std::fs::read_to_string(at(name)).unwrap();
        assert_eq!([read("a b.mp4"), read("a b (2).mp4"), read("a b (3).mp4")], ["one", "two", "three"]);
        assert_eq!(name("t", 1, Container::Mp4), "Replay t.mp4");
        assert_eq!(name("t", 2, Container::Matroska), "Replay t (2).mkv");
    }
}
