//! Bitrates that change while an encoder runs.

use super::*;
use crate::RateControl;

fn open(config: EncoderConfig, row: &str, container: Container) -> (Opened, Job<'static>) {
    let containers: &'static [Container] = match container {
        Container::Mp4 => &[Container::Mp4],
        _ => &[Container::Matroska],
    };
    let job = Job { containers, ..Job::new(config.with_preset(crate::EncoderPreset::Fastest), 240) };
    (Job { row: Some(row), ..job.clone() }.open(), job)
}

/// The mean rate between two times in seconds, in kbit/s.
fn kbps(packets: &[Packet], from: f64, to: f64) -> f64 {
    let within = |it: &&Packet| (from..to).contains(&it.pts.as_secs_f64());
    let bytes: usize = packets.iter().filter(within).map(|it| it.data().len()).sum();
    bytes as f64 * 8.0 / 1000.0 / (to - from)
}

/// Four seconds at one rate and four at the other: what came in the last three seconds
/// of each, for the first starts from another buffer.
fn measured(first: u32, then: u32, low_latency: bool, container: Container) -> (f64, f64) {
    let config = config()
        .with_codec(Codec::H264)
        .with_rate_control(RateControl::Cbr)
        .with_low_latency(low_latency)
        .with_bitrate_kbps(first);
    let (mut opened, job) = open(config, "libx264", container);
    assert!(opened.follows_bitrate);
    let mut packets = vec![];
    for index in 0..job.pictures {
        if index == job.pictures / 2 {
            opened.encoder.set_bitrate(then).expect("it follows");
        }
        let picture = picture::moving(&opened.input, index);
        let frame = Frame { pts: job.time(index), picture: picture.into(), arrived: Timestamp::default() };
        opened.encoder.encode(frame, &mut packets).expect("encodes");
    }
    opened.encoder.flush(&mut packets).expect("flushes");
    assert_eq!(packets.len(), job.pictures, "every picture is there");
    (kbps(&packets, 1.0, 4.0), kbps(&packets, 5.0, 8.0))
}

#[test]
fn x264_follows_a_constant_bitrate_up_and_down() {
    for (first, then) in [(1500, 500), (500, 1500)] {
        for low_latency in [false, true] {
            for container in [Container::Matroska, Container::Mp4] {
                let (before, after) = measured(first, then, low_latency, container);
                let what = format!("{first} to {then}, low latency {low_latency}, {container}");
                eprintln!("{what}: {before:.0}, {after:.0}");
                // Without filler it climbs over some seconds.
                let near = if container == Container::Mp4 { 0.35 } else { 0.2 };
                assert!((before / f64::from(first) - 1.0).abs() < near, "{what}: {before:.0} at first");
                assert!((after / f64::from(then) - 1.0).abs() < near, "{what}: {after:.0} then");
            }
        }
    }
}

/// What the buffer of a higher rate held beyond a lower one's is not sent at the moment at which less is asked for.
#[test]
fn a_bitrate_that_falls_is_not_paid_with_a_second_of_filler() {
    for low_latency in [false, true] {
        let config = config()
            .with_codec(Codec::H264)
            .with_rate_control(RateControl::Cbr)
            .with_gop_seconds(60.0)
            .with_low_latency(low_latency)
            .with_bitrate_kbps(3000);
        let (mut opened, job) = open(config, "libx264", Container::Matroska);
        let mut packets = vec![];
        for index in 0..120 {
            if index == 60 {
                opened.encoder.set_bitrate(300).expect("it follows");
            }
            // Nothing moves: the buffer is full, and filler keeps the rate.
            let picture = picture::moving(&opened.input, 0);
            let frame =
                Frame { pts: job.time(index), picture: picture.into(), arrived: Timestamp::default() };
            opened.encoder.encode(frame, &mut packets).expect("encodes");
        }
        opened.encoder.flush(&mut packets).expect("flushes");
        let largest = packets[55..].iter().map(|it| it.data().len()).max().unwrap_or(0);
        // A thirtieth of a second of the old bitrate is 12,500 bytes.
        assert!(largest < 15_000, "low latency {low_latency}: {largest} bytes in one packet");
        let (before, after) = (kbps(&packets, 1.0, 1.8), kbps(&packets, 2.5, 4.0));
        assert!((2400.0..3600.0).contains(&before), "low latency {low_latency}: {before} at first");
        assert!((240.0..360.0).contains(&after), "low latency {low_latency}: {after} then");
        assert_eq!(judge::decode(&opened, &packets).len(), 120);
    }
}

#[test]
fn what_does_not_follow_says_so_and_goes_on() {
    for (row, codec) in ROWS {
        let config = config().with_codec(codec).with_rate_control(RateControl::Vbr).with_bitrate_kbps(900);
        let (mut opened, job) = open(config, row, Container::Matroska);
        assert!(!opened.follows_bitrate, "{row}");
        let error = opened.encoder.set_bitrate(300).expect_err("it cannot").to_string();
        assert!(error.contains(row) && error.contains("NVENC can"), "{error}");
        let picture = picture::moving(&opened.input, 0);
        let frame = Frame { pts: job.time(0), picture: picture.into(), arrived: Timestamp::default() };
        let mut packets = vec![];
        opened.encoder.encode(frame, &mut packets).expect("encodes");
        opened.encoder.flush(&mut packets).expect("flushes");
        assert_eq!(packets.len(), 1, "{row}");
    }
}
