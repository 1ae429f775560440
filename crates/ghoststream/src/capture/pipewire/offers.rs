//! What we offer: formats in the memory of a GPU and in shared memory, and what we ask of buffers.

use ghoststream_gpu::Imports;

use super::blocks::{DATA_MEM_FD, DATA_MEM_PTR};
use super::format::*;
use super::gpu::DATA_DMA_BUF;
use super::meta;
use super::pod::{Object, Value};
use crate::{PixelFormat, Size};

const OBJECT_BUFFERS: u32 = 0x4_0004;
const OBJECT_META: u32 = 0x4_0005;

const PARAM_ENUM_FORMAT: u32 = 3;
const PARAM_BUFFERS: u32 = 5;
const PARAM_META: u32 = 6;

const BUFFERS_NUMBER: u32 = 1;
const BUFFERS_BLOCKS: u32 = 2;
const BUFFERS_DATA_TYPE: u32 = 6;
/// `SPA_PARAM_BUFFERS_metaType`, from PipeWire 1.2 on.
const BUFFERS_META_TYPE: u32 = 7;

/// Memory types as bits of `1 << SPA_DATA_*`: pointers and descriptors that can be mapped.
const SHARED: i32 = 1 << DATA_MEM_PTR | 1 << DATA_MEM_FD;
const DMABUF: i32 = 1 << DATA_DMA_BUF;

/// What is wanted of a source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// Frames a second at most, where the producer lets us choose.
    pub(super) fps: f64,
    /// A desktop in HDR hands out either its HDR picture, to those who ask for it, or one that it has
    /// mapped to SDR itself. With `hdr` we ask for the first, and take the second where there is none.
    pub(super) hdr: bool,
    /// Whether HDR is asked for in shared memory as well. GNOME agrees to it, and paints eight bits of
    /// SDR there all the same.
    pub(super) shared_hdr: bool,
}

/// The formats that we take, best first: in HDR before SDR, in the memory of a GPU (`imports`) before shared
/// memory unless that is better, at our rate before whatever it sends.
pub(super) fn offers(wish: Wish, imports: Option<&Imports>) -> Vec<Object> {
    let most = (wish.fps.ceil().clamp(1.0, 1000.0)) as u32;
    let rates = [(most, most), (most, 1000)];
    let all = |hdr, formats: &[(u32, PixelFormat)], modifiers: &[u64]| {
        rates.map(|rate| offer(rate, hdr, formats, modifiers)).into_iter().flatten().collect::<Vec<_>>()
    };
    let in_gpu = |hdr| {
        let groups = imports.map(groups).unwrap_or_default();
        groups.into_iter().flat_map(move |group| all(hdr, &group.formats, &group.modifiers))
    };
    let last = imports.is_some_and(|it| it.last);
    let mut offers = Vec::new();
    for hdr in [true, false].into_iter().filter(|hdr| wish.hdr || !hdr) {
        if !last {
            offers.extend(in_gpu(hdr));
        }
        if !hdr || wish.shared_hdr {
            offers.extend(all(hdr, &FORMATS, &[]));
        }
    }
    if last {
        offers.extend(in_gpu(false));
    }
    offers
}

/// The only formats that we take: one with one modifier, or shared memory. It is what makes a choice that the
/// producer leaves open.
pub(super) fn fixed_offers(wish: Wish, agreed: &VideoFormat, modifier: u64) -> Vec<Object> {
    let named: Vec<_> = FORMATS.into_iter().filter(|(_, known)| *known == agreed.format).collect();
    let rate = (wish.fps.ceil().clamp(1.0, 1000.0)) as u32;
    let modifier = Value::Long(modifier.cast_signed()).mandatory();
    let fixed = offer_with((rate, 1000), agreed.color.is_hdr(), &named, Some(&modifier));
    fixed.into_iter().chain(offers(wish, None)).collect()
}

/// Formats that can be imported with the same modifiers.
struct Group {
    formats: Vec<(u32, PixelFormat)>,
    modifiers: Vec<u64>,
}

fn groups(imports: &Imports) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (id, format) in FORMATS {
        let Some((_, known)) = imports.formats.iter().find(|(known, _)| *known == format) else { continue };
        let modifiers: Vec<u64> = known.iter().map(|it| it.modifier).collect();
        match groups.iter_mut().find(|group| group.modifiers == modifiers) {
            _ if modifiers.is_empty() => {}
            Some(group) => group.formats.push((id, format)),
            None => groups.push(Group { formats: vec![(id, format)], modifiers }),
        }
    }
    groups
}

/// An offer of some formats; with modifiers, of which whoever makes the buffers chooses one.
fn offer(rate: (u32, u32), hdr: bool, formats: &[(u32, PixelFormat)], modifiers: &[u64]) -> Option<Object> {
    let mut choice: Vec<_> = modifiers.iter().map(|it| Value::Long(it.cast_signed())).collect();
    if let Some(first) = choice.first().cloned() {
        choice.insert(0, first);
        return offer_with(rate, hdr, formats, Some(&Value::Enum(choice).mandatory().unfixed()));
    }
    offer_with(rate, hdr, formats, None)
}

