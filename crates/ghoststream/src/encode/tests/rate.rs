//! Bitrates, groups of pictures, B-frames: that what is asked for is what comes.

use super::*;
use crate::{EncoderPreset, RateControl};

/// Encodes four seconds at a constant rate and measures the last three: the first starts from an
/// empty buffer.
fn measured_kbps(row: &str, codec: Codec, kbps: u32, low_latency: bool) -> f64 {
    let config = config()
        .with_codec(codec)
        .with_rate_control(RateControl::Cbr)
        .with_low_latency(low_latency)
        .with_preset(EncoderPreset::Fast)
        .with_bitrate_kbps(kbps);
    let run = Job { row: Some(row), ..Job::new(config, 120) }.run();
    let later = run.packets.iter().filter(|it| it.pts.as_secs_f64() >= 0.999);
    later.map(|it| it.data().len()).sum::<usize>() as f64 * 8.0 / 1000.0 / 3.0
}

fn assert_constant(row: &str, codec: Codec) {
    for kbps in [400, 1500] {
        for low_latency in [false, true] {
            let got = measured_kbps(row, codec, kbps, low_latency);
            let off = got / f64::from(kbps) - 1.0;
            eprintln!("{row} low_latency={low_latency}: {got:.0} of {kbps} kbit/s");
            assert!(off.abs() < 0.15, "{row} low_latency={low_latency}: {got:.0} of {kbps} kbit/s");
        }
    }
}

#[test]
fn a_constant_bitrate_is_kept_by_x264() {
    assert_constant("libx264", Codec::H264);
}

#[test]
fn a_constant_bitrate_is_kept_by_x265() {
    assert_constant("libx265", Codec::Hevc);
}

#[test]
fn a_constant_bitrate_is_kept_by_aom() {
    assert_constant("libaom-av1", Codec::AV1);
}

#[test]
fn a_constant_bitrate_is_kept_up_where_nothing_moves() {
    for codec in [Codec::H264, Codec::Hevc] {
        let config = config().with_codec(codec).with_rate_control(RateControl::Cbr).with_bitrate_kbps(1000);
        let run = Job { moving: false, ..Job::new(config, 90) }.run();
        let got = run.kbps(3.0);
        assert!((850.0..1150.0).contains(&got), "{codec}: {got:.0} of 1000 kbit/s");
        assert_eq!(judge::decode(&run.opened, &run.packets).len(), 90, "filler does not disturb decoding");
    }
}

#[test]
fn mp4_gets_no_filler_and_says_so() {
    for codec in [Codec::H264, Codec::Hevc] {
        let config = config().with_codec(codec).with_rate_control(RateControl::Cbr).with_bitrate_kbps(1000);
        let run = Job { moving: false, containers: &[Container::Mp4], ..Job::new(config, 60) }.run();
        assert!(run.kbps(2.0) < 700.0, "{codec}: {:.0} kbit/s where nothing moves", run.kbps(2.0));
        assert!(run.opened.notes.iter().any(|note| note.contains("filler")), "{:?}", run.opened.notes);
    }
}

#[test]
fn a_variable_bitrate_comes_near_what_is_asked_for() {
    for (row, codec) in ROWS {
        let config = config().with_codec(codec).with_preset(EncoderPreset::Fast).with_bitrate_kbps(800);
        let run = Job { row: Some(row), ..Job::new(config, 150) }.run();
        let got = run.kbps(5.0);
        eprintln!("{row}: {got:.0} of 800 kbit/s");
        assert!((400.0..1200.0).contains(&got), "{row}: {got:.0} of 800 kbit/s");
    }
}

#[test]
fn key_frames_come_at_least_as_often_as_asked() {
    for (row, codec) in ROWS {
        let config = config()
            .with_codec(codec)
            .with_gop_seconds(0.5)
            .with_preset(EncoderPreset::Fast)
            .with_bitrate_kbps(800);
        let run = Job { row: Some(row), force: Some(20), ..Job::new(config, 50) }.run();
        run.check(30.0);
        assert_eq!(run.keys(), [0, 15, 20, 35], "{row}");
    }
}

/// As on a machine that encodes every third picture only. SVT-AV1 would have to be opened anew for each.
#[test]
fn key_frames_come_as_often_in_time_where_pictures_are_dropped() {
    for (row, codec) in ROWS.into_iter().filter(|(row, _)| *row != "libsvtav1") {
        let config = config()
            .with_codec(codec)
            .with_gop_seconds(0.5)
            .with_preset(EncoderPreset::Fast)
            .with_bitrate_kbps(800);
        let job = Job { row: Some(row), ..Job::new(config, 23) };
        let run = job.run_at(|index| job.time(3 * index));
        run.check_times();
        assert_eq!(run.keys(), [0, 5, 10, 15, 20], "{row}");
        assert_eq!(judge::decode(&run.opened, &run.packets).len(), 23, "{row}");
    }
}

#[test]
fn b_frames_are_as_many_as_asked_for() {
    for codec in [Codec::H264, Codec::Hevc] {
        for count in [0usize, 2] {
            let config = config().with_codec(codec).with_b_frames(count as u32).with_bitrate_kbps(1500);
            let kinds: String = Job::new(config, 30).run().check(30.0).iter().map(|it| it.kind).collect();
            let longest = kinds.split(['I', 'P']).map(str::len).max();
            assert_eq!(longest, Some(count), "{codec}: {kinds}");
        }
    }
}

#[test]
fn a_lookahead_is_as_long_as_asked_for_and_what_it_costs_is_said() {
    for codec in [Codec::H264, Codec::Hevc, Codec::AV1] {
        let config = config()
            .with_codec(codec)
            .with_lookahead(45)
            .with_preset(EncoderPreset::Fast)
            .with_bitrate_kbps(800);
        let run = Job::new(config, 80).run();
        let kept = run.after.iter().enumerate().map(|(index, out)| index + 1 - out).max();
        // SVT-AV1 counts in groups of pictures.
        assert!(kept >= Some(40), "{codec} keeps {kept:?}");
        assert!(run.opened.notes.iter().any(|note| note.contains("1.5 s")), "{:?}", run.opened.notes);
    }
}
