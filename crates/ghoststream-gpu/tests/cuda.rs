//! CUDA's handles over the emulated driver, which checks every call; with `NVENC_EMULATOR_REAL_CUDA=1`
//! over this machine's own.
#![allow(unsafe_code)]

#[path = "common/cuda.rs"]
mod common;

use common::download;
use ghoststream_gpu::cuda::{
    Context, Device, DeviceBuffer, Event, Layout, Library, PinnedBuffer, PinnedPool, Ring, Source, Stream,
};

/// The GPU of these tests. The libraries stay loaded until the process, which is each test's own, ends.
fn library() -> Library {
    // Emulated libraries are symlinks to what cargo built: their directory may go.
    nvenc_emulator::load("rtx-3060", 570).expect("the emulated driver");
    Library::open().expect("it starts")
}

fn context() -> Context {
    Context::new(&Device::by_ordinal(&library(), 0).expect("a device")).expect("a context")
}

/// Two planes of numbers, with a stride.
#[derive(Debug)]
struct Picture {
    planes: [Vec<u8>; 2],
    stride: usize,
}

// SAFETY: its vectors are never touched while it is held.
unsafe impl Source for Picture {
    fn plane(&self, index: usize) -> (&[u8], usize) {
        (self.planes.get(index).map_or(&[], Vec::as_slice), self.stride)
    }
}

fn picture(width: usize, height: usize, stride: usize) -> Picture {
    let plane =
        |rows: usize, seed: usize| (0..(rows - 1) * stride + width).map(|at| (at * 7 + seed) as u8).collect();
    Picture { planes: [plane(height, 1), plane(height / 2, 90)], stride }
}

#[test]
fn a_device_says_what_it_is_and_is_found_again() {
    let library = library();
    assert!(library.version().expect("a version") >= (12, 0));
    for (ordinal, device) in (0..).zip(library.devices().expect("devices")) {
        assert!(device.name().expect("a name").contains("NVIDIA"));
        assert!(device.compute_capability().expect("a capability") >= (5, 0));
        assert!(device.memory().expect("memory") > 1 << 30);
        assert!(device.address().expect("an address").contains(':'));
        let uuid = device.uuid().expect("a UUID");
        let again = Device::by_uuid(&library, uuid).expect("asked").expect("found");
        assert_eq!(again.ordinal(), ordinal);
    }
    assert!(Device::by_uuid(&library, [0xFF; 16]).expect("asked").is_none());
}

#[test]
fn the_emulated_device_is_the_profiles() {
    let devices = library().devices().expect("devices");
    assert_eq!(devices.len(), 1);
    assert!(devices[0].name().expect("a name").contains("RTX 3060"));
    assert_eq!(devices[0].compute_capability().expect("a capability"), (8, 6));
}

#[test]
fn a_device_that_is_not_there_is_an_error_in_the_drivers_words() {
    let error = Device::by_ordinal(&library(), 99).expect_err("there are not so many");
    assert_eq!(
        (error.call, error.code, error.name.as_str()),
        ("cuDeviceGet", 101, "CUDA_ERROR_INVALID_DEVICE")
    );
    assert!(error.to_string().contains("cuDeviceGet failed: "), "{error}");
}

#[test]
fn memory_that_the_device_does_not_have_is_told_from_other_errors() {
    let context = context();
    let too_much = DeviceBuffer::new(&context, 1 << 50).expect_err("a petabyte");
    assert!(too_much.is_out_of_memory(), "{too_much}");
    let nothing = DeviceBuffer::new(&context, 0).expect_err("nothing");
    assert!(!nothing.is_out_of_memory(), "{nothing}");
    assert!(PinnedBuffer::new(&context, 0).is_err());
}

#[test]
fn a_picture_arrives_row_by_row_at_the_rings_pitch() {
    let context = context();
    let stream = Stream::new(&context).expect("a stream");
    let layout = Layout::new([(130, 20), (130, 10), (0, 0)]);
    assert_eq!((layout.pitch(), layout.len()), (256, 256 * 30));
    assert_eq!([0, 1, 2].map(|plane| layout.offset(plane)), [Some(0), Some(256 * 20), None]);
    let ring = Ring::new(&context, layout, 4);
    let slot = ring.take().expect("memory").expect("a slot");
    let pending = stream.upload(picture(130, 20, 141), &slot).expect("a copy");
    stream.synchronize().expect("done");
    assert!(pending.is_done().expect("asked"));
    let got = download(&context, slot.address(), layout.len());
    let wanted = picture(130, 20, 141);
    for (plane, first, rows) in [(0, 0, 20), (1, 20, 10)] {
        for row in 0..rows {
            let there = &got[(first + row) * 256..][..130];
            assert_eq!(there, &wanted.planes[plane][row * 141..][..130], "plane {plane} row {row}");
        }
    }
}

