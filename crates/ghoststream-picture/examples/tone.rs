//! Test pictures in PQ, and what tone mapping makes of them. `scripts/tone-pictures` runs it.
//!
//! Pictures are raw: `rgba64le` in BT.2020 PQ, `rgb24` in sRGB, 960x540 each.
//!
//! ```text
//! tone draw PICTURE OUT             gradients, ramps or scene, in PQ
//! tone map CURVE PEAK IN OUT        bt2390, hable, mobius or clip, from so many cd/m², to SDR
//! tone compare ONE OTHER            ΔE ITP between two in SDR: mean, 95th percentile, most
//! ```

use std::error::Error;
use std::{env, fs};

use ghoststream_picture::gamut::Primaries;
use ghoststream_picture::ictcp::Itp;
use ghoststream_picture::transfer::{pq, sdr};
use ghoststream_picture::{Color, ColorRange, ColorSpace, Conversion, Tone, ToneCurve, Transfer};

const WIDTH: usize = 960;
const HEIGHT: usize = 540;

const SDR: Color = Color::new(ColorSpace::Bt709, ColorRange::Full);
const PQ: Color = Color::new(ColorSpace::Bt2020, ColorRange::Full).with_transfer(Transfer::Pq);

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["draw", picture, out] => {
            let light = match picture {
                "gradients" => gradients,
                "ramps" => ramps,
                "scene" => scene,
                _ => return Err(format!("{picture} is not gradients, ramps or scene").into()),
            };
            fs::write(out, draw(light))?;
        }
        ["map", curve, peak, from, to] => {
            let curve = ToneCurve::ALL.into_iter().find(|it| it.name() == curve);
            let tone = Tone { curve: curve.ok_or("no such curve")?, peak: peak.parse()?, ..Tone::default() };
            fs::write(to, map(tone, &fs::read(from)?)?)?;
        }
        ["compare", one, other] => compare(&fs::read(one)?, &fs::read(other)?)?,
        _ => return Err("usage: tone draw|map|compare …".into()),
    }
    Ok(())
}

/// A picture of light, in cd/m² of BT.2020, by place: x and y from 0 to 1.
fn draw(light: fn(f64, f64) -> [f64; 3]) -> Vec<u8> {
    let places = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
    let codes = places.flat_map(|(x, y)| {
        let [r, g, b] = light(x as f64 / (WIDTH - 1) as f64, y as f64 / (HEIGHT - 1) as f64);
        [r, g, b].map(|it| (pq::to_code(it) * 65535.0).round() as u16).into_iter().chain([65535])
    });
    codes.flat_map(u16::to_le_bytes).collect()
}

/// Greys and the six hues from black to 4000 cd/m², in the perceptual domain.
fn gradients(x: f64, y: f64) -> [f64; 3] {
    let light = pq::to_light(x * pq::to_code(4000.0));
    let hues = [[1, 1, 1], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1]];
    let hue: [u8; 3] = hues[((y * 7.0) as usize).min(6)];
    // Within BT.709: red of BT.2020 itself is on the other picture.
    let to = Primaries::BT709.to(&Primaries::BT2020);
    ghoststream_picture::gamut::apply(&to, hue.map(|it| f64::from(it) * light))
}

/// Saturation across, from grey to the primaries of BT.2020; light down, from 4000 to 4 cd/m²; every hue
/// in twelve columns.
fn ramps(x: f64, y: f64) -> [f64; 3] {
    let column = (x * 12.0).min(11.999);
    let (hue, saturation) = (column.floor() / 2.0, column.fract());
    let light = 4000.0 * 0.001f64.powf(y);
    let part = |phase: f64| {
        let away = ((hue - phase).rem_euclid(6.0)).min((phase - hue).rem_euclid(6.0));
        (2.0 - away).clamp(0.0, 1.0)
    };
    [0.0, 2.0, 4.0].map(|phase| light * (1.0 - saturation * (1.0 - part(phase))))
}

