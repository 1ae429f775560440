//! Primaries: from one set to another, and how a colour that one of them does not reach is shown.

use crate::ColorSpace;

/// A linear map of colours, rows first.
pub type Matrix = [[f64; 3]; 3];

/// Red, green, blue and white of a colour space, as (x, y) of CIE 1931.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Primaries {
    /// Red, green and blue.
    pub rgb: [(f64, f64); 3],
    /// White.
    pub white: (f64, f64),
}

impl Primaries {
    /// Recommendation ITU-R BT.709, and sRGB.
    pub const BT709: Self = Self { rgb: [(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)], white: (0.3127, 0.3290) };

    /// Recommendation ITU-R BT.2020 and BT.2100.
    pub const BT2020: Self =
        Self { rgb: [(0.708, 0.292), (0.170, 0.797), (0.131, 0.046)], white: (0.3127, 0.3290) };

    /// Those of a colour space. BT.601 names a matrix here: desktops and cameras send it with the
    /// primaries of sRGB.
    #[must_use]
    pub const fn of(space: ColorSpace) -> Self {
        match space {
            ColorSpace::Bt601 | ColorSpace::Bt709 => Self::BT709,
            ColorSpace::Bt2020 => Self::BT2020,
        }
    }

    /// From linear RGB to CIE XYZ, white having Y = 1 (SMPTE RP 177).
    #[must_use]
    pub fn to_xyz(&self) -> Matrix {
        let xyz = |(x, y): (f64, f64)| [x / y, 1.0, (1.0 - x - y) / y];
        let [red, green, blue] = self.rgb.map(xyz);
        let unscaled: Matrix = std::array::from_fn(|row| [red[row], green[row], blue[row]]);
        let scale = apply(&inverse(&unscaled), xyz(self.white));
        unscaled.map(|row| std::array::from_fn(|c| row[c] * scale[c]))
    }

    /// The luminance of red, green and blue of full strength; they add up to 1.
    #[must_use]
    pub fn luminance(&self) -> [f64; 3] {
        self.to_xyz()[1]
    }

    /// From linear RGB of these to linear RGB of others with the same white.
    #[must_use]
    pub fn to(&self, other: &Self) -> Matrix {
        product(&inverse(&other.to_xyz()), &self.to_xyz())
    }
}

/// What a map makes of a colour.
#[must_use]
pub fn apply(matrix: &Matrix, v: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

/// First `b`, then `a`.
#[must_use]
pub fn product(a: &Matrix, b: &Matrix) -> Matrix {
    a.map(|row| std::array::from_fn(|c| (0..3).map(|k| row[k] * b[k][c]).sum()))
}

/// The map that undoes `m`, by its cofactors.
#[must_use]
pub fn inverse(m: &Matrix) -> Matrix {
    let cofactor = |row: usize, column: usize| {
        let ([a, b], [c, d]) = ([(row + 1) % 3, (row + 2) % 3], [(column + 1) % 3, (column + 2) % 3]);
        m[a][c] * m[b][d] - m[a][d] * m[b][c]
    };
    let determinant: f64 = (0..3).map(|c| m[0][c] * cofactor(0, c)).sum();
    std::array::from_fn(|row| std::array::from_fn(|column| cofactor(column, row) / determinant))
}

/// Brings a colour of linear light into 0 to `peak`, in each of the primaries.
///
/// What lies within stays exactly what it is: an sRGB window on an HDR desktop is to come out as it
/// went in. What lies outside is mixed with the grey of its own luminance, just as much as it takes;
/// so luminance and, in linear light, hue are kept, where cutting each component off would change
/// both. `weights` is the luminance of the primaries.
#[must_use]
pub fn fit(rgb: [f64; 3], weights: [f64; 3], peak: f64) -> [f64; 3] {
    let grey = (0..3).map(|c| rgb[c] * weights[c]).sum::<f64>().clamp(0.0, peak);
    let least = rgb.iter().copied().fold(f64::INFINITY, f64::min);
    let most = rgb.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut keep = 1.0f64;
    if least < 0.0 {
        keep = keep.min(grey / (grey - least));
    }
    if most > peak {
        keep = keep.min((peak - grey) / (most - grey));
    }
    rgb.map(|it| (grey + keep * (it - grey)).clamp(0.0, peak))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: [f64; 3], wanted: [f64; 3], within: f64) {
        let close = got.iter().zip(wanted).all(|(a, b)| (a - b).abs() <= within);
        assert!(close, "{got:?}, not {wanted:?}");
    }

    #[test]
    fn the_matrices_are_those_that_the_itu_publishes() {
        near(Primaries::BT709.luminance(), [0.2126, 0.7152, 0.0722], 1e-4);
        near(Primaries::BT2020.luminance(), [0.2627, 0.6780, 0.0593], 1e-4);
        // Recommendation ITU-R BT.2087-0, from 709 to 2020.
        let wanted = [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]];
        let got = Primaries::BT709.to(&Primaries::BT2020);
        got.iter().zip(wanted).for_each(|(got, wanted)| near(*got, wanted, 1e-4));
        let there_and_back = product(&Primaries::BT2020.to(&Primaries::BT709), &got);
        for (row, got) in there_and_back.iter().enumerate() {
            near(*got, std::array::from_fn(|c| f64::from(u8::from(c == row))), 1e-12);
        }
    }

    #[test]
    fn what_lies_within_stays_and_what_lies_outside_keeps_its_luminance() {
        let weights = Primaries::BT709.luminance();
        let luminance = |rgb: [f64; 3]| (0..3).map(|c| rgb[c] * weights[c]).sum::<f64>();
        let to = Primaries::BT2020.to(&Primaries::BT709);
        for red in 0..=20 {
            for green in 0..=20 {
                for blue in 0..=20 {
                    let rgb = [red, green, blue].map(|it| f64::from(it) / 20.0);
                    near(fit(rgb, weights, 1.0), rgb, 1e-12);
                    let wide = apply(&to, rgb);
                    let fitted = fit(wide, weights, 1.0);
                    assert!(fitted.iter().all(|it| (0.0..=1.0).contains(it)), "{rgb:?}: {fitted:?}");
                    assert!((luminance(fitted) - luminance(wide)).abs() < 1e-9, "{rgb:?}: {fitted:?}");
                }
            }
        }
    }

    #[test]
    fn the_impossible_becomes_black_or_white() {
        let weights = Primaries::BT709.luminance();
        near(fit([-1.0, -1.0, 0.5], weights, 1.0), [0.0; 3], 1e-12);
        near(fit([3.0, 2.0, 1.5], weights, 1.0), [1.0; 3], 1e-12);
        near(fit([0.0; 3], weights, 1.0), [0.0; 3], 0.0);
    }
}
