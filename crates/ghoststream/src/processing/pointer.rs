//! Drawing the pointer where the producer sends it beside the picture.
//!
//! It belongs to the buffer: position and bitmap are turned with the picture.

use super::source::Word;
use super::weights::Order;
use crate::Rect;
use crate::capture::Cursor;
use ghoststream_picture::View;

/// Where a pointer's bitmap is in the view; empty where it is out of sight.
pub(super) fn area(cursor: &Cursor, view: &View) -> Rect {
    let (x, y) = corner(cursor);
    let clip = |from: i64, length: u32| {
        let end = (from + i64::from(length)).clamp(0, i64::from(u32::MAX));
        let from = from.clamp(0, i64::from(u32::MAX));
        (from as u32, (end - from) as u32)
    };
    let ((x, width), (y, height)) = (clip(x, cursor.bitmap.size.width), clip(y, cursor.bitmap.size.height));
    view.shown(Rect::new(x, y, width, height))
}

/// The bitmap's first pixel, in buffer coordinates.
fn corner(cursor: &Cursor) -> (i64, i64) {
    let at = |position: i32, hotspot: i32| i64::from(position) - i64::from(hotspot);
    (at(cursor.position.0, cursor.hotspot.0), at(cursor.position.1, cursor.hotspot.1))
}

/// Draws what of the pointer lies within `rect`, a rectangle of the view whose pixels are `pixels`.
/// `blend` puts a premultiplied RGBA pixel over another.
pub(super) fn draw<P>(
    cursor: &Cursor,
    view: &View,
    rect: Rect,
    pixels: &mut [P],
    blend: impl Fn(&mut P, [u8; 4]),
) {
    let (left, top) = corner(cursor);
    let (bitmap, _) = cursor.bitmap.rgba.as_chunks::<4>();
    let area = area(cursor, view).intersection(rect);
    for y in area.y..area.bottom() {
        for x in area.x..area.right() {
            let (bx, by) = view.locate(x, y);
            let column = (i64::from(bx) - left) as usize;
            let row = (i64::from(by) - top) as usize;
            let source = bitmap.get(row * cursor.bitmap.size.width as usize + column);
            let index = (y - rect.y) as usize * rect.width as usize + (x - rect.x) as usize;
            if let (Some(source), Some(pixel)) = (source, pixels.get_mut(index)) {
                blend(pixel, *source);
            }
        }
    }
}

/// Blends over four bytes in this order.
pub(super) fn over_bytes(order: Order) -> impl Fn(&mut [u8; 4], [u8; 4]) {
    move |pixel, [r, g, b, a]| {
        let keep = 255 - u32::from(a);
        for (place, colour) in [(order.red, r), (order.green, g), (order.blue, b)] {
            let under = (u32::from(pixel[place]) * keep + 127) / 255;
            pixel[place] = (u32::from(colour) + under).min(255) as u8;
        }
    }
}

/// Blends over 16-bit red, green, blue.
pub(super) fn over_words(pixel: &mut Word, [r, g, b, a]: [u8; 4]) {
    let keep = 255 - u32::from(a);
    for (place, colour) in [r, g, b].into_iter().enumerate() {
        let under = (u32::from(pixel[place]) * keep + 127) / 255;
        pixel[place] = (u32::from(colour) * 257 + under).min(65535) as u16;
    }
}
