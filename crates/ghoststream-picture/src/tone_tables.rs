//! A [`Conversion`] as tables and a little arithmetic in `f32`: the CPU's way.

use crate::half;
use crate::log_table::{LogCurve, LogTable};
use crate::transfer::hlg;
use crate::{Conversion, PixelFormat, Transfer};

/// Steps of an octave of what is encoded, as a power of two: finer than a third of a code value of ten
/// bits.
const CODE_BITS: u32 = 10;

/// The same of what is multiplied with, which is straight between them.
const GAIN_BITS: u32 = 8;

/// HLG's scene light, 0 to 1, is counted as this many times as much, where the tables are fine enough.
const SCENE: f64 = 16_383.0;

/// Pixels that go through each step together, so that the arithmetic between table and table becomes
/// vector instructions.
const BLOCK: usize = 32;

/// A conversion made ready for many pixels of 16 bits a component.
#[derive(Clone, Debug)]
pub struct ToneTables {
    /// Light of every word: in cd/m², but for HLG of the scene, [`SCENE`] being the most.
    decode: Vec<f32>,
    /// What luminance of HLG's scene multiplies light by.
    shown: Option<LogCurve>,
    /// What brightness, in cd/m², multiplies light by.
    gain: Option<LogCurve>,
    primaries: [[f32; 3]; 3],
    weights: ([f32; 3], [f32; 3]),
    peak: f32,
    /// What luminance, in cd/m², multiplies light by to be HLG's scene.
    scene: Option<LogCurve>,
    /// Words of light.
    encode: LogTable<u16>,
}

impl ToneTables {
    /// For words of red, green and blue: full scale; where the source is [`PixelFormat::Rgba16f`], the
    /// halves themselves.
    #[must_use]
    pub fn new(conversion: &Conversion, source: PixelFormat) -> Self {
        let (from, to) = conversion.transfers();
        let halves = source == PixelFormat::Rgba16f;
        let code =
            |word: u16| if halves { f64::from(half::to_single(word)) } else { f64::from(word) / 65535.0 };
        let decode = |word: u16| match from {
            Transfer::Hlg => hlg::to_scene(code(word)) * SCENE,
            _ => conversion.decode([code(word); 3])[0],
        };
        let encode = |light: f64| match to {
            Transfer::Hlg => hlg::to_code(light / SCENE),
            _ => conversion.encode([light; 3])[0],
        };
        let weights = conversion.weights();
        // Of a grey, all of which is luminance, the gain is what is left.
        let shown = |scene: f64| hlg::to_light([scene / SCENE; 3], weights.0)[0] / scene;
        let scene = |light: f64| hlg::of_light([light; 3], weights.1)[0] / light * SCENE;
        let narrow = |row: [f64; 3]| row.map(|it| it as f32);
        Self {
            decode: (0..=u16::MAX).map(|word| decode(word) as f32).collect(),
            shown: (from == Transfer::Hlg).then(|| LogCurve::new(GAIN_BITS, shown)),
            gain: gain(conversion),
            primaries: conversion.primaries().map(narrow),
            weights: (narrow(weights.0), narrow(weights.1)),
            peak: conversion.peaks().1 as f32,
            scene: (to == Transfer::Hlg).then(|| LogCurve::new(GAIN_BITS, scene)),
            encode: LogTable::new(CODE_BITS, |light| {
                (encode(light).clamp(0.0, 1.0) * 65535.0).round() as u16
            }),
        }
    }

    /// Takes another peak, curve or white of HDR sources; everything else must be the same.
    pub fn retune(&mut self, conversion: &Conversion) {
        self.gain = gain(conversion);
    }

    /// Converts pixels where they are. What is in the fourth component stays.
    #[inline(always)]
    pub fn convert(&self, pixels: &mut [[u16; 4]]) {
        pixels.chunks_mut(BLOCK).for_each(|block| self.convert_block(block));
    }

    /// The greatest [brightness](Conversion::brightness) of these pixels, in cd/m²; 0 of none.
    #[must_use]
    pub fn brightest(&self, pixels: impl IntoIterator<Item = [u16; 4]>) -> f32 {
        pixels.into_iter().fold(0.0, |most, [r, g, b, _]| {
            let rgb = [r, g, b].map(|it| self.decode[usize::from(it)]);
            let luminance = luminance(rgb, self.weights.0);
            let shown = self.shown.as_ref().map_or(1.0, |it| it.at(it.place(luminance)));
            most.max((luminance + rgb[0].max(rgb[1]).max(rgb[2])) * 0.5 * shown)
        })
    }

