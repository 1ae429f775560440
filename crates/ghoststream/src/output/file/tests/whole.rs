//! A normal end gives an ordinary, seekable file; before, it is whole as well.

use super::*;

/// Half a tick of the coarsest track, in nanoseconds: Matroska counts milliseconds, MP4 at least
/// 48,000 ticks a second.
fn tolerance(container: Container) -> i64 {
    if container == Container::Mp4 { 10_500 } else { 1_000_000 }
}

fn check(name: &str, container: Container, tracks: &[&Encoded]) {
    let dir = tempfile::tempdir().unwrap();
    for ended in [false, true] {
        let path = dir.path().join(format!("{name}-{ended}.{}", container.word()));
        recorded(&path, container, tracks, ended);
        let kept_back = usize::from(!ended && container != Container::Mp4);
        assert_packets(&path, tracks, tolerance(container), kept_back);
        let frames = decode(&path);
        assert_eq!(frames[0], tracks[0].packets.len() as u64, "pictures, ended: {ended}");
    }
}

#[test]
fn h264_with_b_frames_and_opus() {
    let video = testing::video("libx264", 60, 150, &[("bf", "3")]);
    let audio = testing::audio("libopus", 120);
    check("h264-opus", Container::Matroska, &[&video, &audio]);
    check("h264-opus", Container::Mp4, &[&video, &audio]);
}

#[test]
fn h264_with_b_frames_and_aac() {
    let video = testing::video("libx264", 60, 150, &[("bf", "3")]);
    let audio = testing::audio("aac", 110);
    check("h264-aac", Container::Matroska, &[&video, &audio]);
    check("h264-aac", Container::Mp4, &[&video, &audio]);
}

#[test]
fn the_report_tells_where_pictures_end_before_the_sound_does() {
    let dir = tempfile::tempdir().unwrap();
    let (video, audio) = (testing::video("libx264", 30, 21, &[]), testing::audio("aac", 141));
    for container in [Container::Matroska, Container::Mp4] {
        let path = dir.path().join(container.word());
        let mut sink = record(&path, container, &[&video, &audio]);
        sink.finish().unwrap();
        let report = sink.report();
        let near = |it: f64, wanted: f64| (it - wanted).abs() < 0.03;
        assert!(near(report.seconds, 3.0) && near(report.pictures_end_early().unwrap(), 0.7), "{report:?}");
        let path = dir.path().join(format!("even.{container}"));
        let audio = testing::audio("aac", 40);
        let report = record(&path, container, &[&video, &audio]).report();
        assert_eq!(
            (report.picture_seconds.is_some(), report.pictures_end_early()),
            (true, None),
            "{report:?}"
        );
    }
}

#[test]
fn hevc_and_flac() {
    let video = testing::video("libx265", 30, 60, &[("x265-params", "log-level=error")]);
    let audio = testing::audio("flac", 20);
    check("hevc-flac", Container::Matroska, &[&video, &audio]);
    check("hevc-flac", Container::Mp4, &[&video, &audio]);
}

#[test]
fn av1_and_opus() {
    let video = testing::video("libsvtav1", 30, 60, &[("preset", "10")]);
    let audio = testing::audio("libopus", 100);
    check("av1-opus", Container::Matroska, &[&video, &audio]);
    check("av1-opus", Container::Mp4, &[&video, &audio]);
    check("av1-opus", Container::WebM, &[&video, &audio]);
}

