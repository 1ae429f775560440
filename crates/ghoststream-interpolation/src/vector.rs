//! Motion vectors.

use std::ops::{Add, Neg, Sub};

/// How far something moves from one picture to the next, in quarters of a pixel of its level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Vector {
    /// To the right.
    pub x: i32,
    /// Down.
    pub y: i32,
}

impl Vector {
    /// No motion.
    pub const ZERO: Self = Self { x: 0, y: 0 };

    /// A vector in quarters of a pixel.
    pub const fn new(x: i32, y: i32) -> Self {
        Self { x, y }
    }

    /// The same motion on the level below, where pixels are half as large.
    pub const fn finer(self) -> Self {
        Self::new(self.x * 2, self.y * 2)
    }

    /// The larger difference of the two components.
    pub const fn distance(self, other: Self) -> u32 {
        let (x, y) = (self.x.abs_diff(other.x), self.y.abs_diff(other.y));
        if x > y { x } else { y }
    }

    /// The sum of both components' differences.
    pub const fn steps(self, other: Self) -> u32 {
        self.x.abs_diff(other.x) + self.y.abs_diff(other.y)
    }

    /// The part of the motion that is done at `time`, rounded to the vector's own unit.
    pub fn until(self, time: Time) -> Self {
        let part = |it: i32| (it * time.parts() + Time::WHOLE / 2) >> Time::SHIFT;
        Self::new(part(self.x), part(self.y))
    }
}

impl Add for Vector {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Vector {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::new(self.x - other.x, self.y - other.y)
    }
}

impl Neg for Vector {
    type Output = Self;
    fn neg(self) -> Self {
        Self::new(-self.x, -self.y)
    }
}

/// A moment between two pictures, in 256ths of the way from the first to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(i32);

impl Time {
    /// The second picture's moment, in parts.
    pub const WHOLE: i32 = 1 << Self::SHIFT;
    pub(crate) const SHIFT: i32 = 8;
    /// The middle.
    pub const HALF: Self = Self(Self::WHOLE / 2);

    /// The moment that is `share` of the way from the first picture, 0, to the second, 1; clamped to
    /// those.
    pub fn new(share: f64) -> Self {
        Self((share.clamp(0.0, 1.0) * f64::from(Self::WHOLE)).round() as i32)
    }

    /// How many of 256 parts of the way are done.
    pub const fn parts(self) -> i32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_of_a_motion_are_the_whole() {
        for parts in 0..=Time::WHOLE {
            for x in [-517, -1, 0, 3, 999] {
                let vector = Vector::new(x, 1 - x);
                let done = vector.until(Time(parts));
                assert!((done.x * Time::WHOLE - x * parts).abs() <= Time::WHOLE / 2);
                assert_eq!(done + (vector - done), vector);
            }
        }
    }

    #[test]
    fn a_time_outside_is_clamped() {
        assert_eq!((Time::new(-3.0), Time::new(7.0)), (Time(0), Time(Time::WHOLE)));
        assert_eq!(Time::new(0.5), Time::HALF);
    }
}
