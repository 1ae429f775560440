//! The format that was agreed on, read from its pod.

use super::pod::Pod;
use crate::{Color, ColorRange, ColorSpace, PixelFormat, Size, Transfer};

pub(super) const OBJECT_FORMAT: u32 = 0x4_0003;

/// `SPA_PARAM_Format`: the format that was agreed on.
pub(super) const PARAM_FORMAT: u32 = 4;

pub(super) const MEDIA_TYPE: u32 = 1;
pub(super) const MEDIA_SUBTYPE: u32 = 2;
pub(super) const MEDIA_VIDEO: u32 = 2;
pub(super) const MEDIA_RAW: u32 = 1;

pub(super) const VIDEO_FORMAT: u32 = 0x2_0001;
pub(super) const VIDEO_MODIFIER: u32 = 0x2_0002;
pub(super) const VIDEO_SIZE: u32 = 0x2_0003;
pub(super) const VIDEO_FRAMERATE: u32 = 0x2_0004;
pub(super) const VIDEO_MAX_FRAMERATE: u32 = 0x2_0005;
const VIDEO_COLOR_RANGE: u32 = 0x2_000c;
const VIDEO_COLOR_MATRIX: u32 = 0x2_000d;
pub(super) const VIDEO_TRANSFER: u32 = 0x2_000e;
pub(super) const VIDEO_COLOR_PRIMARIES: u32 = 0x2_000f;

/// `SPA_VIDEO_COLOR_PRIMARIES_BT2020`.
pub(super) const PRIMARIES_BT2020: u32 = 7;
/// `SPA_VIDEO_TRANSFER_GAMMA10`: light itself.
const TRANSFER_LINEAR: u32 = 1;
/// `SPA_VIDEO_TRANSFER_SMPTE2084` and `_ARIB_STD_B67`. PipeWire's headers have them from 1.6 on; what
/// is negotiated is the number, of which the daemon need not know.
pub(super) const TRANSFER_PQ: u32 = 14;
pub(super) const TRANSFER_HLG: u32 = 15;

/// Pixels across or down at most.
pub(super) const MOST_SIDE: u32 = 16384;

/// `SPA_VIDEO_FORMAT_*` beside what it means here, in the order in which they are asked for: what
/// compositors have at hand comes first. Alpha is not told from padding.
pub(super) const FORMATS: [(u32, PixelFormat); 23] = [
    (8, PixelFormat::Bgrx),
    (12, PixelFormat::Bgrx),
    (7, PixelFormat::Rgbx),
    (11, PixelFormat::Rgbx),
    (9, PixelFormat::Xrgb),
    (13, PixelFormat::Xrgb),
    (10, PixelFormat::Xbgr),
    (14, PixelFormat::Xbgr),
    (15, PixelFormat::Rgb24),
    (16, PixelFormat::Bgr24),
    (80, PixelFormat::Xrgb2101010),
    (84, PixelFormat::Xrgb2101010),
    (81, PixelFormat::Xbgr2101010),
    (85, PixelFormat::Xbgr2101010),
    (82, PixelFormat::Rgbx1010102),
    (86, PixelFormat::Rgbx1010102),
    (83, PixelFormat::Bgrx1010102),
    (87, PixelFormat::Bgrx1010102),
    (78, PixelFormat::Rgba16f),
    (23, PixelFormat::Nv12),
    (62, PixelFormat::P010),
    (2, PixelFormat::I420),
    (4, PixelFormat::Yuy2),
];

/// The meaning of a `SPA_VIDEO_FORMAT_*`, where it is one that we take.
pub fn pixel_format(id: u32) -> Option<PixelFormat> {
    FORMATS.iter().find(|(known, _)| *known == id).map(|(_, format)| *format)
}

/// What was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoFormat {
    /// How the pixels lie in memory.
    pub format: PixelFormat,
    /// The whole buffer.
    pub size: Size,
    /// What the code values mean.
    pub color: Color,
    /// Frames a second as a fraction; 0/1 is variable.
    pub framerate: (u32, u32),
    /// How pictures in a GPU's memory are tiled; `None` where they are in memory that the CPU reads.
    pub modifier: Option<u64>,
}

