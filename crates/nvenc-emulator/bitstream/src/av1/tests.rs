//! Streams against other decoders: every picture is what [`Coded::decoded`] says.

use super::*;
use crate::testing::{self, assert_same, moving};
use crate::{Chroma, Format};

const YUV420: Format = Format { width: 202, height: 130, chroma: Chroma::Yuv420, depth: 8 };

/// Temporal delimiter OBU.
const DELIMITER: [u8; 2] = [0x12, 0];

/// A coded sequence: temporal units in display order, and what decoders should make of them.
struct Coding {
    bytes: Vec<u8>,
    sizes: Vec<usize>,
    decoded: Vec<Picture>,
    pictures: Vec<Picture>,
}

/// Codes moving pictures. A picture is hidden where another one is to be shown first.
fn code(stream: &Stream, plans: &[Plan], mut quality: impl FnMut(&Plan) -> Quality) -> Coding {
    let mut coder = Av1::new(stream.clone());
    let mut coding = Coding { bytes: vec![], sizes: vec![], decoded: vec![], pictures: vec![] };
    let (mut start, mut next, mut unit) = (0, 0, coder.headers());
    let mut hidden: Vec<(u32, Picture, Picture)> = vec![];
    for plan in plans {
        if plan.kind == Kind::Key {
            assert!(hidden.is_empty(), "plans leave no gap in display order");
            (start, next) = (coding.decoded.len(), 0);
        }
        let mut plan = plan.clone();
        plan.shown = plan.order == next;
        let picture = moving(stream.format, start + plan.order as usize);
        let coded = coder.encode(&picture, &plan, quality(&plan));
        coder.commit(&plan, &coded);
        coding.sizes.push(coded.bytes.len());
        unit.extend_from_slice(&coded.bytes);
        hidden.push((plan.order, coded.decoded, picture));
        if !plan.shown {
            continue;
        }
        while let Some(index) = hidden.iter().position(|hidden| hidden.0 == next) {
            let (order, decoded, picture) = hidden.remove(index);
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

/// Codes by these plans and compares what decoders say.
#[track_caller]
fn check(stream: &Stream, plans: &[Plan], quality: impl FnMut(&Plan) -> Quality) -> Coding {
    let coding = code(stream, plans, quality);
    assert_same(&testing::decode("obu", &coding.bytes, stream.format), &coding.decoded);
    coding
}

#[test]
fn key_pictures_decode_to_the_bit() {
    let stream = testing::stream(YUV420);
    for quantizer in [1, 20, 60, 120, 200, 255] {
        let plans = testing::low_delay(&stream, 2, 1);
        check(&stream, &plans, |_| Quality::Quantizer(quantizer));
    }
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
    stream.reorders = true;
    for (middle, quantizer) in [(false, 60), (true, 130), (true, 255)] {
        let coding = check(&stream, &testing::b_frames(3, middle), |_| Quality::Quantizer(quantizer));
        assert_eq!(coding.decoded.len(), 13);
    }
}

#[test]
fn any_plan_decodes_to_the_bit() {
    let mut stream = testing::stream(YUV420);
    stream.reorders = true;
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
            for (width, height) in [(64, 64), (130, 94), (2, 2), (200, 18)] {
                let mut stream = testing::stream(Format { width, height, chroma, depth });
                stream.reorders = true;
                for quantizer in [1, 30, 100, 255] {
                    check(&stream, &testing::b_frames(1, true), |_| Quality::Quantizer(quantizer));
                }
            }
        }
    }
}

#[test]
fn exact_pictures_lose_nothing() {
    for chroma in [Chroma::Yuv420, Chroma::Yuv444] {
        for depth in [8, 10] {
            let mut stream = testing::stream(Format { chroma, depth, ..YUV420 });
            (stream.reorders, stream.exact) = (true, true);
            let coding = check(&stream, &testing::b_frames(2, true), |_| Quality::Exact);
            assert_same(&coding.decoded, &coding.pictures);
        }
    }
}