    #[inline(always)]
    fn convert_block(&self, pixels: &mut [[u16; 4]]) {
        let mut light = [[0.0f32; BLOCK]; 3];
        for (index, pixel) in pixels.iter().enumerate() {
            (0..3).for_each(|c| light[c][index] = self.decode[usize::from(pixel[c])]);
        }
        if let Some(shown) = &self.shown {
            multiply(&mut light, |rgb| shown.place(luminance(rgb, self.weights.0)), shown);
        }
        if let Some(gain) = &self.gain {
            let brightness =
                |rgb: [f32; 3]| (luminance(rgb, self.weights.0) + rgb[0].max(rgb[1]).max(rgb[2])) * 0.5;
            multiply(&mut light, |rgb| gain.place(brightness(rgb)), gain);
        }
        let [reds, greens, blues] = &mut light;
        for ((r, g), b) in reds.iter_mut().zip(greens).zip(blues) {
            let rgb = self.primaries.map(|row| row[0] * *r + row[1] * *g + row[2] * *b);
            [*r, *g, *b] = fit(rgb, self.weights.1, self.peak);
        }
        if let Some(scene) = &self.scene {
            multiply(&mut light, |rgb| scene.place(luminance(rgb, self.weights.1)), scene);
        }
        let places = light.map(|row| row.map(|it| self.encode.place(it)));
        for (index, pixel) in pixels.iter_mut().enumerate() {
            (0..3).for_each(|c| pixel[c] = self.encode.at(places[c][index]));
        }
    }
}

fn gain(conversion: &Conversion) -> Option<LogCurve> {
    conversion.maps_tones().then(|| LogCurve::new(GAIN_BITS, |light| conversion.gain(light)))
}

#[inline(always)]
fn luminance([r, g, b]: [f32; 3], weights: [f32; 3]) -> f32 {
    r * weights[0] + g * weights[1] + b * weights[2]
}

/// Multiplies each pixel by what a table has at the place that the pixel says.
#[inline(always)]
fn multiply(light: &mut [[f32; BLOCK]; 3], place: impl Fn([f32; 3]) -> (u32, f32), table: &LogCurve) {
    let places: [(u32, f32); BLOCK] =
        std::array::from_fn(|it| place([light[0][it], light[1][it], light[2][it]]));
    let factors = places.map(|it| table.at(it));
    light.iter_mut().for_each(|row| row.iter_mut().zip(factors).for_each(|(it, factor)| *it *= factor));
}

