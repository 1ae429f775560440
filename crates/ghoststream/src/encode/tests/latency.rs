//! How long pictures stay in the encoder.

use super::*;
use crate::{EncoderPreset, RateControl};

/// A recording may lose its last second when it is killed, and what is in the encoder is lost.
#[test]
fn no_encoder_keeps_a_second_of_pictures_unless_asked() {
    for (row, codec) in ROWS {
        for preset in [EncoderPreset::Fastest, EncoderPreset::Balanced, EncoderPreset::Best] {
            let config = config().with_codec(codec).with_preset(preset).with_bitrate_kbps(1500);
            let run = Job { row: Some(row), ..Job::new(config, 45) }.run();
            let kept = run.after.iter().enumerate().map(|(index, out)| index + 1 - out).max();
            let kept = kept.expect("some pictures");
            eprintln!("{row} {preset}: {kept} of 30 a second");
            assert!(kept < 27, "{row} {preset} keeps {kept} of 30 a second");
        }
    }
}

#[test]
fn low_latency_hands_out_each_picture_at_once_in_every_codec() {
    for codec in [Codec::H264, Codec::Hevc, Codec::AV1] {
        for control in [RateControl::Cbr, RateControl::Vbr, RateControl::Crf] {
            for ten_bit in [false, true] {
                let config = config()
                    .with_codec(codec)
                    .with_low_latency(true)
                    .with_ten_bit(ten_bit)
                    .with_rate_control(control)
                    .with_preset(EncoderPreset::Fast)
                    .with_bitrate_kbps(1500);
                let job = Job { force: Some(7), ..Job::new(config, 12) };
                let run = job.run();
                let seen = run.check(30.0);
                assert_eq!(
                    run.after,
                    (1..=12).collect::<Vec<_>>(),
                    "{codec} {control}: one packet a picture"
                );
                assert_eq!(run.keys(), [0, 7], "{codec} {control}");
                assert!(seen.iter().all(|it| it.kind != 'B'), "{codec} {control}");
                assert!(run.packets.iter().all(|it| it.dts == it.pts), "nothing is reordered");
            }
        }
    }
}

#[test]
fn low_latency_av1_says_why_svt_does_not_do_it() {
    let config = config().with_codec(Codec::AV1).with_low_latency(true);
    let opened = Job::new(config, 0).open();
    assert_eq!(opened.name, "libaom-av1");
    let refusal = opened.refused.first().expect("SVT-AV1 was tried before");
    assert_eq!(refusal.encoder, "libsvtav1");
    assert!(refusal.reason.contains("late"), "{refusal:?}");
    assert!(refusal.remedy.is_some());
}
