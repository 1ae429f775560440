//! What cannot be, and what is said about it.

use super::*;
use crate::{EncoderChoice, EncoderPreset, OutputError, Preset, RateControl};

fn try_open(config: &EncoderConfig, containers: &[Container]) -> Result<Opened, EncodeError> {
    open(&Request { config, size: SIZE, fps: 30.0, containers })
}

fn refused_by(result: Result<Opened, EncodeError>) -> Vec<crate::stats::Refusal> {
    match result {
        Err(EncodeError::NoEncoder { refused, .. }) => refused,
        Err(other) => panic!("{other}"),
        Ok(opened) => panic!("{} opened", opened.name),
    }
}

#[test]
fn nvenc_opens_or_says_why_not_and_what_to_do() {
    for codec in [Codec::H264, Codec::Hevc, Codec::AV1] {
        let config = EncoderConfig::default().with_codec(codec).with_encoder(EncoderChoice::Nvenc);
        match try_open(&config, &[Container::Matroska]) {
            Ok(opened) => assert!(opened.name.ends_with("_nvenc")),
            error => {
                let refused = refused_by(error);
                assert_eq!(refused.len(), 1, "{refused:?}");
                assert!(refused[0].encoder.ends_with("_nvenc"));
                assert!(refused[0].remedy.is_some(), "{refused:?}");
                assert!(!refused[0].reason.contains("Operation not permitted"), "a code says nothing");
            }
        }
    }
}

#[test]
fn a_free_choice_reports_each_encoder_that_was_passed_over() {
    let opened = try_open(&EncoderConfig::default(), &[Container::Matroska]).expect("an encoder");
    let before = table::TABLE.iter().position(|row| row.name == opened.name).expect("a row");
    let names: Vec<_> = table::TABLE[..before].iter().map(|row| row.name).collect();
    let refused: Vec<_> = opened.refused.iter().map(|it| it.encoder.as_str()).collect();
    assert_eq!(refused, names);
    assert!(opened.notes.iter().any(|note| note.starts_with("codec auto: ")), "{:?}", opened.notes);
}

#[test]
fn a_free_choice_in_software_is_h264_but_in_webm_av1() {
    let opened = try_open(&config(), &[Container::Matroska, Container::Mp4]).expect("an encoder");
    assert_eq!((opened.name, opened.codec), ("libx264", Codec::H264));
    let opened = try_open(&config(), &[Container::Matroska, Container::WebM]).expect("an encoder");
    assert_eq!((opened.name, opened.codec), ("libsvtav1", Codec::AV1));
}

#[test]
fn webm_takes_av1_alone() {
    for codec in [Codec::H264, Codec::Hevc] {
        let result = try_open(&config().with_codec(codec), &[Container::Matroska, Container::WebM]);
        let Err(EncodeError::Unsuitable(error)) = result else { panic!("{codec} into WebM") };
        assert!(matches!(error, OutputError::Unsuitable { container: Container::WebM, .. }));
        assert!(crate::Error::from(EncodeError::Unsuitable(error)).is_usage());
    }
    assert!(Codec::AV1.fits(Container::WebM));
    assert!(Codec::ALL.iter().all(|codec| codec.fits(Container::Mp4) && codec.fits(Container::Matroska)));
}

#[test]
fn what_a_codec_cannot_do_is_an_error_that_says_so() {
    let cases = [
        (config().with_codec(Codec::AV1).with_b_frames(2), "B-frames"),
        (config().with_codec(Codec::AV1).with_lookahead(200), "ahead"),
    ];
    for (config, word) in cases {
        let refused = refused_by(try_open(&config, &[Container::Matroska]));
        assert_eq!(refused.len(), 2, "SVT-AV1 and libaom");
        for refusal in refused {
            assert!(refusal.reason.contains(word), "{refusal:?}");
            assert!(refusal.remedy.is_some(), "{refusal:?}");
        }
    }
}

#[test]
fn a_free_choice_keeps_up_and_a_named_codec_keeps_its_preset() {
    let big = Size::new(8192, 8192);
    let config = config().with_preset(EncoderPreset::Best).with_rate_control(RateControl::Crf);
    let request = |config| Request { config, size: big, fps: 240.0, containers: &[] };
    let row = table::TABLE.iter().find(|row| row.name == "libx264").expect("x264");
    let info = crate::av::EncoderInfo::find("libx264").expect("x264");
    let free = backend::Wish::new(&request(&config), row, info);
    assert_eq!(free.preset, EncoderPreset::Fastest);
    let notes = choice::notes(&free, row);
    assert!(notes.iter().any(|note| note.contains("encoder preset fastest instead of best")), "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("may be dropped")), "{notes:?}");
    let named = config.clone().with_codec(Codec::H264);
    let named = backend::Wish::new(&request(&named), row, info);
    assert_eq!(named.preset, EncoderPreset::Best);
    assert!(choice::notes(&named, row).iter().any(|note| note.contains("may be dropped")));
}

#[test]
fn doctor_hears_of_every_encoder_and_of_every_preset() {
    let all = probe_encoders(SIZE, 30.0);
    assert_eq!(all.len(), table::TABLE.len());
    for name in ["libx264", "libx265", "libsvtav1", "libaom-av1"] {
        let status = all.iter().find(|it| it.encoder == name).expect("each is listed");
        assert_eq!(status.refusal, None);
        assert!(status.expected_fps.is_some_and(|fps| fps > 30.0), "{status:?}");
    }
    for status in all.iter().filter(|it| it.kind == "nvenc") {
        assert!(status.refusal.as_ref().is_none_or(|it| it.remedy.is_some()), "{status:?}");
    }
    let chosen = would_choose(Preset::Discord720p).expect("an encoder");
    assert!(!chosen.encoder.is_empty() && chosen.codec != "auto");
}