/// Reads an agreed format.
///
/// # Errors
/// What in it cannot be used, in words.
pub fn parse_format(bytes: &[u8]) -> Result<VideoFormat, String> {
    let (kind, properties) =
        Pod::parse(bytes).and_then(Pod::object).ok_or("the format is not a well-formed object")?;
    if kind != OBJECT_FORMAT {
        return Err(format!("an object of type {kind:#x} is not a format"));
    }
    let get = |wanted: u32| properties.into_iter().find(|(key, _)| *key == wanted).map(|(_, pod)| pod);
    let id = |key| get(key).and_then(Pod::id);
    if (id(MEDIA_TYPE), id(MEDIA_SUBTYPE)) != (Some(MEDIA_VIDEO), Some(MEDIA_RAW)) {
        return Err("it is not raw video".into());
    }
    let number = id(VIDEO_FORMAT).ok_or("the format has no pixel format")?;
    let format = pixel_format(number).ok_or_else(|| format!("pixel format {number} is not known"))?;
    let size = get(VIDEO_SIZE).and_then(Pod::rectangle).ok_or("the format has no size")?;
    if size.is_empty() || size.width > MOST_SIDE || size.height > MOST_SIDE {
        return Err(format!("its size, {size}, is not within 1x1 to {MOST_SIDE}x{MOST_SIDE}"));
    }
    let stated = Stated {
        range: id(VIDEO_COLOR_RANGE),
        matrix: id(VIDEO_COLOR_MATRIX),
        transfer: id(VIDEO_TRANSFER),
        primaries: id(VIDEO_COLOR_PRIMARIES),
    };
    let color = stated.color(format, size);
    let modifier = match get(VIDEO_MODIFIER) {
        None => None,
        Some(pod) => Some(*pod.longs().first().ok_or("its modifier is not a number")?),
    };
    let modifier = modifier.map(i64::cast_unsigned);
    let framerate = get(VIDEO_FRAMERATE).and_then(Pod::fraction).unwrap_or((0, 1));
    Ok(VideoFormat { format, size, color, framerate, modifier })
}

/// The modifiers that whoever makes the buffers has yet to choose from; `None` where the choice is made.
pub fn unfixed_modifiers(bytes: &[u8]) -> Option<Vec<u64>> {
    let (_, mut properties) = Pod::parse(bytes).and_then(Pod::object)?;
    if !properties.is_unfixed(VIDEO_MODIFIER) {
        return None;
    }
    properties.find(|(key, _)| *key == VIDEO_MODIFIER)?;
    Some(modifiers(bytes))
}

/// The modifiers of a format that is offered or agreed on; none where it is in memory that the CPU reads.
pub fn modifiers(bytes: &[u8]) -> Vec<u64> {
    let properties = Pod::parse(bytes).and_then(Pod::object).map(|(_, properties)| properties);
    let modifier = properties.into_iter().flatten().find(|(key, _)| *key == VIDEO_MODIFIER);
    modifier.into_iter().flat_map(|(_, pod)| pod.longs()).map(i64::cast_unsigned).collect()
}

/// Colour as the producer states it: `SPA_VIDEO_COLOR_*` and `SPA_VIDEO_TRANSFER_*`.
#[derive(Clone, Copy, Debug)]
struct Stated {
    range: Option<u32>,
    matrix: Option<u32>,
    transfer: Option<u32>,
    primaries: Option<u32>,
}

impl Stated {
    /// What is stated, and what is usual where it is not.
    fn color(self, format: PixelFormat, size: Size) -> Color {
        let transfer = self.transfer(format);
        let range = match (format.is_yuv(), self.range) {
            (false, _) | (true, Some(1)) => ColorRange::Full,
            _ => ColorRange::Limited,
        };
        Color::new(self.space(format, size, transfer), range).with_transfer(transfer)
    }

    fn transfer(self, format: PixelFormat) -> Transfer {
        let is_float = format == PixelFormat::Rgba16f;
        match self.transfer {
            Some(TRANSFER_PQ) => Transfer::Pq,
            Some(TRANSFER_HLG) => Transfer::Hlg,
            // Integers are too coarse for light itself.
            Some(TRANSFER_LINEAR) | None | Some(0) if is_float => Transfer::Linear,
            _ => Transfer::Sdr,
        }
    }

