//! What a camera says of its formats, and what was agreed on.

use ghoststream_picture::{ColorRange, ColorSpace, Size};
use ghoststream_pod::{Object, Pod, Value};

use crate::shared::Agreed;
use crate::{Format, Input, Memory, sizes};

const OBJECT_FORMAT: u32 = 0x4_0003;

const PARAM_ENUM_FORMAT: u32 = 3;

const MEDIA_TYPE: u32 = 1;
const MEDIA_SUBTYPE: u32 = 2;
const MEDIA_VIDEO: u32 = 2;
const MEDIA_RAW: u32 = 1;
const MEDIA_MJPEG: u32 = 0x2_0002;

const VIDEO_FORMAT: u32 = 0x2_0001;
const VIDEO_MODIFIER: u32 = 0x2_0002;
const VIDEO_SIZE: u32 = 0x2_0003;
const VIDEO_FRAMERATE: u32 = 0x2_0004;
const VIDEO_COLOR_RANGE: u32 = 0x2_000c;
const VIDEO_COLOR_MATRIX: u32 = 0x2_000d;
const VIDEO_TRANSFER: u32 = 0x2_000e;
const VIDEO_COLOR_PRIMARIES: u32 = 0x2_000f;

/// Room behind a picture: libswscale writes whole vectors, the last one past the end.
pub(crate) const SLACK: usize = 64;

/// `DRM_FORMAT_MOD_LINEAR`: rows lie one after the other.
const LINEAR: i64 = 0;

/// One object for each format and size, with a choice of rates: as kernel's cameras are described, since some
/// programs read nothing else. Those in DMA-BUFs, where they are offered, come first: who knows nothing of modifiers
/// cannot agree on one, and gets the same in shared memory.
pub(crate) fn formats(input: &Input, dmabufs: bool) -> Vec<Object> {
    let all = sizes::sizes(input.size);
    let memories = if dmabufs { &[Memory::DmaBuf, Memory::Shared][..] } else { &[Memory::Shared] };
    let mut offers = Vec::new();
    for &memory in memories {
        // A JPEG is of no use to a GPU.
        let fits = |it: &Format| memory == Memory::Shared || it.spa().is_some();
        for format in Format::ALL.into_iter().filter(fits) {
            let sizes = all.iter().filter(|it| format.fits(**it));
            offers.extend(sizes.map(|size| offer(format, *size, memory, input)));
        }
    }
    offers
}

fn offer(format: Format, size: Size, memory: Memory, input: &Input) -> Object {
    let mut rates: Vec<Value> =
        sizes::rates(input.rate).into_iter().map(|(rate, per)| Value::Fraction(rate, per)).collect();
    rates.insert(0, rates[0].clone());
    let subtype = if format.spa().is_some() { MEDIA_RAW } else { MEDIA_MJPEG };
    let mut properties = vec![(MEDIA_TYPE, Value::Id(MEDIA_VIDEO)), (MEDIA_SUBTYPE, Value::Id(subtype))];
    properties.extend(format.spa().map(|number| (VIDEO_FORMAT, Value::Id(number))));
    if memory == Memory::DmaBuf {
        // There is nothing to choose, so that it need not be left open.
        properties.push((VIDEO_MODIFIER, Value::Long(LINEAR).mandatory()));
    }
    properties.push((VIDEO_SIZE, Value::Rectangle(size)));
    properties.push((VIDEO_FRAMERATE, Value::Enum(rates)));
    if format.spa().is_some() {
        properties.extend(colour(format, input).map(|(key, value)| (key, Value::Id(value))));
    }
    Object::new(OBJECT_FORMAT, PARAM_ENUM_FORMAT, &properties)
}

