//! Where pictures come from.

use std::sync::Arc;

use ghoststream_picture::{Color, HdrMetadata, PixelFormat, Rect, Size, View};

use super::Resident;
use crate::{Acquire, DmaBuf};

/// A captured picture.
#[derive(Debug)]
pub struct Frame<'a> {
    /// The whole buffer, in pixels.
    pub size: Size,
    /// How the pixels lie.
    pub format: PixelFormat,
    /// What the code values mean.
    pub color: Color,
    /// What its maker says of an HDR picture.
    pub hdr: Option<HdrMetadata>,
    /// Which part of it is shown, and how it is turned.
    pub view: View,
    /// The pointer, where it is to be drawn.
    pub pointer: Option<Pointer<'a>>,
    /// The pixels.
    pub pixels: Pixels<'a>,
}

/// Where the pixels are.
#[derive(Debug)]
pub enum Pixels<'a> {
    /// In memory that the CPU reads.
    Memory {
        /// The bytes of each plane from its first row on, and its stride. Each holds all of its rows.
        planes: [(&'a [u8], usize); 3],
        /// What changed since the frame before, in pixels of the buffer; `None` is everything.
        changed: Option<&'a [Rect]>,
    },
    /// In the device's own memory: [`super::Pass::keep`].
    Resident(&'a Resident),
    /// In memory of a GPU.
    DmaBuf {
        /// What it is; found again by its id.
        buffer: &'a Arc<DmaBuf>,
        /// When it may be read.
        acquire: Acquire,
    },
}

/// The pointer.
#[derive(Clone, Copy, Debug)]
pub struct Pointer<'a> {
    /// Where its first pixel is in the buffer; may lie outside.
    pub place: (i32, i32),
    /// Pixels across and down.
    pub size: Size,
    /// Premultiplied RGBA, 8 bits each, rows without padding.
    pub rgba: &'a [u8],
    /// Tells one bitmap from another: the same as before, and nothing is copied.
    pub id: u64,
}
