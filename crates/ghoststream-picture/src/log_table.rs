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

/// A smooth function of light as such a table, straight between its entries; a shader can read it the
/// same way.
#[derive(Clone, Debug)]
pub struct LogCurve {
    /// At the beginning of each step, and at the end of the last.
    values: Vec<f32>,
    bits: u32,
}

impl LogCurve {
    /// Each octave has two to the power of `bits` steps.
    #[must_use]
    pub fn new(bits: u32, function: impl Fn(f64) -> f64) -> Self {
        let count = ((OCTAVES.1 - OCTAVES.0) as u32) << bits;
        let light = |index: u32| f64::from(f32::from_bits(FLOOR + (index << (23 - bits))));
        Self { values: (0..=count).map(|it| function(light(it)) as f32).collect(), bits }
    }

    /// The entries: of the light whose bits are [`LogCurve::FIRST`], and each that has the next step.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The bits of the least light that is in the table, as a single. What is darker counts as that.
    pub const FIRST: u32 = FLOOR;
    /// The bits of the most light that is in the table.
    pub const LAST: u32 = TOP;

    /// The step that light is in, and how far into it, from 0 to 1.
    #[inline(always)]
    #[must_use]
    pub fn place(&self, light: f32) -> (u32, f32) {
        let bits = light.max(0.0).to_bits().clamp(FLOOR, TOP) - FLOOR;
        let below = 23 - self.bits;
        (bits >> below, (bits & ((1 << below) - 1)) as f32 / (1u32 << below) as f32)
    }

    /// The value at a place.
    #[inline(always)]
    #[must_use]
    pub fn at(&self, (step, share): (u32, f32)) -> f32 {
        let step = (step as usize).min(self.values.len() - 2);
        let (from, to) = (self.values[step], self.values[step + 1]);
        from + (to - from) * share
    }
}

/// The least light that is told from none, and the most that is in the table, as bits of singles.
const FLOOR: u32 = power_of_two(OCTAVES.0);
const TOP: u32 = power_of_two(OCTAVES.1) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_goes_through_its_values() {
        let curve = LogCurve::new(6, f64::sqrt);
        for light in [2f32.powi(-18), 0.001, 0.37, 1.0, 203.0, 9_999.0, 16_383.0] {
            let got = curve.at(curve.place(light));
            assert!((got / light.sqrt() - 1.0).abs() < 1e-4, "{light}: {got}");
        }
        assert_eq!(curve.at(curve.place(-1.0)), 2f32.powi(-9));
        assert_eq!(curve.at(curve.place(f32::NAN)), 2f32.powi(-9));
        assert!((curve.at(curve.place(f32::INFINITY)) - 128.0).abs() < 0.01);
    }

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
