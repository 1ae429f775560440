//! From the picture that is shown to the one that those who look agreed on.
#![allow(unsafe_code)]

use std::ffi::c_int;

use ghoststream_picture::{Color, ColorRange, ColorSpace, PixelFormat, Rect, Size, fit};

use crate::format::{Layout, Plane};
use crate::mjpeg::Jpeg;
use crate::shared::Agreed;
use crate::sws::{Side, Sws, av_input, part};
use crate::{Format, Input, Pixels};

/// What is worked out once for a format that was agreed on.
#[derive(Debug)]
pub(crate) struct Converter {
    agreed: Agreed,
    /// Where the picture lies; bars are around it where the aspect differs.
    area: Rect,
    sws: Sws,
    jpeg: Option<Jpeg>,
    /// Nothing but the place of rows differs.
    copies: bool,
}

impl Converter {
    /// # Errors
    /// In words: a library does not do it.
    pub(crate) fn new(input: &Input, agreed: Agreed) -> Result<Self, String> {
        let area = area(input.size, agreed.size);
        let format = av_input(input.format).ok_or_else(|| format!("{:?} is not shown", input.format))?;
        let from = Side { format, size: input.size, color: input.color };
        let color = match agreed.format {
            // ITU-T T.871, JFIF: BT.601 in the full range.
            Format::Mjpeg => Color::new(ColorSpace::Bt601, ColorRange::Full),
            it if it.is_yuv() => input.color,
            _ => Color::new(input.color.space, ColorRange::Full),
        };
        let sws = Sws::new(from, Side { format: agreed.format.av(), size: area.size(), color })?;
        let jpeg = match agreed.format {
            Format::Mjpeg => Some(Jpeg::new(agreed.size, agreed.rate)?),
            _ => None,
        };
        let same_format = matches!(
            (input.format, agreed.format),
            (PixelFormat::Nv12, Format::Nv12) | (PixelFormat::I420, Format::I420)
        );
        Ok(Self { agreed, area, sws, jpeg, copies: same_format && input.size == area.size() })
    }

    /// Writes the picture into a buffer, with room of [`SLACK`](crate::offers::SLACK) behind; returns its length.
    ///
    /// # Errors
    /// In words: the buffer is too small, or a library refused.
    pub(crate) fn convert(&mut self, from: &dyn Pixels, out: &mut [u8]) -> Result<usize, String> {
        let Agreed { format, size, .. } = self.agreed;
        if let Some(jpeg) = &mut self.jpeg {
            jpeg.blacken_around(self.area);
            self.sws.run(from, jpeg.planes(self.area)?)?;
            return jpeg.encode(out);
        }
        let Layout { planes, bytes: length } = self.agreed.layout();
        if out.len() < length + crate::offers::SLACK {
            return Err(format!("a buffer of {} bytes is too small for {}", out.len(), self.agreed));
        }
        if self.area != Rect::of(size) {
            blacken(format, planes, &mut out[..length]);
        }
        let to = part(planes, format.packed().unwrap_or(1), self.area);
        if self.copies {
            return copy(from, to, self.area.size(), &mut out[..length]).map(|()| length);
        }
        let start = out.as_mut_ptr();
        let to = to.map(|plane| {
            let Plane { offset, stride } = plane?;
            // SAFETY: the planes lie within `length` bytes, which `out` has, and the part within them.
            Some((unsafe { start.add(offset) }, stride as c_int))
        });
        self.sws.run(from, to)?;
        Ok(length)
    }
}

/// Where the picture lies: all of it where the aspect differs by no more than rounding a size does.
fn area(from: Size, to: Size) -> Rect {
    let cross = |a: Size, b: Size| f64::from(a.width) * f64::from(b.height);
    let ratio = cross(from, to) / cross(to, from);
    if (0.97..=1.03).contains(&ratio) { Rect::of(to) } else { fit(from, to) }
}

