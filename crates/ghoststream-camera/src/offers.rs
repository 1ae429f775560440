//! What a camera says of its formats, and what was agreed on.

use ghoststream_picture::{ColorRange, ColorSpace, Size};
use ghoststream_pod::{Object, Pod, Value};

use crate::buffer::MOST_BUFFERS;
use crate::shared::Agreed;
use crate::{Format, Input, sizes};

const OBJECT_FORMAT: u32 = 0x4_0003;
const OBJECT_BUFFERS: u32 = 0x4_0004;
const OBJECT_META: u32 = 0x4_0005;

const PARAM_ENUM_FORMAT: u32 = 3;
const PARAM_BUFFERS: u32 = 5;
const PARAM_META: u32 = 6;

const MEDIA_TYPE: u32 = 1;
const MEDIA_SUBTYPE: u32 = 2;
const MEDIA_VIDEO: u32 = 2;
const MEDIA_RAW: u32 = 1;
const MEDIA_MJPEG: u32 = 0x2_0002;

const VIDEO_FORMAT: u32 = 0x2_0001;
const VIDEO_SIZE: u32 = 0x2_0003;
const VIDEO_FRAMERATE: u32 = 0x2_0004;
const VIDEO_COLOR_RANGE: u32 = 0x2_000c;
const VIDEO_COLOR_MATRIX: u32 = 0x2_000d;
const VIDEO_TRANSFER: u32 = 0x2_000e;
const VIDEO_COLOR_PRIMARIES: u32 = 0x2_000f;

/// Room behind a picture: libswscale writes whole vectors, the last one past the end.
pub(crate) const SLACK: usize = 64;

/// One object for each format and size, with a choice of rates: as kernel's cameras are described, since some
/// programs read nothing else.
pub(crate) fn formats(input: &Input) -> Vec<Object> {
    let all = sizes::sizes(input.size);
    let of = |format: Format| all.iter().filter(move |it| format.fits(**it)).map(move |it| (format, *it));
    Format::ALL.into_iter().flat_map(of).map(|(format, size)| offer(format, size, input)).collect()
}

fn offer(format: Format, size: Size, input: &Input) -> Object {
    let mut rates: Vec<Value> =
        sizes::rates(input.rate).into_iter().map(|(rate, per)| Value::Fraction(rate, per)).collect();
    rates.insert(0, rates[0].clone());
    let subtype = if format.spa().is_some() { MEDIA_RAW } else { MEDIA_MJPEG };
    let mut properties = vec![(MEDIA_TYPE, Value::Id(MEDIA_VIDEO)), (MEDIA_SUBTYPE, Value::Id(subtype))];
    properties.extend(format.spa().map(|number| (VIDEO_FORMAT, Value::Id(number))));
    properties.push((VIDEO_SIZE, Value::Rectangle(size)));
    properties.push((VIDEO_FRAMERATE, Value::Enum(rates)));
    if format.spa().is_some() {
        properties.extend(colour(format, input).map(|(key, value)| (key, Value::Id(value))));
    }
    Object::new(OBJECT_FORMAT, PARAM_ENUM_FORMAT, &properties)
}

/// What the code values mean, as PipeWire numbers it.
fn colour(format: Format, input: &Input) -> [(u32, u32); 4] {
    const FULL: u32 = 1;
    const LIMITED: u32 = 2;
    let (matrix, transfer, primaries) = match input.color.space {
        // The matrix alone, as USB cameras have it: our BT.601 has the primaries of sRGB.
        ColorSpace::Bt601 => (4, 5, 1),
        ColorSpace::Bt709 => (3, 5, 1),
        ColorSpace::Bt2020 => (6, 5, 7),
    };
    let (range, matrix) = match (format.is_yuv(), input.color.range) {
        (false, _) => (FULL, 1),
        (true, ColorRange::Full) => (FULL, matrix),
        (true, ColorRange::Limited) => (LIMITED, matrix),
    };
    [
        (VIDEO_COLOR_RANGE, range),
        (VIDEO_COLOR_MATRIX, matrix),
        (VIDEO_TRANSFER, transfer),
        (VIDEO_COLOR_PRIMARIES, primaries),
    ]
}

/// Reads what was agreed on.
///
/// # Errors
/// What in it was never offered, in words.
pub(crate) fn agreed(bytes: &[u8], input: &Input) -> Result<Agreed, String> {
    let (kind, properties) =
        Pod::parse(bytes).and_then(Pod::object).ok_or("the format is not a well-formed object")?;
    let get = |wanted: u32| properties.into_iter().find(|(key, _)| *key == wanted).map(|(_, pod)| pod);
    let id = |key| get(key).and_then(Pod::id);
    if kind != OBJECT_FORMAT || id(MEDIA_TYPE) != Some(MEDIA_VIDEO) {
        return Err("it is not video".into());
    }
    let format = match id(MEDIA_SUBTYPE) {
        Some(MEDIA_RAW) => {
            let number = id(VIDEO_FORMAT).ok_or("the format has no pixel format")?;
            Format::from_spa(number).ok_or_else(|| format!("pixel format {number} was not offered"))?
        }
        Some(MEDIA_MJPEG) => Format::Mjpeg,
        other => return Err(format!("media subtype {other:?} was not offered")),
    };
    let size = get(VIDEO_SIZE).and_then(Pod::rectangle).ok_or("the format has no size")?;
    if !sizes::sizes(input.size).contains(&size) {
        return Err(format!("{size} was not offered"));
    }
    let rate = get(VIDEO_FRAMERATE).and_then(Pod::fraction).filter(|it| it.0 > 0 && it.1 > 0);
    Ok(Agreed { format, size, rate: rate.unwrap_or(input.rate) })
}

