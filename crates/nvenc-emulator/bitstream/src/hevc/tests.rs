//! What is written is decoded by somebody else and compared.

use super::*;
use crate::Color;
use crate::testing::{
    self, Coding, assert_same, b_frames, code, decode, format, letters, low_delay, probe, random,
};

/// Codes moving pictures by these plans, and fails unless a decoder finds what was promised.
#[track_caller]
fn coded(stream: &Stream, plans: &[Plan], quality: impl FnMut(&Plan) -> Quality) -> Coding {
    let mut coder = Hevc::new(stream.clone());
    let coding = code(&mut coder, stream.format, plans, quality);
    assert_same(&decode("hevc", &coding.bytes, stream.format), &coding.decoded);
    coding
}

fn stream(width: usize, height: usize, chroma: Chroma, depth: u8) -> Stream {
    testing::stream(format(width, height, chroma, depth))
}

#[test]
fn a_key_picture_is_decoded_as_it_was_promised() {
    let stream = stream(128, 96, Chroma::Yuv420, 8);
    coded(&stream, &low_delay(&stream, 1, 1), |_| Quality::Quantizer(30));
}

#[test]
fn every_format_and_crop_is_decoded_as_it_was_promised() {
    for chroma in [Chroma::Yuv420, Chroma::Yuv444] {
        for depth in [8, 10] {
            for (width, height) in [(2, 2), (64, 64), (130, 94), (322, 242), (640, 362)] {
                let stream = stream(width, height, chroma, depth);
                coded(&stream, &low_delay(&stream, 4, 3), |_| Quality::Quantizer(24));
            }
        }
    }
}

#[test]
fn every_quantizer_is_decoded_as_it_was_promised() {
    for chroma in [Chroma::Yuv420, Chroma::Yuv444] {
        for depth in [8, 10] {
            let stream = stream(160, 96, chroma, depth);
            // Key and P pictures of each, and P pictures of others than the picture before.
            let mut coded_before = 0;
            coded(&stream, &low_delay(&stream, 52 * 3, 4), |_| {
                coded_before += 1;
                Quality::Quantizer((coded_before * 17 % 52) as u8)
            });
        }
    }
}

#[test]
fn b_frames_are_decoded_as_they_were_promised() {
    for kept in [false, true] {
        let stream = Stream { reorders: 2, ..stream(322, 242, Chroma::Yuv420, 8) };
        let coding = coded(&stream, &b_frames(4, kept), |_| Quality::Quantizer(28));
        assert_eq!(probe("hevc", &coding.bytes).kinds, letters(&coding.kinds));
    }
}

#[test]
fn the_wildest_plans_are_decoded_as_they_were_promised() {
    for seed in 0..8 {
        let references = 1 + seed as usize % 4;
        let stream = Stream { reorders: 2, references, ..stream(96, 80, Chroma::Yuv420, 8) };
        let mut quantizers = testing::Random::new(seed);
        let plans = random(&stream, seed, 80);
        let coding = coded(&stream, &plans, |_| Quality::Quantizer(10 + quantizers.below(40) as u8));
        assert_eq!(probe("hevc", &coding.bytes).kinds, letters(&coding.kinds));
    }
}

#[test]
fn exact_pictures_are_decoded_as_they_were() {
    for chroma in [Chroma::Yuv420, Chroma::Yuv444] {
        for depth in [8, 10] {
            let stream =
                Stream { exact: true, reorders: 2, references: 2, ..stream(210, 130, chroma, depth) };
            let coding = coded(&stream, &random(&stream, 7, 12), |_| Quality::Exact);
            assert_same(&coding.decoded, &coding.pictures);
        }
    }
}

#[test]
fn exact_pictures_are_smaller_than_their_samples() {
    let stream = Stream { exact: true, ..stream(320, 240, Chroma::Yuv420, 8) };
    let coding = coded(&stream, &low_delay(&stream, 6, 9), |_| Quality::Exact);
    let samples = 320 * 240 * 3 / 2;
    assert!(coding.sizes.iter().all(|&size| size * 4 < samples * 3), "{:?}", coding.sizes);
}

#[test]
fn exact_streams_take_inexact_pictures_too() {
    let stream = Stream { exact: true, ..stream(210, 130, Chroma::Yuv420, 8) };
    let quality =
        |plan: &Plan| if plan.order.is_multiple_of(2) { Quality::Exact } else { Quality::Quantizer(30) };
    coded(&stream, &low_delay(&stream, 6, 9), quality);
}

#[test]
fn a_larger_quantizer_takes_fewer_bits() {
    let stream = stream(640, 360, Chroma::Yuv420, 8);
    let plans = low_delay(&stream, 5, 30);
    let bits = |quantizer: u8| {
        let coding =
            code(&mut Hevc::new(stream.clone()), stream.format, &plans, |_| Quality::Quantizer(quantizer));
        coding.sizes.iter().sum::<usize>() * 8 / plans.len() * 30
    };
    let rates: Vec<usize> = (0..52).step_by(10).map(bits).collect();
    assert!(rates.is_sorted_by(|a, b| a > b), "{rates:?}");
    assert!(rates[0] > 30_000_000 && rates[5] < 500_000, "{rates:?}");
}

