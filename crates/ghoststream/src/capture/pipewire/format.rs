//! What is negotiated: formats, buffers and metadata, as pure functions over pods.

use super::pod::{Object, Pod, Value};
use crate::{Color, ColorRange, ColorSpace, PixelFormat, Size, Transfer};

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
const VIDEO_TRANSFER: u32 = 0x2_000e;
const VIDEO_COLOR_PRIMARIES: u32 = 0x2_000f;

/// `SPA_VIDEO_COLOR_PRIMARIES_BT2020`.
const PRIMARIES_BT2020: u32 = 7;
/// `SPA_VIDEO_TRANSFER_GAMMA10`: light itself.
const TRANSFER_LINEAR: u32 = 1;
/// `SPA_VIDEO_TRANSFER_SMPTE2084` and `_ARIB_STD_B67`. PipeWire's headers have them from 1.6 on; what
/// is negotiated is the number, of which the daemon need not know.
const TRANSFER_PQ: u32 = 14;
const TRANSFER_HLG: u32 = 15;

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
    let stated = Stated {
        range: id(VIDEO_COLOR_RANGE),
        matrix: id(VIDEO_COLOR_MATRIX),
        transfer: id(VIDEO_TRANSFER),
        primaries: id(VIDEO_COLOR_PRIMARIES),
    };
    let color = stated.color(format, size);
    let framerate = get(VIDEO_FRAMERATE).and_then(Pod::fraction).unwrap_or((0, 1));
    Ok(VideoFormat { format, size, color, framerate })
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

/// The formats that we take, best first: at most `fps` frames a second where the producer lets us
/// choose, else whatever it sends.
///
/// A desktop in HDR hands out either its HDR picture, to those who ask for it, or one that it has
/// mapped to SDR itself. With `hdr` we ask for the first, and take the second where there is none.
pub(super) fn offers(fps: f64, hdr: bool) -> Vec<Object> {
    let most = (fps.ceil().clamp(1.0, 1000.0)) as u32;
    let rates = [(most, most), (most, 1000)];
    let ask = |hdr| rates.map(|(preferred, most)| offer(preferred, most, hdr));
    let wide = if hdr { ask(true).to_vec() } else { vec![] };
    wide.into_iter().chain(ask(false)).collect()
}

fn offer(preferred: u32, most: u32, hdr: bool) -> Object {
    let taken = FORMATS.iter().filter(|(_, format)| !hdr || format.depth() > 8);
    let mut formats: Vec<_> = taken.map(|(id, _)| Value::Id(*id)).collect();
    formats.insert(0, formats[0].clone());
    let size = |side| Value::Rectangle(Size::new(side, side));
    let rate = |rate| Value::Fraction(rate, 1);
    let mut properties = vec![
        (MEDIA_TYPE, Value::Id(MEDIA_VIDEO)),
        (MEDIA_SUBTYPE, Value::Id(MEDIA_RAW)),
        (VIDEO_FORMAT, Value::Enum(formats)),
        (VIDEO_SIZE, Value::range(Value::Rectangle(Size::new(1920, 1080)), size(1), size(MOST_SIDE))),
        // 0/1 is a variable rate, which is what compositors send.
        (VIDEO_FRAMERATE, Value::range(rate(preferred), rate(0), rate(1000))),
        (VIDEO_MAX_FRAMERATE, Value::range(rate(preferred), rate(0), rate(most))),
    ];
    if hdr {
        let curves = [TRANSFER_PQ, TRANSFER_PQ, TRANSFER_HLG].map(Value::Id);
        properties.push((VIDEO_TRANSFER, Value::Enum(curves.to_vec()).mandatory()));
        properties.push((VIDEO_COLOR_PRIMARIES, Value::Id(PRIMARIES_BT2020).mandatory()));
    }
    Object::new(OBJECT_FORMAT, PARAM_ENUM_FORMAT, &properties)
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
    fn hdr_is_asked_for_first_and_only_of_those_who_speak_of_it() {
        let offered = |hdr| offers(60.0, hdr).iter().map(Object::to_bytes).collect::<Vec<_>>();
        let (with, without) = (offered(true), offered(false));
        assert_eq!((with.len(), without.len()), (4, 2));
        assert_eq!(with[2..], without[..], "SDR is taken all the same");
        let transfer = |bytes: &[u8]| {
            let (_, mut properties) = Pod::parse(bytes).unwrap().object().unwrap();
            properties.find(|(key, _)| *key == VIDEO_TRANSFER).and_then(|(_, pod)| pod.id())
        };
        assert_eq!(with.iter().map(|it| transfer(it)).collect::<Vec<_>>(), [Some(14), Some(14), None, None]);
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
