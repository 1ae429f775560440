//! Files with pictures that libavformat was not given, beside files with pictures that it was.

use std::path::Path;

use super::fill::{CLUSTER, elements};
use super::*;
use crate::output::Sink;
use crate::output::file::disk::Disk;
use crate::output::file::recorded::Recorded;
use crate::output::file::testing::{self, Encoded, merge};

/// `Cues` (RFC 9559, 5.1.5).
const CUES: u32 = 0x1c53_bb6b;
const SEGMENT: u32 = 0x1853_8067;

fn write(path: &Path, container: Container, tracks: &[&Encoded], by_libavformat: bool, packets: &[Packet]) {
    let described: Vec<_> = tracks.iter().map(|it| it.track.clone()).collect();
    let layout = Matroska::of(container, &described).unwrap();
    let mut file = Recorded::create(layout, || Disk::create(path, false)).unwrap();
    assert!(file.layout.pictures.is_some());
    if by_libavformat {
        file.layout.pictures = None;
    }
    packets.iter().for_each(|it| file.write(it).unwrap());
    file.finish().unwrap();
}

/// Clusters and cues of a file, in order: all but what has random numbers in it.
fn clusters_and_cues(path: &Path) -> Vec<Vec<u8>> {
    let file = std::fs::read(path).unwrap();
    let segment = elements(&file).map(Option::unwrap).find(|it| it.id == SEGMENT).expect("a segment");
    let children = elements(segment.content).map(|it| it.expect("whole elements"));
    children.filter(|it| [CLUSTER, CUES].contains(&it.id)).map(|it| it.whole.to_vec()).collect()
}

fn assert_alike(container: Container, tracks: &[&Encoded], packets: &[Packet]) {
    let dir = tempfile::tempdir().unwrap();
    let read = [true, false].map(|by_libavformat| {
        let path = dir.path().join(by_libavformat.to_string());
        write(&path, container, tracks, by_libavformat, packets);
        clusters_and_cues(&path)
    });
    let count = read[0].len();
    assert!(count > 4 && read[0][count - 1].starts_with(&CUES.to_be_bytes()), "{count} clusters and cues");
    assert_eq!(read[0].len(), read[1].len());
    for (n, (wanted, found)) in read[0].iter().zip(&read[1]).enumerate() {
        assert!(wanted == found, "{container}: element {n} of {count} is another");
    }
}

#[test]
fn files_are_those_that_libavformat_would_write_byte_by_byte() {
    let sound = [testing::audio("libopus", 150), testing::audio("aac", 140)];
    let x265 = [("preset", "ultrafast"), ("x265-params", "log-level=none"), ("bf", "3")];
    let pictures = [
        (testing::video("libx264", 60, 180, &[("bf", "3")]), &[Container::Matroska][..]),
        (testing::video("libx265", 30, 90, &x265), &[Container::Matroska]),
        (testing::video("libsvtav1", 30, 90, &[("preset", "10")]), &[Container::Matroska, Container::WebM]),
    ];
    for (pictures, containers) in &pictures {
        for &container in *containers {
            for sound in &sound[..if container == Container::WebM { 1 } else { 2 }] {
                let tracks = [pictures, sound];
                assert_alike(container, &tracks, &merge(&tracks));
            }
        }
    }
}

/// Where libavformat begins a cluster by itself, it says rightly where that is.
#[test]
fn gaps_of_any_length_leave_the_cues_right() {
    let (pictures, sound) =
        (testing::video("libx264", 10, 60, &[("bf", "2")]), testing::audio("libopus", 300));
    let tracks = [&pictures, &sound];
    for gap in [1_900_000_000, 6_000_000_000, 40_000_000_000] {
        for from in [2_150_000_000, 3_000_000_000, 3_320_000_000] {
            let mut packets = merge(&tracks);
            for packet in packets.iter_mut().filter(|it| it.pts.as_nanos() >= from) {
                (packet.pts, packet.dts) = (packet.pts.offset(gap), packet.dts.offset(gap));
            }
            packets.sort_by_key(|it| (it.dts, it.track));
            assert_alike(Container::Matroska, &tracks, &packets);
        }
    }
}