/// [`gamut::fit`](crate::gamut::fit) without branches. What is added is worked out from the component
/// that reaches the edge, so that it arrives there exactly.
#[inline(always)]
fn fit(rgb: [f32; 3], weights: [f32; 3], peak: f32) -> [f32; 3] {
    let grey = luminance(rgb, weights).max(0.0).min(peak);
    let least = rgb[0].min(rgb[1]).min(rgb[2]);
    let most = rgb[0].max(rgb[1]).max(rgb[2]);
    let below = if least < 0.0 { grey / (grey - least) } else { 1.0 };
    let above = if most > peak { (peak - grey) / (most - grey) } else { 1.0 };
    let keep = below.min(above);
    let darkest = if below <= above { 0.0 - keep * least } else { peak - keep * most };
    let added = if keep < 1.0 { darkest } else { 0.0 };
    rgb.map(|it| (keep * it + added).max(0.0).min(peak))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gamut::Primaries;
    use crate::ictcp::Itp;
    use crate::transfer::pq;
    use crate::{Color, ColorRange, ColorSpace, Tone, ToneCurve};

    const SDR: Color = Color::new(ColorSpace::Bt709, ColorRange::Full);
    const WIDE: Color = Color::new(ColorSpace::Bt2020, ColorRange::Full);
    const PQ: Color = WIDE.with_transfer(Transfer::Pq);
    const HLG: Color = WIDE.with_transfer(Transfer::Hlg);
    const SCRGB: Color = SDR.with_transfer(Transfer::Linear);

    /// Words of three components, from black to the brightest, in steps of a ten-bit code.
    fn words() -> Vec<[u16; 4]> {
        let steps = [0u16, 1, 3, 20, 70, 150, 290, 400, 512, 594, 640, 700, 769, 830, 924, 1023];
        let word = |ten: u16| ten << 6 | ten >> 4;
        let mut all = vec![];
        for r in steps {
            for g in steps {
                all.extend(steps.map(|b| [word(r), word(g), word(b), 7]));
            }
        }
        all.extend((0..1024).map(|it| [word(it); 4]));
        all
    }

    fn half(bits: u16) -> f64 {
        f64::from(half::to_single(bits))
    }

    /// A half that is nearest to a number.
    fn half_of(value: f64) -> u16 {
        (0..0x7C00u16)
            .min_by(|a, b| (half(*a) - value).abs().total_cmp(&(half(*b) - value).abs()))
            .unwrap_or(0)
    }

    #[test]
    fn tables_give_what_the_reference_gives_to_a_code_value_of_ten_bits() {
        for (from, to) in
            [(PQ, SDR), (HLG, SDR), (WIDE, SDR), (SDR, WIDE), (SDR, PQ), (SDR, HLG), (PQ, HLG), (HLG, PQ)]
        {
            for curve in ToneCurve::ALL {
                let tone = Tone { curve, ..Tone::default() };
                let conversion = Conversion::new(from, to, tone).expect("they differ");
                let tables = ToneTables::new(&conversion, PixelFormat::Xrgb2101010);
                let source = words();
                let mut made = source.clone();
                tables.convert(&mut made);
                for (source, made) in source.iter().zip(&made) {
                    let code = [source[0], source[1], source[2]].map(|it| f64::from(it) / 65535.0);
                    let wanted = conversion.apply(code);
                    for c in 0..3 {
                        let off = (f64::from(made[c]) / 65535.0 - wanted[c]).abs() * 1023.0;
                        assert!(
                            off < 0.5,
                            "{from:?} to {to:?}, {curve:?}: {code:?} becomes {made:?}, not {wanted:?}"
                        );
                    }
                    assert_eq!(made[3], source[3], "the fourth is left alone");
                }
            }
        }
    }

    #[test]
    fn tone_mapping_cannot_be_told_from_the_reference() {
        let conversion =
            Conversion::new(PQ, SDR, Tone { peak: 4000.0, ..Tone::default() }).expect("they differ");
        let tables = ToneTables::new(&conversion, PixelFormat::Xrgb2101010);
        let itp = Itp::new(&Primaries::BT709);
        let source = words();
        let mut made = source.clone();
        tables.convert(&mut made);
        let light = |code: [f64; 3]| code.map(|it| crate::transfer::sdr::to_light(it) * 203.0);
        let differences = source.iter().zip(&made).map(|(source, made)| {
            let [source, made] =
                [source, made].map(|it| [it[0], it[1], it[2]].map(|it| f64::from(it) / 65535.0));
            itp.difference(light(conversion.apply(source)), light(made))
        });
        let differences: Vec<f64> = differences.collect();
        let mean = differences.iter().sum::<f64>() / differences.len() as f64;
        let most = differences.iter().copied().fold(0.0, f64::max);
        assert!(mean < 0.1 && most < 0.5, "mean {mean}, most {most}");
    }

    #[test]
    fn halves_beyond_one_and_below_zero_are_colours() {
        let conversion = Conversion::new(SCRGB, PQ, Tone::default()).expect("they differ");
        let tables = ToneTables::new(&conversion, PixelFormat::Rgba16f);
        let [white, negative] = [half_of(203.0 / 80.0), half_of(0.1) | 0x8000];
        let mut pixels = [[white; 4], [white, white, negative, 0], [0x7C00, 0x7E00, 0xFC00, 0]];
        tables.convert(&mut pixels);
        let near = |got: u16, wanted: f64| (f64::from(got) / 65535.0 - wanted).abs() < 2e-3;
        assert!((0..3).all(|c| near(pixels[0][c], pq::to_code(203.0))), "{pixels:?}");
        let code = [half(white), half(white), half(negative)];
        let wanted = conversion.apply(code);
        assert!((0..3).all(|c| near(pixels[1][c], wanted[c])), "{pixels:?}, not {wanted:?}");
    }

    #[test]
    fn the_brightest_pixel_is_found() {
        for (from, code, wanted) in [(PQ, pq::to_code(1500.0), 1500.0), (HLG, 0.75, 203.0)] {
            let conversion = Conversion::new(from, SDR, Tone::default()).expect("they differ");
            let tables = ToneTables::new(&conversion, PixelFormat::Xrgb2101010);
            let grey = |code: f64| [(code * 65535.0) as u16; 4];
            let found = tables.brightest([grey(code * 0.9), grey(code), grey(0.1)]);
            assert!((f64::from(found) / wanted - 1.0).abs() < 0.01, "{from:?}: {found}, not {wanted}");
            assert_eq!(tables.brightest([]), 0.0);
        }
    }

    #[test]
    fn another_peak_is_taken_over() {
        let conversion =
            |peak| Conversion::new(PQ, SDR, Tone { peak, ..Tone::default() }).expect("they differ");
        let mut tables = ToneTables::new(&conversion(4000.0), PixelFormat::Xrgb2101010);
        tables.retune(&conversion(600.0));
        let (mut one, mut other) = (words(), words());
        tables.convert(&mut one);
        ToneTables::new(&conversion(600.0), PixelFormat::Xrgb2101010).convert(&mut other);
        assert_eq!(one, other);
    }
}
