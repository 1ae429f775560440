//! Pictures that were made for one encoder, in the form that another takes.
//!
//! Hardware takes chroma interleaved, most software in planes of its own. Processing is not built
//! anew when an encoder fails: its pictures are rearranged here, sample for sample.

use crate::av::{AvError, Picture};
use crate::encode::InputSpec;
use crate::{PixelFormat, Size};

/// Rearranges pictures of one format as another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adapter {
    from: PixelFormat,
    to: InputSpec,
}

impl Adapter {
    /// What lies between pictures as they are `made` and as they are `wanted`: nothing where they are
    /// the same.
    ///
    /// # Errors
    /// There is no way from one to the other: why.
    pub(super) fn between(made: InputSpec, wanted: InputSpec) -> Result<Option<Self>, String> {
        use PixelFormat::{I010, I420, Nv12, P010};
        if made == wanted {
            return Ok(None);
        }
        let same_but_for_format = InputSpec { format: made.format, ..wanted } == made;
        let known =
            matches!((made.format, wanted.format), (Nv12, I420) | (I420, Nv12) | (P010, I010) | (I010, P010));
        if same_but_for_format && known {
            return Ok(Some(Self { from: made.format, to: wanted }));
        }
        Err(format!("it takes {:?} and the pictures are {:?}", wanted.format, made.format))
    }

    /// A picture in the other form.
    ///
    /// # Errors
    /// Out of memory.
    pub(super) fn adapt(&self, picture: &Picture) -> Result<Picture, AvError> {
        let mut adapted = Picture::alloc(self.to.format, self.to.size, self.to.color)?;
        let Some(planes) = adapted.planes_mut() else {
            return Err(AvError(-libc::EINVAL));
        };
        let Size { width, height } = self.to.size;
        let frame = Shape { width: width as usize, height: height as usize };
        let made = [0, 1, 2].map(|index| picture.plane(index));
        match self.from {
            PixelFormat::Nv12 => split::<1>(made, planes, frame, |it| it),
            PixelFormat::I420 => merge::<1>(made, planes, frame, |it| it),
            PixelFormat::P010 => split::<2>(made, planes, frame, to_low),
            _ => merge::<2>(made, planes, frame, to_high),
        }
        Ok(adapted)
    }
}

#[derive(Clone, Copy)]
struct Shape {
    width: usize,
    height: usize,
}

type Planes<'a> = [(&'a [u8], usize); 3];
type PlanesMut<'a> = [(&'a mut [u8], usize); 3];

/// Interleaved chroma into planes of its own. `N` bytes are a sample, and each goes through `change`.
fn split<const N: usize>(from: Planes<'_>, to: PlanesMut<'_>, shape: Shape, change: fn([u8; N]) -> [u8; N]) {
    let [luma, blue, red] = to;
    copy_luma(from[0], luma, shape, change);
    let rows = from[1].0.chunks(from[1].1.max(1));
    let both = blue.0.chunks_mut(blue.1.max(1)).zip(red.0.chunks_mut(red.1.max(1)));
    for (row, (blue, red)) in rows.zip(both).take(shape.height / 2) {
        let samples = row.as_chunks::<N>().0.as_chunks::<2>().0;
        let outs = blue.as_chunks_mut::<N>().0.iter_mut().zip(red.as_chunks_mut::<N>().0);
        for (&[b, r], (blue, red)) in samples.iter().zip(outs).take(shape.width / 2) {
            (*blue, *red) = (change(b), change(r));
        }
    }
}

/// Planes of chroma into an interleaved one.
fn merge<const N: usize>(from: Planes<'_>, to: PlanesMut<'_>, shape: Shape, change: fn([u8; N]) -> [u8; N]) {
    let [luma, chroma, _] = to;
    copy_luma(from[0], luma, shape, change);
    let both = from[1].0.chunks(from[1].1.max(1)).zip(from[2].0.chunks(from[2].1.max(1)));
    for ((blue, red), row) in both.zip(chroma.0.chunks_mut(chroma.1.max(1))).take(shape.height / 2) {
        let samples = blue.as_chunks::<N>().0.iter().zip(red.as_chunks::<N>().0);
        let outs = row.as_chunks_mut::<N>().0.as_chunks_mut::<2>().0;
        for ((&b, &r), out) in samples.zip(outs).take(shape.width / 2) {
            *out = [change(b), change(r)];
        }
    }
}

