//! Reading the test card from a picture in any raw format.

use ghoststream::test_card::{Luma, Stamp, read};
use ghoststream::{PixelFormat, Size};

/// What the card says, from the luma of a picture or from its green.
pub(super) fn stamp(format: PixelFormat, size: Size, stride: usize, bytes: &[u8]) -> Option<Stamp> {
    let (step, first) = match format {
        PixelFormat::Nv12 | PixelFormat::I420 => {
            return read(Luma { bytes, stride, size }).map(|it| it.stamp);
        }
        PixelFormat::Yuy2 => (2, 0),
        PixelFormat::Rgb24 | PixelFormat::Bgr24 => (3, 1),
        PixelFormat::Bgrx | PixelFormat::Rgbx => (4, 1),
        _ => return None,
    };
    let row = |row: &[u8]| {
        row.chunks(step).take(size.width as usize).map(|it| it[first.min(it.len() - 1)]).collect()
    };
    let luma: Vec<Vec<u8>> = bytes.chunks(stride).take(size.height as usize).map(row).collect();
    let luma = luma.concat();
    read(Luma { bytes: &luma, stride: size.width as usize, size }).map(|it| it.stamp)
}
