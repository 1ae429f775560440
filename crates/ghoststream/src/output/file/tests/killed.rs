//! A recording whose process is killed plays, and holds all but the last second.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::*;
use crate::Timestamp;
use crate::output::Interleaver;

/// Names the file that a child of the test is to record.
const RECORD: &str = "GHOSTSTREAM_TEST_RECORD";
/// What may be lost.
const SECOND: i64 = 1_000_000_000;

#[test]
fn a_matroska_file_survives_its_process() {
    survives(Container::Matroska, "a_matroska_file_survives_its_process");
}

#[test]
fn an_mp4_file_survives_its_process() {
    survives(Container::Mp4, "an_mp4_file_survives_its_process");
}

#[test]
fn a_webm_file_survives_its_process() {
    survives(Container::WebM, "a_webm_file_survives_its_process");
}

fn survives(container: Container, test: &str) {
    if let Some(path) = std::env::var_os(RECORD) {
        record_until_killed(&PathBuf::from(path), container);
    }
    let dir = tempfile::tempdir().unwrap();
    let mut victims: Vec<_> = (0..4)
        .map(|n| {
            let path = dir.path().join(format!("{n}.{}", container.word()));
            let child = Command::new(std::env::current_exe().unwrap())
                .args([&format!("output::file::tests::killed::{test}"), "--exact", "--nocapture"])
                .env(RECORD, &path)
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            (Victim(child), path)
        })
        .collect();
    let seed = Timestamp::now().as_nanos() as u64;
    for (n, (victim, path)) in victims.iter_mut().enumerate() {
        // Anywhere within a unit, and so long after the start that enough was written a second before.
        let wait = 1_500 + (seed >> (4 * n)) % 700;
        let (killed, pushed) = victim.kill_after(Duration::from_millis(wait));
        judge(path, killed, &pushed);
    }
}

/// A child that cannot outlive the test.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// When a packet was there, its track and its time.
type Pushed = (i64, usize, i64);

impl Victim {
    /// Kills it this long after its first packet. Returns when, and what it had said until then.
    fn kill_after(&mut self, wait: Duration) -> (i64, Vec<Pushed>) {
        let mut lines = BufReader::new(self.0.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut first = None;
        for line in lines.by_ref() {
            first = parse(&line);
            if first.is_some() {
                break;
            }
        }
        std::thread::sleep(wait);
        let killed = Timestamp::now().as_nanos();
        self.0.kill().unwrap();
        let rest = lines.filter_map(|line| parse(&line));
        (killed, first.into_iter().chain(rest).collect())
    }
}

fn parse(line: &str) -> Option<Pushed> {
    let mut words = line.strip_prefix("pushed ")?.split(' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// Records in real time, as the pipeline does, and says of each packet when it was there.
fn record_until_killed(path: &Path, container: Container) -> ! {
    let video = match container {
        Container::WebM => testing::video("libsvtav1", 30, 60, &[("preset", "10")]),
        _ => testing::video("libx264", 60, 120, &[("bf", "2")]),
    };
    let mut audio = testing::audio("libopus", 100);
    // Two seconds of both, so that the next round follows on.
    audio.packets.truncate(100);
    let mut sink = open(path, container, &[&video, &audio]);
    let mut interleaver = Interleaver::new(2);
    let start = Timestamp::now();
    for round in 0.. {
        for packet in merge(&[&video, &audio]) {
            let offset = round * 2 * SECOND;
            let (pts, dts) = (packet.pts.offset(offset), packet.dts.offset(offset));
            let due = start + Duration::from_nanos(dts.as_nanos().max(0) as u64);
            std::thread::sleep(due.since(Timestamp::now()));
            let now = Timestamp::now();
            let said = format!("pushed {} {} {}\n", now.as_nanos(), packet.track, pts.as_nanos());
            std::io::stdout().write_all(said.as_bytes()).unwrap();
            interleaver.push(Packet { pts, dts, ..packet }, now).unwrap();
            while let Some(packet) = interleaver.pop(now) {
                sink.write(&packet).unwrap();
            }
            sink.idle().unwrap();
        }
    }
    unreachable!("the rounds have no end")
}

fn judge(path: &Path, killed: i64, pushed: &[Pushed]) {
    let read = [read_packets(path, 0), read_packets(path, 1)];
    let due: Vec<_> = pushed.iter().filter(|it| it.0 < killed - SECOND).collect();
    assert!(due.len() > 20, "{} packets in time: the test proves nothing", due.len());
    for (at, track, pts) in due {
        let found = read[*track].iter().any(|it| (it.0 - pts).abs() <= 1_000_000);
        let ago = (killed - at) / 1_000_000;
        assert!(found, "{}: track {track}, pts {pts}, written {ago} ms before, is lost", path.display());
    }
    let frames = decode(path);
    assert_eq!(frames[0], read[0].len() as u64, "every picture that was kept is decoded");
}
