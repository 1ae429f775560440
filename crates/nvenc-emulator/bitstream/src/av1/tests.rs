//! Streams against other decoders: every picture is what [`Coded::decoded`] says.

use super::*;
use crate::testing::{self, Random, assert_same, moving};
use crate::{BReference, Chroma, Codec, Color, Encoder, Format, Gop, Rate, Settings};

const YUV420: Format = Format { width: 202, height: 130, chroma: Chroma::Yuv420, depth: 8 };

/// The decoders that must agree.
const DECODERS: [&str; 2] = ["libdav1d", "libaom-av1"];

/// Temporal delimiter OBU.
const DELIMITER: [u8; 2] = [0x12, 0];

/// A coded sequence: temporal units in display order, and what decoders should make of them.
struct Coding {
    bytes: Vec<u8>,
    sizes: Vec<usize>,
    decoded: Vec<Picture>,
    pictures: Vec<Picture>,
}

/// Codes the `scene`'s pictures. A picture is hidden where another one is to be shown first.
fn code(
    stream: &Stream,
    plans: &[Plan],
    scene: impl Fn(usize) -> Picture,
    mut quality: impl FnMut(&Plan) -> Quality,
) -> Coding {
    let mut coder = Av1::new(stream.clone());
    let mut coding = Coding { bytes: vec![], sizes: vec![], decoded: vec![], pictures: vec![] };
    let (mut start, mut next, mut unit) = (0, 0, coder.headers());
    let mut waiting: Vec<(u32, Picture, Picture)> = vec![];
    for plan in plans {
        if plan.kind == Kind::Key {
            assert!(waiting.is_empty(), "plans leave no gap in display order");
            (start, next) = (coding.decoded.len(), 0);
        }
        let plan = Plan { shown: plan.order == next, ..plan.clone() };
        let picture = scene(start + plan.order as usize);
        let coded = coder.encode(&picture, &plan, quality(&plan));
        coder.commit(&plan, &coded);
        coding.sizes.push(coded.bytes.len());
        unit.extend_from_slice(&coded.bytes);
        waiting.push((plan.order, coded.decoded, picture));
        if !plan.shown {
            continue;
        }
        while let Some(index) = waiting.iter().position(|waiting| waiting.0 == next) {
            let (order, decoded, picture) = waiting.remove(index);
            if order != plan.order {
                unit = coder.show(order);
            }
            coding.bytes.extend_from_slice(&DELIMITER);
            coding.bytes.append(&mut unit);
            coding.decoded.push(decoded);
            coding.pictures.push(picture);
            next += 1;
        }
    }
    coding
}

/// Codes moving pictures by these plans, and compares what decoders say.
#[track_caller]
fn check(stream: &Stream, plans: &[Plan], quality: impl FnMut(&Plan) -> Quality) -> Coding {
    check_scene(stream, plans, |index| moving(stream.format, index), quality)
}

#[track_caller]
fn check_scene(
    stream: &Stream,
    plans: &[Plan],
    scene: impl Fn(usize) -> Picture,
    quality: impl FnMut(&Plan) -> Quality,
) -> Coding {
    let coding = code(stream, plans, scene, quality);
    for decoder in DECODERS {
        let found = testing::decode_with(&["-c:v", decoder], "obu", &coding.bytes, stream.format);
        assert_same(&found, &coding.decoded);
    }
    coding
}

#[test]
fn key_pictures_decode_to_the_bit() {
    let stream = testing::stream(YUV420);
    let plans = testing::low_delay(&stream, 8, 1);
    let mut quantizers = [1, 20, 21, 60, 61, 120, 121, 255].into_iter();
    check(&stream, &plans, |_| Quality::Quantizer(quantizers.next().expect("one a picture")));
}

