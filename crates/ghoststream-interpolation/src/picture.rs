//! Pictures as they are handed in and out: planes of luma and chroma.

use ghoststream_picture::{PixelFormat, Size};

use crate::Error;

/// What pictures look like in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) format: PixelFormat,
    pub(crate) size: Size,
}

/// One plane: how many samples lie side by side, and how much smaller than the picture it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlaneShape {
    /// Samples across, all channels of one place counted once.
    pub(crate) width: i32,
    pub(crate) height: i32,
    /// 2 where Cb and Cr alternate.
    pub(crate) channels: usize,
    /// Half as wide and high as the picture.
    pub(crate) halved: bool,
}

impl Shape {
    /// Checks that pictures of this kind can be worked on.
    pub(crate) fn new(format: PixelFormat, size: Size) -> Result<Self, Error> {
        if !format.is_yuv() || format.packed_bytes().is_some() {
            return Err(Error::Format(format));
        }
        if size.width.min(size.height) < 16 || size.width.max(size.height) > 8192 {
            return Err(Error::Size(size));
        }
        Ok(Self { format, size })
    }

    /// Bytes of one sample.
    pub(crate) const fn sample_bytes(self) -> usize {
        if self.format.depth() > 8 { 2 } else { 1 }
    }

    pub(crate) const fn plane(self, index: usize) -> PlaneShape {
        let halved = index > 0 && !self.format.is_full_chroma();
        let (width, height) = (self.size.width as i32, self.size.height as i32);
        PlaneShape {
            width: if halved { (width + 1) / 2 } else { width },
            height: if halved { (height + 1) / 2 } else { height },
            channels: if index > 0 && self.format.planes() == 2 { 2 } else { 1 },
            halved,
        }
    }

    fn check<'a>(self, planes: impl Iterator<Item = (&'a [u8], usize)>) -> Result<(), Error> {
        let mut count = 0;
        for (plane, (bytes, stride)) in planes.take(self.format.planes()).enumerate() {
            let (row, rows) = self.format.plane_layout(plane, self.size);
            let needed = stride.checked_mul(rows - 1).and_then(|it| it.checked_add(row));
            if stride < row || needed.is_none_or(|it| it > bytes.len()) {
                return Err(Error::Plane { plane, bytes: bytes.len(), stride });
            }
            count += 1;
        }
        if count < self.format.planes() {
            return Err(Error::Plane { plane: count, bytes: 0, stride: 0 });
        }
        Ok(())
    }
}

/// A picture to read: for each plane its bytes and how many of them there are from row to row.
#[derive(Clone, Copy, Debug)]
pub struct PictureRef<'a> {
    pub(crate) shape: Shape,
    planes: [(&'a [u8], usize); 3],
}

impl<'a> PictureRef<'a> {
    /// A picture of planar luma and chroma. Planes that the format lacks are not looked at.
    ///
    /// # Errors
    /// The format is no planar YUV, a side is shorter than 16 pixels or longer than 8192, or a plane is too short.
    pub fn new(format: PixelFormat, size: Size, planes: [(&'a [u8], usize); 3]) -> Result<Self, Error> {
        let shape = Shape::new(format, size)?;
        shape.check(planes.iter().copied())?;
        Ok(Self { shape, planes })
    }

    /// The bytes of a row of a plane.
    #[inline(always)]
    pub(crate) fn row(&self, plane: usize, y: i32) -> &'a [u8] {
        let (bytes, stride) = self.planes[plane];
        &bytes[y as usize * stride..]
    }

    /// The eight upper bits of a row's luma.
    pub(crate) fn luma(&self, y: i32, out: &mut [u8]) {
        let row = self.row(0, y);
        let format = self.shape.format;
        if self.shape.sample_bytes() == 1 {
            out.copy_from_slice(&row[..out.len()]);
            return;
        }
        let shift = format.sample_shift() + format.depth() - 8;
        for (sample, out) in row.as_chunks::<2>().0.iter().zip(out) {
            *out = (u16::from_le_bytes(*sample) >> shift).min(255) as u8;
        }
    }
}

/// A picture to write.
#[derive(Debug)]
pub struct PictureMut<'a> {
    pub(crate) shape: Shape,
    pub(crate) planes: [(&'a mut [u8], usize); 3],
}

impl<'a> PictureMut<'a> {
    /// A picture like those of [`PictureRef::new`], to be written.
    ///
    /// # Errors
    /// As there.
    pub fn new(format: PixelFormat, size: Size, planes: [(&'a mut [u8], usize); 3]) -> Result<Self, Error> {
        let shape = Shape::new(format, size)?;
        shape.check(planes.iter().map(|it| (&*it.0, it.1)))?;
        Ok(Self { shape, planes })
    }

    /// Copies another picture of the same shape.
    pub(crate) fn copy(&mut self, from: &PictureRef<'_>) {
        for plane in 0..self.shape.format.planes() {
            let (row, rows) = self.shape.format.plane_layout(plane, self.shape.size);
            let (bytes, stride) = &mut self.planes[plane];
            for y in 0..rows {
                bytes[y * *stride..][..row].copy_from_slice(&from.row(plane, y as i32)[..row]);
            }
        }
    }
}
