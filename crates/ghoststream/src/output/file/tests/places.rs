//! Where a file may be made, and what becomes of what was there.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

use super::*;
use crate::output::OutputError;
use crate::output::file::{check, create};

const ALL: [Container; 3] = [Container::Matroska, Container::Mp4, Container::WebM];

fn kind(result: Result<(), OutputError>) -> ErrorKind {
    match result {
        Err(OutputError::Create { source, .. }) => source.kind(),
        other => panic!("{other:?}"),
    }
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_cannot_be_made_is_said_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("there.mkv"), "old").unwrap();
    std::os::unix::fs::symlink(at("nowhere"), at("dangling.mkv")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe.mkv"), 0o600.into()).unwrap();
    let try_at = |path: &Path, overwrite| check(path, Container::Matroska, overwrite);

    assert!(matches!(try_at(&at("there.mkv"), false), Err(OutputError::Exists(_))));
    assert!(matches!(try_at(&at("dangling.mkv"), false), Err(OutputError::Exists(_))));
    assert!(try_at(&at("there.mkv"), true).is_ok());
    assert!(try_at(&at("new.mkv"), false).is_ok());
    assert_eq!(kind(try_at(dir.path(), true)), ErrorKind::IsADirectory);
    assert_eq!(kind(try_at(&at("missing/a.mkv"), false)), ErrorKind::NotFound);
    assert_eq!(kind(try_at(&at("there.mkv/a.mkv"), false)), ErrorKind::NotADirectory);
    assert_eq!(kind(try_at(&at("pipe.mkv"), true)), ErrorKind::InvalidInput);
    assert_eq!(kind(try_at(Path::new(""), false)), ErrorKind::InvalidInput);
    assert_eq!(kind(try_at(Path::new("/"), true)), ErrorKind::InvalidInput);
    let said = try_at(&at("missing/a.mkv"), false).unwrap_err().to_string();
    assert!(said.contains("missing does not exist; make it first"), "{said}");
    assert_eq!(names(dir.path()), ["dangling.mkv", "pipe.mkv", "there.mkv"], "nothing was made");
}

/// Root may write everywhere, so the check runs as `nobody`, in a child of this test.
#[test]
fn permission_denied_is_said_before_anything_starts() {
    const PLACE: &str = "GHOSTSTREAM_TEST_PLACE";
    if let Some(place) = std::env::var_os(PLACE) {
        let place = Path::new(&place);
        assert_eq!(
            kind(check(&place.join("a.mkv"), Container::Matroska, false)),
            ErrorKind::PermissionDenied
        );
        assert_eq!(
            kind(check(&place.join("ours.mkv"), Container::Matroska, true)),
            ErrorKind::PermissionDenied
        );
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("locked");
    std::fs::create_dir(&place).unwrap();
    std::fs::write(place.join("ours.mkv"), "old").unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(place.join("ours.mkv"), PermissionsExt::from_mode(0o444)).unwrap();
    std::fs::set_permissions(&place, PermissionsExt::from_mode(0o555)).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["output::file::tests::places::permission_denied_is_said_before_anything_starts", "--exact"]);
    if rustix::process::geteuid().is_root() {
        child.uid(65_534).gid(65_534);
    }
    let output = child.env(PLACE, &place).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn a_codec_that_does_not_fit_is_said_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.webm");
    let video = testing::video("libx264", 30, 1, &[]);
    let error = create(&path, Container::WebM, false, &[video.track]).err().unwrap();
    assert_eq!(
        error.to_string(),
        "webm does not take H.264: WebM holds AV1 and Opus only; choose those codecs, or record to .mkv or .mp4"
    );
    assert!(matches!(create(&path, Container::Mp4, false, &[]), Err(OutputError::Unsuitable { .. })));
    assert!(names(dir.path()).is_empty());
}

#[test]
fn a_recording_that_never_began_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (video, audio) = (testing::video("libsvtav1", 30, 2, &[]), testing::audio("libopus", 2));
    for container in ALL {
        let path = dir.path().join("a");
        let mut sink = open(&path, container, &[&video, &audio]);
        assert_eq!(names(dir.path()), ["a"], "the name is taken from the start");
        sink.finish().unwrap();
        drop(sink);
        drop(open(&path, container, &[&video, &audio]));
        assert!(names(dir.path()).is_empty(), "{container}");
    }
}

#[test]
fn the_old_file_stays_until_there_is_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let (path, link) = (dir.path().join("old.mkv"), dir.path().join("link.mkv"));
    std::fs::write(&path, "precious").unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let video = testing::video("libsvtav1", 30, 30, &[("preset", "10")]);
    for container in ALL {
        std::fs::write(&path, "precious").unwrap();
        let tracks = [video.track.clone()];
        assert!(matches!(create(&link, container, false, &tracks), Err(OutputError::Exists(_))));
        let sink = create(&link, container, true, &tracks).unwrap();
        drop(sink);
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
        assert_eq!(names(dir.path()), ["link.mkv", "old.mkv"]);

        let mut sink = create(&link, container, true, &tracks).unwrap();
        video.packets.iter().for_each(|it| sink.write(it).unwrap());
        sink.finish().unwrap();
        assert_eq!(names(dir.path()), ["link.mkv", "old.mkv"]);
        assert!(link.is_symlink());
        assert_eq!(decode(&path), [30]);
        assert_eq!(sink.report().path.unwrap(), path.canonicalize().unwrap());
    }
}

#[test]
fn a_file_that_is_moved_is_reported_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (before, after) = (dir.path().join("a"), dir.path().join("b"));
    std::fs::create_dir(&before).unwrap();
    let video = testing::video("libx264", 30, 60, &[]);
    for container in [Container::Matroska, Container::Mp4] {
        let path = before.join("x");
        let mut sink = open(&path, container, &[&video]);
        for (n, packet) in video.packets.iter().enumerate() {
            if n == 30 {
                std::fs::rename(&before, &after).unwrap();
            }
            sink.write(packet).unwrap();
        }
        sink.finish().unwrap();
        let report = sink.report();
        assert_eq!(
            report.path.as_deref().map(|it| it.canonicalize().unwrap()),
            after.join("x").canonicalize().ok()
        );
        assert_eq!((decode(&after.join("x")), report.error), (vec![60], None));
        std::fs::remove_file(after.join("x")).unwrap();
        std::fs::rename(&after, &before).unwrap();
    }
}

#[test]
fn a_file_that_is_deleted_is_an_error_soon() {
    let dir = tempfile::tempdir().unwrap();
    let video = testing::video("libx264", 30, 30, &[("tune", "zerolatency")]);
    for container in [Container::Matroska, Container::Mp4] {
        let place = dir.path().join("place");
        std::fs::create_dir(&place).unwrap();
        let mut sink = open(&place.join("x"), container, &[&video]);
        let mut error = None;
        // In real time, for as long as it takes.
        for round in 0..20 {
            for packet in &video.packets {
                let offset = round * 1_000_000_000;
                let (pts, dts) = (packet.pts.offset(offset), packet.dts.offset(offset));
                error = error.or(sink.write(&Packet { pts, dts, ..packet.clone() }).err());
                std::thread::sleep(std::time::Duration::from_millis(33));
            }
            if round == 0 {
                std::fs::remove_dir_all(&place).unwrap();
            }
            if error.is_some() {
                break;
            }
        }
        assert!(matches!(error, Some(OutputError::Removed { .. })), "{error:?}");
        assert!(matches!(sink.finish(), Err(OutputError::Removed { .. })));
        let said = sink.report().error.unwrap();
        assert!(said.contains("was deleted while it was being recorded"), "{said}");
    }
}
