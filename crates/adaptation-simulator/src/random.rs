//! Numbers that look random and are the same every time.

/// xorshift64*: good enough for noise, and needs no crate.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Two with different seeds differ.
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From 0 up to 1.
    pub fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Near a normal distribution with deviation 1: twelve of [`unit`](Self::unit), centred.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}
