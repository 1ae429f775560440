//! Which pixel of the buffer is shown where.
//!
//! A transform says what the producer did to the picture before it put it into the buffer (the
//! definition of `struct spa_meta_videotransform`, and of the output's framebuffer under
//! `wl_output.transform`): flipped left to right, where it is one of the flipped ones, then turned
//! counter-clockwise. Showing the picture upright undoes that, so `Rotated90` is turned clockwise.

use crate::{Rect, Size, Transform};

/// The part of the upright picture that is taken, and how it lies in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    crop: Rect,
    transform: Transform,
    /// In pixels of the upright picture.
    region: Rect,
}

impl View {
    /// What `region` takes of the picture that lies in `crop` of its buffer; all of it without one.
    ///
    /// # Errors
    /// The region lies outside the picture, of which the upright size is given.
    pub fn new(crop: Rect, transform: Transform, region: Option<Rect>) -> Result<Self, Size> {
        let whole = transform.apply(crop.size());
        let region = region.map_or(Rect::of(whole), |it| it.intersection(Rect::of(whole)));
        if region.is_empty() {
            return Err(whole);
        }
        Ok(Self { crop, transform, region })
    }

    /// Pixels across and down.
    pub const fn size(&self) -> Size {
        self.region.size()
    }

    /// The same without the columns and rows beyond `size`.
    pub fn cut(mut self, size: Size) -> Self {
        self.region.width = self.region.width.min(size.width);
        self.region.height = self.region.height.min(size.height);
        self
    }

    /// Where its first pixel is in the buffer, if it lies there as it is shown.
    pub fn upright_origin(&self) -> Option<(u32, u32)> {
        (self.transform == Transform::Normal)
            .then(|| (self.crop.x + self.region.x, self.crop.y + self.region.y))
    }

    /// The pixel of the buffer that is shown at `x`, `y`.
    pub fn locate(&self, x: u32, y: u32) -> (u32, u32) {
        let (x, y) = (x + self.region.x, y + self.region.y);
        let (right, bottom) = (self.crop.width - 1, self.crop.height - 1);
        let (bx, by) = match self.transform {
            Transform::Normal => (x, y),
            Transform::Rotated90 => (y, bottom - x),
            Transform::Rotated180 => (right - x, bottom - y),
            Transform::Rotated270 => (right - y, x),
            Transform::Flipped => (right - x, y),
            Transform::Flipped90 => (y, x),
            Transform::Flipped180 => (x, bottom - y),
            Transform::Flipped270 => (right - y, bottom - x),
        };
        (self.crop.x + bx, self.crop.y + by)
    }

    /// How far in the buffer one pixel to the right and one down are, each as (x, y).
    pub const fn steps(&self) -> ((i64, i64), (i64, i64)) {
        match self.transform {
            Transform::Normal => ((1, 0), (0, 1)),
            Transform::Rotated90 => ((0, -1), (1, 0)),
            Transform::Rotated180 => ((-1, 0), (0, -1)),
            Transform::Rotated270 => ((0, 1), (-1, 0)),
            Transform::Flipped => ((-1, 0), (0, 1)),
            Transform::Flipped90 => ((0, 1), (1, 0)),
            Transform::Flipped180 => ((1, 0), (0, -1)),
            Transform::Flipped270 => ((0, -1), (-1, 0)),
        }
    }

    /// Where a rectangle of the buffer is shown, clipped to the view.
    pub fn shown(&self, rect: Rect) -> Rect {
        let rect = rect.intersection(self.crop);
        if rect.is_empty() {
            return Rect::default();
        }
        let (x, y) = (rect.x - self.crop.x, rect.y - self.crop.y);
        let (from_right, from_bottom) =
            (self.crop.width - x - rect.width, self.crop.height - y - rect.height);
        let (x, y) = match self.transform {
            Transform::Normal => (x, y),
            Transform::Rotated90 => (from_bottom, x),
            Transform::Rotated180 => (from_right, from_bottom),
            Transform::Rotated270 => (y, from_right),
            Transform::Flipped => (from_right, y),
            Transform::Flipped90 => (y, x),
            Transform::Flipped180 => (x, from_bottom),
            Transform::Flipped270 => (from_bottom, from_right),
        };
        let size = self.transform.apply(rect.size());
        let upright = Rect::new(x, y, size.width, size.height).intersection(self.region);
        Rect {
            x: upright.x.saturating_sub(self.region.x),
            y: upright.y.saturating_sub(self.region.y),
            ..upright
        }
    }
}
