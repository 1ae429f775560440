//! Wishes against made-up GPUs: what is refused, in which words, and what is left away.

use super::abilities::{CodecAbilities, GpuAbilities};
use super::*;
use crate::av::EncoderInfo;
use crate::encode::{Request, table};
use crate::{
    BReference, Codec, EncoderChoice, EncoderConfig, EncoderPreset, Multipass, NvencConfig, RateControl,
    Size, SplitEncode, Tune,
};

const HD: Size = Size::new(1920, 1080);

/// What an Ampere card answers for HEVC.
fn hevc() -> CodecAbilities {
    CodecAbilities {
        codec: Codec::Hevc,
        min: Size::new(129, 33),
        max: Size::new(8192, 8192),
        max_macroblocks_a_second: Some(983_040),
        max_b_frames: 5,
        b_reference_each: true,
        b_reference_middle: true,
        ten_bit: true,
        yuv444: true,
        lossless: true,
        lookahead: true,
        temporal_aq: true,
        weighted_prediction: true,
        intra_refresh: true,
        multiple_references: true,
        dynamic_bitrate: true,
        engines: 1,
    }
}

fn h264() -> CodecAbilities {
    CodecAbilities {
        codec: Codec::H264,
        min: Size::new(145, 49),
        max: Size::new(4096, 4096),
        max_b_frames: 4,
        b_reference_each: false,
        ten_bit: false,
        ..hevc()
    }
}

fn av1() -> CodecAbilities {
    CodecAbilities {
        codec: Codec::AV1,
        min: Size::new(192, 128),
        max_b_frames: 7,
        yuv444: false,
        lossless: false,
        weighted_prediction: false,
        engines: 2,
        ..hevc()
    }
}

fn gpu(name: &str, compute: (u32, u32), codecs: &[CodecAbilities]) -> GpuAbilities {
    GpuAbilities { name: name.to_owned(), compute, codecs: codecs.to_vec(), ..GpuAbilities::default() }
}

fn ampere() -> GpuAbilities {
    gpu("NVIDIA GeForce RTX 3060", (8, 6), &[h264(), hevc()])
}

fn ada() -> GpuAbilities {
    let two = |it| CodecAbilities { engines: 2, ..it };
    gpu("NVIDIA GeForce RTX 4090", (8, 9), &[two(h264()), two(hevc()), av1()])
}

/// Neither B-frames in HEVC nor temporal AQ.
fn pascal() -> GpuAbilities {
    let hevc = CodecAbilities {
        max_b_frames: 0,
        b_reference_each: false,
        b_reference_middle: false,
        temporal_aq: false,
        weighted_prediction: false,
        intra_refresh: false,
        ..hevc()
    };
    let h264 = CodecAbilities { b_reference_middle: false, ..h264() };
    gpu("NVIDIA GeForce GTX 1050", (6, 1), &[h264, hevc])
}

/// No ten bits, no 4:4:4, no lossless, no lookahead.
fn maxwell() -> GpuAbilities {
    let poor = |it| CodecAbilities { ten_bit: false, yuv444: false, lossless: false, lookahead: false, ..it };
    gpu("GeForce GTX 960", (5, 2), &[poor(h264()), poor(hevc())])
}

fn hopper() -> GpuAbilities {
    let refusal = Some("this GPU has no encoder".to_owned());
    GpuAbilities { refusal, ..gpu("NVIDIA H100 PCIe", (9, 0), &[]) }
}

fn machine(gpus: &[GpuAbilities]) -> Abilities {
    Abilities { api: (12, 1), cuda: (12, 4), gpus: gpus.to_vec() }
}

/// An FFmpeg that passes everything on.
fn everything() -> Features {
    Features {
        ffmpeg: "7.1.5".to_owned(),
        presets: true,
        high10: true,
        ultra_high_quality: true,
        split: true,
        weighted_prediction: true,
        intra_refresh: true,
        temporal_aq: true,
    }
}

fn config(codec: Codec) -> EncoderConfig {
    EncoderConfig::default().with_codec(codec).with_encoder(EncoderChoice::Nvenc)
}

