//! Every software encoder, rate control, preset and depth.

use super::*;
use crate::{Chroma, EncoderPreset, RateControl};

/// Encodes with everything that a row takes and compares what comes back.
fn everything(row: &str, codec: Codec, ten_bit: bool, controls: &[RateControl]) {
    for &control in controls {
        for &preset in EncoderPreset::ALL {
            let config = config()
                .with_codec(codec)
                .with_ten_bit(ten_bit)
                .with_preset(preset)
                .with_rate_control(control)
                .with_bitrate_kbps(1500);
            let mut job = Job::new(config, if codec == Codec::AV1 { 5 } else { 10 });
            job.row = Some(row);
            eprintln!("{row} {preset} {control} ten_bit={ten_bit}");
            let run = job.run();
            assert_eq!(run.opened.input.format.depth(), if ten_bit { 10 } else { 8 });
            run.check(33.0);
            assert_eq!(run.keys(), [0]);
        }
    }
}

#[test]
fn h264_in_eight_bits_whatever_is_asked_for() {
    everything("libx264", Codec::H264, false, RateControl::ALL);
}

#[test]
fn h264_in_ten_bits_whatever_is_asked_for() {
    everything("libx264", Codec::H264, true, RateControl::ALL);
}

#[test]
fn hevc_in_eight_bits_whatever_is_asked_for() {
    everything("libx265", Codec::Hevc, false, RateControl::ALL);
}

#[test]
fn hevc_in_ten_bits_whatever_is_asked_for() {
    everything("libx265", Codec::Hevc, true, RateControl::ALL);
}

#[test]
fn full_chroma_and_lossless_come_back_so_or_are_refused_with_a_reason() {
    for (row, codec) in ROWS {
        for (chroma, lossless, ten_bit) in [
            (Chroma::Yuv444, false, false),
            (Chroma::Yuv444, false, true),
            (Chroma::Yuv420, true, false),
            (Chroma::Yuv444, true, true),
        ] {
            let config = config()
                .with_codec(codec)
                .with_chroma(chroma)
                .with_lossless(lossless)
                .with_ten_bit(ten_bit)
                .with_preset(EncoderPreset::Fastest);
            let what = format!("{row} {chroma} lossless={lossless} ten_bit={ten_bit}");
            let mut job = Job::new(config, 5);
            job.row = Some(row);
            let row = table::TABLE.iter().find(|it| it.name == row).expect("a row of the table");
            let request = Request { config: &job.config, size: SIZE, fps: 30.0, containers: job.containers };
            if row.name == "libsvtav1" || (codec == Codec::AV1 && lossless) {
                let refusal = table::try_open(row, &request).map(|it| it.name).expect_err(&what);
                assert!(refusal.remedy.is_some(), "{refusal:?}");
                continue;
            }
            let run = job.run();
            assert_eq!(run.opened.input.format.is_full_chroma(), chroma == Chroma::Yuv444, "{what}");
            // One value that is off by one is 100 dB.
            run.check(if lossless { 150.0 } else { 33.0 });
        }
    }
}

const WITHOUT_CBR: &[RateControl] = &[RateControl::Vbr, RateControl::Cqp, RateControl::Crf];

#[test]
fn av1_by_svt_in_eight_bits_whatever_is_asked_for() {
    everything("libsvtav1", Codec::AV1, false, WITHOUT_CBR);
}

#[test]
fn av1_by_svt_in_ten_bits_whatever_is_asked_for() {
    everything("libsvtav1", Codec::AV1, true, WITHOUT_CBR);
}

#[test]
fn av1_by_aom_in_eight_bits_whatever_is_asked_for() {
    everything("libaom-av1", Codec::AV1, false, RateControl::ALL);
}

#[test]
fn av1_by_aom_in_ten_bits_whatever_is_asked_for() {
    everything("libaom-av1", Codec::AV1, true, RateControl::ALL);
}

#[test]
fn a_better_quality_costs_more_bits_in_every_encoder() {
    for (row, codec) in ROWS {
        for control in [RateControl::Cqp, RateControl::Crf] {
            for ten_bit in [false, true] {
                let bytes = [15, 30, 45].map(|quality| {
                    let config = config()
                        .with_codec(codec)
                        .with_ten_bit(ten_bit)
                        .with_rate_control(control)
                        .with_quality(quality)
                        .with_preset(EncoderPreset::Fastest);
                    let job = Job { row: Some(row), ..Job::new(config, 8) };
                    job.run().packets.iter().map(|it| it.data().len()).sum::<usize>()
                });
                let grows = bytes[0] > bytes[1] * 5 / 4 && bytes[1] > bytes[2] * 5 / 4;
                assert!(grows, "{row} {control} ten_bit={ten_bit}: {bytes:?}");
            }
        }
    }
}

#[test]
fn every_colour_is_named_in_every_bitstream() {
    use crate::{ColorRange, ColorSpace};
    for (row, codec) in ROWS {
        for space in [ColorSpace::Bt601, ColorSpace::Bt709, ColorSpace::Bt2020] {
            for range in [ColorRange::Limited, ColorRange::Full] {
                let config = config()
                    .with_codec(codec)
                    .with_color(Color::new(space, range))
                    .with_preset(EncoderPreset::Fastest)
                    .with_bitrate_kbps(1500);
                let run = Job { row: Some(row), ..Job::new(config, 3) }.run();
                eprintln!("{row} {space:?} {range:?}");
                run.check(30.0);
            }
        }
    }
}
