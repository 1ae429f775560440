//! Known colours, from every transfer to every other.

use super::*;
use crate::{ColorRange, ColorSpace};

const SDR: Color = Color::new(ColorSpace::Bt709, ColorRange::Full);
const WIDE_SDR: Color = Color::new(ColorSpace::Bt2020, ColorRange::Full);
const PQ: Color = WIDE_SDR.with_transfer(Transfer::Pq);
const HLG: Color = WIDE_SDR.with_transfer(Transfer::Hlg);
const SCRGB: Color = SDR.with_transfer(Transfer::Linear);
const ALL: [Color; 5] = [SDR, WIDE_SDR, PQ, HLG, SCRGB];

fn convert(from: Color, to: Color, code: [f64; 3]) -> [f64; 3] {
    with(from, to, Tone::default(), code)
}

fn with(from: Color, to: Color, tone: Tone, code: [f64; 3]) -> [f64; 3] {
    Conversion::new(from, to, tone).map_or(code, |it| it.apply(code))
}

#[track_caller]
fn near(got: [f64; 3], wanted: [f64; 3], within: f64) {
    let close = got.iter().zip(wanted).all(|(a, b)| (a - b).abs() <= within);
    assert!(close, "{got:?}, not {wanted:?}");
}

/// Steps of sRGB, from black to white in each component.
fn colours() -> impl Iterator<Item = [f64; 3]> {
    (0..1000u32).map(|it| [it % 10, it / 10 % 10, it / 100].map(|part| f64::from(part) / 9.0))
}

#[test]
fn code_values_that_mean_the_same_are_left_alone() {
    let limited = Color::new(ColorSpace::Bt601, ColorRange::Limited);
    assert!(Conversion::new(SDR, limited, Tone::default()).is_none());
    for color in ALL {
        assert!(Conversion::new(color, color, Tone::default()).is_none());
        for other in ALL.iter().filter(|it| **it != color) {
            assert!(Conversion::new(color, *other, Tone::default()).is_some());
        }
    }
}

#[test]
fn white_paper_is_203_candela_everywhere() {
    near(convert(SDR, PQ, [1.0; 3]), [0.5807; 3], 1e-4);
    near(convert(SDR, HLG, [1.0; 3]), [0.75; 3], 1e-3);
    near(convert(SDR, SCRGB, [1.0; 3]), [203.0 / 80.0; 3], 1e-9);
    near(convert(HLG, PQ, [0.75; 3]), [0.5807; 3], 1e-3);
    near(convert(PQ, HLG, [0.5807; 3]), [0.75; 3], 1e-3);
    for color in ALL {
        near(convert(color, SDR, convert(SDR, color, [0.0; 3])), [0.0; 3], 1e-4);
    }
    let brighter = Tone { white: 300.0, ..Tone::default() };
    near(with(SDR, PQ, brighter, [1.0; 3]), [pq::to_code(300.0); 3], 1e-9);
}

#[test]
fn an_srgb_window_on_an_hdr_desktop_comes_out_as_it_went_in() {
    // Nothing on the screen is brighter than its white.
    let tone = Tone { peak: 203.0, ..Tone::default() };
    for hdr in [PQ, HLG, SCRGB, WIDE_SDR] {
        for colour in colours() {
            near(with(hdr, SDR, tone, with(SDR, hdr, tone, colour)), colour, 2e-4);
        }
    }
}

#[test]
fn pq_and_hlg_hold_the_same_light_up_to_what_hlg_holds() {
    let tone = Tone { peak: 1000.0, ..Tone::default() };
    for colour in colours() {
        let hlg = colour.map(|it| it * 0.9);
        near(with(PQ, HLG, tone, with(HLG, PQ, tone, hlg)), hlg, 1e-4);
    }
    near(with(HLG, PQ, tone, [1.0; 3]), [pq::to_code(1000.0); 3], 1e-5);
}

#[test]
fn the_peak_of_the_source_becomes_white_and_nothing_is_brighter() {
    for curve in ToneCurve::ALL {
        for peak in [300.0, 1000.0, 4000.0, 10_000.0] {
            let tone = Tone { curve, peak, ..Tone::default() };
            near(with(PQ, SDR, tone, [pq::to_code(peak); 3]), [1.0; 3], 1e-6);
            near(with(PQ, SDR, tone, [1.0; 3]), [1.0; 3], 1e-6);
            near(with(SCRGB, SDR, tone, [peak / 80.0; 3]), [1.0; 3], 1e-6);
        }
    }
}

#[test]
fn every_colour_of_every_kind_becomes_one_of_every_other() {
    for from in ALL {
        for to in ALL {
            for curve in ToneCurve::ALL {
                let tone = Tone { curve, ..Tone::default() };
                let odd = [[f64::INFINITY, 0.0, -3.0], [-2.0, -2.0, -2.0], [70.0, 0.1, 0.0]];
                for colour in colours().chain(odd) {
                    let made = with(from, to, tone, colour);
                    let most = if to.transfer == Transfer::Linear { 125.0 } else { 1.0 };
                    let fine = from == to || made.iter().all(|it| (0.0..=most).contains(it));
                    assert!(fine, "{from:?} to {to:?}: {colour:?} becomes {made:?}");
                }
            }
        }
    }
}

#[test]
fn highlights_keep_their_hue() {
    // A flame: far too bright for SDR, and outside of its primaries.
    let flame = [1000.0, 250.0, 20.0].map(pq::to_code);
    let [red, green, blue] = convert(PQ, SDR, flame);
    assert!(red > 0.99 && green < 0.75 && green > blue && blue > 0.0, "{red} {green} {blue}");
    // Each component for itself would have given a yellow: the red one cut off, the green one not.
}

#[test]
fn a_peak_hardly_above_white_changes_hardly_anything() {
    // Hable's bends wherever its peak is.
    for curve in [ToneCurve::Bt2390, ToneCurve::Mobius, ToneCurve::Clip] {
        for peak in [203f64.next_up(), 203.0 * (1.0 + 1e-12), 203.0 * (1.0 + 1e-8)] {
            let tone = Tone { curve, peak, ..Tone::default() };
            for light in [1.0, 202.0, 203.0, 204.0] {
                let made = with(PQ, SDR, tone, [pq::to_code(light); 3]);
                near(made, [(light.min(203.0) / 203.0).powf(1.0 / 2.2); 3], 2e-3);
            }
        }
    }
}
