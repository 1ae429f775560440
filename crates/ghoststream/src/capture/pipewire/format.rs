//! What is negotiated: formats, buffers and metadata, as pure functions over pods.

use super::pod::{Object, Pod, Value};
use crate::{Color, ColorRange, ColorSpace, PixelFormat, Size};

const OBJECT_FORMAT: u32 = 0x4_0003;
const OBJECT_BUFFERS: u32 = 0x4_0004;
const OBJECT_META: u32 = 0x4_0005;

const PARAM_ENUM_FORMAT: u32 = 3;
/// `SPA_PARAM_Format`: the format that was agreed on.
pub(super) const PARAM_FORMAT: u32 = 4;
const PARAM_BUFFERS: u32 = 5;
const PARAM_META: u32 = 6;

const MEDIA_TYPE: u32 = 1;
const MEDIA_SUBTYPE: u32 = 2;
const MEDIA_VIDEO: u32 = 2;
const MEDIA_RAW: u32 = 1;

const VIDEO_FORMAT: u32 = 0x2_0001;
const VIDEO_MODIFIER: u32 = 0x2_0002;
const VIDEO_SIZE: u32 = 0x2_0003;
const VIDEO_FRAMERATE: u32 = 0x2_0004;
const VIDEO_MAX_FRAMERATE: u32 = 0x2_0005;
const VIDEO_COLOR_RANGE: u32 = 0x2_000c;
const VIDEO_COLOR_MATRIX: u32 = 0x2_000d;
const VIDEO_COLOR_PRIMARIES: u32 = 0x2_000f;

/// Pixels across or down at most.
const MOST_SIDE: u32 = 16384;

/// `SPA_VIDEO_FORMAT_*` beside what it means here, in the order in which they are asked for: what
/// compositors have at hand comes first. Alpha is not told from padding.
const FORMATS: [(u32, PixelFormat); 21] = [
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
    (23, PixelFormat::Nv12),
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
    if get(VIDEO_MODIFIER).is_some() {
        return Err("its pictures are in GPU memory, which was not asked for".into());
    }
    let number = id(VIDEO_FORMAT).ok_or("the format has no pixel format")?;
    let format = pixel_format(number).ok_or_else(|| format!("pixel format {number} is not known"))?;
    let size = get(VIDEO_SIZE).and_then(Pod::rectangle).ok_or("the format has no size")?;
    if size.is_empty() || size.width > MOST_SIDE || size.height > MOST_SIDE {
        return Err(format!("its size, {size}, is not within 1x1 to {MOST_SIDE}x{MOST_SIDE}"));
    }
    let color = color(format, size, id(VIDEO_COLOR_RANGE), id(VIDEO_COLOR_MATRIX), id(VIDEO_COLOR_PRIMARIES));
    let framerate = get(VIDEO_FRAMERATE).and_then(Pod::fraction).unwrap_or((0, 1));
    Ok(VideoFormat { format, size, color, framerate })
}

/// Colour as the producer states it, and what is usual where it does not.
fn color(
    format: PixelFormat,
    size: Size,
    range: Option<u32>,
    matrix: Option<u32>,
    primaries: Option<u32>,
) -> Color {
    let wide = primaries == Some(7);
    if !format.is_yuv() {
        let space = if wide { ColorSpace::Bt2020 } else { ColorSpace::Bt709 };
        return Color::new(space, ColorRange::Full);
    }
    let space = match matrix {
        Some(3) => ColorSpace::Bt709,
        // SMPTE 240M is nearer to BT.709, the FCC's matrix to BT.601.
        Some(5) => ColorSpace::Bt709,
        Some(2 | 4) => ColorSpace::Bt601,
        Some(6) => ColorSpace::Bt2020,
        _ if wide => ColorSpace::Bt2020,
        // The usual rule for video that does not say: standard definition is BT.601.
        _ if size.height <= 576 => ColorSpace::Bt601,
        _ => ColorSpace::Bt709,
    };
    let range = if range == Some(1) { ColorRange::Full } else { ColorRange::Limited };
    Color::new(space, range)
}