fn copy_luma<const N: usize>(
    from: (&[u8], usize),
    to: (&mut [u8], usize),
    shape: Shape,
    change: fn([u8; N]) -> [u8; N],
) {
    let rows = from.0.chunks(from.1.max(1)).zip(to.0.chunks_mut(to.1.max(1)));
    for (row, out) in rows.take(shape.height) {
        let samples = row.as_chunks::<N>().0.iter().zip(out.as_chunks_mut::<N>().0);
        for (&sample, out) in samples.take(shape.width) {
            *out = change(sample);
        }
    }
}

/// Ten bits at the top of a word, as P010 has them, to the bottom, as I010 does.
fn to_low(sample: [u8; 2]) -> [u8; 2] {
    (u16::from_le_bytes(sample) >> 6).to_le_bytes()
}

fn to_high(sample: [u8; 2]) -> [u8; 2] {
    (u16::from_le_bytes(sample) << 6).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Color;

    fn spec(format: PixelFormat) -> InputSpec {
        InputSpec { format, size: Size::new(38, 22), color: Color::default() }
    }

    /// Sample `at` of a channel; ten bits use both bytes.
    fn sample(channel: usize, x: usize, y: usize) -> u16 {
        ((x * 7 + y * 13 + channel * 101) % 1024) as u16
    }

    fn place(format: PixelFormat, channel: usize, x: usize) -> (usize, usize) {
        let interleaved = format.planes() == 2 && channel > 0;
        if interleaved { (1, x * 2 + channel - 1) } else { (channel, x) }
    }

    fn each(mut check: impl FnMut(usize, usize, usize)) {
        for channel in 0..3 {
            let half = usize::from(channel > 0);
            for y in 0..22 >> half {
                for x in 0..38 >> half {
                    check(channel, x, y);
                }
            }
        }
    }

    fn picture(format: PixelFormat) -> Picture {
        let spec = spec(format);
        let mut picture = Picture::alloc(spec.format, spec.size, spec.color).unwrap();
        let planes = &mut picture.planes_mut().unwrap();
        each(|channel, x, y| {
            let (plane, at) = place(format, channel, x);
            let (bytes, stride) = &mut planes[plane];
            let value = sample(channel, x, y);
            match format {
                PixelFormat::P010 => {
                    bytes[y * *stride + at * 2..][..2].copy_from_slice(&(value << 6).to_le_bytes())
                }
                PixelFormat::I010 => bytes[y * *stride + at * 2..][..2].copy_from_slice(&value.to_le_bytes()),
                _ => bytes[y * *stride + at] = value as u8,
            }
        });
        picture
    }

    #[test]
    fn every_sample_arrives_in_its_place() {
        use PixelFormat::{I010, I420, Nv12, P010};
        for (from, to) in [(Nv12, I420), (I420, Nv12), (P010, I010), (I010, P010)] {
            let adapter = Adapter::between(spec(from), spec(to)).unwrap().unwrap();
            let (adapted, wanted) = (adapter.adapt(&picture(from)).unwrap(), picture(to));
            let bytes = if to.depth() > 8 { 2 } else { 1 };
            each(|channel, x, y| {
                let (plane, at) = place(to, channel, x);
                let ((got, stride), (want, other)) = (adapted.plane(plane), wanted.plane(plane));
                let got = &got[y * stride + at * bytes..][..bytes];
                assert_eq!(got, &want[y * other + at * bytes..][..bytes], "{from:?} {channel} {x},{y}");
            });
        }
    }

    #[test]
    fn what_is_the_same_stays_and_what_cannot_be_is_refused() {
        use PixelFormat::{I010, Nv12};
        assert!(Adapter::between(spec(Nv12), spec(Nv12)).unwrap().is_none());
        assert!(Adapter::between(spec(Nv12), spec(I010)).unwrap_err().contains("I010"));
        let larger = InputSpec { size: Size::new(40, 22), ..spec(PixelFormat::I420) };
        assert!(Adapter::between(spec(Nv12), larger).is_err());
    }
}
