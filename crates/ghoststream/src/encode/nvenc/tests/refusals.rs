//! What a GPU, a driver or an FFmpeg lacks, and in which words it is refused.

use super::*;

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
