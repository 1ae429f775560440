//! What the tests of all writers share: pictures that move, plans, and somebody else's decoder.

mod decoder;
mod plans;

pub(crate) use decoder::{decode, decode_with, probe};
pub(crate) use plans::{b_frames, low_delay, random};

use crate::{Chroma, Coder, Format, Kind, Picture, Plan, Quality, Stream};

pub(crate) fn format(width: usize, height: usize, chroma: Chroma, depth: u8) -> Format {
    Format { width, height, chroma, depth }
}

/// A stream of 30 pictures a second that says nothing of its colours.
pub(crate) fn stream(format: Format) -> Stream {
    Stream {
        format,
        rate: (30, 1),
        color: None,
        sample_aspect_ratio: (1, 1),
        references: 1,
        reorders: 0,
        exact: false,
        level: None,
    }
}

/// Numbers that look random and are the same every time: xorshift64*.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize) % limit
    }
}

/// Picture `index` of a scene: rough hills that scroll, a striped box that moves faster, and a lower
/// quarter that stands still.
pub(crate) fn moving(format: Format, index: usize) -> Picture {
    let mut picture = Picture::filled(format, [0; 3]);
    let peak = i32::from(format.peak());
    for plane in 0..3 {
        let (width, height) = format.plane(plane);
        // Chroma samples are where the luma samples are, so that the planes show one scene.
        let scale = format.width.div_ceil(width);
        for y in 0..height {
            for x in 0..width {
                let value = scene(plane, x * scale, y * scale, format, index);
                picture.planes[plane][y * width + x] = (value * peak / 1023).clamp(0, peak) as u16;
            }
        }
    }
    picture
}

/// One sample of the scene, 0 to 1023.
fn scene(plane: usize, x: usize, y: usize, format: Format, index: usize) -> i32 {
    let (width, height) = (format.width, format.height);
    let (box_x, box_y) = ((index * 7) % width, (index * 3 + height / 5) % height);
    if (box_x..box_x + width / 5).contains(&x) && (box_y..box_y + height / 5).contains(&y) {
        return [if ((x - box_x) / 4).is_multiple_of(2) { 940 } else { 80 }, 300, 760][plane];
    }
    let still = y * 4 >= height * 3;
    let (x, y) = if still { (x, y) } else { (x + index * 2, y + index) };
    let wave =
        |at: usize, period: usize| ((at % period) as i32 * 2 - period as i32).abs() * 512 / period as i32;
    let rough = (x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca6b)).wrapping_mul(0xc2b2_ae35) >> 13;
    match plane {
        0 => 128 + wave(x + y / 3, 96) + wave(y, 70) / 2 + (rough % 64) as i32,
        1 => 256 + wave(x, 200) + (rough % 16) as i32,
        _ => 320 + wave(y + x / 2, 150) + (rough % 16) as i32,
    }
}

/// What came of coding pictures by plans.
#[derive(Debug)]
pub(crate) struct Coding {
    /// Parameter sets, and all pictures.
    pub(crate) bytes: Vec<u8>,
    /// Bytes of each picture, in coded order.
    pub(crate) sizes: Vec<usize>,
    /// What went in, in display order.
    pub(crate) pictures: Vec<Picture>,
    /// What a decoder should make of it, in display order.
    pub(crate) decoded: Vec<Picture>,
    /// The kinds, in display order.
    pub(crate) kinds: Vec<Kind>,
}

/// Codes [`moving`] pictures by plans of which all are shown at once.
pub(crate) fn code(
    coder: &mut dyn Coder,
    format: Format,
    plans: &[Plan],
    mut quality: impl FnMut(&Plan) -> Quality,
) -> Coding {
    let mut coding =
        Coding { bytes: coder.headers(), sizes: vec![], pictures: vec![], decoded: vec![], kinds: vec![] };
    let mut coded_pictures = vec![];
    let (mut first, mut count) = (0, 0);
    for plan in plans {
        if plan.kind == Kind::Key {
            first = count;
        }
        count += 1;
        let shown = first + plan.order as usize;
        let picture = moving(format, shown);
        let coded = coder.encode(&picture, plan, quality(plan));
        coder.commit(plan, &coded);
        coding.sizes.push(coded.bytes.len());
        coding.bytes.extend_from_slice(&coded.bytes);
        coded_pictures.push((shown, picture, coded.decoded, plan.kind));
    }
    coded_pictures.sort_by_key(|coded| coded.0);
    for (_, picture, decoded, kind) in coded_pictures {
        coding.pictures.push(picture);
        coding.decoded.push(decoded);
        coding.kinds.push(kind);
    }
    coding
}

/// Fails, naming the first sample, unless two sequences of pictures are the same.
#[track_caller]
pub(crate) fn assert_same(found: &[Picture], expected: &[Picture]) {
    assert_eq!(found.len(), expected.len(), "number of pictures");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.format, expected.format);
        for plane in 0..3 {
            let (width, _) = expected.format.plane(plane);
            let differs = |(a, b): (&u16, &u16)| a != b;
            if let Some(at) = found.planes[plane].iter().zip(&expected.planes[plane]).position(differs) {
                let (x, y) = (at % width, at / width);
                let (found, expected) = (found.planes[plane][at], expected.planes[plane][at]);
                panic!("picture {index}, plane {plane}, ({x}, {y}): {found} where {expected} was expected");
            }
        }
    }
}

/// The letters of pictures, as `ffprobe` tells their kinds.
pub(crate) fn letters(kinds: &[Kind]) -> String {
    let letter = |kind: &Kind| match kind {
        Kind::Key => 'K',
        Kind::Intra => 'I',
        Kind::P => 'P',
        Kind::B => 'B',
    };
    kinds.iter().map(letter).collect()
}
