use super::*;
use crate::{AudioConfig, CaptureConfig, EncoderConfig};

const DISPLAY_P3: &str = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)";

/// Two values of each setting that both differ from the default and from the preset's.
const PAIRS: &[(&str, &str, &str)] = &[
    ("source", "test-card", "node:7"),
    ("region", "0,0,64x64", "8,8,32x32"),
    ("codec", "h264", "hevc"),
    ("encoder", "nvenc", "software"),
    ("preset", "ultra-4k60", "maximum-4k120"),
    ("size", "640x480", "320x240"),
    ("fps", "24", "50"),
    ("bitrate", "1000", "2000"),
    ("rate-control", "cbr", "crf"),
    ("quality", "20", "30"),
    ("encoder-preset", "fast", "best"),
    ("low-latency", "true", "false"),
    ("b-frames", "1", "2"),
    ("lookahead", "10", "20"),
    ("gop", "1", "5"),
    ("ten-bit", "true", "false"),
    ("chroma", "444", "420"),
    ("lossless", "true", "false"),
    ("tune", "ll", "uhq"),
    ("multipass", "quarter", "full"),
    ("spatial-aq", "true", "false"),
    ("temporal-aq", "true", "false"),
    ("b-ref", "middle", "each"),
    ("weighted-prediction", "true", "false"),
    ("intra-refresh", "true", "false"),
    ("split-encode", "2", "off"),
    ("gpu", "1", "2"),
    ("frame-rate-mode", "variable", "constant"),
    ("scaler", "nearest", "bilinear"),
    ("interpolate", "on", "off"),
    ("hdr", "keep", "auto"),
    ("tone-curve", "hable", "clip"),
    ("sdr-white", "100", "300"),
    ("mastering-display", DISPLAY_P3, "G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(40000000,50)"),
    ("max-cll", "1000,400", "4000,0"),
    ("processing", "gpu", "gpu:H100"),
    ("cursor", "hidden", "metadata"),
    ("audio", "mic", "app:Firefox"),
    ("audio-codec", "flac", "opus"),
    ("duration", "5", "10"),
    ("resume", "true", "false"),
    ("overwrite", "true", "false"),
    ("adapt", "false", "true"),
    ("bitrate-floor", "500", "1000"),
    ("hotkeys", "true", "false"),
    ("half-rate-below", "600", "900"),
];

fn layer(entries: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::default();
    for (key, value) in entries {
        settings.set(key, &[value]).unwrap();
    }
    settings
}

#[test]
fn every_setting_is_among_the_pairs() {
    let words: Vec<_> = PAIRS.iter().map(|(key, ..)| key.replace('-', "_")).collect();
    assert_eq!(words, Settings::KEYS);
}

#[test]
fn the_upper_layer_wins_in_every_setting() {
    for (key, upper, lower) in PAIRS {
        let (upper, lower) = (layer(&[(key, upper)]), layer(&[(key, lower)]));
        assert_ne!(upper, lower, "{key}");
        assert_eq!(upper.clone().over(lower.clone()), upper, "{key}");
        assert_eq!(Settings::default().over(lower.clone()), lower, "{key}");
        let (with, without) = (upper.clone().over(lower).resolve().unwrap(), upper.resolve().unwrap());
        assert_eq!(with, without, "{key}");
    }
}

#[test]
fn every_setting_changes_what_is_resolved() {
    for (key, one, other) in PAIRS {
        let (one, other) = (layer(&[(key, one)]), layer(&[(key, other)]));
        assert_ne!(one.resolve().unwrap(), other.resolve().unwrap(), "{key}");
    }
}

#[test]
fn a_preset_beats_the_defaults_and_every_setting_beats_the_preset() {
    let preset = layer(&[("preset", "discord-720p")]).resolve().unwrap();
    assert_eq!(preset.encoder.size, Some(Size::new(1280, 720)));
    assert_eq!(preset.encoder.bitrate_kbps, Some(3000));
    assert_eq!(preset.capture.fps, 30.0);
    let over = layer(&[("preset", "discord-720p"), ("size", "640x360"), ("bitrate", "900"), ("fps", "15")]);
    let over = over.resolve().unwrap();
    assert_eq!(over.encoder.size, Some(Size::new(640, 360)));
    assert_eq!(over.encoder.bitrate_kbps, Some(900));
    assert_eq!(over.capture.fps, 15.0);
}

#[test]
fn a_preset_of_a_flag_does_not_undo_what_a_profile_says() {
    let flags = layer(&[("preset", "ultra-4k60")]);
    let profile = layer(&[("preset", "discord-720p"), ("fps", "25")]);
    let resolved = flags.over(profile).resolve().unwrap();
    assert_eq!(resolved.capture.fps, 25.0);
    assert_eq!(resolved.encoder.size, Some(Size::new(3840, 2160)));
}

#[test]
fn nothing_said_is_the_defaults_with_the_desktops_sound() {
    let resolved = Settings::default().resolve().unwrap();
    assert_eq!(resolved.capture, CaptureConfig::default());
    assert_eq!(resolved.encoder, EncoderConfig::default());
    assert_eq!(resolved.audio, [AudioConfig::new(AudioSource::Desktop)]);
    assert_eq!((resolved.duration, resolved.overwrite), (None, false));
}

