//! Every reader of what another process wrote, over any bytes: what fuzzing and property tests run.

use super::layout::Chunk;
use super::meta::Shape;
use super::pod::{Pod, word};
use super::{format, layout, meta};
use crate::capture::{CpuBuffer, Damage, Plane};
use crate::{PixelFormat, Rect, Size};

/// Reads `bytes` as everything that a producer can send, and checks what came of it.
///
/// # Panics
/// A reader let something through that lies outside of what it belongs to, which is a bug.
pub fn read(bytes: &[u8]) {
    pods(bytes);
    metas(bytes);
    chunks(bytes);
}

fn pods(bytes: &[u8]) {
    if let Some((_, properties)) = Pod::parse(bytes).and_then(Pod::object) {
        for (_, pod) in properties {
            let _ =
                (pod.id(), pod.int(), pod.longs(), pod.rectangle(), pod.fraction(), pod.object().is_some());
        }
    }
    let _ = format::unfixed_modifiers(bytes);
    if let Ok(format) = format::parse_format(bytes) {
        assert!((1..=16384).contains(&format.size.width) && (1..=16384).contains(&format.size.height));
    }
}

fn metas(bytes: &[u8]) {
    let size = size(bytes);
    let _ = (meta::header(bytes), meta::transform(bytes));
    let whole = Rect::of(size);
    if let Some(region) = meta::region(bytes, size) {
        assert!(!region.is_empty() && region.intersection(whole) == region, "{region:?} of {size}");
    }
    if let Damage::Rects(rects) = meta::damage(bytes, size) {
        assert!(rects.iter().all(|rect| rect.intersection(whole) == *rect), "{rects:?} of {size}");
    }
    if let Ok(Some(cursor)) = meta::cursor(bytes)
        && let Shape::New(bitmap) = cursor.shape
    {
        assert_eq!(bitmap.rgba.len() as u64, bitmap.size.area() * 4);
    }
}

fn chunks(bytes: &[u8]) {
    const FORMATS: [PixelFormat; 5] =
        [PixelFormat::Bgrx, PixelFormat::Rgb24, PixelFormat::Nv12, PixelFormat::I420, PixelFormat::Yuy2];
    let at = |index: usize| word(bytes, index * 4).unwrap_or(0);
    let format = FORMATS[at(2) as usize % FORMATS.len()];
    let chunk = |first: usize| Chunk {
        offset: at(first),
        size: at(first + 1),
        stride: at(first + 2).cast_signed(),
        flags: at(first + 3).cast_signed(),
    };
    let said = [chunk(3), chunk(7), chunk(11)];
    let number = 1 + at(15) as usize % 3;
    let lengths = [bytes.len(); 3];
    let size = size(bytes);
    if let Ok(planes) = layout::place(format, size, &lengths[..number], &said[..number]) {
        // `CpuBuffer` checks on its own, in other words.
        let planes = planes.map(|plane| Plane { offset: plane.offset, stride: plane.stride });
        let lease = std::sync::Arc::new(bytes.to_vec());
        CpuBuffer::new(lease, format, size, &planes).expect("what was placed lies within its buffer");
    }
}

fn size(bytes: &[u8]) -> Size {
    let side = |offset| word(bytes, offset).unwrap_or(0) % 64 + 1;
    Size::new(side(0), side(4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::pipewire::offers;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            read(&bytes);
        }

        /// Small words are what offsets and sizes are: they get further than noise.
        #[test]
        fn bytes_that_look_right_do_no_harm(words in proptest::collection::vec(0u32..200, 0..150)) {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
            read(&bytes);
        }

        #[test]
        fn a_format_with_a_changed_word_does_no_harm(index in 0usize..60, word: u32) {
            let wish = offers::Wish { fps: 60.0, hdr: true, shared_hdr: true };
            let mut bytes = offers::offers(wish, None)[0].to_bytes();
            let at = index * 4 % (bytes.len() - 3);
            bytes[at..at + 4].copy_from_slice(&word.to_ne_bytes());
            read(&bytes);
        }
    }
}