/// Whether this is a format, of those that a program takes, in linear DMA-BUFs.
pub(crate) fn is_in_dmabufs(format: &[u8]) -> bool {
    let properties = Pod::parse(format).and_then(Pod::object).map(|(_, properties)| properties);
    let mut modifiers = properties.into_iter().flatten().filter(|(key, _)| *key == VIDEO_MODIFIER);
    modifiers.any(|(_, pod)| pod.longs().contains(&LINEAR))
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

/// Reads what was agreed on. A modifier in it means DMA-BUFs where they were offered; else somebody speaks of modifiers
/// without demanding one, and gets shared memory.
///
/// # Errors
/// What in it was never offered, in words.
pub(crate) fn agreed(bytes: &[u8], input: &Input, dmabufs: bool) -> Result<Agreed, String> {
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
    let in_dmabufs = dmabufs && format.spa().is_some() && is_in_dmabufs(bytes);
    let memory = if in_dmabufs { Memory::DmaBuf } else { Memory::Shared };
    Ok(Agreed { format, size, rate: rate.unwrap_or(input.rate), memory })
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
        let offered: Vec<Agreed> = formats(&input(), false)
            .iter()
            .map(|it| agreed(&it.to_bytes(), &input(), true).unwrap())
            .collect();
        let (size, memory) = (Size::new(1280, 720), Memory::Shared);
        assert_eq!(offered[0], Agreed { format: Format::Yuy2, size, rate: (60, 1), memory });
        assert!(offered.iter().all(|it| it.memory == Memory::Shared));
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
            let error = agreed(&format(&properties), &input(), true).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let without_rate = agreed(&format(&[video, raw, nv12, size(640, 360)]), &input(), true).unwrap();
        assert_eq!(without_rate.rate, (60, 1), "the camera's own");
        assert!(agreed(b"garbage", &input(), true).is_err());
    }

    /// A property of an offer.
    fn get(bytes: &[u8], wanted: u32) -> Option<Pod<'_>> {
        let (_, mut properties) = Pod::parse(bytes)?.object()?;
        properties.find(|(key, _)| *key == wanted).map(|(_, pod)| pod)
    }

    #[test]
    fn dmabufs_are_offered_before_the_same_in_shared_memory_and_never_with_jpegs() {
        let bytes = |dmabufs| formats(&input(), dmabufs).iter().map(Object::to_bytes).collect::<Vec<_>>();
        let (with, without) = (bytes(true), bytes(false));
        let (dmabufs, shared) = with.split_at(with.len() - without.len());
        assert_eq!(shared, without);
        let raw = without.iter().filter(|it| get(it, VIDEO_FORMAT).is_some());
        assert_eq!(dmabufs.len(), raw.clone().count(), "all but the JPEGs");
        for (dmabuf, shared) in dmabufs.iter().zip(raw) {
            let there = agreed(dmabuf, &input(), true).unwrap();
            assert_eq!(there, Agreed { memory: Memory::DmaBuf, ..agreed(shared, &input(), true).unwrap() });
            assert_eq!(get(dmabuf, VIDEO_MODIFIER).unwrap().longs(), [LINEAR]);
            let (_, properties) = Pod::parse(dmabuf).unwrap().object().unwrap();
            assert!(!properties.is_unfixed(VIDEO_MODIFIER), "nobody has to choose");
            // Key, then flags: mandatory, or those would get it who do not know modifiers.
            let key = VIDEO_MODIFIER.to_ne_bytes();
            let at = dmabuf.chunks(4).position(|word| word == key).unwrap();
            assert_eq!(ghoststream_pod::word(dmabuf, 4 * (at + 1)), Some(8));
            assert_eq!(agreed(dmabuf, &input(), false).unwrap().memory, Memory::Shared, "not offered");
        }
    }

    #[test]
    fn other_modifiers_are_not_taken_for_ours() {
        let with = |modifier: Value| {
            let size = Value::Rectangle(Size::new(640, 360));
            let video = [(MEDIA_TYPE, Value::Id(MEDIA_VIDEO)), (MEDIA_SUBTYPE, Value::Id(MEDIA_RAW))];
            let rest = [(VIDEO_FORMAT, Value::Id(8)), (VIDEO_SIZE, size), (VIDEO_MODIFIER, modifier)];
            format(&[&video[..], &rest].concat())
        };
        let tiled_or_linear = Value::Enum([7, 7, LINEAR].map(Value::Long).to_vec());
        for (bytes, expected) in [
            (with(Value::Long(LINEAR)), Memory::DmaBuf),
            (with(tiled_or_linear), Memory::DmaBuf),
            (with(Value::Long(7)), Memory::Shared),
            (with(Value::Int(0)), Memory::Shared),
        ] {
            assert_eq!(agreed(&bytes, &input(), true).unwrap().memory, expected);
        }
        assert!(!is_in_dmabufs(b"garbage"));
    }
}
