//! A picture such as desktops have: most colours can be shown by any screen, and neighbours are alike.

use std::collections::HashMap;

use ghoststream_picture::{Color, Conversion, Size, Tone};

/// A desktop in 32 bits a pixel, ten of them red from the lowest on, ten green, ten blue: a smooth wallpaper, a
/// window of text, a film with grain and a few lamps of colours that only wide gamuts have, a row of saturated
/// icons.
pub fn draw(size: Size, screen: Color, to: Color) -> Vec<u8> {
    let conversion = Conversion::new(screen, to, Tone::default()).expect("they differ");
    let mut known = HashMap::new();
    // Screens show colours of 8 bits.
    let mut converted = |colour: [f64; 3]| {
        let colour = colour.map(|it| (it.clamp(0.0, 1.0) * 255.0).round() as u8);
        *known.entry(colour).or_insert_with(|| conversion.apply(colour.map(|it| f64::from(it) / 255.0)))
    };
    let mut bytes = Vec::with_capacity(size.area() as usize * 4);
    for y in 0..size.height {
        for x in 0..size.width {
            let codes = pixel(x, y, size, &mut converted);
            let [r, g, b] = codes.map(|it| (it * 1023.0 + 0.5) as u32);
            bytes.extend_from_slice(&(r | g << 10 | b << 20).to_le_bytes());
        }
    }
    bytes
}

/// The code values of a pixel, 0 to 1; `converted` makes them of a screen's.
fn pixel(x: u32, y: u32, size: Size, converted: &mut impl FnMut([f64; 3]) -> [f64; 3]) -> [f64; 3] {
    let (u, v) = (f64::from(x) / f64::from(size.width), f64::from(y) / f64::from(size.height));
    let within = |left: f64, top: f64, right: f64, bottom: f64| {
        (left..right).contains(&u) && (top..bottom).contains(&v)
    };
    if within(0.04, 0.08, 0.46, 0.88) {
        let ink = y % 24 < 14 && scattered(x / 2, y / 2).is_multiple_of(3);
        converted(if ink { [0.13; 3] } else { [0.97, 0.97, 0.95] })
    } else if within(0.5, 0.2, 0.95, 0.75) {
        film(u, v, f64::from(scattered(x, y) % 9) / 1023.0 * 0.5, converted)
    } else if within(0.0, 0.96, 1.0, 1.0) {
        let part = |bit: u32| f64::from((x / 64) >> bit & 1);
        converted([part(0), part(1), part(2)])
    } else {
        converted([0.15 + 0.5 * u, 0.25 + 0.4 * v, 0.7 - 0.3 * u])
    }
}

fn film(u: f64, v: f64, grain: f64, converted: &mut impl FnMut([f64; 3]) -> [f64; 3]) -> [f64; 3] {
    let lamp = (u * 40.0).fract() < 0.1 && (v * 20.0).fract() < 0.15;
    if lamp {
        // As green as BT.2020 goes, and bright.
        return [0.3, 0.65, 0.3].map(|it| it + grain);
    }
    let shade = 0.35 + 0.3 * (u * 23.0).sin() * (v * 17.0).cos();
    let warm = 0.12 * (u * 9.0 + v * 5.0).sin();
    converted([shade + warm, shade, shade - warm]).map(|it| it + grain)
}

/// Numbers without a pattern.
fn scattered(x: u32, y: u32) -> u32 {
    let it = x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77);
    let it = (it ^ (it >> 15)).wrapping_mul(0x846C_A68B);
    it ^ (it >> 13)
}
