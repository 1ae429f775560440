//! Half floats.

/// An IEEE 754 half; what is no number is 0.
#[must_use]
pub fn to_single(bits: u16) -> f32 {
    let (exponent, significand) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    let size = match exponent {
        0 => significand * (-24f32).exp2(),
        31 if significand > 0.0 => 0.0,
        31 => f32::INFINITY,
        _ => (1024.0 + significand) * ((exponent - 25) as f32).exp2(),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_read_as_ieee_754_writes_them() {
        let known =
            [(0x3C00, 1.0), (0xC000, -2.0), (0x7BFF, 65504.0), (0x0001, 5.960_464_5e-8), (0x7E00, 0.0)];
        for (bits, wanted) in known {
            assert_eq!(to_single(bits), wanted, "{bits:#06x}");
        }
        assert_eq!(to_single(0xFC00), f32::NEG_INFINITY);
    }
}