/// Runs `body` with the wish that a config becomes.
fn with_wish<T>(config: &EncoderConfig, size: Size, fps: f64, body: impl FnOnce(&Wish<'_>) -> T) -> T {
    config.validate().expect("a valid config");
    let row = table::TABLE
        .iter()
        .find(|row| row.codec == config.codec && row.kind == EncoderChoice::Nvenc)
        .expect("a row of NVENC");
    let info = EncoderInfo::find("hevc_nvenc").expect("an FFmpeg with NVENC");
    body(&Wish::new(&Request { config, size, fps, containers: &[] }, row, info))
}

fn settle_at(
    config: &EncoderConfig,
    (size, fps): (Size, f64),
    machine: &Abilities,
    features: &Features,
) -> Result<check::Settled, Unmet> {
    with_wish(config, size, fps, |wish| {
        let (job, choices) = (Job::of(wish), Choices::new(wish));
        super::features::check(&job, &choices, features)?;
        check::settle(&job, &choices, features, machine)
    })
}

fn settle(config: &EncoderConfig, gpu: GpuAbilities) -> Result<check::Settled, Unmet> {
    settle_at(config, (HD, 60.0), &machine(&[gpu]), &everything())
}

/// Asserts that a wish is refused in these words.
fn refused(config: &EncoderConfig, gpu: GpuAbilities, reason: &str, remedy: &str) {
    told(settle(config, gpu), reason, remedy);
}

fn told(result: Result<check::Settled, Unmet>, reason: &str, remedy: &str) {
    let unmet = result.map(|it| it.choices).expect_err(reason);
    assert_eq!((unmet.reason.as_str(), unmet.remedy.as_deref()), (reason, Some(remedy)));
}

#[test]
fn a_codec_that_the_gpu_lacks_names_the_gpu_that_has_it() {
    refused(
        &config(Codec::AV1),
        ampere(),
        "AV1 needs a GeForce RTX 40 or newer; this is an NVIDIA GeForce RTX 3060",
        "take codec hevc or h264, or encoder software",
    );
    let kepler = gpu("GeForce GTX 770", (3, 0), &[h264()]);
    refused(
        &config(Codec::Hevc),
        kepler,
        "HEVC needs a GeForce GTX 900 or newer; this is a GeForce GTX 770",
        "take codec h264, or encoder software",
    );
}

#[test]
fn a_driver_that_is_too_old_for_the_codec_is_told_from_a_gpu_that_lacks_it() {
    let old = GpuAbilities { codecs: vec![h264(), hevc()], ..ada() };
    let machine = Abilities { api: (11, 1), ..machine(&[old]) };
    told(
        settle_at(&config(Codec::AV1), (HD, 60.0), &machine, &everything()),
        "AV1 needs a driver with NVENC 12.0; this one has 11.1",
        "update NVIDIA's driver to 545 or newer",
    );
}

#[test]
fn sizes_that_the_gpu_does_not_encode_are_refused_with_its_limits() {
    let at = |codec, size| settle_at(&config(codec), (size, 60.0), &machine(&[ada()]), &everything());
    told(
        at(Codec::H264, Size::new(7680, 4320)),
        "H.264 goes to 4096x4096 on this NVIDIA GeForce RTX 4090; this is 7680x4320",
        "take codec hevc or av1, or a smaller size",
    );
    told(
        at(Codec::AV1, Size::new(160, 120)),
        "AV1 begins at 192x128 on this NVIDIA GeForce RTX 4090; this is 160x120",
        "take a larger size, or encoder software",
    );
    assert!(at(Codec::AV1, Size::new(192, 128)).is_ok());
    assert!(at(Codec::Hevc, Size::new(8192, 8192)).is_ok());
}

#[test]
fn what_a_picture_holds_is_refused_where_the_gpu_lacks_it() {
    refused(
        &config(Codec::H264).with_ten_bit(true),
        ampere(),
        "H.264 in ten bits needs a GeForce RTX 50 or newer; this is an NVIDIA GeForce RTX 3060",
        "take codec hevc or av1 for ten bits",
    );
    refused(
        &config(Codec::Hevc).with_ten_bit(true),
        maxwell(),
        "HEVC in ten bits needs a GeForce GTX 10 or newer; this is a GeForce GTX 960",
        "leave ten-bit off",
    );
    refused(
        &config(Codec::Hevc).with_chroma(crate::Chroma::Yuv444),
        maxwell(),
        "HEVC in 4:4:4 needs a GeForce GTX 10 or newer; this is a GeForce GTX 960",
        "take chroma 420, or encoder software",
    );
    refused(
        &config(Codec::Hevc).with_lossless(true),
        maxwell(),
        "this GeForce GTX 960 has no lossless HEVC",
        "leave lossless off, or take encoder software",
    );
    refused(
        &config(Codec::AV1).with_chroma(crate::Chroma::Yuv444),
        ada(),
        "NVENC has no AV1 in 4:4:4",
        "take codec h264 or hevc for 4:4:4",
    );
    refused(
        &config(Codec::AV1).with_lossless(true),
        ada(),
        "NVENC has no lossless AV1",
        "take codec h264 or hevc for lossless",
    );
}

#[test]
fn tools_that_were_asked_for_by_name_are_refused_where_the_gpu_lacks_them() {
    let nvenc = |with: NvencConfig| config(Codec::Hevc).with_nvenc(with);
    let cases = [
        (
            config(Codec::Hevc).with_b_frames(2),
            "this NVIDIA GeForce GTX 1050 has no B-frames in HEVC",
            "set b-frames to 0",
        ),
        (
            nvenc(NvencConfig::default().with_temporal_aq(true)),
            "this NVIDIA GeForce GTX 1050 has no temporal AQ in HEVC",
            "leave temporal-aq off",
        ),
        (
            nvenc(NvencConfig::default().with_weighted_prediction(true)),
            "this NVIDIA GeForce GTX 1050 has no weighted prediction in HEVC",
            "leave weighted-prediction off",
        ),
        (
            nvenc(NvencConfig::default().with_intra_refresh(true)),
            "this NVIDIA GeForce GTX 1050 has no intra-refresh in HEVC",
            "leave intra-refresh off",
        ),
        (
            nvenc(NvencConfig::default().with_b_reference(BReference::Middle)),
            "there are no B-frames in HEVC to refer to",
            "set b-ref to off",
        ),
    ];
    for (config, reason, remedy) in cases {
        refused(&config, pascal(), reason, remedy);
    }
    refused(
        &config(Codec::Hevc).with_lookahead(8),
        maxwell(),
        "this GeForce GTX 960 has no lookahead in HEVC",
        "set lookahead to 0",
    );
    refused(
        &config(Codec::H264).with_b_frames(5),
        ampere(),
        "this NVIDIA GeForce RTX 3060 has 4 B-frames in a row at most in H.264, and 5 are asked for",
        "set b-frames to 4 or less",
    );
    refused(
        &config(Codec::H264).with_nvenc(NvencConfig::default().with_b_reference(BReference::Each)),
        ampere(),
        "this NVIDIA GeForce RTX 3060 cannot refer to each of the B-frames in H.264",
        "set b-ref to middle",
    );
    refused(
        &config(Codec::H264).with_nvenc(NvencConfig::default().with_b_reference(BReference::Middle)),
        pascal(),
        "this NVIDIA GeForce GTX 1050 cannot refer to B-frames in H.264",
        "set b-ref to off",
    );
}

#[test]
fn a_lookahead_deeper_than_nvenc_has_is_refused() {
    refused(
        &config(Codec::Hevc).with_lookahead(40).with_b_frames(3),
        ampere(),
        "NVENC looks ahead 31 pictures at most, less the B-frames: 28 here, and 40 are asked for",
        "set lookahead to 28 or less",
    );
}

#[test]
fn splitting_needs_engines_a_codec_and_an_ffmpeg_that_can() {
    let split = |codec, mode| config(codec).with_nvenc(NvencConfig::default().with_split_encode(mode));
    refused(
        &split(Codec::Hevc, SplitEncode::Two),
        ampere(),
        "split-encode 2 needs 2 encoders on the GPU; this NVIDIA GeForce RTX 3060 has 1",
        "leave split-encode away",
    );
    refused(
        &split(Codec::AV1, SplitEncode::Three),
        ada(),
        "split-encode 3 needs 3 encoders on the GPU; this NVIDIA GeForce RTX 4090 has 2",
        "leave split-encode away",
    );
    refused(
        &split(Codec::H264, SplitEncode::Two),
        ada(),
        "H.264 cannot be split over several encoders of a GPU",
        "leave split-encode away, or take codec hevc or av1",
    );
    let old = Features { ffmpeg: "5.1.9".to_owned(), split: false, ..everything() };
    told(
        settle_at(&split(Codec::Hevc, SplitEncode::On), (HD, 60.0), &machine(&[ada()]), &old),
        "this FFmpeg (5.1.9) cannot split a picture over several encoders: 7.0 or newer can, built with NVENC headers \
         12.1 or newer",
        "leave split-encode away, or update FFmpeg",
    );
    let weighted = NvencConfig::default().with_split_encode(SplitEncode::Two).with_weighted_prediction(true);
    refused(
        &config(Codec::Hevc).with_nvenc(weighted),
        ada(),
        "a picture cannot be split over several encoders with weighted prediction",
        "leave split-encode or weighted-prediction away",
    );
    let settled = settle(&split(Codec::AV1, SplitEncode::Two), ada()).expect("two engines");
    assert_eq!(settled.choices.split.value, SplitEncode::Two);
}

#[test]
fn more_than_a_gigapixel_a_second_is_split_where_it_can_be() {
    let four_k = Size::new(3840, 2160);
    let at = |codec, fps, gpu| {
        let settled = settle_at(&config(codec), (four_k, fps), &machine(&[gpu]), &everything());
        settled.expect("settled").choices.split.value
    };
    assert_eq!(at(Codec::AV1, 240.0, ada()), SplitEncode::Two);
    assert_eq!(at(Codec::Hevc, 240.0, ada()), SplitEncode::Two);
    assert_eq!(at(Codec::Hevc, 60.0, ada()), SplitEncode::Auto);
    assert_eq!(at(Codec::Hevc, 240.0, ampere()), SplitEncode::Auto);
    let old = Features { split: false, ..everything() };
    let settled =
        settle_at(&config(Codec::Hevc), (four_k, 240.0), &machine(&[ada()]), &old).expect("settled");
    assert_eq!(settled.choices.split.value, SplitEncode::Auto);
}

#[test]
fn what_this_ffmpeg_does_not_pass_on_is_refused_with_the_version_that_does() {
    let uhq = config(Codec::Hevc).with_nvenc(NvencConfig::default().with_tune(Tune::UltraHighQuality));
    let debian = Features {
        ffmpeg: "5.1.9".to_owned(),
        ultra_high_quality: false,
        high10: false,
        intra_refresh: false,
        temporal_aq: false,
        weighted_prediction: false,
        ..everything()
    };
    let at = |config: &EncoderConfig| settle_at(config, (HD, 60.0), &machine(&[ada()]), &debian);
    told(
        at(&uhq),
        "FFmpeg 5.1.9 has no tune uhq for HEVC",
        "take tune hq, or codec hevc with NVENC headers 12.2 or newer",
    );
    for (nvenc, word) in [
        (NvencConfig::default().with_intra_refresh(true), "intra-refresh"),
        (NvencConfig::default().with_temporal_aq(true), "temporal AQ"),
        (NvencConfig::default().with_weighted_prediction(true), "weighted prediction"),
    ] {
        let unmet = at(&config(Codec::AV1).with_nvenc(nvenc)).map(|it| it.gpu).expect_err(word);
        assert!(unmet.reason.contains(word) && unmet.remedy.is_some(), "{unmet:?}");
    }
    let deep = at(&config(Codec::H264).with_ten_bit(true)).map(|it| it.gpu).expect_err("high10");
    assert!(deep.reason.contains("FFmpeg 8 with NVENC headers 13"), "{deep:?}");
    let ancient = Features { presets: false, ..debian.clone() };
    let unmet = settle_at(&config(Codec::H264), (HD, 60.0), &machine(&[ada()]), &ancient);
    assert!(unmet.map(|it| it.gpu).expect_err("ancient").reason.contains("older than 10"));
}

#[test]
fn a_fixed_quantiser_has_nothing_for_aq_and_multipass_to_do() {
    let cqp = |nvenc| config(Codec::Hevc).with_rate_control(RateControl::Cqp).with_nvenc(nvenc);
    refused(
        &cqp(NvencConfig::default().with_spatial_aq(true)),
        ampere(),
        "adaptive quantisation has nothing to choose with rate-control cqp",
        "leave spatial-aq and temporal-aq off, or take rate-control vbr, cbr or crf",
    );
    refused(
        &config(Codec::Hevc)
            .with_lossless(true)
            .with_nvenc(NvencConfig::default().with_multipass(Multipass::Full)),
        ampere(),
        "rate control looks at nothing twice with lossless",
        "leave multipass off, or take rate-control vbr, cbr or crf",
    );
    let settled =
        settle(&cqp(NvencConfig::default()).with_preset(EncoderPreset::Best), ampere()).expect("fine");
    let choices = settled.choices;
    assert!(!choices.spatial_aq.value && !choices.temporal_aq.value && choices.lookahead.value == 0);
    assert_eq!(choices.multipass.value, Multipass::Off);
}

#[test]
fn defaults_that_the_gpu_lacks_are_left_away_and_told_where_quality_was_asked_for() {
    let best = config(Codec::Hevc).with_preset(EncoderPreset::Best);
    let settled = settle(&best, pascal()).expect("nothing was asked for by name");
    assert_eq!(settled.choices.b_frames.value, Some(0));
    assert_eq!(settled.choices.b_reference.value, Some(BReference::Off));
    assert!(!settled.choices.temporal_aq.value);
    assert_eq!(
        settled.notes,
        ["encoder preset best without B-frames, temporal AQ: this NVIDIA GeForce GTX 1050 has none in HEVC"
            .to_owned()]
    );
    let balanced = settle(&config(Codec::Hevc), pascal()).expect("nothing was asked for by name");
    assert_eq!(balanced.notes, Vec::<String>::new(), "of a middling preset nobody expects them");
    let h264 = settle(&config(Codec::H264).with_preset(EncoderPreset::Best), ampere()).expect("settled");
    assert_eq!(h264.choices.b_frames.value, Some(4));
    assert_eq!(h264.notes, Vec::<String>::new());
}

#[test]
fn the_first_gpu_that_can_is_taken_unless_one_is_named() {
    let machine = machine(&[hopper(), ampere(), ada()]);
    let at = |config: &EncoderConfig| settle_at(config, (HD, 60.0), &machine, &everything());
    assert_eq!(at(&config(Codec::Hevc)).expect("the second").gpu, 1);
    assert_eq!(at(&config(Codec::AV1)).expect("the third").gpu, 2);
    let on = |gpu| config(Codec::AV1).with_nvenc(NvencConfig::default().with_gpu(gpu));
    assert_eq!(at(&on(2)).expect("the third").gpu, 2);
    told(
        at(&on(1)),
        "AV1 needs a GeForce RTX 40 or newer; this is an NVIDIA GeForce RTX 3060",
        "take codec hevc or h264, or encoder software",
    );
    told(
        at(&on(0)),
        "NVIDIA H100 PCIe: this GPU has no encoder",
        "use a GPU with NVENC (GeForce GTX 10 or newer), or a software encoder",
    );
    told(
        at(&on(5)),
        "there is no NVIDIA GPU 5: 0 is a NVIDIA H100 PCIe, 1 is a NVIDIA GeForce RTX 3060, 2 is a NVIDIA GeForce RTX 4090"
            .replace("a NVIDIA", "an NVIDIA")
            .as_str(),
        "leave gpu away, or name another",
    );
    told(
        settle_at(
            &config(Codec::AV1),
            (HD, 60.0),
            &super::tests::machine(&[hopper(), ampere()]),
            &everything(),
        ),
        "AV1 needs a GeForce RTX 40 or newer; this is an NVIDIA GeForce RTX 3060",
        "take codec hevc or h264, or encoder software",
    );
    told(
        settle_at(&config(Codec::AV1), (HD, 60.0), &super::tests::machine(&[]), &everything()),
        "the NVIDIA driver is installed, but there is no NVIDIA GPU that it can use",
        "check that the GPU is there (nvidia-smi), and that this user or container may use it",
    );
}

/// The value of an option in a plan.
fn option<'p>(plan: &'p Plan, key: &str) -> Option<&'p str> {
    plan.options.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str())
}

