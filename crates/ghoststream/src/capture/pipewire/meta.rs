//! Buffer metadata, as pure functions over bytes that were copied out of shared memory.
//!
//! Metas are known by their numbers, so that those younger than the headers we are built with can
//! be asked for.

use std::sync::Arc;

use super::pod::word;
use crate::capture::{CursorBitmap, Damage};
use crate::{Rect, Size, Transform};

/// `SPA_META_Header`: flags, timestamp, sequence number.
pub(super) const HEADER: u32 = 1;
/// `SPA_META_VideoCrop`: one region.
pub(super) const CROP: u32 = 2;
/// `SPA_META_VideoDamage`: regions, up to the first empty one.
pub(super) const DAMAGE: u32 = 3;
/// `SPA_META_Cursor`.
pub(super) const CURSOR: u32 = 5;
/// `SPA_META_VideoTransform`.
pub(super) const TRANSFORM: u32 = 8;
/// `SPA_META_SyncTimeline`, from PipeWire 1.2 on.
pub(super) const SYNC_TIMELINE: u32 = 9;

pub(super) const HEADER_BYTES: usize = 32;
pub(super) const SYNC_TIMELINE_BYTES: usize = 24;
pub(super) const REGION_BYTES: usize = 16;
pub(super) const CURSOR_BYTES: usize = 28;
pub(super) const BITMAP_BYTES: usize = 20;

/// The largest cursor that is believed.
const MOST_CURSOR_SIDE: u32 = 1024;

/// `SPA_META_Header`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The producer says that the picture is damaged.
    pub corrupted: bool,
    /// Nanoseconds, of `CLOCK_MONOTONIC` where the producer keeps to the rules.
    pub pts: i64,
}

/// Reads a header; `None` when it is too short.
pub fn header(bytes: &[u8]) -> Option<Header> {
    let flags = word(bytes, 0)?;
    let pts = i64::from_ne_bytes(bytes.get(8..16)?.try_into().ok()?);
    Some(Header { corrupted: flags & 2 != 0, pts })
}

/// `SPA_META_SyncTimeline`: the points of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncPoints {
    /// When the picture may be read; 0 is at once.
    pub acquire: u64,
    /// To be signalled when it was read; 0 is none.
    pub release: u64,
}

/// Reads the points of a frame; `None` when the meta is too short.
pub fn sync_points(bytes: &[u8]) -> Option<SyncPoints> {
    let at = |offset: usize| Some(u64::from_ne_bytes(bytes.get(offset..offset + 8)?.try_into().ok()?));
    Some(SyncPoints { acquire: at(8)?, release: at(16)? })
}

/// The part of `bytes`'s region that lies within a picture of `size`; `None` where it is empty.
pub fn region(bytes: &[u8], size: Size) -> Option<Rect> {
    let x = i64::from(word(bytes, 0)?.cast_signed());
    let y = i64::from(word(bytes, 4)?.cast_signed());
    let (width, height) = (i64::from(word(bytes, 8)?), i64::from(word(bytes, 12)?));
    let span = |from: i64, length: i64, most: u32| {
        let (start, end) = (from.clamp(0, i64::from(most)), (from + length).clamp(0, i64::from(most)));
        (start as u32, (end - start).max(0) as u32)
    };
    let (x, width) = span(x, width, size.width);
    let (y, height) = span(y, height, size.height);
    let rect = Rect::new(x, y, width, height);
    (!rect.is_empty()).then_some(rect)
}

/// What changed. A list without any region says nothing, since producers that never fill it in
/// leave it so: everything is taken to have changed.
pub fn damage(bytes: &[u8], size: Size) -> Damage {
    let mut rects = Vec::new();
    let mut said = false;
    for entry in bytes.chunks_exact(REGION_BYTES).take(64) {
        if word(entry, 8) == Some(0) || word(entry, 12) == Some(0) {
            break;
        }
        said = true;
        rects.extend(region(entry, size));
    }
    if said { Damage::Rects(rects) } else { Damage::Full }
}

