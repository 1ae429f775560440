//! The judge, judged by hand.

use super::*;
use crate::{Color, ColorRange, ColorSpace, PixelFormat, Rect, Size, Transform};

const BT709: Color = Color::new(ColorSpace::Bt709, ColorRange::Limited);

fn bgrx<'a>(size: Size, bytes: &'a [u8]) -> Source<'a> {
    Source::new(PixelFormat::Bgrx, size, BT709, &[Plane { bytes, stride: size.width as usize * 4 }])
}

fn output(format: PixelFormat, size: Size) -> Output {
    Output { format, size, color: BT709 }
}

#[test]
fn known_colours_have_their_known_code_values() {
    // Rec. ITU-R BT.709 at 8 and at 10 bits.
    let known = [
        ([1.0, 1.0, 1.0], [235.0, 128.0, 128.0], [940.0, 512.0, 512.0]),
        ([0.0, 0.0, 0.0], [16.0, 128.0, 128.0], [64.0, 512.0, 512.0]),
        ([1.0, 0.0, 0.0], [63.0, 102.0, 240.0], [250.0, 409.0, 960.0]),
        ([0.0, 1.0, 0.0], [173.0, 42.0, 26.0], [691.0, 167.0, 105.0]),
        ([0.0, 0.0, 1.0], [32.0, 240.0, 118.0], [127.0, 960.0, 471.0]),
    ];
    for (rgb, eight, ten) in known {
        for (format, wanted) in [(PixelFormat::I444, eight), (PixelFormat::I444P10, ten)] {
            let got = planes(&output(format, Size::new(1, 1)), &[vec![rgb]]);
            assert_eq!(got.map(|plane| plane[0][0].round()), wanted, "{rgb:?} in {format:?}");
        }
    }
}

#[test]
fn halves_are_read_as_ieee_754_writes_them() {
    let halves: [(u16, f64); 8] = [
        (0x3C00, 1.0),
        (0xC000, -2.0),
        (0x7BFF, 65504.0),
        (0x0400, 2f64.powi(-14)),
        (0x0001, 2f64.powi(-24)),
        (0x3555, 0.333_251_953_125),
        (0x7C00, f64::INFINITY),
        (0x7E00, 0.0),
    ];
    for (bits, wanted) in halves {
        let bytes: Vec<u8> = [bits, 0x3C00, 0, 0].iter().flat_map(|it: &u16| it.to_le_bytes()).collect();
        let plane = Plane { bytes: &bytes, stride: 8 };
        let source = Source::new(PixelFormat::Rgba16f, Size::new(1, 1), BT709, &[plane]);
        assert_eq!(pixel(&source, 0, 0), [wanted, 1.0, 0.0], "{bits:#06x}");
    }
}

#[test]
fn ten_bits_on_top_are_read_and_written_alike() {
    let words: [u16; 6] = [940 << 6, 64 << 6, 64 << 6, 64 << 6, 960 << 6, 105 << 6];
    let bytes: Vec<u8> = words.iter().flat_map(|it| it.to_le_bytes()).collect();
    let size = Size::new(2, 2);
    let at = [Plane { bytes: &bytes, stride: 4 }, Plane { bytes: &bytes[8..], stride: 4 }];
    let source = Source::new(PixelFormat::P010, size, BT709, &at);
    let read = read(PixelFormat::P010, size, &at);
    assert_eq!(read, [vec![vec![940.0, 64.0], vec![64.0, 64.0]], vec![vec![960.0]], vec![vec![105.0]]]);
    let recipe = Recipe::new(output(PixelFormat::P010, size), Filter::Nearest);
    assert_eq!(carried_over(&source, &recipe), Some(read));
}

#[test]
fn a_whole_picture_is_turned_cut_scaled_and_placed() {
    // Two rows of four greys, turned as a producer that says `Rotated180` did.
    let grey = |rows: [[u8; 4]; 2]| rows.iter().flatten().flat_map(|it| [*it; 4]).collect::<Vec<u8>>();
    let bytes = grey([[80, 70, 60, 50], [40, 30, 20, 10]]);
    let mut source = bgrx(Size::new(4, 2), &bytes);
    source.transform = Transform::Rotated180;
    let pointer = [255, 255, 255, 255];
    let at = Cursor { position: (3, 1), hotspot: (0, 0), size: Size::new(1, 1), rgba: &pointer };
    source.cursor = Some(at);
    let mut recipe = Recipe::new(output(PixelFormat::Bgrx, Size::new(4, 8)), Filter::Nearest);
    recipe.region = Some(Rect::new(0, 0, 2, 2));
    let [red, ..] = made(&source, &recipe);
    let (bar, top, bottom) = ([0.0; 4], [255.0, 255.0, 20.0, 20.0], [50.0, 50.0, 60.0, 60.0]);
    assert_eq!(red, [bar, bar, top, top, bottom, bottom, bar, bar]);
    recipe.filter = Filter::Bilinear;
    let [red, ..] = made(&source, &recipe);
    assert_eq!(red[2], [255.0, 196.25, 78.75, 20.0]);
}

#[test]
fn a_picture_in_pq_is_shown_as_sdr_and_the_pointer_stays_white() {
    // 203 cd/m² in ten bits, and a white pointer over the second pixel.
    let white = (crate::transfer::pq::to_code(203.0) * 1023.0).round() as u32;
    let bytes: Vec<u8> =
        [0, 0].iter().flat_map(|_| (white << 20 | white << 10 | white).to_le_bytes()).collect();
    let pq = Color::new(ColorSpace::Bt2020, ColorRange::Full).with_transfer(crate::Transfer::Pq);
    let size = Size::new(2, 1);
    let mut source = Source::new(PixelFormat::Xrgb2101010, size, pq, &[Plane { bytes: &bytes, stride: 8 }]);
    let pointer = [128, 128, 128, 128];
    source.cursor = Some(Cursor { position: (1, 0), hotspot: (0, 0), size: Size::new(1, 1), rgba: &pointer });
    let mut recipe = Recipe::new(output(PixelFormat::Bgrx, size), Filter::Nearest);
    recipe.tone = Some(crate::Tone { peak: 203.0, ..crate::Tone::default() });
    let [red, ..] = made(&source, &recipe);
    assert!((red[0][0] - 255.0).abs() < 1.0 && (red[0][1] - 255.0).abs() < 1.0, "{red:?}");
    // Kept in PQ, the pointer is as bright as paper.
    recipe.output = Output { color: pq, ..recipe.output };
    let [red, ..] = made(&source, &recipe);
    assert!(red[0].iter().all(|it| (it - f64::from(white) / 1023.0 * 255.0).abs() < 0.2), "{red:?}");
}
