//! Pictures out of a client's memory.

use nvenc_emulator::InputFormat;
use nvenc_emulator_bitstream::{Chroma, Format, Picture};

use super::rgb;
use crate::status::{Answer, Refusal, Status, require};

/// How a picture lies in memory.
#[derive(Clone, Copy, Debug)]
pub struct Surface {
    /// Its form.
    pub format: InputFormat,
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Bytes from row to row of the first plane.
    pub pitch: usize,
    /// Where chroma begins, where it does not follow luma at once.
    pub chroma: Option<usize>,
}

/// One plane's samples: where the first is, bytes from row to row, and from sample to sample.
struct Samples {
    offset: usize,
    pitch: usize,
    step: usize,
}

impl Surface {
    /// Bytes that one pixel takes in the first plane.
    const fn pixel_bytes(&self) -> usize {
        match self.format {
            InputFormat::Nv12
            | InputFormat::Yv12
            | InputFormat::Iyuv
            | InputFormat::Yuv444
            | InputFormat::Nv16 => 1,
            InputFormat::Yuv420Ten | InputFormat::Yuv444Ten | InputFormat::P210 => 2,
            _ => 4,
        }
    }

    /// Bits a sample.
    pub const fn depth(&self) -> u8 {
        match self.format {
            InputFormat::Yuv420Ten
            | InputFormat::Yuv444Ten
            | InputFormat::P210
            | InputFormat::Argb10
            | InputFormat::Abgr10 => 10,
            _ => 8,
        }
    }

    /// Bytes of a row's pixels: the smallest pitch.
    pub const fn row_bytes(&self) -> usize {
        self.width * self.pixel_bytes()
    }

    /// Rows of all planes together, in units of the pitch.
    const fn rows(&self) -> usize {
        match self.format {
            InputFormat::Nv12 | InputFormat::Yv12 | InputFormat::Iyuv | InputFormat::Yuv420Ten => {
                self.height + self.height.div_ceil(2)
            }
            InputFormat::Yuv444 | InputFormat::Yuv444Ten => self.height * 3,
            InputFormat::Nv16 | InputFormat::P210 => self.height * 2,
            _ => self.height,
        }
    }

    /// Bytes from the first sample to the last.
    pub fn size(&self) -> usize {
        let gap = self.chroma.map_or(0, |chroma| chroma.saturating_sub(self.pitch * self.height));
        match self.format {
            // Two rows of chroma lie in one of luma's pitch.
            InputFormat::Yv12 | InputFormat::Iyuv => gap + self.pitch * self.rows(),
            _ => gap + self.pitch * (self.rows() - 1) + self.row_bytes(),
        }
    }

    /// Bytes for which memory is allocated.
    pub const fn allocation(&self) -> usize {
        self.pitch * self.rows()
    }

    /// Whether it can be coded with chroma sampled like this.
    pub const fn suits(&self, chroma: Chroma) -> bool {
        match self.format {
            InputFormat::Argb | InputFormat::Abgr | InputFormat::Argb10 | InputFormat::Abgr10 => true,
            InputFormat::Nv12 | InputFormat::Yv12 | InputFormat::Iyuv | InputFormat::Yuv420Ten => {
                matches!(chroma, Chroma::Yuv420)
            }
            InputFormat::Yuv444 | InputFormat::Yuv444Ten => matches!(chroma, Chroma::Yuv444),
            _ => false,
        }
    }

    /// The picture in these bytes, cut to the form that is coded.
    pub fn picture(&self, bytes: &[u8], coded: Format) -> Answer<Picture> {
        require(self.width >= coded.width && self.height >= coded.height, Status::InvalidParam, || {
            let size = format!("{}x{}", self.width, self.height);
            format!(
                "a picture of {size} is smaller than the {}x{} that are encoded",
                coded.width, coded.height
            )
        })?;
        require(bytes.len() >= self.size() && self.suits(coded.chroma), Status::InvalidParam, || {
            format!("a picture of {:?} cannot be encoded as {:?}", self.format, coded.chroma)
        })?;
        if let Some(order) = rgb::Order::of(self.format) {
            return Ok(rgb::picture(bytes, self.pitch, order, coded));
        }
        let samples = self.samples().ok_or_else(|| {
            Refusal::new(Status::Unimplemented, format!("the emulator does not read {:?}", self.format))
        })?;
        let wide = self.pixel_bytes() == 2;
        let planes = [0, 1, 2].map(|plane| {
            let (width, height) = coded.plane(plane);
            let Samples { offset, pitch, step } = samples[plane];
            let mut out = Vec::with_capacity(width * height);
            for row in (0..height).map(|y| offset + y * pitch) {
                out.extend((0..width).map(|x| row + x * step).map(|at| {
                    // The ten bits stand in the upper end of sixteen.
                    if wide {
                        u16::from_le_bytes([bytes[at], bytes[at + 1]]) >> 6
                    } else {
                        u16::from(bytes[at])
                    }
                }));
            }
            out
        });
        let picture = Picture { format: Format { depth: self.depth(), ..coded }, planes };
        Ok(with_depth(picture, coded.depth))
    }