#[test]
fn tags_say_colour_language_title_and_what_to_play() {
    let dir = tempfile::tempdir().unwrap();
    let mut video = testing::video("libx265", 30, 30, &[("x265-params", "log-level=error")]);
    let [mut first, second] = [testing::audio("aac", 40), testing::audio("aac", 40)];
    video.track.title = Some("Screen".to_owned());
    first.track.title = Some("Größe \"1\"".to_owned());
    first.track.language = Some("deu".to_owned());
    for container in [Container::Matroska, Container::Mp4] {
        let path = dir.path().join(container.word());
        recorded(&path, container, &[&video, &first, &second], true);
        let probed = probe(&path, &["-show_streams", "-show_format"]);
        let streams = &probed["streams"];
        for (field, value) in [
            ("color_space", "bt709"),
            ("color_primaries", "bt709"),
            ("color_transfer", "bt709"),
            ("color_range", "tv"),
            ("avg_frame_rate", "30/1"),
        ] {
            assert_eq!(streams[0][field], value, "{container} {field}");
        }
        assert_eq!(streams[1]["tags"]["language"], "deu", "{container}");
        let title = if container == Container::Mp4 { "handler_name" } else { "title" };
        assert_eq!(streams[0]["tags"][title], "Screen", "{container}");
        assert_eq!(streams[1]["tags"][title], "Größe \"1\"", "{container}");
        let defaults: Vec<_> = (0..3).map(|it| streams[it]["disposition"]["default"].as_i64()).collect();
        assert_eq!(defaults, [Some(1), Some(1), Some(0)], "{container}");
        let duration: f64 = probed["format"]["duration"].as_str().unwrap().parse().unwrap();
        assert!((0.99..1.05).contains(&duration), "{container}: {duration}");
        if container == Container::Mp4 {
            assert_eq!(streams[0]["codec_tag_string"], "hvc1");
        }
    }
}

#[test]
fn a_player_can_seek() {
    let dir = tempfile::tempdir().unwrap();
    let (video, audio) = (testing::video("libx264", 60, 300, &[("bf", "2")]), testing::audio("libopus", 250));
    for container in [Container::Matroska, Container::Mp4] {
        let path = dir.path().join(container.word());
        recorded(&path, container, &[&video, &audio], true);
        let what = ["-select_streams", "v:0", "-show_frames", "-read_intervals", "3.2%+#1"];
        let probed = probe(&path, &what);
        let at: f64 = probed["frames"][0]["pts_time"].as_str().unwrap().parse().unwrap();
        assert!((at - 3.0).abs() < 0.002, "{container}: the key picture before 3.2 s is at {at}");
    }
}

/// The end of an MP4 is written in two steps; a file that is left between them plays, as does one
/// whose end is torn.
#[test]
fn an_mp4_plays_at_every_step_of_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let (video, audio) = (testing::video("libx264", 60, 120, &[("bf", "2")]), testing::audio("libopus", 100));
    let path = dir.path().join("a.mp4");
    recorded(&path, Container::Mp4, &[&video, &audio], true);
    let ended = std::fs::read(&path).unwrap();
    let mdat = u64::from_be_bytes(ended[40..48].try_into().unwrap());
    let before = 32 + mdat as usize;
    assert_eq!(&ended[before + 4..before + 8], b"moov", "the index follows the media");

    let mut unswitched = ended.clone();
    unswitched[32..48].copy_from_slice(&[0, 0, 0, 16, b'f', b'r', b'e', b'e', 0, 0, 0, 0, 0, 0, 0, 0]);
    for length in [before, before + 5, before + 300, ended.len() - 1, ended.len()] {
        let path = dir.path().join(format!("{length}.mp4"));
        std::fs::write(&path, &unswitched[..length]).unwrap();
        let output = Command::new("ffprobe")
            .args(["-v", "error", "-count_frames", "-show_streams", "-of", "json"])
            .arg(&path)
            .output()
            .unwrap();
        let probed: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(probed["streams"][0]["nb_read_frames"], "120", "cut at {length} of {}", ended.len());
    }
}

/// Room that was set aside and not needed is given back.
#[test]
fn an_ended_file_takes_no_more_room_than_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    let video = testing::video("libx264", 30, 30, &[]);
    for container in [Container::Matroska, Container::Mp4] {
        let path = dir.path().join(container.word());
        let blocks = || std::os::unix::fs::MetadataExt::blocks(&std::fs::metadata(&path).unwrap()) * 512;
        let mut sink = record(&path, container, &[&video]);
        let while_recording = blocks();
        sink.finish().unwrap();
        let length = std::fs::metadata(&path).unwrap().len();
        assert!(blocks() <= length + 64 * 1024, "{} for {length}, {while_recording} before", blocks());
    }
}
