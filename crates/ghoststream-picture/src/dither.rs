//! Dithering: an ordered pattern instead of rounding, where samples go to fewer bits than they had.
//!
//! A slow gradient of ten bits, rounded to eight, has visible bands. With a threshold that differs from
//! pixel to pixel the mean of any 8x8 pixels is right, while no sample is further than one code value
//! from its own. The pattern is fixed to the output's pixels: what does not change in the source does
//! not flicker, and a part that is made anew has the same bits.

/// Bayer's matrix of 8x8 (1973): each of 0 to 63 once, as far apart as can be.
pub const BAYER: [[u8; 8]; 8] = bayer();

/// What is added to a sample at a place of its plane before it is cut off to a whole number: from 1/128
/// to 127/128, so that whole numbers stay what they are. Rounding would be a half everywhere.
#[inline(always)]
#[must_use]
pub fn threshold(x: u32, y: u32) -> f32 {
    (f32::from(BAYER[(y & 7) as usize][(x & 7) as usize]) + 0.5) / 64.0
}

/// Two bits of each place at a time, the lowest bits of x and y deciding most.
const fn bayer() -> [[u8; 8]; 8] {
    let mut matrix = [[0; 8]; 8];
    let mut at = 0;
    while at < 64 {
        let (x, y) = (at % 8, at / 8);
        let mut value = 0;
        let mut bit = 0;
        while bit < 3 {
            let (x, y) = (x >> bit & 1, y >> bit & 1);
            value = value * 4 + (x ^ y) * 2 + y;
            bit += 1;
        }
        matrix[y][x] = value as u8;
        at += 1;
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_is_bayers() {
        // The first rows as they are usually printed.
        assert_eq!(BAYER[0], [0, 32, 8, 40, 2, 34, 10, 42]);
        assert_eq!(BAYER[1], [48, 16, 56, 24, 50, 18, 58, 26]);
        let mut all: Vec<u8> = BAYER.iter().flatten().copied().collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..64));
    }

    #[test]
    fn the_mean_is_kept_and_whole_numbers_are() {
        for value in [0.0f32, 17.0, 17.1, 17.25, 17.5, 17.9, 255.0] {
            let cut = (0..64).map(|at| (value + threshold(at % 8, at / 8)).floor());
            let mean = cut.clone().sum::<f32>() / 64.0;
            assert!((mean - value).abs() < 1.0 / 64.0, "{value}: {mean}");
            assert!(value.fract() > 0.0 || cut.clone().all(|it| it == value), "{value}");
        }
    }
}