#[test]
fn predicted_pictures_decode_to_the_bit() {
    let mut stream = testing::stream(YUV420);
    for (references, quantizer) in [(1, 40), (2, 100), (3, 160), (4, 220)] {
        stream.references = references;
        let plans = testing::low_delay(&stream, 8, 6);
        check(&stream, &plans, |_| Quality::Quantizer(quantizer));
    }
}

#[test]
fn hidden_pictures_are_shown_in_their_turn() {
    let mut stream = testing::stream(YUV420);
    stream.reorders = 2;
    for (middle, quantizer) in [(false, 60), (true, 130), (true, 255)] {
        let coding = check(&stream, &testing::b_frames(3, middle), |_| Quality::Quantizer(quantizer));
        assert_eq!(coding.decoded.len(), 13);
    }
}

#[test]
fn any_plan_decodes_to_the_bit() {
    let mut stream = testing::stream(YUV420);
    stream.reorders = 2;
    for seed in 0..12 {
        stream.references = 1 + seed as usize % 4;
        let plans = testing::random(&stream, seed, 24);
        check(&stream, &plans, |plan| Quality::Quantizer(40 + (plan.order * 37 % 200) as u8));
    }
}

#[test]
fn every_format_decodes_to_the_bit() {
    for chroma in [Chroma::Yuv420, Chroma::Yuv444] {
        for depth in [8, 10] {
            for (width, height) in [(64, 64), (130, 94), (2, 2)] {
                let mut stream = testing::stream(Format { width, height, chroma, depth });
                stream.reorders = 2;
                let mut quantizer = 0;
                check(&stream, &testing::b_frames(2, true), |_| {
                    quantizer += 28;
                    Quality::Quantizer(quantizer)
                });
            }
        }
    }
}

#[test]
fn odd_sizes_decode_to_the_bit() {
    for (width, height) in [(201, 33), (65, 127), (3, 5), (9, 300)] {
        let mut stream = testing::stream(Format { width, height, chroma: Chroma::Yuv444, depth: 8 });
        stream.reorders = 2;
        check(&stream, &testing::b_frames(1, true), |_| Quality::Quantizer(70));
    }
}

#[test]
fn tiles_decode_to_the_bit() {
    for (width, height, count) in [(1366, 770, 4), (2000, 1080, 8), (4500, 64, 2)] {
        let mut stream = testing::stream(Format { width, height, ..YUV420 });
        assert_eq!(Tiles::new(stream.format).areas().len(), count, "{width}x{height}");
        stream.reorders = 2;
        check(&stream, &testing::b_frames(1, false), |_| Quality::Quantizer(110));
    }
}

#[test]
fn exact_pictures_lose_nothing() {
    for chroma in [Chroma::Yuv420, Chroma::Yuv444] {
        for depth in [8, 10] {
            let mut stream = testing::stream(Format { chroma, depth, ..YUV420 });
            (stream.reorders, stream.exact) = (2, true);
            let coding = check(&stream, &testing::b_frames(2, true), |_| Quality::Exact);
            assert_same(&coding.decoded, &coding.pictures);
        }
    }
}

/// Samples of all or nothing, which make the largest coefficients that there are.
#[test]
fn noise_decodes_to_the_bit() {
    for depth in [8, 10] {
        let format = Format { depth, ..YUV420 };
        let noise = |index: usize| {
            let mut random = Random::new(index as u64);
            let mut picture = Picture::filled(format, [0; 3]);
            for sample in picture.planes.iter_mut().flatten() {
                *sample = format.peak() * random.below(2) as u16;
            }
            picture
        };
        let mut stream = testing::stream(format);
        stream.reorders = 2;
        let mut quantizers = [1, 255, 100, 200, 50].into_iter();
        let plans = testing::b_frames(1, true);
        check_scene(&stream, &plans, noise, |_| {
            Quality::Quantizer(quantizers.next().expect("one a picture"))
        });
        let coding = check_scene(&stream, &plans, noise, |_| Quality::Exact);
        assert_same(&coding.decoded, &coding.pictures);
    }
}

