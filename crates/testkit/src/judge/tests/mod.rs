//! The judge, judged: recordings with faults made on purpose. It must find exactly these.

mod film;

use film::Film;

use super::*;

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_faultless_recording_is_clean_in_every_container() {
    let dir = dir();
    for (name, audio) in [("a.mkv", "flac"), ("b.mp4", "libopus"), ("a.mp4", "aac")] {
        let film = Film { audio: Some(audio), ..Film::new(60, 240) };
        let verdict = judge(film.write(dir.path(), name)).unwrap();
        verdict.must_be_clean().must_be_in_sync(1.0);
        let (video, card) = (verdict.must_have_video(), verdict.must_be_the_card());
        assert_eq!((video.frames, video.width, video.height), (240, 192, 108));
        assert_eq!(video.codec, "h264");
        assert!((video.fps - 60.0).abs() < 0.1, "{}", video.fps);
        assert_eq!((video.color.matrix.as_str(), video.color.range.as_str()), ("bt709", "tv"));
        assert_eq!((card.read, card.first, card.last, card.stretches), (240, 0, 239, 1));
        assert!(card.timing.max_ms < 0.6, "{verdict}");
        let track = &verdict.audio[0];
        assert_eq!((track.rate, track.channels), (48_000, 2));
        assert_eq!(track.language.as_deref(), Some("deu"));
        // Four seconds from 0.6 on hold the whole seconds 1 to 4.
        assert_eq!((track.beeps, track.skews_ms.len()), (4, 4), "{verdict}");
        assert!((verdict.content_seconds - 4.0).abs() < 0.05);
    }
}

#[test]
fn lost_frames_are_found_by_number() {
    let mut film = Film::new(60, 200);
    film.frames.retain(|&(number, _)| ![50, 51, 120].contains(&number));
    let verdict = judge(film.write(dir().path(), "lost.mkv")).unwrap();
    let card = verdict.must_be_the_card();
    assert_eq!((card.lost, card.lost_numbers.as_slice()), (3, [50, 51, 120].as_slice()));
    assert_eq!((card.repeated, card.out_of_order, card.unreadable), (0, 0, 0));
    assert!(card.timing.max_ms < 0.6, "the others are where they belong\n{verdict}");
    assert_eq!(verdict.problems().len(), 1, "{:?}", verdict.problems());
}

#[test]
fn repeated_frames_are_found_by_number() {
    let mut film = Film::new(60, 200);
    film.frames[70].0 = 69;
    film.frames[71].0 = 69;
    let verdict = judge(film.write(dir().path(), "again.mkv")).unwrap();
    let card = verdict.must_be_the_card();
    assert_eq!((card.repeated, card.repeated_numbers.as_slice()), (2, [69].as_slice()));
    assert_eq!((card.lost, card.lost_numbers.as_slice()), (2, [70, 71].as_slice()));
    assert_eq!(card.out_of_order, 0);
    assert!(card.timing.max_ms < 0.6, "{verdict}");
    verdict.must_be_clean_but_for(2, 2);
    for (lost, repeated) in [(1, 2), (2, 1), (0, 9)] {
        let refused = std::panic::catch_unwind(|| _ = verdict.must_be_clean_but_for(lost, repeated));
        assert!(refused.is_err(), "{lost} and {repeated} are less than there is");
    }
}

#[test]
fn frames_out_of_order_are_found() {
    let mut film = Film::new(60, 120);
    (film.frames[30].0, film.frames[31].0) = (31, 30);
    let verdict = judge(film.write(dir().path(), "order.mkv")).unwrap();
    let card = verdict.must_be_the_card();
    assert_eq!((card.out_of_order, card.lost, card.repeated), (1, 0, 0));
}

#[test]
fn frames_at_the_wrong_time_are_found() {
    let mut film = Film::new(30, 120);
    film.frames[60].1 += 12_000_000;
    let verdict = judge(film.write(dir().path(), "time.mkv")).unwrap();
    let timing = verdict.must_be_the_card().timing;
    assert!((timing.max_ms - 12.0).abs() < 1.0, "{verdict}");
    assert!(timing.mean_ms < 0.7, "{verdict}");
    assert_eq!(verdict.problems().len(), 1, "{:?}", verdict.problems());
}

#[test]
fn a_clock_that_drifts_is_found() {
    let mut film = Film { audio: None, ..Film::new(30, 300) };
    film.frames.iter_mut().for_each(|it| it.1 += it.1 / 1000);
    let verdict = judge(film.write(dir().path(), "drift.mkv")).unwrap();
    let drift = verdict.must_be_the_card().timing.drift_ppm;
    assert!((drift - 1000.0).abs() < 20.0, "{drift}");
}

#[test]
fn late_and_early_sound_is_measured_to_half_a_millisecond() {
    let dir = dir();
    for (audio, name) in [("flac", "a.mkv"), ("aac", "a.mp4"), ("libopus", "b.mp4")] {
        for late in [0.037, -0.0125] {
            let film = Film { audio: Some(audio), late, ..Film::new(60, 240) };
            let verdict = judge(film.write(dir.path(), name)).unwrap();
            let track = &verdict.audio[0];
            assert_eq!(track.skews_ms.len(), 4, "{verdict}");
            for (at, skew) in &track.skews_ms {
                assert!((skew - late * 1e3).abs() < 0.5, "{audio} {skew} for {late} at {at}\n{verdict}");
            }
        }
    }
}

