//! Sizes and rectangles as people write them.

use std::fmt;
use std::str::FromStr;

use crate::{Rect, Size};

/// A text that is no size or no rectangle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError {
    /// What it should have been, `size` or `region`.
    pub name: &'static str,
    /// What was given.
    pub value: String,
    /// What is allowed, in words.
    pub allowed: &'static str,
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no {}; write {}", self.value, self.name, self.allowed)
    }
}

impl std::error::Error for ShapeError {}

impl FromStr for Size {
    type Err = ShapeError;

    /// Reads `WxH`, such as `1920x1080`.
    fn from_str(text: &str) -> Result<Self, ShapeError> {
        size(text).ok_or_else(|| ShapeError {
            name: "size",
            value: text.to_owned(),
            allowed: "WxH, such as 1920x1080",
        })
    }
}

impl FromStr for Rect {
    type Err = ShapeError;

    /// Reads `X,Y,WxH`, such as `100,50,1280x720`.
    fn from_str(text: &str) -> Result<Self, ShapeError> {
        rect(text).ok_or_else(|| ShapeError {
            name: "region",
            value: text.to_owned(),
            allowed: "X,Y,WxH, such as 100,50,1280x720",
        })
    }
}

fn size(text: &str) -> Option<Size> {
    let (width, height) = text.trim().split_once(['x', 'X', '×'])?;
    Some(Size::new(side(width)?, side(height)?))
}

fn rect(text: &str) -> Option<Rect> {
    let mut parts = text.splitn(3, ',');
    let (x, y) = (side(parts.next()?)?, side(parts.next()?)?);
    let Size { width, height } = size(parts.next()?)?;
    Some(Rect::new(x, y, width, height))
}

/// Digits alone: `u32::from_str` would also take a sign.
fn side(text: &str) -> Option<u32> {
    let text = text.trim();
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_regions_are_read() {
        assert_eq!("1920x1080".parse(), Ok(Size::new(1920, 1080)));
        assert_eq!("1920X1080".parse(), Ok(Size::new(1920, 1080)));
        assert_eq!("10, 20, 640x480".parse(), Ok(Rect::new(10, 20, 640, 480)));
        for bad in ["", "x", "1920", "1920x", "-1x5", "+1x5", "1.5x2", "99999999999x1", "1920x1080x3"] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
        }
        for bad in ["", "1,2", "1,2,3", "1,2,3x", "-1,0,5x5", "1,2,3x4,5", "1;2;3x4"] {
            assert!(bad.parse::<Rect>().is_err(), "{bad}");
        }
    }
}