fn planned(config: &EncoderConfig, fps: f64, gpu: GpuAbilities) -> Plan {
    let machine = machine(&[gpu]);
    with_wish(config, HD, fps, |wish| plan_with(wish, || Ok(Some(&machine)))).expect("a plan")
}

#[test]
fn low_latency_holds_nothing_back() {
    for preset in EncoderPreset::ALL {
        let config = config(Codec::Hevc).with_preset(*preset).with_low_latency(true);
        let plan = planned(&config, 60.0, ampere());
        for (key, value) in
            [("tune", "ull"), ("zerolatency", "1"), ("delay", "0"), ("bf", "0"), ("multipass", "disabled")]
        {
            assert_eq!(option(&plan, key), Some(value), "{key} at {preset}");
        }
        assert_eq!(option(&plan, "rc-lookahead"), None);
    }
}

#[test]
fn what_waits_inside_is_what_the_structure_needs_and_less_where_pictures_are_rare() {
    let delay = |config: &EncoderConfig, fps| {
        let plan = planned(config, fps, ampere());
        option(&plan, "delay").map(|it| it.parse::<u32>().expect("a number"))
    };
    let fast = config(Codec::Hevc).with_preset(EncoderPreset::Fast);
    assert_eq!(delay(&fast, 60.0), Some(3));
    assert_eq!(delay(&fast, 4.0), Some(1));
    assert_eq!(delay(&fast, 1.0), Some(0));
    assert_eq!(delay(&config(Codec::Hevc), 60.0), Some(5), "two B-frames, their P and two more");
    let best = config(Codec::Hevc).with_preset(EncoderPreset::Best);
    assert_eq!(delay(&best, 60.0), Some(24), "15 ahead, a row of 5 and what the wrapper adds");
    assert_eq!(delay(&best, 12.0), Some(3), "no lookahead and no B-frames where pictures are rare");
}