fn offer_with(
    (preferred, most): (u32, u32),
    hdr: bool,
    formats: &[(u32, PixelFormat)],
    modifier: Option<&Value>,
) -> Option<Object> {
    let taken = formats.iter().filter(|(_, format)| !hdr || format.depth() > 8);
    let mut formats: Vec<_> = taken.map(|(id, _)| Value::Id(*id)).collect();
    formats.insert(0, formats.first()?.clone());
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
    properties.extend(modifier.map(|modifier| (VIDEO_MODIFIER, modifier.clone())));
    if hdr {
        let curves = [TRANSFER_PQ, TRANSFER_PQ, TRANSFER_HLG].map(Value::Id);
        properties.push((VIDEO_TRANSFER, Value::Enum(curves.to_vec()).mandatory()));
        properties.push((VIDEO_COLOR_PRIMARIES, Value::Id(PRIMARIES_BT2020).mandatory()));
    }
    Some(Object::new(OBJECT_FORMAT, PARAM_ENUM_FORMAT, &properties))
}

/// What is asked of buffers in a GPU's memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct GpuBuffers {
    /// Planes of memory of the format with its modifier.
    pub(super) planes: u32,
    /// Whether we can wait for timelines: two more blocks then hold their descriptors.
    pub(super) timelines: bool,
}

/// What we ask of buffers and metadata once the format is known, best first.
pub(super) fn stream_params(gpu: Option<GpuBuffers>) -> Vec<Object> {
    let mut params = match gpu {
        None => shared_buffers(),
        Some(gpu) => gpu_buffers(gpu),
    };
    let meta = |kind: u32, preferred: i32, least: i32, most: i32| {
        let size = Value::range(Value::Int(preferred), Value::Int(least), Value::Int(most));
        Object::new(OBJECT_META, PARAM_META, &[(1, Value::Id(kind)), (2, size)])
    };
    let fixed = |kind: u32, size: usize| {
        Object::new(OBJECT_META, PARAM_META, &[(1, Value::Id(kind)), (2, Value::Int(size as i32))])
    };
    let cursor = |side: i32| meta::CURSOR_BYTES as i32 + meta::BITMAP_BYTES as i32 + side * side * 4;
    params.extend([
        fixed(meta::HEADER, meta::HEADER_BYTES),
        fixed(meta::CROP, meta::REGION_BYTES),
        fixed(meta::TRANSFORM, 4),
        meta(meta::DAMAGE, 16 * 16, 16, 16 * 64),
        meta(meta::CURSOR, cursor(256), cursor(1), cursor(1024)),
    ]);
    if gpu.is_some_and(|gpu| gpu.timelines) {
        params.push(fixed(meta::SYNC_TIMELINE, meta::SYNC_TIMELINE_BYTES));
    }
    params
}

fn number(preferred: i32, least: i32) -> (u32, Value) {
    let int = Value::Int;
    (BUFFERS_NUMBER, Value::range(int(preferred), int(least), int(32)))
}

/// Pictures in shared memory are read within a millisecond: two on loan and three with the compositor are
/// enough, and each is 8 MB at 1080p. What waits longer is copied, as it is for a producer with fewer.
fn shared_buffers() -> Vec<Object> {
    let of = |least| [number(5, least), (BUFFERS_DATA_TYPE, Value::Flags(SHARED))];
    [5, 1].map(|least| Object::new(OBJECT_BUFFERS, PARAM_BUFFERS, &of(least))).to_vec()
}