/// A desktop at dusk: a sky with a sun of 4000 cd/m² behind a window of paper white, with swatches, and
/// lamps in saturated colours.
fn scene(x: f64, y: f64) -> [f64; 3] {
    let far = |cx: f64, cy: f64| ((x - cx).powi(2) * 3.16 + (y - cy).powi(2)).sqrt();
    if (0.08..0.46).contains(&x) && (0.3..0.85).contains(&y) {
        return window((x - 0.08) / 0.38, (y - 0.3) / 0.55);
    }
    let sky = (1.0 - y).powi(2);
    let glow = (-far(0.72, 0.35) * 5.0).exp();
    let mut light = [12.0 + 500.0 * glow, 14.0 + 60.0 * sky + 230.0 * glow, 18.0 + 150.0 * sky + 60.0 * glow];
    if far(0.72, 0.35) < 0.08 {
        light = [4000.0, 3300.0, 2300.0];
    }
    if y > 0.72 + 0.04 * (x * 19.0).sin() {
        light = light.map(|it| it * 0.05);
    }
    for (cx, colour) in
        [(0.55, [900.0, 20.0, 10.0]), (0.7, [20.0, 700.0, 40.0]), (0.85, [20.0, 60.0, 1500.0])]
    {
        let halo = (-far(cx, 0.86) * 30.0).exp();
        let core = if far(cx, 0.86) < 0.025 { 1.0 } else { 0.0 };
        (0..3).for_each(|c| light[c] += colour[c] * (halo * 0.4 + core));
    }
    light
}

/// An sRGB window at 203 cd/m²: paper, lines of text, swatches.
fn window(x: f64, y: f64) -> [f64; 3] {
    let swatches = [[255, 0, 0], [255, 160, 0], [250, 230, 60], [0, 160, 60], [30, 110, 230], [120, 40, 160]];
    let code: [u8; 3] = if y < 0.08 {
        [60, 64, 72]
    } else if y > 0.7 && y < 0.92 && (0.05..0.95).contains(&x) {
        swatches[((x - 0.05) / 0.9 * 6.0) as usize]
    } else if (y * 24.0).fract() < 0.4 && (0.15..0.62).contains(&y) && (0.06..0.9).contains(&x) {
        [40, 40, 40]
    } else {
        [255; 3]
    };
    let to = Primaries::BT709.to(&Primaries::BT2020);
    ghoststream_picture::gamut::apply(&to, code.map(|it| sdr::to_light(f64::from(it) / 255.0) * 203.0))
}

fn map(tone: Tone, picture: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let conversion = Conversion::new(PQ, SDR, tone).ok_or("nothing to be done")?;
    let code = |it: &[u8; 2]| f64::from(u16::from_le_bytes(*it)) / 65535.0;
    let pixel = |it: &[u8; 8]| {
        let parts = it.as_chunks::<2>().0;
        conversion.apply([0, 1, 2].map(|c| code(&parts[c]))).map(|it| (it * 255.0).round() as u8)
    };
    Ok(picture.as_chunks().0.iter().flat_map(pixel).collect())
}

fn compare(one: &[u8], other: &[u8]) -> Result<(), Box<dyn Error>> {
    if [one, other].iter().any(|it| it.len() != WIDTH * HEIGHT * 3) {
        return Err("both pictures are to be rgb24 of 960x540".into());
    }
    let itp = Itp::new(&Primaries::BT709);
    let light = |it: &[u8; 3]| it.map(|it| sdr::to_light(f64::from(it) / 255.0) * 203.0);
    let pairs = one.as_chunks().0.iter().zip(other.as_chunks().0);
    let mut all: Vec<f64> = pairs.map(|(a, b)| itp.difference(light(a), light(b))).collect();
    all.sort_by(f64::total_cmp);
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize];
    println!("{mean:.1} | {:.1} | {:.1}", at(0.95), at(1.0));
    Ok(())
}
