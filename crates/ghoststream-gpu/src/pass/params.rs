//! What the shaders are told of a picture: `shaders/params.glsl`.

use ghoststream_picture::matrix::{Levels, to_ycbcr};
use ghoststream_picture::{Rect, View};

use super::Target;
use crate::cuda;
use crate::vulkan::Buffer;

/// Bytes of the block.
pub(super) const LENGTH: u64 = size_of::<Params>() as u64;

/// The block as it lies in `std140`: vectors of four alone, so that nothing is padded.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Params {
    view: [i32; 4],
    steps: [i32; 4],
    content: [i32; 4],
    size: [i32; 4],
    planes: [i32; 4],
    to_luma: [f32; 4],
    to_cb: [f32; 4],
    to_cr: [f32; 4],
    levels: [f32; 4],
    pointer: [i32; 4],
}

impl Params {
    /// For a view of the source that is shown at `content`, with the pointer at a place of the buffer.
    pub(super) fn new(
        target: &Target,
        layout: &cuda::Layout,
        view: &View,
        content: Rect,
        pointer: [i32; 4],
    ) -> Self {
        let depth = target.format.depth();
        let levels = Levels::new(target.color.range, depth);
        let offsets = [levels.black, levels.neutral, levels.neutral];
        let matrix = to_ycbcr(target.color, depth);
        let row = |index: usize| {
            let [r, g, b] = matrix[index].map(|it| it as f32);
            [r, g, b, offsets[index] as f32]
        };
        let (left, top) = view.locate(0, 0);
        let ((right_x, right_y), (down_x, down_y)) = view.steps();
        let words = |bytes: usize| (bytes / 4) as i32;
        let plane = |index| layout.offset(index).map_or(0, words);
        let size = view.size();
        Self {
            view: [left as i32, top as i32, size.width as i32, size.height as i32],
            steps: [right_x, right_y, down_x, down_y].map(|it| it as i32),
            content: [content.x, content.y, content.width, content.height].map(|it| it as i32),
            size: [target.size.width as i32, target.size.height as i32, words(layout.pitch()), 0],
            planes: [plane(0), plane(1), plane(2), 0],
            to_luma: row(0),
            to_cb: row(1),
            to_cr: row(2),
            levels: [levels.black as f32, levels.neutral as f32, levels.most as f32, 0.0],
            pointer,
        }
    }

    /// Puts it where the shader reads it.
    pub(super) fn write(self, buffer: &mut Buffer) {
        // SAFETY: the structure has no padding: vectors of four 32-bit numbers alone.
        let bytes = unsafe { std::slice::from_raw_parts((&raw const self).cast::<u8>(), size_of::<Self>()) };
        // SAFETY: the slot that the buffer is of is free: no shader reads it now.
        let place = unsafe { buffer.bytes_mut() };
        place[..bytes.len()].copy_from_slice(bytes);
    }
}
