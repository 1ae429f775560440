//! What is written, decoded by somebody else.

use super::*;
use crate::testing::{
    self, Random, assert_same, b_frames, code, decode, letters, low_delay, moving, probe, random,
};
use crate::{Chroma, Color, Format};

const SMALL: Format = Format { width: 176, height: 144, chroma: Chroma::Yuv420, depth: 8 };

/// Formats that differ in all that a writer could get wrong: sampling, depth, and what is cut away.
const FORMATS: [Format; 4] = [
    Format { width: 130, height: 94, chroma: Chroma::Yuv420, depth: 8 },
    Format { width: 98, height: 66, chroma: Chroma::Yuv420, depth: 10 },
    Format { width: 131, height: 93, chroma: Chroma::Yuv444, depth: 8 },
    Format { width: 97, height: 65, chroma: Chroma::Yuv444, depth: 10 },
];

/// Codes moving pictures by plans, and expects the decoder to make of them what the writer said.
#[track_caller]
fn round_trip(stream: &Stream, plans: &[Plan], quality: impl FnMut(&Plan) -> Quality) -> testing::Coding {
    let coding = code(&mut H264::new(stream.clone()), stream.format, plans, quality);
    assert_same(&decode("h264", &coding.bytes, stream.format), &coding.decoded);
    coding
}

/// Bytes of samples that are not coded at all.
fn raw_size(format: Format) -> usize {
    let samples: usize = (0..3).map(|plane| format.plane(plane).0 * format.plane(plane).1).sum();
    samples * usize::from(format.depth) / 8
}

#[test]
fn samples_as_they_are_come_back_exactly() {
    for format in FORMATS {
        let stream = Stream { reorders: 2, ..testing::stream(format) };
        let coding = round_trip(&stream, &b_frames(2, true), |_| Quality::Exact);
        assert_same(&coding.decoded, &coding.pictures);
        assert_eq!(probe("h264", &coding.bytes).kinds, letters(&coding.kinds));
    }
}

#[test]
fn lossless_streams_come_back_exactly_and_are_smaller() {
    for format in FORMATS {
        let stream = Stream { reorders: 2, exact: true, ..testing::stream(format) };
        let coding = round_trip(&stream, &b_frames(2, true), |_| Quality::Exact);
        assert_same(&coding.decoded, &coding.pictures);
        let probed = probe("h264", &coding.bytes);
        assert_eq!(probed.entry("profile"), "High 4:4:4 Predictive");
        assert_eq!(probed.kinds, letters(&coding.kinds));
        let (size, raw) = (coding.bytes.len(), coding.pictures.len() * raw_size(format));
        assert!(size * 10 < raw * 9, "{size} bytes where the samples are {raw}, {format:?}");
    }
}

#[test]
fn all_quantisers_decode_to_what_was_said() {
    for format in FORMATS {
        let stream = testing::stream(format);
        // One stream for all: a decoder's start costs more than small pictures.
        let mut next = (0..=51).cycle();
        let plans = low_delay(&stream, 104, 3);
        round_trip(&stream, &plans, |_| Quality::Quantizer(next.next().expect("a cycle")));
    }
}

#[test]
fn the_finest_quantiser_is_close_and_the_coarsest_still_a_picture() {
    for format in FORMATS {
        let stream = testing::stream(format);
        let scale = i64::from(format.depth - 7).pow(2); // 1 or 9: about four times the values, or a bit less
        for (quantizer, allowed) in [(0, 2), (20, 60), (51, 8_000)] {
            let coding = round_trip(&stream, &low_delay(&stream, 3, 9), |_| Quality::Quantizer(quantizer));
            for (found, expected) in coding.decoded.iter().zip(&coding.pictures) {
                let error = |(&a, &b): (&u16, &u16)| (i64::from(a) - i64::from(b)).pow(2);
                let sum: i64 = found.planes[0].iter().zip(&expected.planes[0]).map(error).sum();
                let mean = sum / found.planes[0].len() as i64;
                assert!(mean <= allowed * 2 * scale, "mean square error {mean} at {quantizer}, {format:?}");
            }
        }
    }
}

#[test]
fn b_frames_refer_to_both_sides() {
    for format in FORMATS {
        for middle_kept in [false, true] {
            let reorders = 1 + u32::from(middle_kept);
            let stream = Stream { reorders, ..testing::stream(format) };
            let coding = round_trip(&stream, &b_frames(4, middle_kept), |_| Quality::Quantizer(27));
            assert_eq!(probe("h264", &coding.bytes).kinds, letters(&coding.kinds));
        }
    }
}

#[test]
fn any_plan_is_honoured() {
    for seed in 0..12 {
        let mut qualities = Random::new(seed + 100);
        let format = Format { width: 80, height: 48, ..FORMATS[seed as usize % 4] };
        let references = 1 + seed as usize % 3;
        let exact = seed % 5 == 0;
        let stream = Stream { reorders: 2, references, exact, ..testing::stream(format) };
        let coding = round_trip(&stream, &random(&stream, seed, 100), |_| match qualities.below(8) {
            0 => Quality::Exact,
            _ => Quality::Quantizer(qualities.below(52) as u8),
        });
        assert_eq!(probe("h264", &coding.bytes).kinds, letters(&coding.kinds), "seed {seed}");
    }
}