#[test]
fn the_test_card_brings_its_own_sound_and_is_drawn_at_the_size_asked_for() {
    let card = layer(&[("source", "test-card"), ("size", "640x480")]).resolve().unwrap();
    assert_eq!(card.audio, [AudioConfig::new(AudioSource::TestCard)]);
    assert_eq!(card.capture.test_card_size, Some(Size::new(640, 480)));
    let silent = layer(&[("source", "test-card"), ("audio", "none")]).resolve().unwrap();
    assert_eq!(silent.audio, []);
}

#[test]
fn a_quality_asks_for_constant_quality_unless_told_otherwise() {
    let mode = |entries: &[_]| layer(entries).resolve().map(|it| it.encoder.rate_control);
    assert_eq!(mode(&[("quality", "20")]), Ok(RateControl::Crf));
    assert_eq!(mode(&[("quality", "20"), ("rate-control", "cqp")]), Ok(RateControl::Cqp));
    let error = mode(&[("quality", "20"), ("rate-control", "cbr")]).unwrap_err();
    assert_eq!(error.name, "quality");
    let crf = layer(&[("quality", "20")]).over(layer(&[("rate-control", "cbr")]));
    assert_eq!(crf.resolve().unwrap().encoder.rate_control, RateControl::Crf);
    let cbr = layer(&[("rate-control", "cbr")]).over(layer(&[("quality", "20")]));
    assert_eq!(cbr.resolve().unwrap().encoder.quality, None);
}

#[test]
fn low_latency_takes_back_the_b_frames_of_the_layer_below_but_not_its_own() {
    let over = layer(&[("low-latency", "true")]).over(layer(&[("b-frames", "3")]));
    assert_eq!(over.resolve().unwrap().encoder.b_frames, None);
    let error = layer(&[("low-latency", "true"), ("b-frames", "3")]).resolve().unwrap_err();
    assert_eq!(error.name, "b-frames");
}

#[test]
fn a_value_that_cannot_be_used_is_named_with_its_range() {
    let bad = [
        ("fps", "0", "1 to 240"),
        ("fps", "1000", "1 to 240"),
        ("fps", "NaN", "1 to 240"),
        ("fps", "inf", "1 to 240"),
        ("fps", "many", "1 to 240"),
        ("bitrate", "0", "50 to 800000"),
        ("bitrate", "-5", "50 to 800000"),
        ("bitrate", "1.5", "50 to 800000"),
        ("bitrate", "99999999999999999999", "50 to 800000"),
        ("bitrate", "1e99", "50 to 800000"),
        ("quality", "64", "0 to 63"),
        ("b-frames", "17", "0 to 16"),
        ("lookahead", "251", "0 to 250"),
        ("gop", "0", "0.1 to 60 seconds"),
        ("size", "0x0", "16x16 to 8192x8192"),
        ("size", "1x1", "16x16 to 8192x8192"),
        ("size", "16384x16384", "16x16 to 8192x8192"),
        ("size", "641x480", "even"),
        ("size", "big", "1920x1080"),
        ("region", "0,0,0x5", "at least 1"),
        ("region", "5", "X,Y,WxH"),
        ("codec", "vp9", "h264"),
        ("source", "webcam", "portal"),
        ("source", "node:", "node:ID"),
        ("audio", "speakers", "desktop"),
        ("low-latency", "yes", "true or false"),
        ("duration", "0", "0.1 to"),
        ("duration", "NaN", "0.1 to"),
        ("hdr", "yes", "keep"),
        ("tone-curve", "reinhard", "bt2390"),
        ("sdr-white", "39", "40 to 1000"),
        ("sdr-white", "NaN", "40 to 1000"),
        ("mastering-display", "G(1,2)", "WP(x,y)"),
        ("max-cll", "400,1000", "MaxFALL"),
        ("preset", "potato", "discord-720p"),
    ];
    for (key, value, range) in bad {
        let mut settings = Settings::default();
        let error = settings.set(key, &[value]).expect_err(value);
        assert_eq!((error.name, error.value.as_str()), (key, value));
        assert!(error.allowed.contains(range), "{error}");
        assert_eq!(settings, Settings::default(), "{key} kept {value}");
    }
}

#[test]
fn a_quality_beyond_the_codec_is_an_error_of_the_whole() {
    let error = layer(&[("quality", "60"), ("codec", "h264")]).resolve().unwrap_err();
    assert!(error.to_string().contains("0 to 51"), "{error}");
    assert!(layer(&[("quality", "60"), ("codec", "av1")]).resolve().is_ok());
}

#[test]
fn hdr_is_kept_in_codecs_that_carry_it() {
    let keep = |codec| layer(&[("hdr", "keep"), ("codec", codec)]).resolve();
    let error = keep("h264").unwrap_err().to_string();
    assert!(error.contains("hevc or av1"), "{error}");
    for codec in ["auto", "hevc", "av1"] {
        assert!(keep(codec).is_ok(), "{codec}");
    }
}

#[test]
fn several_sources_of_sound_are_a_track_each_and_none_stands_alone() {
    let mut settings = Settings::default();
    settings.set("audio", &["desktop", "mic", "app:Fire, fox"]).unwrap();
    let sources: Vec<_> =
        settings.resolve().unwrap().audio.into_iter().map(|it| it.source.to_string()).collect();
    assert_eq!(sources, ["desktop", "mic", "app:Fire, fox"]);
    let error = settings.set("audio", &["desktop", "none"]).unwrap_err();
    assert!(error.to_string().contains("none stands alone"), "{error}");
    assert!(settings.set("fps", &["30", "60"]).is_err());
}
