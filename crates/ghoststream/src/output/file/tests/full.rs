//! A full disk, for real: a small file system in a mount namespace of its own.

use super::*;
use crate::output::OutputError;
use crate::output::file::recorded::Recorded;

/// Set in the child that has the namespace.
const MOUNT: &str = "GHOSTSTREAM_TEST_MOUNT";

/// As [`with_small_disk_for`], for a test of this module.
fn with_small_disk(test: &str, kib: u64, body: impl FnOnce(&Path)) {
    with_small_disk_for(&format!("output::file::tests::full::{test}"), kib, body);
}

/// Runs this test, by its whole name, again within a mount namespace; there, mounts a file system of this size on a
/// directory and runs `body` with it.
pub(in crate::output) fn with_small_disk_for(test: &str, kib: u64, body: impl FnOnce(&Path)) {
    if let Some(place) = std::env::var_os(MOUNT) {
        let place = Path::new(&place);
        let size = format!("size={kib}k");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(place).status();
        assert!(mount.unwrap().success(), "tmpfs could not be mounted");
        return body(place);
    }
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new("unshare");
    child.args(if rustix::process::geteuid().is_root() { &["-m"][..] } else { &["-r", "-m"] });
    child.arg(std::env::current_exe().unwrap());
    child.args([test, "--exact"]).env(MOUNT, dir.path());
    let output = child.output().expect("unshare of util-linux is installed");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let cried = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{cried}");
}

/// Records the same two seconds over and over until the disk is full. Returns how many pictures were
/// taken.
fn fill(sink: &mut dyn Sink, tracks: &[&Encoded]) -> u64 {
    let mut pictures = 0;
    for round in 0..10_000 {
        for packet in merge(tracks) {
            let offset = round * 2_000_000_000;
            let (pts, dts) = (packet.pts.offset(offset), packet.dts.offset(offset));
            match sink.write(&Packet { pts, dts, ..packet.clone() }) {
                Ok(()) => pictures += u64::from(packet.track == 0),
                Err(OutputError::Full { .. }) => return pictures,
                Err(other) => panic!("{other}"),
            }
        }
    }
    panic!("the disk was never full");
}

fn tracks() -> [Encoded; 2] {
    let video = testing::video("libx264", 60, 120, &[("bf", "2")]);
    let mut audio = testing::audio("libopus", 100);
    audio.packets.truncate(100);
    [video, audio]
}

fn ends_as_an_ordinary_file(container: Container, test: &str) {
    with_small_disk(test, 1500, |place| {
        let [video, audio] = tracks();
        let path = place.join("a");
        let mut sink = open(&path, container, &[&video, &audio]);
        let pictures = fill(&mut *sink, &[&video, &audio]);
        // Someone else takes whatever is left.
        let _ = std::fs::write(place.join("other"), vec![1; 4 << 20]);
        sink.finish().unwrap();
        let report = sink.report();
        assert!(report.error.unwrap().contains("is full: what was recorded before is whole"));
        assert!(report.bytes > 1_000_000, "{} bytes of 1500 KiB", report.bytes);
        // Decoding asserts that nothing is torn; the duration, that the end was written.
        assert_eq!(decode(&path)[0], pictures);
        let format = probe(&path, &["-show_format"]);
        let duration: f64 = format["format"]["duration"].as_str().unwrap().parse().unwrap();
        assert!((duration - pictures as f64 / 60.0).abs() < 0.1, "{duration} s of {pictures} pictures");
        if container == Container::Mp4 {
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(&bytes[36..40], b"mdat", "ordinary, not fragmented");
        } else {
            let cues = [0x1c, 0x53, 0xbb, 0x6b];
            let bytes = std::fs::read(&path).unwrap();
            assert!(bytes[bytes.len() / 2..].windows(4).any(|it| it == cues), "it has cues");
        }
    });
}

#[test]
fn a_full_disk_ends_matroska_as_an_ordinary_file() {
    ends_as_an_ordinary_file(Container::Matroska, "a_full_disk_ends_matroska_as_an_ordinary_file");
}

#[test]
fn a_full_disk_ends_mp4_as_an_ordinary_file() {
    ends_as_an_ordinary_file(Container::Mp4, "a_full_disk_ends_mp4_as_an_ordinary_file");
}

#[test]
fn a_full_disk_without_room_set_aside_leaves_whole_units() {
    with_small_disk("a_full_disk_without_room_set_aside_leaves_whole_units", 1500, |place| {
        let [video, audio] = tracks();
        let described = [video.track.clone(), audio.track.clone()];
        for container in [Container::Matroska, Container::Mp4] {
            let path = place.join(container.word());
            let disk = || {
                let mut disk = super::super::disk::Disk::create(&path, false)?;
                disk.never_reserve();
                Ok(disk)
            };
            let mut sink: Box<dyn Sink> = match container {
                Container::Mp4 => {
                    let layout = super::super::mp4::Mp4::of(&described, Default::default()).unwrap();
                    Box::new(Recorded::create(layout, disk).unwrap())
                }
                _ => {
                    let layout = super::super::matroska::Matroska::of(container, &described).unwrap();
                    Box::new(Recorded::create(layout, disk).unwrap())
                }
            };
            let pictures = fill(&mut *sink, &[&video, &audio]);
            let _ = std::fs::write(place.join("other"), vec![1; 4 << 20]);
            let ended = sink.finish();
            // Matroska's end may fit into what is left of the last page.
            let full = matches!(ended, Err(OutputError::Full { .. }));
            assert!(full || (ended.is_ok() && container == Container::Matroska), "{ended:?}");
            let kept = decode(&path)[0];
            assert!((pictures - 40..=pictures).contains(&kept), "{kept} of {pictures}");
            std::fs::remove_file(&path).unwrap();
            std::fs::remove_file(place.join("other")).unwrap();
        }
    });
}

#[test]
fn a_disk_that_is_full_from_the_start_keeps_the_old_file() {
    with_small_disk("a_disk_that_is_full_from_the_start_keeps_the_old_file", 64, |place| {
        let [video, audio] = tracks();
        let path = place.join("a");
        std::fs::write(&path, "precious").unwrap();
        let config = OutputConfig::new(Output::File { path: path.clone(), container: Container::Mp4 });
        let tracks = [video.track.clone(), audio.track.clone()];
        let mut sink =
            crate::output::open(&config.with_overwrite(true), &tracks, &crate::output::Context::alone())
                .unwrap()
                .sink;
        let _ = std::fs::write(place.join("other"), vec![1; 1 << 20]);
        assert_eq!(fill(&mut *sink, &[&video, &audio]), 0);
        sink.finish().unwrap();
        drop(sink);
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
        assert_eq!(std::fs::read_dir(place).unwrap().count(), 2, "nothing else is left");
    });
}