    fn space(self, format: PixelFormat, size: Size, transfer: Transfer) -> ColorSpace {
        let wide = match self.primaries {
            // BT.2100 has no other primaries.
            None | Some(0) => matches!(transfer, Transfer::Pq | Transfer::Hlg),
            Some(stated) => stated == PRIMARIES_BT2020,
        };
        match self.matrix.filter(|_| format.is_yuv()) {
            // SMPTE 240M is nearer to BT.709, the FCC's matrix to BT.601.
            Some(3 | 5) => ColorSpace::Bt709,
            Some(2 | 4) => ColorSpace::Bt601,
            Some(6) => ColorSpace::Bt2020,
            _ if wide => ColorSpace::Bt2020,
            // The usual rule for video that does not say: standard definition is BT.601.
            _ if format.is_yuv() && size.height <= 576 => ColorSpace::Bt601,
            _ => ColorSpace::Bt709,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::pipewire::pod::{Object, Value};

    fn format(extra: &[(u32, Value)]) -> Vec<u8> {
        let mut properties = vec![(MEDIA_TYPE, Value::Id(2)), (MEDIA_SUBTYPE, Value::Id(1))];
        properties.extend_from_slice(extra);
        Object::new(OBJECT_FORMAT, PARAM_FORMAT, &properties).to_bytes()
    }

    #[test]
    fn reads_what_compositors_agree_on() {
        let bytes = format(&[
            (VIDEO_FORMAT, Value::Id(8)),
            (VIDEO_SIZE, Value::Rectangle(Size::new(1920, 1080))),
            (VIDEO_FRAMERATE, Value::Fraction(0, 1)),
        ]);
        let expected = VideoFormat {
            format: PixelFormat::Bgrx,
            size: Size::new(1920, 1080),
            color: Color::new(ColorSpace::Bt709, ColorRange::Full),
            framerate: (0, 1),
            modifier: None,
        };
        assert_eq!(parse_format(&bytes), Ok(expected));
    }

    #[test]
    fn takes_the_colour_that_is_stated() {
        let nv12 = |extra: &[(u32, Value)], height| {
            let mut all =
                vec![(VIDEO_FORMAT, Value::Id(23)), (VIDEO_SIZE, Value::Rectangle(Size::new(64, height)))];
            all.extend_from_slice(extra);
            parse_format(&format(&all)).unwrap().color
        };
        let stated = [(VIDEO_COLOR_RANGE, Value::Id(1)), (VIDEO_COLOR_MATRIX, Value::Id(6))];
        assert_eq!(nv12(&stated, 64), Color::new(ColorSpace::Bt2020, ColorRange::Full));
        assert_eq!(nv12(&[], 576), Color::new(ColorSpace::Bt601, ColorRange::Limited));
        assert_eq!(nv12(&[], 720), Color::new(ColorSpace::Bt709, ColorRange::Limited));
    }

    #[test]
    fn takes_the_transfer_that_is_stated() {
        let of = |format, extra: &[(u32, Value)]| {
            let mut all =
                vec![(VIDEO_FORMAT, Value::Id(format)), (VIDEO_SIZE, Value::Rectangle(Size::new(64, 64)))];
            all.extend_from_slice(extra);
            parse_format(&self::format(&all)).unwrap().color
        };
        let id = |key, value| (key, Value::Id(value));
        let wide = Color::new(ColorSpace::Bt2020, ColorRange::Full);
        let (pq, hlg) = (wide.with_transfer(Transfer::Pq), wide.with_transfer(Transfer::Hlg));
        // xBGR_210LE.
        let rgb = |extra: &[(u32, Value)]| of(81, extra);
        assert_eq!(rgb(&[id(VIDEO_TRANSFER, TRANSFER_PQ), id(VIDEO_COLOR_PRIMARIES, 7)]), pq);
        assert_eq!(rgb(&[id(VIDEO_TRANSFER, TRANSFER_HLG)]), hlg, "which has no other primaries");
        let narrow = rgb(&[id(VIDEO_TRANSFER, TRANSFER_PQ), id(VIDEO_COLOR_PRIMARIES, 1)]);
        assert_eq!(narrow.space, ColorSpace::Bt709, "what is stated counts");
        assert_eq!(rgb(&[id(VIDEO_COLOR_PRIMARIES, 7)]), wide, "wide, and not HDR");
        assert!(!rgb(&[id(VIDEO_TRANSFER, TRANSFER_LINEAR)]).is_hdr(), "integers are not light itself");
        let nv12 = of(23, &[id(VIDEO_TRANSFER, TRANSFER_PQ)]);
        let limited = Color::new(ColorSpace::Bt2020, ColorRange::Limited);
        assert_eq!(nv12, limited.with_transfer(Transfer::Pq));
    }

    #[test]
    fn tells_a_modifier_that_is_fixed_from_a_choice() {
        let bgrx = |modifier: Value| {
            format(&[
                (VIDEO_FORMAT, Value::Id(8)),
                (VIDEO_SIZE, Value::Rectangle(Size::new(64, 64))),
                (VIDEO_MODIFIER, modifier),
            ])
        };
        let choice = Value::Enum([-1, -1, 0].map(Value::Long).to_vec()).mandatory();
        let (open, fixed) = (bgrx(choice.clone().unfixed()), bgrx(choice));
        assert_eq!(unfixed_modifiers(&open), Some(vec![u64::MAX, 0]));
        assert_eq!(unfixed_modifiers(&fixed), None);
        assert_eq!(parse_format(&fixed).unwrap().modifier, Some(u64::MAX), "a fixed choice is its default");
        assert_eq!(parse_format(&bgrx(Value::Long(0))).unwrap().modifier, Some(0));
    }

    #[test]
    fn refuses_what_it_cannot_use() {
        let size = |w, h| (VIDEO_SIZE, Value::Rectangle(Size::new(w, h)));
        for (extra, why) in [
            (vec![size(4, 4)], "no pixel format"),
            (vec![(VIDEO_FORMAT, Value::Id(8))], "no size"),
            (vec![(VIDEO_FORMAT, Value::Id(8)), size(0, 4)], "0x4"),
            (vec![(VIDEO_FORMAT, Value::Id(8)), size(4, 16385)], "4x16385"),
            (vec![(VIDEO_FORMAT, Value::Id(3)), size(4, 4)], "pixel format 3"),
            (vec![(VIDEO_FORMAT, Value::Id(8)), size(4, 4), (VIDEO_MODIFIER, Value::Int(0))], "modifier"),
        ] {
            let error = parse_format(&format(&extra)).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(parse_format(b"").is_err());
    }
}