/// What is asked of buffers once the format is known: memory that PipeWire makes and shares, and a header for the
/// time. PipeWire itself keeps those from us that are still being read. They are many so that some are left.
pub(crate) fn buffers(agreed: &Agreed) -> Vec<Object> {
    const MEM_PTR: i32 = 1 << 1;
    const MEM_FD: i32 = 1 << 2;
    const HEADER: u32 = 1;
    let int = |number: usize| Value::Int(i32::try_from(number).unwrap_or(i32::MAX));
    let bytes = agreed.format.bytes(agreed.size) + SLACK;
    let buffers = Object::new(
        OBJECT_BUFFERS,
        PARAM_BUFFERS,
        &[
            (1, Value::range(int(8), int(2), int(MOST_BUFFERS as usize))),
            (2, int(1)),
            (3, int(bytes)),
            (4, int(agreed.format.stride(agreed.size))),
            (6, Value::Flags(MEM_PTR | MEM_FD)),
        ],
    );
    let header = Object::new(OBJECT_META, PARAM_META, &[(1, Value::Id(HEADER)), (2, Value::Int(32))]);
    vec![buffers, header]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ghoststream_picture::{Color, PixelFormat};

    fn input() -> Input {
        Input {
            format: PixelFormat::Nv12,
            size: Size::new(1280, 720),
            color: Color::new(ColorSpace::Bt709, ColorRange::Limited),
            rate: (60, 1),
        }
    }

    fn format(properties: &[(u32, Value)]) -> Vec<u8> {
        Object::new(OBJECT_FORMAT, 4, properties).to_bytes()
    }

    #[test]
    fn every_format_is_offered_at_every_size_and_reads_back() {
        let offered: Vec<Agreed> =
            formats(&input()).iter().map(|it| agreed(&it.to_bytes(), &input()).unwrap()).collect();
        let first = Agreed { format: Format::Yuy2, size: Size::new(1280, 720), rate: (60, 1) };
        assert_eq!(offered[0], first);
        for wanted in Format::ALL {
            for size in sizes::sizes(input().size) {
                let there = offered.iter().any(|it| (it.format, it.size) == (wanted, size));
                assert_eq!(there, wanted.fits(size), "{wanted} {size}");
            }
        }
    }

    #[test]
    fn colours_are_told_as_usb_cameras_tell_theirs() {
        let color = Color::new(ColorSpace::Bt601, ColorRange::Limited);
        let input = Input { color, ..input() };
        // The limited range, BT.601's matrix, BT.709's transfer and primaries; RGB in the full range.
        let told = |format| colour(format, &input).map(|(_, value)| value);
        assert_eq!(told(Format::Yuy2), [2, 4, 5, 1]);
        assert_eq!(told(Format::Bgrx), [1, 1, 5, 1]);
    }

    #[test]
    fn what_was_not_offered_is_refused() {
        let video = (MEDIA_TYPE, Value::Id(MEDIA_VIDEO));
        let raw = (MEDIA_SUBTYPE, Value::Id(MEDIA_RAW));
        let nv12 = (VIDEO_FORMAT, Value::Id(23));
        let size = |w, h| (VIDEO_SIZE, Value::Rectangle(Size::new(w, h)));
        for (properties, why) in [
            (vec![], "not video"),
            (vec![video.clone(), (MEDIA_SUBTYPE, Value::Id(0x2_0001))], "subtype"),
            (vec![video.clone(), raw.clone()], "no pixel format"),
            (vec![video.clone(), raw.clone(), (VIDEO_FORMAT, Value::Id(62))], "62"),
            (vec![video.clone(), raw.clone(), nv12.clone()], "no size"),
            (vec![video.clone(), raw.clone(), nv12.clone(), size(0, 0)], "0x0"),
            (vec![video.clone(), raw.clone(), nv12.clone(), size(4000, 3000)], "4000x3000"),
        ] {
            let error = agreed(&format(&properties), &input()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let without_rate = agreed(&format(&[video, raw, nv12, size(640, 360)]), &input()).unwrap();
        assert_eq!(without_rate.rate, (60, 1), "the camera's own");
        assert!(agreed(b"garbage", &input()).is_err());
    }
}