#[test]
fn tiles_are_found_where_the_slice_says() {
    // Four tiles, one of them still, at a quantiser that makes bytes to escape.
    let stream = Stream { reorders: 2, level: Some(120), ..stream(512, 512, Chroma::Yuv420, 8) };
    assert_eq!(Layout::new(&stream).tiles.len(), 4);
    coded(&stream, &b_frames(2, true), |_| Quality::Quantizer(8));
}

#[test]
fn the_parameter_sets_say_what_the_stream_is() {
    let color = Color { primaries: 9, transfer: 16, matrix: 9, full_range: false };
    let base = stream(1280, 720, Chroma::Yuv420, 10);
    let stream = Stream { color: Some(color), rate: (60_000, 1001), sample_aspect_ratio: (4, 3), ..base };
    let coding = coded(&stream, &low_delay(&stream, 2, 9), |_| Quality::Quantizer(40));
    let probed = probe("hevc", &coding.bytes);
    let expected = [
        ("profile", "Main 10"),
        ("level", "120"),
        ("pix_fmt", "yuv420p10le"),
        ("width", "1280"),
        ("height", "720"),
        ("has_b_frames", "0"),
        ("color_range", "tv"),
        ("color_space", "bt2020nc"),
        ("color_transfer", "smpte2084"),
        ("color_primaries", "bt2020"),
        ("sample_aspect_ratio", "4:3"),
        ("r_frame_rate", "60000/1001"),
    ];
    for (name, value) in expected {
        assert_eq!(probed.entry(name), value, "{name}");
    }
}

#[test]
fn each_format_has_its_profile() {
    let profile = |chroma, depth| {
        let stream = stream(128, 96, chroma, depth);
        let coding = coded(&stream, &low_delay(&stream, 1, 9), |_| Quality::Quantizer(40));
        probe("hevc", &coding.bytes).entry("profile").to_owned()
    };
    assert_eq!(profile(Chroma::Yuv420, 8), "Main");
    assert_eq!(profile(Chroma::Yuv420, 10), "Main 10");
    assert_eq!(profile(Chroma::Yuv444, 8), "Rext");
    assert_eq!(profile(Chroma::Yuv444, 10), "Rext");
}

#[test]
fn only_a_stream_that_reorders_is_held_back() {
    let reordered = Stream { reorders: 2, ..stream(128, 96, Chroma::Yuv420, 8) };
    let coding = coded(&reordered, &b_frames(2, true), |_| Quality::Quantizer(30));
    assert_eq!(probe("hevc", &coding.bytes).entry("has_b_frames"), "2");
    let live = stream(128, 96, Chroma::Yuv420, 8);
    let coding = coded(&live, &low_delay(&live, 3, 9), |_| Quality::Quantizer(30));
    assert_eq!(probe("hevc", &coding.bytes).entry("has_b_frames"), "0");
}

#[test]
fn the_harshest_samples_are_decoded_as_they_were_promised() {
    for (chroma, depth) in
        [(Chroma::Yuv420, 8), (Chroma::Yuv420, 10), (Chroma::Yuv444, 8), (Chroma::Yuv444, 10)]
    {
        for exact in [false, true] {
            let stream = Stream { exact, ..stream(96, 80, chroma, depth) };
            let mut noise = testing::Random::new(u64::from(depth));
            let mut coder = Hevc::new(stream.clone());
            let mut bytes = coder.headers();
            let mut decoded = vec![];
            for (index, plan) in low_delay(&stream, 26, 3).iter().enumerate() {
                // Black or white, each sample, a stripe, or a square of its own.
                let mut picture = Picture::filled(stream.format, [0; 3]);
                let cell = [1, 2, 8][index % 3];
                for plane in 0..3 {
                    let (width, _) = stream.format.plane(plane);
                    let cells: Vec<bool> = (0..96 * 96).map(|_| noise.below(2) == 0).collect();
                    for (at, sample) in picture.planes[plane].iter_mut().enumerate() {
                        let (x, y) = (at % width / cell, at / width / cell);
                        *sample = if cells[y * 96 + x] { stream.format.peak() } else { 0 };
                    }
                }
                let quality = if exact { Quality::Exact } else { Quality::Quantizer(2 * index as u8) };
                let coded = coder.encode(&picture, plan, quality);
                coder.commit(plan, &coded);
                assert!(!exact || coded.decoded == picture);
                bytes.extend(&coded.bytes);
                decoded.push(coded.decoded);
            }
            assert_same(&decode("hevc", &bytes, stream.format), &decoded);
        }
    }
}

#[test]
fn order_counts_on_where_its_bits_end() {
    let stream = Stream { references: 2, ..stream(96, 80, Chroma::Yuv420, 8) };
    let orders = [0, 30_000, 60_000, 65_535, 65_536, 90_000, 120_000, 140_000];
    let plan = |index: usize| Plan {
        kind: if index == 0 { Kind::Key } else { Kind::P },
        order: orders[index],
        kept: true,
        shown: true,
        past: orders[index.saturating_sub(1)..index].to_vec(),
        future: vec![],
        forget: orders[index.saturating_sub(1)..index].to_vec(),
    };
    let plans: Vec<Plan> = (0..orders.len()).map(plan).collect();
    coded(&stream, &plans, |_| Quality::Quantizer(30));
}