/// How the picture is turned; what is not one of the eight is not turned.
pub fn transform(bytes: &[u8]) -> Transform {
    let index = word(bytes, 0).and_then(|value| usize::try_from(value).ok()).unwrap_or(0);
    Transform::ALL.get(index).copied().unwrap_or_default()
}

/// What a cursor meta says of the picture of the pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// It did not change.
    Same,
    /// This is new; empty for a hidden pointer.
    New(Arc<CursorBitmap>),
}

/// `SPA_META_Cursor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorMeta {
    /// Where the hot spot is.
    pub position: (i32, i32),
    /// Which pixel of the bitmap is the hot spot; stated only with a bitmap.
    pub hotspot: (i32, i32),
    /// What it looks like.
    pub shape: Shape,
}

/// Whether a meta that starts so has a bitmap that is worth copying.
pub(super) fn cursor_has_bitmap(bytes: &[u8]) -> bool {
    word(bytes, 0).is_some_and(|id| id != 0) && word(bytes, 24).is_some_and(|offset| offset != 0)
}

/// Reads a cursor meta; `None` when there is no pointer on the picture.
///
/// # Errors
/// A bitmap that does not lie within the meta, or that we cannot read.
pub fn cursor(bytes: &[u8]) -> Result<Option<CursorMeta>, &'static str> {
    let at = |offset| word(bytes, offset).ok_or("the cursor's metadata is too short");
    let signed = |offset| at(offset).map(u32::cast_signed);
    if at(0)? == 0 {
        return Ok(None);
    }
    let position = (signed(8)?, signed(12)?);
    let hotspot = (signed(16)?, signed(20)?);
    let shape = match at(24)? {
        0 => Shape::Same,
        offset if (offset as usize) < CURSOR_BYTES => return Err("the cursor's bitmap overlaps its header"),
        offset => bitmap(bytes.get(offset as usize..).ok_or("the cursor's bitmap is out of bounds")?)?,
    };
    Ok(Some(CursorMeta { position, hotspot, shape }))
}

fn bitmap(bytes: &[u8]) -> Result<Shape, &'static str> {
    let at = |offset| word(bytes, offset).ok_or("the cursor's bitmap is cut short");
    let (format, width, height) = (at(0)?, at(4)?, at(8)?);
    let (stride, offset) = (at(12)?.cast_signed(), at(16)? as usize);
    if format == 0 {
        return Ok(Shape::Same);
    }
    if offset == 0 || width == 0 || height == 0 {
        let hidden = CursorBitmap { size: Size::default(), rgba: Vec::new() };
        return Ok(Shape::New(Arc::new(hidden)));
    }
    if width > MOST_CURSOR_SIDE || height > MOST_CURSOR_SIDE {
        return Err("the cursor is larger than 1024x1024");
    }
    let order = channel_order(format).ok_or("the cursor's pixel format is not known")?;
    let row_bytes = width as usize * 4;
    let stride = usize::try_from(stride).ok().filter(|stride| *stride >= row_bytes);
    let stride = stride.ok_or("the cursor's stride is shorter than its row")?;
    if offset < BITMAP_BYTES {
        return Err("the cursor's pixels overlap its header");
    }
    let mut rgba = Vec::with_capacity(row_bytes * height as usize);
    for row in 0..height as usize {
        let start = row.checked_mul(stride).and_then(|start| start.checked_add(offset));
        let pixels = start.and_then(|start| bytes.get(start..start.checked_add(row_bytes)?));
        let pixels = pixels.ok_or("the cursor's pixels are out of bounds")?;
        for pixel in pixels.chunks_exact(4) {
            rgba.extend(order.map(|channel| channel.map_or(255, |index| pixel[index])));
        }
    }
    Ok(Shape::New(Arc::new(CursorBitmap { size: Size::new(width, height), rgba })))
}

