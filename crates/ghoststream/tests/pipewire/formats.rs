//! Every format, memory and layout arrives bit by bit.

use ghoststream::internals::pod::Value;
use ghoststream::{Color, ColorRange, ColorSpace, PixelFormat, Size, Transfer};
use testkit::producer::{Blocks, Memory, Offer, Producer, Script, patterned, pixel_format};

use crate::rig::{Rig, config, pattern_number, session};

const PACKED: [&str; 18] = [
    "BGRx",
    "BGRA",
    "RGBx",
    "RGBA",
    "xRGB",
    "ARGB",
    "xBGR",
    "ABGR",
    "RGB",
    "BGR",
    "xRGB_210LE",
    "ARGB_210LE",
    "xBGR_210LE",
    "ABGR_210LE",
    "RGBx_102LE",
    "RGBA_102LE",
    "BGRx_102LE",
    "BGRA_102LE",
];
const YUV: [&str; 3] = ["NV12", "I420", "YUY2"];

/// Sends a few frames as the script says and looks at them.
fn arrives(script: Script, format: PixelFormat, size: Size) {
    let what = format!("{script:?}");
    let producer = Producer::start(script, patterned()).unwrap();
    let rig = Rig::open(producer.name());
    for _ in 0..3 {
        let frame = rig.frame();
        assert_eq!((frame.format, frame.size), (format, size), "{what}");
        assert!(pattern_number(&frame).is_some(), "not bit-exact: {what}");
    }
    assert_eq!(rig.counters.corrupt.get(), 0, "{what}");
}

#[test]
fn every_format_arrives_bit_exact() {
    let _session = session();
    for name in PACKED.into_iter().chain(YUV) {
        let size = Size::new(33, 17);
        let script = Script { padding: 5, ..Script::new(name, name, size, 120.0) };
        arrives(script, pixel_format(name).unwrap(), size);
    }
}

#[test]
fn every_memory_arrives_bit_exact() {
    let _session = session();
    let size = Size::new(62, 34);
    for memory in [Memory::MemPtr, Memory::MemFd { sealable: true }, Memory::MemFd { sealable: false }] {
        for (format, pixels) in [("BGRx", PixelFormat::Bgrx), ("I420", PixelFormat::I420)] {
            arrives(Script { memory, ..Script::new("memory", format, size, 120.0) }, pixels, size);
        }
    }
}

#[test]
fn planes_arrive_from_blocks_of_their_own() {
    let _session = session();
    let size = Size::new(35, 19);
    for blocks in [Blocks::One, Blocks::PerPlane, Blocks::PerFile] {
        for (format, pixels) in [("NV12", PixelFormat::Nv12), ("I420", PixelFormat::I420)] {
            let script = Script { blocks, padding: 3, ..Script::new("blocks", format, size, 120.0) };
            arrives(script, pixels, size);
        }
    }
}

#[test]
fn any_number_of_buffers_works() {
    let _session = session();
    for buffers in [1, 2, 3, 5, 16] {
        let size = Size::new(64, 32);
        let buffers = (buffers, buffers, buffers);
        arrives(Script { buffers, ..Script::new("few", "BGRx", size, 120.0) }, PixelFormat::Bgrx, size);
    }
}

#[test]
fn sizes_from_one_pixel_to_the_largest() {
    let _session = session();
    for (width, height) in [(1, 1), (1, 16384), (16384, 1), (3, 2)] {
        let size = Size::new(width, height);
        arrives(Script::new("sizes", "BGRx", size, 60.0), PixelFormat::Bgrx, size);
        arrives(Script::new("sizes", "I420", size, 60.0), PixelFormat::I420, size);
    }
}

#[test]
fn fixed_rates_of_any_kind_are_taken() {
    let _session = session();
    for framerate in [(24_000, 1001), (60, 1), (240, 1), (500, 1), (1, 2)] {
        let size = Size::new(16, 16);
        let offer = Offer { framerate: Some(framerate), ..Offer::new("BGRx", size) };
        arrives(
            Script { offers: vec![offer], ..Script::new("rates", "BGRx", size, 120.0) },
            PixelFormat::Bgrx,
            size,
        );
    }
}

#[test]
fn the_producers_colour_is_believed() {
    let _session = session();
    let size = Size::new(32, 32);
    let extra = vec![(0x2_000c, Value::Id(1)), (0x2_000d, Value::Id(6))];
    let offer = Offer { extra, ..Offer::new("NV12", size) };
    let script = Script { offers: vec![offer], ..Script::new("colour", "NV12", size, 60.0) };
    let producer = Producer::start(script, patterned()).unwrap();
    let frame = Rig::open(producer.name()).frame();
    assert_eq!(frame.color, Color::new(ColorSpace::Bt2020, ColorRange::Full));
}

const TRANSFER: u32 = 0x2_000e;
const PRIMARIES: u32 = 0x2_000f;

/// What a desktop in HDR offers: its own picture to those who speak of it, else one mapped to SDR.
fn desktop_in_hdr(transfer: u32) -> Producer {
    let size = Size::new(32, 32);
    let extra = vec![(TRANSFER, Value::Id(transfer).mandatory()), (PRIMARIES, Value::Id(7).mandatory())];
    let offers = vec![Offer { extra, ..Offer::new("xBGR_210LE", size) }, Offer::new("BGRx", size)];
    let script = Script { offers, ..Script::new("hdr", "BGRx", size, 60.0) };
    Producer::start(script, patterned()).unwrap()
}

fn first_of(producer: &Producer, hdr: bool) -> (PixelFormat, Color) {
    let frame = Rig::with(&config(producer.name()).with_hdr(hdr)).unwrap().frame();
    assert!(pattern_number(&frame).is_some());
    assert_eq!(frame.hdr, None, "PipeWire has no word for it");
    (frame.format, frame.color)
}

#[test]
fn a_desktop_in_hdr_sends_it_to_who_asks() {
    let _session = session();
    let wide = Color::new(ColorSpace::Bt2020, ColorRange::Full);
    for (number, transfer) in [(14, Transfer::Pq), (15, Transfer::Hlg)] {
        let producer = desktop_in_hdr(number);
        let kept = first_of(&producer, true);
        assert_eq!(kept, (PixelFormat::Xbgr2101010, wide.with_transfer(transfer)));
    }
    let mapped = first_of(&desktop_in_hdr(14), false);
    assert_eq!(mapped, (PixelFormat::Bgrx, Color::new(ColorSpace::Bt709, ColorRange::Full)));
}

/// Where one side alone speaks of a property, PipeWire puts it into the agreement: a producer that
/// knows nothing of HDR would be taken for one that sends it.
#[test]
fn ten_bits_that_say_nothing_of_hdr_are_not_taken_for_it() {
    let _session = session();
    let script = Script::new("ten", "xBGR_210LE", Size::new(32, 32), 60.0);
    let producer = Producer::start(script, patterned()).unwrap();
    let taken = first_of(&producer, true);
    assert_eq!(taken, (PixelFormat::Xbgr2101010, Color::new(ColorSpace::Bt709, ColorRange::Full)));
}
