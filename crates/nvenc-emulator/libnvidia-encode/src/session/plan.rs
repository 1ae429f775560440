//! A client's wish in the words of the encoder that fulfils it.

use nvenc_emulator::Codec;
use nvenc_emulator_bitstream::{BReference, Chroma, Color, Format, Gop, Rate, Settings, Stream};

use super::codecs::CodecExt;
use super::wish::Wish;

/// How a session encodes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The codec.
    pub codec: Codec,
    /// P1 to P7, as 1 to 7.
    pub preset: u32,
    /// What is coded, and how.
    pub settings: Settings,
    /// Pictures that are looked at before one is coded.
    pub lookahead: usize,
    /// Whether the first key picture comes with parameter sets.
    pub headers: bool,
    /// Whether every one does.
    pub repeat_headers: bool,
    /// Whether access units begin with a delimiter.
    pub delimiters: bool,
    /// The largest size that it may be reconfigured to.
    pub room: (u32, u32),
}

impl Plan {
    /// Plans what was wished for, once that is known to be possible. `exact` codes every picture exactly, whatever
    /// rate control was wished for.
    pub fn new(wish: &Wish<'_>, exact: bool) -> Self {
        let rate = if exact || wish.is_lossless() { Rate::Exact } else { rate(wish) };
        let (width, height) = wish.size();
        let room =
            (wish.params.u32("maxEncodeWidth").max(width), wish.params.u32("maxEncodeHeight").max(height));
        let av1 = wish.codec == Codec::Av1;
        let lookahead = wish.config.u32("rcParams.lookaheadDepth") as usize;
        Self {
            codec: wish.codec,
            preset: wish.preset,
            settings: Settings { codec: wish.codec.coded(), stream: stream(wish), gop: gop(wish), rate },
            lookahead: if wish.config.flag("rcParams.enableLookahead") { lookahead } else { 0 },
            headers: !wish.own.flag(if av1 { "disableSeqHdr" } else { "disableSPSPPS" }),
            repeat_headers: wish.own.flag(if av1 { "repeatSeqHdr" } else { "repeatSPSPPS" }),
            delimiters: av1 || wish.own.flag("outputAUD"),
            room,
        }
    }
}

fn stream(wish: &Wish<'_>) -> Stream {
    let (width, height) = wish.size();
    let chroma = if wish.own.u32("chromaFormatIDC") == 3 { Chroma::Yuv444 } else { Chroma::Yuv420 };
    let format = Format { width: width as usize, height: height as usize, chroma, depth: wish.depth() as u8 };
    let rate = (wish.params.u32("frameRateNum"), wish.params.u32("frameRateDen"));
    let sample_aspect_ratio = sample_aspect_ratio(wish);
    // The encoder sets the last three by the other settings.
    let (references, reorders, exact) = (1, 0, false);
    Stream {
        format,
        rate,
        color: color(wish),
        sample_aspect_ratio,
        references,
        reorders,
        exact,
        level: level(wish),
    }
}

/// The level by the codec's own number; none where the encoder chooses it, which AV1 says by 24.
fn level(wish: &Wish<'_>) -> Option<u8> {
    let level = wish.own.u32("level");
    match wish.codec {
        Codec::Av1 => (level < 24).then_some(level as u8),
        Codec::H264 | Codec::Hevc => (level != 0).then_some(level as u8),
    }
}

/// The shape of a pixel, from that of the picture.
fn sample_aspect_ratio(wish: &Wish<'_>) -> (u16, u16) {
    let (width, height) = wish.size();
    let (across, down) =
        (wish.params.get("darWidth") * u64::from(height), wish.params.get("darHeight") * u64::from(width));
    if across == 0 || down == 0 {
        return (1, 1);
    }
    let common = greatest_common_divisor(across, down);
    match (u16::try_from(across / common), u16::try_from(down / common)) {
        (Ok(across), Ok(down)) => (across, down),
        _ => (1, 1),
    }
}

const fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

fn color(wish: &Wish<'_>) -> Option<Color> {
    let own = |field: &str| wish.own.u32(field) as u8;
    if wish.codec == Codec::Av1 {
        let [primaries, transfer, matrix] =
            ["colorPrimaries", "transferCharacteristics", "matrixCoefficients"].map(own);
        return Some(Color { primaries, transfer, matrix, full_range: own("colorRange") != 0 });
    }
    let vui = format!("{}VUIParameters", wish.codec.prefix());
    let vui = |field: &str| own(&format!("{vui}.{field}"));
    if vui("videoSignalTypePresentFlag") == 0 {
        return None;
    }
    let described = vui("colourDescriptionPresentFlag") != 0;
    let value = |field: &str| if described { vui(field) } else { 2 };
    let [primaries, transfer, matrix] =
        ["colourPrimaries", "transferCharacteristics", "colourMatrix"].map(value);
    Some(Color { primaries, transfer, matrix, full_range: vui("videoFullRangeFlag") != 0 })
}

fn gop(wish: &Wish<'_>) -> Gop {
    let length = wish.config.u32("gopLength");
    let forward = if wish.codec == Codec::Av1 { "numFwdRefs" } else { "numRefL0" };
    let b_reference = match wish.own.u32("useBFramesAsRef") {
        1 => BReference::Each,
        2 => BReference::Middle,
        _ => BReference::None,
    };
    Gop {
        key_every: if wish.is_intra_only() { Some(1) } else { (length != u32::MAX).then_some(length) },
        b_frames: wish.b_frames(),
        b_reference,
        references: wish.own.u32(forward).clamp(1, 4),
    }
}

/// Rate control by what the client set, in bits and the codec's quantisers.
pub fn rate(wish: &Wish<'_>) -> Rate {
    let value = |field: &str| u64::from(wish.config.u32(&format!("rcParams.{field}")));
    let average = match value("averageBitRate") {
        0 => default_bitrate(wish),
        rate => rate,
    };
    let peak = value("maxBitRate").max(average);
    let buffer = |rate: u64| match value("vbvBufferSize") {
        // A second, where the client leaves it to the encoder.
        0 => rate,
        bits => bits,
    };
    let scale = if wish.codec == Codec::Av1 { 4 } else { 1 };
    match wish.rate_mode() {
        0 => Rate::Quantizer {
            intra: value("constQP.qpIntra") as u8,
            p: value("constQP.qpInterP") as u8,
            b: value("constQP.qpInterB") as u8,
        },
        1 if value("targetQuality") > 0 => {
            let quantizer = (value("targetQuality") * scale) as u8;
            Rate::Quality { quantizer, peak: value("maxBitRate"), buffer_bits: buffer(value("maxBitRate")) }
        }
        1 => Rate::Variable { average, peak, buffer_bits: buffer(peak) },
        _ => Rate::Constant { bits_per_second: average, buffer_bits: buffer(average) },
    }
}

/// A tenth of a bit for each pixel.
fn default_bitrate(wish: &Wish<'_>) -> u64 {
    let (width, height) = wish.size();
    let (rate, per) = (wish.params.get("frameRateNum"), wish.params.get("frameRateDen").max(1));
    u64::from(width) * u64::from(height) * rate / per / 10
}
