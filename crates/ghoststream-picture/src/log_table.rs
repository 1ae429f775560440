//! Functions of light as tables, by the bits of a float.

/// A function of light as a table whose steps grow with the light: each octave from 2⁻¹⁸ to 2¹⁴ has
/// equally many, which is how accurately both eyes and code values tell light. The upper bits of an
/// IEEE 754 single are the place in the table: there is no logarithm to be computed.
#[derive(Clone, Debug)]
pub struct LogTable<T> {
    values: Vec<T>,
    /// Bits of the significand that count.
    bits: u32,
}

/// The exponents of the first octave and after the last.
const OCTAVES: (i32, i32) = (-18, 14);

/// The bits of a single that is two to the power of `exponent`.
const fn power_of_two(exponent: i32) -> u32 {
    ((exponent + 127) as u32) << 23
}

impl<T: Copy> LogTable<T> {
    /// The function's value in the middle of each step, of which each octave has two to the power of
    /// `bits`. What is darker than the first octave is given what the function makes of 0.
    #[must_use]
    pub fn new(bits: u32, function: impl Fn(f64) -> T) -> Self {
        let count = ((OCTAVES.1 - OCTAVES.0) as u32) << bits;
        let middle = |index: u32| {
            let (octave, step) = (index >> bits, index & ((1 << bits) - 1));
            let within = 1.0 + (f64::from(step) + 0.5) / f64::from(1u32 << bits);
            within * 2f64.powi(OCTAVES.0 + octave as i32)
        };
        let values =
            std::iter::once(function(0.0)).chain((0..count).map(|it| function(middle(it)))).collect();
        Self { values, bits }
    }

    /// Where light is in the table. What is too bright is in the last place; what is no number, or
    /// negative, in the first.
    #[inline(always)]
    #[must_use]
    pub fn place(&self, light: f32) -> u32 {
        // Not written as a comparison of floats, so that it becomes vector instructions.
        let bits = light.max(0.0).to_bits().clamp(FLOOR, TOP);
        let step = (bits >> (23 - self.bits)) - (FLOOR >> (23 - self.bits));
        // The first place is for what lies below the floor.
        step + u32::from(bits > FLOOR)
    }

    /// The value at a place.
    #[inline(always)]
    #[must_use]
    pub fn at(&self, place: u32) -> T {
        self.values[(place as usize).min(self.values.len() - 1)]
    }

    /// The value at that light.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, light: f32) -> T {
        self.at(self.place(light))
    }
}

/// The least light that is told from none, and the most that is in the table, as bits of singles.
const FLOOR: u32 = power_of_two(OCTAVES.0);
const TOP: u32 = power_of_two(OCTAVES.1) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_near_its_light() {
        let table = LogTable::new(8, |light| light);
        let mut light = 2f32.powi(-18) * 1.001;
        while light < 16_384.0 {
            let got = table.get(light);
            assert!((got / f64::from(light) - 1.0).abs() < 1.0 / 511.0, "{light}: {got}");
            light *= 1.000_37;
        }
        assert_eq!(table.get(0.0), 0.0);
        assert_eq!(table.get(-5.0), 0.0);
        assert_eq!(table.get(f32::NAN), 0.0);
        assert_eq!(table.get(1e-9), 0.0);
        assert!((table.get(f32::INFINITY) / 16_384.0 - 1.0).abs() < 0.01);
    }
}