/// Pictures in a GPU's memory are not copied: what waits longer is dropped, hence a few more. One alone would
/// never come back, since a stream hands back what was read when the next picture comes.
fn gpu_buffers(gpu: GpuBuffers) -> Vec<Object> {
    let with = |least, blocks: Option<u32>| {
        let mut properties = vec![number(8, least)];
        properties.extend(blocks.map(|blocks| (BUFFERS_BLOCKS, Value::Int(blocks as i32))));
        properties.push((BUFFERS_DATA_TYPE, Value::Flags(DMABUF)));
        // Forces this layout where the metadata was agreed on, and rules it out where it was not.
        properties
            .extend(blocks.map(|_| (BUFFERS_META_TYPE, Value::Int(1 << meta::SYNC_TIMELINE).mandatory())));
        Object::new(OBJECT_BUFFERS, PARAM_BUFFERS, &properties)
    };
    let timelines = gpu.timelines.then_some(Some(gpu.planes + 2));
    let layouts = timelines.into_iter().chain([None]);
    layouts.flat_map(|blocks| [with(5, blocks), with(2, blocks)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::pipewire::pod::Pod;
    use ghoststream_gpu::{LINEAR, Modifier};

    fn imports() -> Imports {
        let modifiers = |planes, all: &[u64]| {
            all.iter().map(|&modifier| Modifier { modifier, planes }).collect::<Vec<_>>()
        };
        Imports::new(vec![
            (PixelFormat::Bgrx, modifiers(1, &[7, LINEAR])),
            (PixelFormat::Nv12, modifiers(2, &[LINEAR])),
            (PixelFormat::Rgbx, modifiers(1, &[7, LINEAR])),
            (PixelFormat::Xbgr2101010, vec![]),
        ])
    }

    #[test]
    fn memory_of_the_gpu_is_offered_first_and_leaves_the_modifier_open() {
        let wish = Wish { fps: 60.0, hdr: false, shared_hdr: true };
        let with: Vec<_> = offers(wish, Some(&imports())).iter().map(Object::to_bytes).collect();
        let without: Vec<_> = offers(wish, None).iter().map(Object::to_bytes).collect();
        assert_eq!(
            (with.len(), without.len()),
            (6, 2),
            "two groups of formats at two rates, then shared memory"
        );
        assert_eq!(with[4..], without[..]);
        let modifiers: Vec<_> = with.iter().map(|it| unfixed_modifiers(it)).collect();
        let both = Some(vec![7, LINEAR]);
        let linear = Some(vec![LINEAR]);
        assert_eq!(modifiers, [both.clone(), both, linear.clone(), linear, None, None]);
    }

    #[test]
    fn what_only_the_cpu_reads_is_asked_for_after_shared_memory() {
        let wish = Wish { fps: 60.0, hdr: true, shared_hdr: true };
        let imports = Imports::by_cpu([PixelFormat::Bgrx, PixelFormat::Nv12]);
        let bytes = |imports| offers(wish, imports).iter().map(Object::to_bytes).collect::<Vec<_>>();
        let (with, without) = (bytes(Some(&imports)), bytes(None));
        assert_eq!(with[..without.len()], without[..]);
        let rest: Vec<_> = with[without.len()..].iter().map(|it| unfixed_modifiers(it)).collect();
        assert_eq!(rest, [Some(vec![LINEAR]), Some(vec![LINEAR])]);
    }

    #[test]
    fn a_choice_that_is_left_open_is_made() {
        let agreed = VideoFormat {
            format: PixelFormat::Bgrx,
            size: Size::new(64, 64),
            color: crate::Color::new(crate::ColorSpace::Bt709, crate::ColorRange::Full),
            framerate: (0, 1),
            modifier: Some(7),
        };
        let made = fixed_offers(Wish { fps: 60.0, hdr: false, shared_hdr: true }, &agreed, 7);
        let bytes: Vec<_> = made.iter().map(Object::to_bytes).collect();
        assert_eq!(bytes.len(), 3);
        assert_eq!(unfixed_modifiers(&bytes[0]), None);
        let (_, mut properties) = Pod::parse(&bytes[0]).unwrap().object().unwrap();
        assert_eq!(properties.find(|(key, _)| *key == VIDEO_MODIFIER).unwrap().1.longs(), [7]);
    }

    #[test]
    fn timelines_need_two_more_blocks() {
        let of =
            |gpu: Option<GpuBuffers>| stream_params(gpu).iter().map(Object::to_bytes).collect::<Vec<_>>();
        let get = |bytes: &[u8], wanted| {
            let (_, mut properties) = Pod::parse(bytes).unwrap().object().unwrap();
            properties.find(|(key, _)| *key == wanted).and_then(|(_, pod)| pod.int())
        };
        let with = of(Some(GpuBuffers { planes: 2, timelines: true }));
        assert_eq!(get(&with[0], BUFFERS_BLOCKS), Some(4));
        assert_eq!(get(&with[0], BUFFERS_META_TYPE), Some(512));
        assert_eq!((get(&with[2], BUFFERS_BLOCKS), get(&with[2], BUFFERS_DATA_TYPE)), (None, Some(8)));
        let without = of(Some(GpuBuffers { planes: 2, timelines: false }));
        assert_eq!((with.len(), without.len()), (10, 7));
        assert_eq!(get(&of(None)[0], BUFFERS_DATA_TYPE), Some(6));
    }

    #[test]
    fn hdr_is_asked_for_first_and_only_of_those_who_speak_of_it() {
        let offered = |hdr| {
            let wish = Wish { fps: 60.0, hdr, shared_hdr: true };
            offers(wish, None).iter().map(Object::to_bytes).collect::<Vec<_>>()
        };
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
    fn a_portals_hdr_is_asked_for_in_a_gpus_memory_alone() {
        let wish = |hdr| Wish { fps: 60.0, hdr, shared_hdr: false };
        let imports =
            Imports::new(vec![(PixelFormat::Xbgr2101010, vec![Modifier { modifier: LINEAR, planes: 1 }])]);
        let offered = |wish, imports| offers(wish, imports).iter().map(Object::to_bytes).collect::<Vec<_>>();
        assert_eq!(offered(wish(true), None), offered(wish(false), None));
        let (with, without) = (offered(wish(true), Some(&imports)), offered(wish(false), Some(&imports)));
        assert_eq!(with[2..], without[..], "HDR at two rates goes before");
        assert!(with[..2].iter().all(|it| unfixed_modifiers(it) == Some(vec![LINEAR])));
    }
}
