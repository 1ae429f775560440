//! HDR is tagged, and its metadata is in every key picture, once, whichever encoder made it.

use super::emulator::Emulator;
use super::*;
use crate::encode::hdr::Injector;
use crate::{ColorRange, ColorSpace, ContentLight, EncoderChoice, EncoderPreset, HdrMetadata, Transfer};

fn metadata() -> HdrMetadata {
    let display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)";
    let light = ContentLight { most: 1000, most_average: 400 };
    HdrMetadata { mastering: display.parse().ok(), light: Some(light) }
}

fn hdr(codec: Codec, encoder: EncoderChoice, transfer: Transfer) -> EncoderConfig {
    EncoderConfig::default()
        .with_codec(codec)
        .with_encoder(encoder)
        .with_preset(EncoderPreset::Fast)
        .with_gop_seconds(0.5)
        .with_ten_bit(true)
        .with_color(Color::new(ColorSpace::Bt2020, ColorRange::Limited).with_transfer(transfer))
        .with_hdr_metadata(metadata())
}

/// What the injector adds to a picture that has nothing.
fn units(codec: Codec) -> Vec<u8> {
    let (head, picture): (&[u8], &[u8]) =
        if codec == Codec::Hevc { (&[], &[0, 0, 1, 19 << 1, 1]) } else { (&[0x0a, 1, 0], &[0x32, 1, 0]) };
    let injector = Injector::new(codec, metadata()).unwrap();
    let complete = injector.complete(&[head, picture].concat()).unwrap();
    complete[head.len()..complete.len() - picture.len()].to_vec()
}

fn said_once_in_every_key_picture(row: &str, codec: Codec, encoder: EncoderChoice) {
    for transfer in [Transfer::Pq, Transfer::Hlg] {
        let job = Job { row: Some(row), ..Job::new(hdr(codec, encoder, transfer), 40) };
        let run = job.run();
        let seen = run.check(30.0);
        assert!(run.keys().len() > 1, "{row}: {:?}", run.keys());
        let units = units(codec);
        for packet in &run.packets {
            let found = packet.data().windows(units.len()).filter(|it| *it == units).count();
            assert_eq!(found, usize::from(packet.key), "{row} at {:?}", packet.pts);
        }
        let (display, light) = (&seen[0].hdr[0], &seen[0].hdr[1]);
        assert_eq!(light[..], [1000, 400], "{row}");
        let value = |at: usize| f64::from(display[2 * at]) / f64::from(display[2 * at + 1]);
        let wanted = [0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329, 0.0001, 1000.0];
        for (at, wanted) in wanted.into_iter().enumerate() {
            // AV1 counts the least luminance in steps of 1/16384.
            assert!((value(at) - wanted).abs() < 4e-5, "{row}: value {at} is {}, not {wanted}", value(at));
        }
    }
}

#[test]
fn of_x265() {
    said_once_in_every_key_picture("libx265", Codec::Hevc, EncoderChoice::Software);
}

#[test]
fn of_svt_av1() {
    said_once_in_every_key_picture("libsvtav1", Codec::AV1, EncoderChoice::Software);
}

#[test]
fn of_aom() {
    said_once_in_every_key_picture("libaom-av1", Codec::AV1, EncoderChoice::Software);
}

#[test]
fn of_nvenc() {
    let _emulator = Emulator::load("rtx-4070", 570);
    said_once_in_every_key_picture("hevc_nvenc", Codec::Hevc, EncoderChoice::Nvenc);
    if crate::av::EncoderInfo::find("av1_nvenc").is_some() {
        said_once_in_every_key_picture("av1_nvenc", Codec::AV1, EncoderChoice::Nvenc);
    }
}

#[test]
fn a_free_choice_takes_a_codec_that_carries_hdr() {
    let config = hdr(Codec::Auto, EncoderChoice::Software, Transfer::Pq);
    let opened = Job::new(config, 1).open();
    assert_eq!(opened.codec, Codec::AV1);
    assert!(opened.notes.iter().any(|it| it.contains("keeps HDR")), "{:?}", opened.notes);
    assert!(opened.refused.is_empty(), "{:?}", opened.refused);
}

#[test]
fn sdr_says_nothing_of_hdr() {
    let config = hdr(Codec::Hevc, EncoderChoice::Software, Transfer::Sdr);
    let run = Job::new(config, 2).run();
    assert!(run.check(30.0)[0].hdr.iter().all(Vec::is_empty));
}
