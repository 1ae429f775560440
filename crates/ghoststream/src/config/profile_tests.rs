use proptest::prelude::*;

use super::*;
use crate::{AudioSource, Preset};

fn parse(text: &str) -> Result<Profiles, ProfileError> {
    Profiles::parse(text, Path::new("config.toml"))
}

/// The message, which must begin with this place.
fn refusal(text: &str, place: &str) -> String {
    let error = parse(text).expect_err(text).to_string();
    let start = format!("config.toml:{place}: ");
    error.strip_prefix(&start).unwrap_or_else(|| panic!("{error:?} is not at {place}")).to_owned()
}

#[test]
fn a_profile_lies_over_what_counts_for_every_run() {
    let profiles = parse(
        "fps = 30\ncodec = \"hevc\"\n[profile.game]\nfps = 120\npreset = \"gaming-1440p120\"\n\
         audio = [\"desktop\", \"mic\"]\n",
    )
    .unwrap();
    let game = profiles.get(Some("game")).unwrap();
    assert_eq!(game.settings().fps, Some(120.0));
    assert_eq!(game.settings().preset, Some(Preset::Gaming1440p120));
    assert_eq!(game.settings().codec, Some(crate::Codec::Hevc));
    assert_eq!(game.settings().audio, Some(vec![AudioSource::Desktop, AudioSource::Microphone]));
    let general = profiles.get(None).unwrap();
    assert_eq!((general.settings().fps, general.settings().preset), (Some(30.0), None));
    assert_eq!(profiles.names().collect::<Vec<_>>(), ["game"]);
}

#[test]
fn every_setting_can_be_written_in_a_file() {
    let text = r#"
        source = "test-card"
        region = "0,0,640x480"
        codec = "h264"
        encoder = "software"
        preset = "discord-720p"
        size = "1280x720"
        fps = 59.94
        bitrate = 0x1388
        rate_control = "crf"
        quality = 20
        encoder_preset = "fast"
        low_latency = false
        b_frames = 2
        lookahead = 1_0
        gop = 2
        ten_bit = true
        chroma = "444"
        lossless = false
        tune = "hq"
        multipass = "quarter"
        spatial_aq = true
        temporal_aq = false
        b_ref = "middle"
        weighted_prediction = false
        intra_refresh = false
        split_encode = "2"
        gpu = 1
        frame_rate_mode = "variable"
        scaler = "bilinear"
        processing = "gpu:Radeon"
        interpolate = "off"
        hdr = "auto"
        tone_curve = "mobius"
        sdr_white = 250
        mastering_display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
        max_cll = "1000,400"
        cursor = "metadata"
        audio = "none"
        audio_codec = "opus"
        duration = 10.5
        resume = true
        overwrite = true
        adapt = false
        bitrate_floor = 500
        hotkeys = true
        half_rate_below = 900
    "#;
    let general = parse(text).unwrap().get(None).unwrap();
    let left_out: Vec<_> = Settings::KEYS.iter().filter(|it| !general.settings().has(it)).collect();
    assert!(left_out.is_empty(), "{left_out:?}");
    assert_eq!(general.settings().bitrate, Some(5000));
    assert_eq!(general.settings().audio, Some(vec![]));
}

