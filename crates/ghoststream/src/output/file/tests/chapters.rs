//! Markers are chapters, which players list.

use super::*;
use crate::MediaTime;
use crate::output::Marker;

fn mark(sink: &mut dyn Sink, ms: i64, title: &str) {
    sink.mark(&Marker { at: MediaTime::from_nanos(ms * 1_000_000), title: title.to_owned() });
}

/// What ffprobe lists: start and end in milliseconds, and the title.
pub(in crate::output) fn chapters(path: &Path) -> Vec<(i64, i64, String)> {
    let probed = probe(path, &["-show_chapters"]);
    let ms = |it: &Value| (it.as_str().unwrap().parse::<f64>().unwrap() * 1000.0).round() as i64;
    let chapters = probed["chapters"].as_array().unwrap().iter();
    let title = |it: &Value| it["tags"]["title"].as_str().unwrap().to_owned();
    chapters.map(|it| (ms(&it["start_time"]), ms(&it["end_time"]), title(it))).collect()
}

/// How many pictures are decoded.
fn pictures(path: &Path) -> u64 {
    let counted = probe(path, &["-select_streams", "v", "-count_frames", "-show_streams"]);
    counted["streams"][0]["nb_read_frames"].as_str().unwrap().parse().unwrap()
}

#[test]
fn every_container_lists_them() {
    let long = "é".repeat(200);
    for (container, codec) in
        [(Container::Matroska, "libx264"), (Container::Mp4, "libx264"), (Container::WebM, "libsvtav1")]
    {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(format!("a.{container}"));
        let options: &[(&str, &str)] = if codec == "libx264" { &[("bf", "3")] } else { &[("preset", "10")] };
        let video = testing::video(codec, 30, 90, options);
        let audio = testing::audio("libopus", 150);
        let mut sink = record(&path, container, &[&video, &audio]);
        mark(&mut *sink, 2000, &long);
        mark(&mut *sink, 1000, "first <goal> & \"co\"");
        sink.finish().unwrap();
        let got = chapters(&path);
        let starts: Vec<_> = got.iter().map(|it| it.0).collect();
        assert_eq!(starts, [0, 1000, 2000], "{container}: {got:?}");
        assert!((3000..3100).contains(&got[2].1), "{container}: the last ends with the file: {got:?}");
        assert_eq!((got[0].2.as_str(), got[1].2.as_str()), ("Start", "first <goal> & \"co\""));
        assert_eq!(got[2].2, long, "{container}");
        assert_eq!(pictures(&path), 90, "{container}");
    }
}

#[test]
fn an_mp4_may_have_more_than_its_short_list_counts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mp4");
    let video = testing::video("libx264", 30, 60, &[]);
    let mut sink = record(&path, Container::Mp4, &[&video]);
    for n in 0..400 {
        mark(&mut *sink, n * 4, &format!("chapter {n}"));
    }
    sink.finish().unwrap();
    let got = chapters(&path);
    assert_eq!(got.len(), 400);
    assert_eq!((got[399].0, got[399].2.as_str()), (1596, "chapter 399"));
}

#[test]
fn a_file_that_was_cut_off_has_none_and_is_whole() {
    let video = testing::video("libx264", 30, 60, &[]);
    for container in [Container::Matroska, Container::Mp4] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(format!("a.{container}"));
        let mut sink = record(&path, container, &[&video]);
        mark(&mut *sink, 500, "lost");
        std::thread::sleep(super::super::UNIT + super::super::UNIT / 4);
        sink.idle().unwrap();
        let torn = path.with_extension("torn");
        std::fs::copy(&path, &torn).unwrap();
        assert_eq!(chapters(&torn), []);
        assert_eq!(pictures(&torn), 60);
    }
}
