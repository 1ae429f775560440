//! Pictures as samples.

/// How chroma is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chroma {
    /// Half as wide and half as high as luma.
    Yuv420,
    /// As large as luma.
    Yuv444,
}

/// The form of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Luma samples across; even with 4:2:0.
    pub width: usize,
    /// Luma samples down; even with 4:2:0.
    pub height: usize,
    /// How chroma is sampled.
    pub chroma: Chroma,
    /// Bits a sample: 8 or 10.
    pub depth: u8,
}

impl Format {
    /// Width and height of a plane: 0 is luma.
    pub const fn plane(&self, plane: usize) -> (usize, usize) {
        match (plane, self.chroma) {
            (0, _) | (_, Chroma::Yuv444) => (self.width, self.height),
            (_, Chroma::Yuv420) => (self.width.div_ceil(2), self.height.div_ceil(2)),
        }
    }

    /// The largest code value.
    pub const fn peak(&self) -> u16 {
        (1 << self.depth) - 1
    }
}

/// Three planes of samples: Y, Cb, Cr, without padding between rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its form.
    pub format: Format,
    /// Row after row of each plane. 8-bit samples too are 0 to 255 in 16 bits.
    pub planes: [Vec<u16>; 3],
}

impl Picture {
    /// A picture of this value in every sample.
    pub fn filled(format: Format, values: [u16; 3]) -> Self {
        let plane = |index: usize| {
            let (width, height) = format.plane(index);
            vec![values[index]; width * height]
        };
        Self { format, planes: [plane(0), plane(1), plane(2)] }
    }
}