#[test]
fn a_mistake_is_told_with_its_place_and_what_is_allowed() {
    assert_eq!(refusal("\nfsp = 5", "2:1"), "there is no setting \"fsp\"; did you mean \"fps\"?");
    let dashed = refusal("[profile.a]\nb-frames = 5", "2:1");
    assert_eq!(dashed, "there is no setting \"b-frames\"; did you mean \"b_frames\"?");
    assert!(refusal("wibble = 1", "1:1").contains("there are source, region"));
    assert!(refusal("[profiles.a]\nfps = 1", "1:2").contains("did you mean \"profile\"?"));
    assert_eq!(refusal("fps = \"60\"", "1:7"), "fps takes a number, not text: 1 to 240");
    assert!(refusal("codec = 264", "1:9").starts_with("codec takes text, not a number: one of auto, h264"));
    assert_eq!(refusal("ten_bit = \"yes\"", "1:11"), "ten_bit takes true or false, not text");
    assert_eq!(refusal("[profile.x]\n  fps = 1000", "2:9"), "fps = 1000 is not possible: 1 to 240");
    assert_eq!(refusal("fps = nan", "1:7"), "fps = nan is not possible: 1 to 240");
    assert_eq!(refusal("fps = -inf", "1:7"), "fps = -inf is not possible: 1 to 240");
    assert!(refusal("bitrate = 9223372036854775807", "1:11").ends_with("50 to 800000"));
    assert!(refusal("bitrate = -1", "1:11").ends_with("50 to 800000"));
    assert!(refusal("bitrate = 1979-05-27", "1:11").starts_with("bitrate takes a number, not a date"));
    assert!(refusal("audio = [\"mic\", 5]", "1:9").starts_with("audio takes text"));
    assert!(refusal("codec = \"vp9\"", "1:9").starts_with("codec = \"vp9\" is not possible: one of"));
    assert!(refusal("profile = 5", "1:11").contains("[profile.NAME]"));
    assert!(refusal("[profile]\ngame = 5", "2:1").contains("[profile.NAME]"));
    assert!(refusal("fps = = 5", "1:7").starts_with("this is not TOML"));
    assert!(refusal("fps = 5\nfps = 6", "2:1").starts_with("this is not TOML"));
}

#[test]
fn settings_that_contradict_each_other_are_told_with_their_place() {
    let text = "rate_control = \"cbr\"\n# é\nquality = 20\n";
    assert!(refusal(text, "3:11").contains("rate-control is cbr"));
    assert!(refusal("b_frames = 2\nlow_latency = true", "1:12").contains("0 with low-latency"));
}

#[test]
fn a_profile_knows_which_line_said_what() {
    let profiles = parse("quality = 60\n[profile.a]\nfps = 30").unwrap();
    let profile = profiles.get(Some("a")).unwrap();
    let error = Settings { codec: Some(crate::Codec::H264), ..Settings::default() }
        .over(profile.settings().clone())
        .resolve()
        .unwrap_err();
    let blamed = profile.blame(&error).unwrap().to_string();
    assert!(blamed.starts_with("config.toml:1:11: quality = 60"), "{blamed}");
    assert!(profile.blame(&ConfigError::new("size", "5x5", "more")).is_none());
}

#[test]
fn a_profile_that_is_not_there_is_named_with_those_that_are() {
    let missing = |text: &str, name| parse(text).unwrap().get(Some(name)).unwrap_err().to_string();
    let text = "[profile.gaming]\nfps = 60\n[profile.stream]\nfps = 30";
    assert!(missing(text, "gamign").ends_with("did you mean \"gaming\"?"));
    assert!(missing(text, "zzz").ends_with("it has gaming, stream"));
    assert!(missing("", "zzz").ends_with("add a [profile.zzz] table"));
}

#[test]
fn a_file_that_is_no_profile_is_refused_and_not_read_whole() {
    let read = |path: &str| Profiles::read(Path::new(path)).unwrap_err().to_string();
    assert!(read("/nonexistent/config.toml").contains("cannot be read"));
    assert!(read("/").contains("cannot be read"));
    assert!(read("/dev/zero").contains("larger than 1 MiB"));
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC*") {
        let _ = parse(&text);
    }

    #[test]
    fn arbitrary_values_of_real_keys_never_panic_and_never_pass_unchecked(
        key in proptest::sample::select(Settings::KEYS),
        value in prop_oneof![
            "-?[0-9]{1,25}", "-?[0-9]{1,5}\\.[0-9]{1,5}(e-?[0-9]{1,3})?", "nan|inf|-inf|true|false",
            "\"\\PC{0,20}\"", "\\[\\PC{0,20}\\]", "\\{ a = 1 \\}", "0x[0-9a-f]{1,20}",
        ],
    ) {
        if let Ok(profiles) = parse(&format!("{key} = {value}")) {
            let settings = profiles.get(None).unwrap().settings().clone();
            let codec = if settings.quality.is_some() { Some(crate::Codec::AV1) } else { settings.codec };
            let whole = Settings { codec, ..settings };
            prop_assert!(whole.resolve().is_ok(), "{whole:?}");
        }
    }
}
