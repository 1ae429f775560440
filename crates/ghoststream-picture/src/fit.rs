//! How a picture is placed in an output of another aspect.

use crate::{Rect, Size};

/// Whether the difference is at most a column and a row too many: the one that an odd picture loses
/// when it becomes even. Cutting it off keeps every other pixel sharp.
#[must_use]
pub const fn only_trims(from: Size, to: Size) -> bool {
    from.width.wrapping_sub(to.width) <= 1 && from.height.wrapping_sub(to.height) <= 1
}

/// The largest place for a picture of size `picture` in `output` that keeps its aspect.
#[must_use]
pub fn fit(picture: Size, output: Size) -> Rect {
    if only_trims(picture, output) {
        return Rect::of(output);
    }
    let along = |length: u32, to: u32, of: u32, most: u32| {
        let exact = f64::from(length) * f64::from(to) / f64::from(of);
        // Bars of a single row or column come from rounding sizes, and are not worth having.
        if exact > f64::from(most) - 2.0 { most } else { ((exact as u32) & !1).max(2).min(most) }
    };
    let wide = u64::from(picture.width) * u64::from(output.height)
        >= u64::from(picture.height) * u64::from(output.width);
    let size = if wide {
        Size::new(output.width, along(picture.height, output.width, picture.width, output.height))
    } else {
        Size::new(along(picture.width, output.height, picture.height, output.width), output.height)
    };
    let margin = |outer: u32, inner: u32| ((outer - inner) / 2) & !1;
    Rect::new(margin(output.width, size.width), margin(output.height, size.height), size.width, size.height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_keeps_its_aspect_and_lies_on_even_places() {
        let fit = |w, h, ow, oh| fit(Size::new(w, h), Size::new(ow, oh));
        assert_eq!(fit(1920, 1080, 1280, 720), Rect::new(0, 0, 1280, 720));
        assert_eq!(fit(1024, 768, 1920, 1080), Rect::new(240, 0, 1440, 1080));
        assert_eq!(fit(1080, 1920, 1920, 1080), Rect::new(656, 0, 606, 1080));
        assert_eq!(fit(2560, 1080, 1920, 1080), Rect::new(0, 134, 1920, 810));
        assert_eq!(fit(1367, 769, 1366, 768), Rect::new(0, 0, 1366, 768), "one too many is cut");
        assert_eq!(fit(1366, 768, 1280, 720), Rect::new(0, 0, 1280, 720), "no bar of one row");
        assert_eq!(fit(16384, 1, 64, 64), Rect::new(0, 30, 64, 2), "never empty");
        assert_eq!(fit(1, 16384, 64, 64), Rect::new(30, 0, 2, 64));
        assert_eq!(fit(1, 1, 2, 2), Rect::new(0, 0, 2, 2));
    }
}