#[test]
fn nothing_that_some_gpus_lack_is_set_for_a_gpu_of_which_nothing_is_known() {
    let best = config(Codec::Hevc).with_preset(EncoderPreset::Best);
    let plan = with_wish(&best, HD, 60.0, |wish| plan_with(wish, || Ok(None))).expect("a plan");
    for key in ["bf", "b_ref_mode", "rc-lookahead", "delay", "gpu"] {
        assert_eq!(option(&plan, key), None, "{key}");
    }
    assert_eq!(option(&plan, "temporal-aq"), Some("0"));
    assert_eq!(option(&plan, "preset"), Some("p7"));
    let asked = best.with_b_frames(3).with_nvenc(NvencConfig::default().with_gpu(1));
    let plan = with_wish(&asked, HD, 60.0, |wish| plan_with(wish, || Ok(None))).expect("a plan");
    assert_eq!((option(&plan, "bf"), option(&plan, "gpu")), (Some("3"), Some("1")));
}

#[test]
fn av1_quantisers_are_on_the_scale_of_its_index() {
    for (quality, index) in [(0, "0"), (32, "128"), (61, "244"), (62, "249"), (63, "255")] {
        let config = config(Codec::AV1).with_rate_control(RateControl::Cqp).with_quality(quality);
        assert_eq!(option(&planned(&config, 60.0, ada()), "qp"), Some(index));
    }
    let config = config(Codec::Hevc).with_rate_control(RateControl::Cqp).with_quality(23);
    assert_eq!(option(&planned(&config, 60.0, ada()), "qp"), Some("23"));
}