/// The formats that we take, best first: at most `fps` frames a second where the producer lets us
/// choose, else whatever it sends.
pub(super) fn offers(fps: f64) -> [Object; 2] {
    let most = (fps.ceil().clamp(1.0, 1000.0)) as u32;
    [offer(most, most), offer(most, 1000)]
}

fn offer(preferred: u32, most: u32) -> Object {
    let mut formats = vec![Value::Id(FORMATS[0].0)];
    formats.extend(FORMATS.iter().map(|(id, _)| Value::Id(*id)));
    let size = |side| Value::Rectangle(Size::new(side, side));
    let rate = |rate| Value::Fraction(rate, 1);
    Object::new(
        OBJECT_FORMAT,
        PARAM_ENUM_FORMAT,
        &[
            (MEDIA_TYPE, Value::Id(MEDIA_VIDEO)),
            (MEDIA_SUBTYPE, Value::Id(MEDIA_RAW)),
            (VIDEO_FORMAT, Value::Enum(formats)),
            (VIDEO_SIZE, Value::range(Value::Rectangle(Size::new(1920, 1080)), size(1), size(MOST_SIDE))),
            // 0/1 is a variable rate, which is what compositors send.
            (VIDEO_FRAMERATE, Value::range(rate(preferred), rate(0), rate(1000))),
            (VIDEO_MAX_FRAMERATE, Value::range(rate(preferred), rate(0), rate(most))),
        ],
    )
}

/// Memory types as bits of `1 << SPA_DATA_*`: pointers and descriptors that can be mapped.
const DATA_TYPES: i32 = 1 << super::buffer::DATA_MEM_PTR | 1 << super::buffer::DATA_MEM_FD;

/// What we ask of buffers and metadata once the format is known, best first.
pub(super) fn stream_params() -> Vec<Object> {
    let buffers = |least| {
        let number = Value::range(Value::Int(5), Value::Int(least), Value::Int(32));
        Object::new(OBJECT_BUFFERS, PARAM_BUFFERS, &[(1, number), (6, Value::Flags(DATA_TYPES))])
    };
    let meta = |kind: u32, preferred: i32, least: i32, most: i32| {
        let size = Value::range(Value::Int(preferred), Value::Int(least), Value::Int(most));
        Object::new(OBJECT_META, PARAM_META, &[(1, Value::Id(kind)), (2, size)])
    };
    let fixed = |kind: u32, size: i32| {
        Object::new(OBJECT_META, PARAM_META, &[(1, Value::Id(kind)), (2, Value::Int(size))])
    };
    let cursor =
        |side: i32| super::meta::CURSOR_BYTES as i32 + super::meta::BITMAP_BYTES as i32 + side * side * 4;
    vec![
        // Pictures are read within a millisecond: two on loan and three with the compositor are enough,
        // and each is 8 MB at 1080p. What waits longer is copied, as it is for a producer with fewer.
        buffers(5),
        buffers(1),
        fixed(super::meta::HEADER, super::meta::HEADER_BYTES as i32),
        fixed(super::meta::CROP, super::meta::REGION_BYTES as i32),
        fixed(super::meta::TRANSFORM, 4),
        meta(super::meta::DAMAGE, 16 * 16, 16, 16 * 64),
        meta(super::meta::CURSOR, cursor(256), cursor(1), cursor(1024)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn refuses_what_it_cannot_use() {
        let size = |w, h| (VIDEO_SIZE, Value::Rectangle(Size::new(w, h)));
        for (extra, why) in [
            (vec![size(4, 4)], "no pixel format"),
            (vec![(VIDEO_FORMAT, Value::Id(8))], "no size"),
            (vec![(VIDEO_FORMAT, Value::Id(8)), size(0, 4)], "0x4"),
            (vec![(VIDEO_FORMAT, Value::Id(8)), size(4, 16385)], "4x16385"),
            (vec![(VIDEO_FORMAT, Value::Id(3)), size(4, 4)], "pixel format 3"),
            (vec![(VIDEO_FORMAT, Value::Id(8)), size(4, 4), (VIDEO_MODIFIER, Value::Long(0))], "GPU"),
        ] {
            let error = parse_format(&format(&extra)).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(parse_format(b"").is_err());
    }
}
