//! What `shaders/tone.glsl` is told of a conversion between colours.

use ghoststream_picture::transfer::{hlg, pq, sdr};
use ghoststream_picture::{Conversion, LogCurve, Transfer};

/// Steps of an octave in the table of gains, as a power of two.
const GAIN_BITS: u32 = 5;

/// The specialization constants from 10 on: which transfers, whether tones are mapped, and whether the
/// brightest pixel is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToneKinds([u32; 4]);

impl ToneKinds {
    /// For a conversion; [`ToneKinds::default`] is for none. `seen` is whether its peak is to be measured.
    #[must_use]
    pub fn new(conversion: &Conversion, seen: bool) -> Self {
        let (from, to) = conversion.transfers();
        let maps = conversion.maps_tones();
        Self([kind(from), kind(to), u32::from(maps), u32::from(maps && seen)])
    }

    /// Whether light is converted at all.
    pub(super) const fn converts(self) -> bool {
        self.0[0] != 0
    }

    /// Whether the shaders look for the brightest pixel.
    pub(super) const fn looks(self) -> bool {
        self.0[3] != 0
    }

    /// The constants, from 10 on.
    #[must_use]
    pub const fn constants(self) -> [u32; 4] {
        self.0
    }
}

const fn kind(transfer: Transfer) -> u32 {
    match transfer {
        Transfer::Sdr => 1,
        Transfer::Pq => 2,
        Transfer::Hlg => 3,
        Transfer::Linear => 4,
    }
}

/// The numbers of the shader's `Tone` block; always as many.
#[must_use]
pub fn block(conversion: &Conversion) -> Vec<f32> {
    let [red, green, blue] = conversion.primaries();
    let (from, to) = conversion.weights();
    let peak = conversion.peaks().1;
    let four = |row: [f64; 3], last: f64| [row[0] as f32, row[1] as f32, row[2] as f32, last as f32];
    let mut numbers = Vec::with_capacity(LENGTH);
    numbers.extend([red, green, blue].into_iter().flat_map(|row| four(row, 0.0)));
    numbers.extend(four(from, conversion.unit() / peak));
    numbers.extend(four(to, peak));
    let gain = |twice: f64| conversion.gain(twice / 2.0 * peak);
    numbers.extend_from_slice(LogCurve::new(GAIN_BITS, gain).values());
    for codes in CODES {
        let most = (codes - 1) as f64;
        numbers.extend((0..codes).map(|code| light(conversion, code as f64 / most) as f32));
    }
    numbers
}

/// The light of a code value of the source, as shaders count it: of HLG the scene's. Linear light has no codes.
fn light(conversion: &Conversion, code: f64) -> f64 {
    let peak = conversion.peaks().1;
    match conversion.transfers().0 {
        Transfer::Sdr => sdr::to_light(code) * conversion.unit() / peak,
        Transfer::Pq => pq::to_light(code) / peak,
        Transfer::Hlg => hlg::to_scene(code),
        Transfer::Linear => 0.0,
    }
}

/// Of how many code values the light is told: those of ten bits, and those of 8.
const CODES: [usize; 2] = [1024, 256];

/// How many they are: five vectors, 32 octaves of gains and the end of the last, and lights.
pub const LENGTH: usize = 20 + (32 << GAIN_BITS) + 1 + CODES[0] + CODES[1];