    fn samples(&self) -> Option<[Samples; 3]> {
        let luma = Samples { offset: 0, pitch: self.pitch, step: self.pixel_bytes() };
        let chroma = self.chroma.unwrap_or(self.pitch * self.height);
        let whole = |number: usize| Samples {
            offset: chroma + self.pitch * self.height * number,
            pitch: self.pitch,
            step: self.pixel_bytes(),
        };
        let quarter = |number: usize| Samples {
            offset: chroma + self.pitch / 2 * self.height.div_ceil(2) * number,
            pitch: self.pitch / 2,
            step: 1,
        };
        let interleaved = |number: usize| Samples {
            offset: chroma + self.pixel_bytes() * number,
            pitch: self.pitch,
            step: self.pixel_bytes() * 2,
        };
        Some(match self.format {
            InputFormat::Nv12 | InputFormat::Yuv420Ten => [luma, interleaved(0), interleaved(1)],
            InputFormat::Iyuv => [luma, quarter(0), quarter(1)],
            InputFormat::Yv12 => [luma, quarter(1), quarter(0)],
            InputFormat::Yuv444 | InputFormat::Yuv444Ten => [luma, whole(0), whole(1)],
            _ => return None,
        })
    }
}

/// A form by its value in the API.
pub fn input_format(value: u32) -> Option<InputFormat> {
    const ALL: [InputFormat; 13] = [
        InputFormat::Nv12,
        InputFormat::Yv12,
        InputFormat::Iyuv,
        InputFormat::Yuv444,
        InputFormat::Yuv420Ten,
        InputFormat::Yuv444Ten,
        InputFormat::Argb,
        InputFormat::Argb10,
        InputFormat::Ayuv,
        InputFormat::Abgr,
        InputFormat::Abgr10,
        InputFormat::Nv16,
        InputFormat::P210,
    ];
    ALL.into_iter().find(|format| format.value() == value)
}

/// The same picture with samples of another depth, as the chip shifts them.
pub fn with_depth(mut picture: Picture, depth: u8) -> Picture {
    let from = picture.format.depth;
    for sample in picture.planes.iter_mut().flatten() {
        *sample = if depth >= from { *sample << (depth - from) } else { *sample >> (from - depth) };
    }
    picture.format.depth = depth;
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODED: Format = Format { width: 4, height: 2, chroma: Chroma::Yuv420, depth: 8 };

    fn surface(format: InputFormat, pitch: usize) -> Surface {
        Surface { format, width: 4, height: 2, pitch, chroma: None }
    }

    #[test]
    fn planes_are_found_where_each_form_has_them() {
        let luma: [[u8; 8]; 2] = [[1, 2, 3, 4, 99, 99, 99, 99], [5, 6, 7, 8, 99, 99, 99, 99]];
        let expected = [vec![1, 2, 3, 4, 5, 6, 7, 8], vec![20, 21], vec![30, 31]];
        let read = |format, chroma: [u8; 8]| {
            let bytes = [&luma[0][..], &luma[1], &chroma].concat();
            surface(format, 8).picture(&bytes, CODED).unwrap().planes
        };
        assert_eq!(read(InputFormat::Nv12, [20, 30, 21, 31, 99, 99, 99, 99]), expected);
        assert_eq!(read(InputFormat::Iyuv, [20, 21, 99, 99, 30, 31, 99, 99]), expected);
        assert_eq!(read(InputFormat::Yv12, [30, 31, 99, 99, 20, 21, 99, 99]), expected);
    }

    #[test]
    fn ten_bits_stand_in_the_upper_end_of_sixteen() {
        let samples: [u16; 12] =
            [0, 1 << 6, 2 << 6, 1023 << 6, 4 << 6, 5 << 6, 6 << 6, 7 << 6, 8 << 6, 9 << 6, 10 << 6, 11 << 6];
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let picture =
            surface(InputFormat::Yuv420Ten, 8).picture(&bytes, Format { depth: 10, ..CODED }).unwrap();
        assert_eq!(picture.planes, [vec![0, 1, 2, 1023, 4, 5, 6, 7], vec![8, 10], vec![9, 11]]);
    }

    #[test]
    fn a_picture_that_is_too_small_or_sampled_otherwise_is_refused() {
        let bytes = [0; 64];
        let wide = Format { width: 6, ..CODED };
        assert_eq!(
            surface(InputFormat::Nv12, 8).picture(&bytes, wide).unwrap_err().status,
            Status::InvalidParam
        );
        let full = Format { chroma: Chroma::Yuv444, ..CODED };
        assert_eq!(
            surface(InputFormat::Nv12, 8).picture(&bytes, full).unwrap_err().status,
            Status::InvalidParam
        );
    }
}