#[test]
fn a_hole_in_the_sound_is_found() {
    let film = Film { hole: Some((1.2, 0.5)), ..Film::new(60, 240) };
    let verdict = judge(film.write(dir().path(), "hole.mkv")).unwrap();
    let track = &verdict.audio[0];
    assert_eq!(track.gaps.len(), 1, "{verdict}");
    // Whole frames of sound are left out.
    assert!((track.gaps[0] - 0.5).abs() < 0.1, "{:?}", track.gaps);
    // The beep of second 2 is at 1.4 of the recording.
    assert_eq!((track.beeps, track.missing_beeps, track.extra_beeps), (3, 1, 0), "{verdict}");
    assert!(track.worst_skew_ms().unwrap() < 1.0, "what follows is in its place\n{verdict}");
}

#[test]
fn wrong_colours_are_found() {
    let dir = dir();
    let error =
        |film: &Film, name| judge(film.write(dir.path(), name)).unwrap().must_have_video().color_error;
    let sharp = || Film { audio: None, options: "preset=ultrafast,crf=4", ..Film::new(30, 40) };
    assert!(error(&sharp(), "right.mkv").unwrap() < 3.0);
    let full = Film { full_range: true, ..sharp() };
    assert!(error(&full, "full.mkv").unwrap() < 3.0, "full range, tagged as such");
    let wrong = Film { matrix: (0.299, 0.114), ..sharp() };
    assert!(error(&wrong, "wrong.mkv").unwrap() > 12.0, "BT.601 tagged as BT.709");
}

#[test]
fn another_rate_is_judged_by_its_own_measure() {
    let dir = dir();
    let mut half = Film { audio: None, ..Film::new(120, 240) };
    half.frames.retain(|it| it.0 % 2 == 0);
    let options = Options { step: 2.0, ..Options::default() };
    let verdict = judge_with(half.write(dir.path(), "half.mkv"), &options).unwrap();
    verdict.must_be_clean();
    half.frames.remove(30);
    let verdict = judge_with(half.write(dir.path(), "half.mkv"), &options).unwrap();
    assert_eq!(verdict.must_be_the_card().lost, 1);

    let mut double = Film { audio: None, ..Film::new(60, 120) };
    double.frames.iter_mut().for_each(|it| it.0 /= 2);
    // The card draws 30 a second: number n at n / 30 s.
    double.fps = 30;
    let options = Options { step: 0.5, ..Options::default() };
    let verdict = judge_with(double.write(dir.path(), "double.mkv"), &options).unwrap();
    verdict.must_be_clean();
}

#[test]
fn a_pause_parts_the_recording() {
    let dir = dir();
    let mut film = Film { audio: None, ..Film::new(60, 240) };
    // Frames 100 to 180 were not recorded; what follows joins on without a gap.
    film.frames.retain(|it| !(100..180).contains(&it.0));
    film.frames[100..].iter_mut().for_each(|it| it.1 -= 80 * 1_000_000_000 / 60);
    let path = film.write(dir.path(), "pause.mkv");
    let card = judge(&path).unwrap().card.unwrap();
    assert_eq!((card.stretches, card.lost), (1, 80));
    let verdict = judge_with(&path, &Options { pauses: true, ..Options::default() }).unwrap();
    assert_eq!(verdict.must_be_clean().must_be_the_card().stretches, 2);
}

#[test]
fn a_file_that_was_cut_is_judged_up_to_its_end() {
    let dir = dir();
    let path = Film::new(60, 300).write(dir.path(), "cut.mkv");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() * 2 / 3]).unwrap();
    let verdict = judge(&path).unwrap();
    let card = verdict.must_be_the_card();
    assert!((120..260).contains(&card.read), "{verdict}");
    assert_eq!((card.lost, card.repeated, card.out_of_order), (0, 0, 0), "{verdict}");
    assert!(!verdict.problems().is_empty(), "it is not a whole file");
}

#[test]
fn a_low_bitrate_leaves_the_stamps_readable() {
    let options = "preset=veryfast,b=100k,maxrate=100k,bufsize=100k";
    let size = ghoststream::Size::new(320, 180);
    let film = Film { options, size, audio: None, ..Film::new(30, 150) };
    let verdict = judge(film.write(dir().path(), "coarse.mkv")).unwrap();
    assert_eq!(verdict.must_be_the_card().unreadable, 0, "{verdict}");
    assert!(verdict.bytes < 90_000, "{verdict}");
}

#[test]
fn what_is_no_recording_is_refused() {
    let dir = dir();
    let path = dir.path().join("no.mkv");
    std::fs::write(&path, b"this is not a recording").unwrap();
    let error = format!("{:#}", judge(&path).unwrap_err());
    assert!(error.contains("no.mkv") && error.contains("not a recording"), "{error}");
    assert!(judge(dir.path().join("missing.mkv")).is_err());
}

#[test]
fn other_pictures_are_no_card() {
    let dir = dir();
    let path = dir.path().join("bars.mkv");
    let status = std::process::Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc=duration=1:size=320x180:rate=30",
            "-c:v",
            "libx264",
        ])
        .arg(&path)
        .status()
        .unwrap();
    assert!(status.success());
    let verdict = judge(&path).unwrap();
    assert_eq!(verdict.card, None);
    assert_eq!(verdict.must_have_video().frames, 30);
    assert!(!verdict.content_problems().is_empty());
}
