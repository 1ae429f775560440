//! What the shaders are told of a picture: `shaders/params.glsl`.

use ghoststream_picture::matrix::{Levels, to_rgb, to_ycbcr};
use ghoststream_picture::{Rect, View};

use super::{Frame, Target};
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
    pointer: [i32; 4],
    chroma: [i32; 4],
    texel: [f32; 4],
    to_rgb: [[f32; 4]; 3],
    to_ycbcr: [[f32; 4]; 3],
    levels: [f32; 4],
}

impl Params {
    /// For a view of the source that is shown at `content`.
    pub(super) fn new(
        frame: &Frame<'_>,
        target: &Target,
        layout: &cuda::Layout,
        view: &View,
        content: Rect,
    ) -> Self {
        let levels = Levels::new(target.color.range, target.format.depth());
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
            pointer: frame
                .pointer
                .map_or([0; 4], |it| [it.place.0, it.place.1, it.size.width as i32, it.size.height as i32]),
            chroma: [frame.size.width, frame.size.height, 0, 0].map(|it| (it.div_ceil(2) as i32 - 1).max(0)),
            texel: [1.0 / frame.size.width as f32, 1.0 / frame.size.height as f32, 0.0, 0.0],
            to_rgb: from_code_values(frame),
            to_ycbcr: to_code_values(target),
            levels: [levels.black as f32, levels.neutral as f32, levels.most as f32, 0.0],
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

/// From code values of luma and chroma to red, green and blue, which are 0 to 1; what is added stands last.
fn from_code_values(frame: &Frame<'_>) -> [[f32; 4]; 3] {
    let depth = frame.format.depth();
    let levels = Levels::new(frame.color.range, depth);
    to_rgb(frame.color, depth).map(|[y, cb, cr]| {
        let added = -y * levels.black - (cb + cr) * levels.neutral;
        [y, cb, cr, added].map(|it| it as f32)
    })
}

/// The other way round.
fn to_code_values(target: &Target) -> [[f32; 4]; 3] {
    let depth = target.format.depth();
    let levels = Levels::new(target.color.range, depth);
    let [luma, cb, cr] = to_ycbcr(target.color, depth);
    [(luma, levels.black), (cb, levels.neutral), (cr, levels.neutral)]
        .map(|([r, g, b], added)| [r, g, b, added].map(|it| it as f32))
}