/// Copies row by row. libswscale does not: it takes the chroma of NV12 for a palette and leaves it out.
fn copy(from: &dyn Pixels, to: [Option<Plane>; 3], size: Size, out: &mut [u8]) -> Result<(), String> {
    let semi_planar = to[2].is_none();
    for (index, plane) in to.into_iter().enumerate() {
        let Some(plane) = plane else { continue };
        let (bytes, stride) = from.plane(index);
        let (width, rows) = match (index, semi_planar) {
            (0, _) => (size.width as usize, size.height as usize),
            (_, true) => (size.width as usize, size.height as usize / 2),
            (_, false) => (size.width as usize / 2, size.height as usize / 2),
        };
        let mut rows_in = bytes.chunks(stride.max(1));
        for row in out[plane.offset..].chunks_mut(plane.stride).take(rows) {
            let source = rows_in.next().and_then(|row| row.get(..width));
            row[..width].copy_from_slice(source.ok_or(crate::sws::TOO_SMALL)?);
        }
    }
    Ok(())
}

/// Makes all of a picture black, in the limited range where it is of luma and chroma.
fn blacken(format: Format, planes: [Option<Plane>; 3], out: &mut [u8]) {
    match (format, planes[1]) {
        (Format::Yuy2, _) => out.as_chunks_mut().0.fill([16, 128, 16, 128]),
        (_, Some(chroma)) => {
            out[..chroma.offset].fill(16);
            out[chroma.offset..].fill(128);
        }
        _ => out.fill(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    /// A picture of one colour, NV12.
    struct Flat(Size, [Vec<u8>; 2]);

    impl Flat {
        fn new(ycbcr: [u8; 3], size: Size) -> Self {
            let (stride, rows) = (size.width as usize, size.height as usize);
            let chroma = [ycbcr[1], ycbcr[2]].repeat(stride / 2 * rows / 2);
            Self(size, [vec![ycbcr[0]; stride * rows], chroma])
        }
    }

    impl Pixels for Flat {
        fn plane(&self, index: usize) -> (&[u8], usize) {
            self.1.get(index).map_or((&[], 0), |plane| (plane, self.0.width as usize))
        }
    }

    const HD: Size = Size::new(640, 360);

    fn input() -> Input {
        let color = Color::new(ColorSpace::Bt709, ColorRange::Limited);
        Input { format: PixelFormat::Nv12, size: HD, color, rate: (30, 1) }
    }

    fn agreed(format: Format, size: Size, memory: Memory) -> Agreed {
        Agreed { format, size, rate: (30, 1), memory }
    }

    fn converted(format: Format, size: Size, ycbcr: [u8; 3]) -> Vec<u8> {
        converted_in(agreed(format, size, Memory::Shared), ycbcr)
    }

    fn converted_in(agreed: Agreed, ycbcr: [u8; 3]) -> Vec<u8> {
        let mut out = vec![0xaa; agreed.layout().bytes + crate::offers::SLACK];
        let mut converter = Converter::new(&input(), agreed).unwrap();
        let length = converter.convert(&Flat::new(ycbcr, HD), &mut out).unwrap();
        out.truncate(length);
        out
    }

    /// The middle pixel of a raw picture, as it lies in memory.
    fn middle(agreed: Agreed, bytes: &[u8]) -> Vec<u8> {
        let Agreed { format, size, .. } = agreed;
        let (x, y) = ((size.width as usize / 2) & !1, (size.height as usize / 2) & !1);
        let planes = agreed.layout().planes;
        let at = |plane: usize, x: usize, y: usize| {
            let plane = planes[plane].unwrap();
            plane.offset + y * plane.stride + x
        };
        match format {
            Format::Nv12 => vec![bytes[at(0, x, y)], bytes[at(1, x, y / 2)], bytes[at(1, x, y / 2) + 1]],
            Format::I420 => {
                vec![bytes[at(0, x, y)], bytes[at(1, x / 2, y / 2)], bytes[at(2, x / 2, y / 2)]]
            }
            Format::Yuy2 => bytes[at(0, 2 * x, y)..][..4].to_vec(),
            Format::Rgb | Format::Bgr => bytes[at(0, 3 * x, y)..][..3].to_vec(),
            _ => bytes[at(0, 4 * x, y)..][..4].to_vec(),
        }
    }

    /// Orange: R 255, G 128, B 0 by BT.709 in the limited range.
    const ORANGE: [u8; 3] = [141, 52, 189];

    #[test]
    fn colours_are_the_same_in_every_format_and_size() {
        for size in [HD, Size::new(432, 240), Size::new(640, 480)] {
            for (format, expected) in [
                (Format::Nv12, vec![141, 52, 189]),
                (Format::I420, vec![141, 52, 189]),
                (Format::Yuy2, vec![141, 52, 141, 189]),
                (Format::Bgrx, vec![0, 128, 255, 255]),
                (Format::Rgba, vec![255, 128, 0, 255]),
                (Format::Rgb, vec![255, 128, 0]),
                (Format::Bgr, vec![0, 128, 255]),
            ] {
                for memory in [Memory::Shared, Memory::DmaBuf] {
                    let agreed = agreed(format, size, memory);
                    let bytes = converted_in(agreed, ORANGE);
                    assert_eq!(bytes.len(), agreed.layout().bytes);
                    let found = middle(agreed, &bytes);
                    let near = found.iter().zip(&expected).all(|(a, b)| a.abs_diff(*b) <= 3);
                    assert!(near && found.len() == expected.len(), "{agreed}: {found:?}, not {expected:?}");
                }
            }
        }
    }

    #[test]
    fn what_has_another_aspect_has_black_bars() {
        let size = Size::new(640, 480);
        for (format, black) in
            [(Format::Nv12, 16), (Format::I420, 16), (Format::Yuy2, 16), (Format::Rgb, 0), (Format::Bgrx, 0)]
        {
            let bytes = converted(format, size, [235, 128, 128]);
            let stride = format.stride(size);
            let row = |y: usize| bytes[y * stride + ((stride / 2) & !3)];
            assert_eq!([row(0), row(59), row(479), row(420)], [black; 4], "{format}");
            assert!([row(60), row(240), row(419)].iter().all(|&it| it > 200), "{format}");
        }
    }

    /// The middle pixel of a JPEG, luma and chroma.
    fn decoded(jpeg: &[u8]) -> [u8; 3] {
        use ffmpeg_next::{Packet, codec, frame};
        let codec = ffmpeg_next::decoder::find(codec::Id::MJPEG).unwrap();
        let mut decoder = codec::Context::new_with_codec(codec).decoder().video().unwrap();
        decoder.send_packet(&Packet::copy(jpeg)).unwrap();
        decoder.send_eof().unwrap();
        let mut picture = frame::Video::empty();
        decoder.receive_frame(&mut picture).unwrap();
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        std::array::from_fn(|plane| {
            let shift = usize::from(plane > 0) + 1;
            picture.data(plane)[(height >> shift) * picture.stride(plane) + (width >> shift)]
        })
    }

    #[test]
    fn a_jpeg_has_the_matrix_and_the_range_that_jpegs_have() {
        for size in [HD, Size::new(432, 240), Size::new(640, 480)] {
            // Orange and white by BT.601 in the full range.
            for (ycbcr, expected) in [(ORANGE, [151, 43, 202]), ([235, 128, 128], [255, 128, 128])] {
                let found = decoded(&converted(Format::Mjpeg, size, ycbcr));
                let near = found.iter().zip(&expected).all(|(a, b): (&u8, &u8)| a.abs_diff(*b) <= 4);
                assert!(near, "{size}: {found:?}, not {expected:?}");
            }
        }
    }

    #[test]
    fn a_jpeg_is_one_and_a_buffer_that_is_too_small_is_told() {
        let jpeg = converted(Format::Mjpeg, HD, ORANGE);
        assert_eq!((&jpeg[..3], &jpeg[jpeg.len() - 2..]), (&[0xff, 0xd8, 0xff][..], &[0xff, 0xd9][..]));
        let agreed = agreed(Format::Mjpeg, HD, Memory::Shared);
        let mut converter = Converter::new(&input(), agreed).unwrap();
        let error = converter.convert(&Flat::new(ORANGE, HD), &mut [0; 100]).unwrap_err();
        assert!(error.contains("100 bytes"), "{error}");
        let agreed = Agreed { format: Format::Nv12, ..agreed };
        let error = Converter::new(&input(), agreed).unwrap().convert(&Flat::new(ORANGE, HD), &mut [0; 100]);
        assert!(error.unwrap_err().contains("too small"));
    }

    #[test]
    fn a_picture_that_is_smaller_than_it_says_is_told() {
        for format in [Format::Rgb, Format::Nv12] {
            let mut converter = Converter::new(&input(), agreed(format, HD, Memory::Shared)).unwrap();
            let mut out = vec![0; format.bytes(HD) + crate::offers::SLACK];
            let error = converter.convert(&Flat::new(ORANGE, Size::new(640, 358)), &mut out).unwrap_err();
            assert!(error.contains("smaller than it says"), "{error}");
        }
    }
}