#[test]
fn a_larger_quantizer_means_fewer_bits() {
    let stream = testing::stream(Format { width: 640, height: 360, ..YUV420 });
    let plans = testing::low_delay(&stream, 5, 5);
    let rates: Vec<usize> = (0..=255)
        .step_by(15)
        .map(|quantizer| {
            let coding = code(
                &stream,
                &plans,
                |index| moving(stream.format, index),
                |_| Quality::Quantizer(quantizer),
            );
            coding.sizes[1..].iter().sum::<usize>() / 4 * 8 * 30
        })
        .collect();
    assert!(rates.is_sorted_by(|larger, smaller| larger > smaller), "{rates:?}");
    assert!(rates[0] > 10_000_000 && rates[17] < 300_000, "{rates:?}");
}

#[test]
fn the_sequence_header_says_what_the_stream_is() {
    let format = Format { width: 720, height: 576, chroma: Chroma::Yuv420, depth: 10 };
    let color = Some(Color { primaries: 9, transfer: 16, matrix: 9, full_range: true });
    let stream = Stream { rate: (25, 1), color, sample_aspect_ratio: (64, 45), ..testing::stream(format) };
    let plans = testing::low_delay(&stream, 4, 3);
    let coding = check(&stream, &plans, |_| Quality::Quantizer(100));
    let probed = testing::probe("obu", &coding.bytes);
    let entries = [
        ("profile", "Main"),
        ("level", "4"),
        ("pix_fmt", "yuv420p10le"),
        ("color_range", "pc"),
        ("color_primaries", "bt2020"),
        ("color_transfer", "smpte2084"),
        ("color_space", "bt2020nc"),
        ("sample_aspect_ratio", "64:45"),
    ];
    for (name, value) in entries {
        assert_eq!(probed.entry(name), value, "{name}");
    }
    assert_eq!(probed.kinds, "KPPK");
    let format = Format { chroma: Chroma::Yuv444, ..format };
    let stream = Stream { level: Some(12), ..testing::stream(format) };
    let coding = code(&stream, &plans, |index| moving(format, index), |_| Quality::Quantizer(100));
    let probed = testing::probe("obu", &coding.bytes);
    assert_eq!((probed.entry("profile"), probed.entry("level")), ("High", "12"));
}

#[test]
fn an_encoder_keeps_its_bitrate_with_hidden_pictures() {
    let format = Format { width: 320, height: 180, ..YUV420 };
    let (rate, seconds) = (800_000, 4);
    let settings = Settings {
        codec: Codec::Av1,
        stream: testing::stream(format),
        gop: Gop { key_every: Some(60), b_frames: 2, b_reference: BReference::Middle, references: 2 },
        rate: Rate::Constant { bits_per_second: rate, buffer_bits: rate },
    };
    let mut encoder = Encoder::with(Box::new(Av1::new(settings.completed())), &settings);
    let count = 30 * seconds;
    let mut units = Vec::new();
    for id in 0..count {
        units.extend(encoder.push(&moving(format, id as usize), id, false));
    }
    units.extend(encoder.finish());
    assert!(units.iter().map(|unit| unit.id).eq(0..count), "temporal units are in display order");
    let bits = units.iter().map(|unit| unit.bytes.len() as u64 * 8).sum::<u64>() / seconds;
    assert!(bits.abs_diff(rate) < rate / 10, "{bits} bits a second instead of {rate}");
    let (mut bytes, mut headers) = (vec![], encoder.headers());
    for unit in units {
        bytes.extend_from_slice(&DELIMITER);
        bytes.append(&mut headers);
        bytes.extend_from_slice(&unit.bytes);
    }
    let probed = testing::probe("obu", &bytes);
    assert_eq!(probed.kinds.len(), count as usize);
    assert_eq!(probed.kinds.match_indices('K').map(|(at, _)| at).collect::<Vec<_>>(), [0, 60]);
}