/// Where red, green, blue and alpha are within a pixel; no place for alpha is opaque.
fn channel_order(format: u32) -> Option<[Option<usize>; 4]> {
    let (red, green, blue, alpha) = match format {
        7 => (0, 1, 2, None),
        8 => (2, 1, 0, None),
        9 => (1, 2, 3, None),
        10 => (3, 2, 1, None),
        11 => (0, 1, 2, Some(3)),
        12 => (2, 1, 0, Some(3)),
        13 => (1, 2, 3, Some(0)),
        14 => (3, 2, 1, Some(0)),
        _ => return None,
    };
    Some([Some(red), Some(green), Some(blue), alpha])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[i32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn regions_are_cut_to_the_picture() {
        let size = Size::new(100, 50);
        assert_eq!(region(&words(&[-10, 5, 20, 100]), size), Some(Rect::new(0, 5, 10, 45)));
        assert_eq!(region(&words(&[100, 0, 1, 1]), size), None);
        assert_eq!(region(&words(&[i32::MIN, i32::MAX, -1, -1]), size), None);
        assert_eq!(region(&words(&[0, 0, -1, -1]), size), Some(Rect::of(size)), "a huge unsigned width");
    }

    #[test]
    fn the_points_of_a_frame_are_read() {
        let bytes = words(&[1, 0, 5, 0, 6, 1]);
        assert_eq!(sync_points(&bytes), Some(SyncPoints { acquire: 5, release: 6 + (1 << 32) }));
        assert_eq!(sync_points(&bytes[..23]), None);
    }

    #[test]
    fn damage_ends_at_the_first_empty_region() {
        let size = Size::new(100, 100);
        let list = words(&[0, 0, 5, 5, 10, 10, 5, 5, 0, 0, 0, 0, 50, 50, 9, 9]);
        assert_eq!(damage(&list, size), Damage::Rects(vec![Rect::new(0, 0, 5, 5), Rect::new(10, 10, 5, 5)]));
        assert_eq!(damage(&[0; 64], size), Damage::Full);
        assert_eq!(damage(&words(&[200, 0, 5, 5]), size), Damage::Rects(vec![]), "outside the picture");
    }

    #[test]
    fn a_cursor_is_read_in_every_channel_order() {
        for (format, pixel) in
            [(11, [1, 2, 3, 4]), (12, [3, 2, 1, 4]), (13, [4, 1, 2, 3]), (14, [4, 3, 2, 1])]
        {
            let mut bytes = words(&[1, 0, 7, 8, 1, 0, 28, format, 1, 1, 4, 20]);
            bytes.extend_from_slice(&pixel);
            let cursor = cursor(&bytes).unwrap().unwrap();
            assert_eq!((cursor.position, cursor.hotspot), ((7, 8), (1, 0)));
            let Shape::New(bitmap) = cursor.shape else { panic!("a bitmap was sent") };
            assert_eq!((bitmap.size, bitmap.rgba.as_slice()), (Size::new(1, 1), &[1u8, 2, 3, 4][..]));
        }
    }

    #[test]
    fn a_cursor_beyond_its_meta_is_refused() {
        let meta = |offset, stride, height, pixels| {
            words(&[1, 0, 0, 0, 0, 0, offset, 11, 1, height, stride, pixels, 0])
        };
        assert!(cursor(&meta(28, 4, 1, 20)).is_ok());
        for bad in [
            meta(28, 4, 2, 20),
            meta(28, 4, 1, 24),
            meta(28, 3, 1, 20),
            meta(28, -4, 1, 20),
            meta(28, 4, 1, 8),
            meta(27, 4, 1, 20),
            meta(4000, 4, 1, 20),
            meta(28, i32::MAX, 1024, i32::MAX),
            meta(28, 4, 100_000, 20),
        ] {
            assert!(cursor(&bad).is_err(), "{bad:?}");
        }
        assert_eq!(cursor(&words(&[0, 0, 0, 0, 0, 0, 0])), Ok(None), "id 0: no pointer");
        assert!(cursor(&[1, 0, 0]).is_err());
    }
}
