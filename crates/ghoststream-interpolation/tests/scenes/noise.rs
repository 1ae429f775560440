//! A texture with detail at several scales, as a photograph has.

/// A number without pattern for three others.
pub fn hash(a: u32, b: u32, c: u32) -> u32 {
    let mut it = a.wrapping_mul(0x9e37_79b1) ^ b.wrapping_mul(0x85eb_ca77) ^ c.wrapping_mul(0xc2b2_ae3d);
    for (shift, factor) in [(16, 0x7feb_352d), (15, 0x846c_a68b), (16, 1)] {
        it = (it ^ (it >> shift)).wrapping_mul(factor);
    }
    it
}

/// 0 to 1 at a place in pixels.
pub fn texture(x: f64, y: f64, seed: u32) -> f64 {
    let scales = [(64.0, 0.40), (31.0, 0.26), (15.0, 0.17), (7.0, 0.11), (3.5, 0.06)];
    let sum: f64 = scales
        .iter()
        .zip(seed * 16..)
        .map(|((scale, weight), seed)| weight * smooth(x / scale, y / scale, seed))
        .sum();
    (0.5 + 1.5 * (sum - 0.5)).clamp(0.0, 1.0)
}

/// Random values at whole numbers, and smoothly between.
fn smooth(x: f64, y: f64, seed: u32) -> f64 {
    let (left, top) = (x.floor(), y.floor());
    let ease = |it: f64| it * it * it * (it * (it * 6.0 - 15.0) + 10.0);
    let (right, down) = (ease(x - left), ease(y - top));
    let at = |a: f64, b: f64| {
        f64::from(hash((left + a) as i64 as u32, (top + b) as i64 as u32, seed)) / f64::from(u32::MAX)
    };
    let across = |b: f64| at(0.0, b) * (1.0 - right) + at(1.0, b) * right;
    across(0.0) * (1.0 - down) + across(1.0) * down
}
