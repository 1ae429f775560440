//! One picture over several engines.

use super::*;

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