#[test]
fn a_picture_that_is_too_short_is_refused_before_the_driver_reads_beyond_it() {
    let context = context();
    let stream = Stream::new(&context).expect("a stream");
    let ring = Ring::new(&context, Layout::new([(130, 20), (130, 10), (0, 0)]), 1);
    let slot = ring.take().expect("memory").expect("a slot");
    for short in [picture(130, 18, 141), picture(130, 20, 129)] {
        let error = stream.upload(short, &slot).expect_err("too short");
        assert_eq!((error.call, error.code), ("cuMemcpy2DAsync", 1));
    }
}

#[test]
fn a_ring_gives_the_same_addresses_again_and_no_more_than_it_may() {
    let context = context();
    let ring = Ring::new(&context, Layout::new([(64, 64), (0, 0), (0, 0)]), 3);
    let slots: Vec<_> = (0..3).map(|_| ring.take().expect("memory").expect("a slot")).collect();
    let mut addresses: Vec<_> = slots.iter().map(|slot| slot.address()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), 3);
    assert!(ring.take().expect("asked").is_none(), "all are taken");
    std::thread::spawn(move || drop(slots)).join().expect("given back on another thread");
    for _ in 0..10 {
        let slot = ring.take().expect("memory").expect("a slot");
        assert!(addresses.contains(&slot.address()));
    }
    assert_eq!(ring.allocated(), 3);
}

#[test]
fn one_slot_is_enough_where_pictures_come_one_by_one() {
    let ring = Ring::new(&context(), Layout::new([(64, 64), (0, 0), (0, 0)]), 60);
    for _ in 0..20 {
        assert!(ring.take().expect("memory").is_some());
    }
    assert_eq!(ring.allocated(), 1);
}

#[test]
fn an_event_of_one_context_is_not_recorded_in_a_stream_of_another() {
    let (one, other) = (context(), Context::new(&context_device()).expect("a second context"));
    let event = Event::new(&one).expect("an event");
    let foreign = Stream::new(&other).expect("a stream");
    assert_eq!(event.record(&foreign).expect_err("foreign").code, 400);
    let own = Stream::new(&one).expect("a stream");
    event.record(&own).expect("its own");
    event.synchronize().expect("done");
    assert!(event.is_done().expect("asked"));
}

fn context_device() -> Device {
    Device::by_ordinal(&Library::open().expect("loaded already"), 0).expect("a device")
}

#[test]
fn contexts_nest_on_a_thread_and_leave_it_as_it_was() {
    let (one, other) = (context(), Context::new(&context_device()).expect("a second context"));
    let outer = one.push().expect("pushed");
    {
        let _inner = other.push().expect("pushed");
        drop(DeviceBuffer::new(&one, 64).expect("memory of the one below"));
    }
    drop(outer);
    let mut pinned = PinnedBuffer::new(&one, 4096).expect("memory");
    assert!(pinned.bytes().iter().all(|it| *it == 0));
    pinned.bytes_mut().fill(7);
    std::thread::spawn(move || drop(pinned)).join().expect("dropped on another thread");
}

#[test]
fn a_pool_gives_the_same_pieces_again_and_no_more_than_it_may() {
    let pool = PinnedPool::new(&context(), 4096, 2);
    let mut first = pool.take().expect("a piece").expect("a free one");
    let second = pool.take().expect("a piece").expect("a free one");
    assert_eq!((first.len(), second.len()), (4096, 4096));
    assert!(pool.take().expect("no failure").is_none(), "both are taken");
    let place = first.as_mut_ptr();
    drop(first);
    assert_eq!(pool.take().expect("a piece").expect("a free one").as_mut_ptr(), place);
    pool.abandon();
    assert!(pool.take().expect("no failure").is_none(), "the driver is called no more");
}