#[test]
fn several_references_are_listed_as_planned() {
    for references in 2..=4 {
        let stream = Stream { references, ..testing::stream(SMALL) };
        round_trip(&stream, &low_delay(&stream, 14, 10), |_| Quality::Quantizer(30));
    }
}

#[test]
fn streams_without_end_are_decoded_when_counters_wrap() {
    let stream = Stream { reorders: 2, ..testing::stream(Format { width: 16, height: 16, ..SMALL }) };
    // Half of the pictures are kept and counted in frame_num; all of them are in the picture order count.
    let plans = b_frames(2_100, true);
    assert!(plans.iter().filter(|plan| plan.kept).count() > 1 << parameters::COUNTER_BITS);
    round_trip(&stream, &plans, |_| Quality::Quantizer(30));
}

#[test]
fn what_a_decoder_must_wait_for_is_stated_exactly() {
    let low = testing::stream(SMALL);
    let coding = round_trip(&low, &low_delay(&low, 4, 9), |_| Quality::Quantizer(30));
    assert_eq!(probe("h264", &coding.bytes).entry("has_b_frames"), "0");
    for (reorders, middle_kept) in [(1, false), (2, true)] {
        let reordered = Stream { reorders, ..testing::stream(SMALL) };
        let coding = round_trip(&reordered, &b_frames(2, middle_kept), |_| Quality::Quantizer(30));
        assert_eq!(probe("h264", &coding.bytes).entry("has_b_frames"), reorders.to_string());
    }
}

#[test]
fn large_pictures_are_coded_in_slices() {
    let stream = testing::stream(Format { width: 1918, height: 1078, ..SMALL });
    let coding = round_trip(&stream, &low_delay(&stream, 3, 9), |_| Quality::Quantizer(28));
    let slices = |bytes: &[u8]| bytes.windows(4).filter(|window| window == &[0, 0, 0, 1]).count();
    assert_eq!(slices(&coding.bytes), 2 + 3 * 5);
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    let mut coder = H264::new(testing::stream(SMALL));
    let plans = low_delay(&testing::stream(SMALL), 2, 9);
    let (first, second) = (moving(SMALL, 0), moving(SMALL, 1));
    let key = coder.encode(&first, &plans[0], Quality::Quantizer(30));
    coder.commit(&plans[0], &key);
    let fine = coder.encode(&second, &plans[1], Quality::Quantizer(10));
    let coarse = coder.encode(&second, &plans[1], Quality::Quantizer(40));
    assert!(coarse.bytes.len() * 8 < fine.bytes.len());
    assert_eq!(coder.encode(&second, &plans[1], Quality::Quantizer(10)).bytes, fine.bytes);
}

/// Bits a second of moving pictures of 640x360 at 30 a second, key picture aside.
fn bits_per_second(quantizer: u8) -> usize {
    let stream = testing::stream(Format { width: 640, height: 360, ..SMALL });
    let plans = low_delay(&stream, 6, 9);
    let coding =
        code(&mut H264::new(stream.clone()), stream.format, &plans, |_| Quality::Quantizer(quantizer));
    coding.sizes[1..].iter().sum::<usize>() * 8 * 30 / (coding.sizes.len() - 1)
}

#[test]
fn coarser_quantisers_spend_fewer_bits_over_a_wide_range() {
    let rates: Vec<usize> = (3..=51).step_by(4).map(bits_per_second).collect();
    assert!(rates[2] > 10_000_000, "{rates:?} at 3, 7, 11...");
    assert!(rates[rates.len() - 1] < 300_000, "{rates:?}");
    assert!(rates.is_sorted_by(|finer, coarser| coarser < finer), "{rates:?}");
}

#[test]
fn parameter_sets_say_what_the_stream_is() {
    let color = Color { primaries: 9, transfer: 16, matrix: 9, full_range: true };
    let stream = Stream { color: Some(color), sample_aspect_ratio: (4, 3), ..testing::stream(FORMATS[1]) };
    let coding = round_trip(&stream, &low_delay(&stream, 2, 9), |_| Quality::Quantizer(30));
    let probed = probe("h264", &coding.bytes);
    for (entry, value) in [
        ("profile", "High 10"),
        ("width", "98"),
        ("height", "66"),
        ("pix_fmt", "yuv420p10le"),
        ("level", "10"),
        ("refs", "1"),
        ("color_range", "pc"),
        ("color_space", "bt2020nc"),
        ("color_transfer", "smpte2084"),
        ("color_primaries", "bt2020"),
        ("sample_aspect_ratio", "4:3"),
    ] {
        assert_eq!(probed.entry(entry), value, "{entry}");
    }
    // Newer releases count the fields of H.264.
    let rate = probed.entry("r_frame_rate");
    assert!(["30/1", "60/1"].contains(&rate), "{rate}");
}
