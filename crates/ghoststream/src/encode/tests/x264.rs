//! libx264.

use super::*;
use crate::{Codec, RateControl};

fn h264() -> EncoderConfig {
    config().with_codec(Codec::H264)
}

#[test]
fn h264_comes_back_as_it_went_in() {
    let run = run(&h264().with_bitrate_kbps(2000), 30, None);
    assert_eq!(run.opened.name, "libx264");
    assert_eq!(run.opened.input.format, crate::PixelFormat::Nv12, "no planes to split");
    let seen = run.check(30.0);
    assert!(seen.iter().any(|it| it.kind == 'B'), "the preset has B-frames");
    assert!(run.packets[0].dts < MediaTime::ZERO, "which are decoded before they are shown");
    assert!(
        run.packets.iter().all(|it| it.duration.abs_diff(Duration::from_nanos(33_333_333)).as_nanos() < 2)
    );
}

#[test]
fn h264_low_latency_hands_out_each_picture_at_once() {
    let config = h264().with_low_latency(true).with_rate_control(RateControl::Cbr).with_bitrate_kbps(2000);
    let run = run(&config, 20, Some(7));
    let seen = run.check(28.0);
    assert_eq!(run.after, (1..=20).collect::<Vec<_>>(), "one packet after each picture");
    assert!(seen.iter().all(|it| it.kind != 'B'));
    assert_eq!(run.keys(), [0, 7]);
}
