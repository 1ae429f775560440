//! The camera in DMA-BUFs, where that was asked for: who takes them, who does not, and both at once.

use ghoststream::{CaptureConfig, CaptureSource, EncoderConfig, Output, OutputConfig, Pipeline, Size};
use ghoststream_camera::{Memory, Udmabuf};
use testkit::Session;
use testkit::peers::GstViewer;
use testkit::viewer::{Takes, Viewer, Wish};

use crate::product::node;
use crate::rig::{Rig, SIZE, must_be_in_order, numbers, until};

fn open(rig: &Rig, takes: Takes) -> Viewer {
    Viewer::open(rig.node(), Wish::new("NV12").taking(takes)).unwrap()
}

/// The memory that those who look get now.
fn memory(rig: &Rig) -> Option<Memory> {
    rig.camera.agreed().map(|it| it.memory)
}

/// Waits until a viewer has so many more pictures of the card.
fn see(viewer: &Viewer, more: usize) {
    let wanted = numbers(viewer).len() + more;
    until(&format!("{more} pictures ({:?})", viewer.error()), || numbers(viewer).len() >= wanted);
}

/// Whether the last picture came in a DMA-BUF.
fn in_dmabuf(viewer: &Viewer) -> bool {
    viewer.seen().last().unwrap().in_dmabuf
}

fn files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
fn every_raw_format_comes_in_dmabufs_to_those_who_take_them() {
    let rig = Rig::in_dmabufs(15);
    for (format, planar) in [
        ("NV12", true),
        ("I420", true),
        ("YUY2", false),
        ("BGRx", false),
        ("RGBx", false),
        ("BGRA", false),
        ("RGBA", false),
        ("RGB", false),
        ("BGR", false),
    ] {
        for size in [SIZE, Size::new(432, 240)] {
            let wish = Wish::new(format).sized(size).taking(Takes::DmaBufs);
            let viewer = Viewer::open(rig.node(), wish).unwrap();
            see(&viewer, 3);
            assert_eq!((viewer.size(), memory(&rig)), (Some(size), Some(Memory::DmaBuf)), "{format}");
            must_be_in_order(&viewer);
            let grey = planar.then_some((128, 128));
            for seen in viewer.seen() {
                assert!(seen.in_dmabuf && seen.chroma == grey, "{format} {size}: {seen:?}");
            }
            assert_eq!(viewer.error(), None);
        }
    }
    let stats = rig.camera.stats();
    assert_eq!((stats.in_dmabufs, stats.opened), (stats.shown, 18), "{stats:?}");
}

#[test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
fn who_does_not_know_dmabufs_gets_shared_memory_of_the_cameras_own() {
    let rig = Rig::in_dmabufs(15);
    for format in ["NV12", "I420", "BGRx"] {
        let viewer = Viewer::open(rig.node(), Wish::new(format)).unwrap();
        see(&viewer, 5);
        must_be_in_order(&viewer);
        assert_eq!((memory(&rig), viewer.unasked()), (Some(Memory::Shared), 0));
    }
    assert_eq!(rig.camera.stats().in_dmabufs, 0);
}

#[test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
fn gstreamer_which_asks_for_plain_pictures_gets_them() {
    let rig = Rig::in_dmabufs(15);
    for (name, caps) in [
        ("raw", "video/x-raw,format=NV12,width=640,height=360,framerate=15/1"),
        ("jpeg", "image/jpeg,width=640,height=360"),
    ] {
        let path = rig.session.dir().join(format!("{name}.mkv"));
        let viewer = GstViewer::record(&rig.session, &rig.node().to_string(), caps, 20, &path).unwrap();
        let verdict = testkit::judge::judge(viewer.recorded().unwrap()).unwrap();
        println!("{verdict}");
        let card = verdict.card.as_ref().unwrap();
        // A still card may come first.
        assert!(card.read >= 15 && card.unreadable <= 1, "{card:?}");
        assert_eq!((card.out_of_order, card.repeated), (0, 0), "{card:?}");
    }
    assert_eq!(rig.camera.stats().in_dmabufs, 0);
}

/// They are offered, and then there is no memory for them: here the device is another one.
#[test]
fn where_none_can_be_made_after_all_everybody_gets_shared_memory() {
    let rig = Rig::with(15, Udmabuf::open_at("/dev/null".as_ref()).unwrap());
    let taker = open(&rig, Takes::DmaBufs);
    see(&taker, 3);
    assert!(taker.agreements() >= 2, "it had agreed to DMA-BUFs first");
    let plain = open(&rig, Takes::Shared);
    see(&plain, 5);
    for viewer in [&taker, &plain] {
        see(viewer, 10);
        must_be_in_order(viewer);
        assert_eq!((in_dmabuf(viewer), viewer.unasked(), viewer.error()), (false, 0, None));
    }
    drop((taker, plain));
    until("all have gone", || !rig.camera.is_watched());
    let taker = open(&rig, Takes::DmaBufs);
    see(&taker, 3);
    assert_eq!((memory(&rig), rig.camera.stats().in_dmabufs), (Some(Memory::Shared), 0));
    assert_eq!(taker.agreements(), 1, "they are not offered any more");
}

/// One takes DMA-BUFs, the other knows none; they join in this order, leave, and join in the other.
#[test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
fn the_first_one_chooses_the_memory_and_nobody_who_joins_disturbs_it() {
    let rig = Rig::in_dmabufs(15);
    for _ in 0..2 {
        let plain = open(&rig, Takes::Shared);
        see(&plain, 3);
        let taker = open(&rig, Takes::DmaBufs);
        see(&taker, 5);
        see(&plain, 5);
        assert_eq!((memory(&rig), in_dmabuf(&taker), plain.unasked()), (Some(Memory::Shared), false, 0));
        drop(plain);
        see(&taker, 5);
        must_be_in_order(&taker);
        drop(taker);
        until("all have gone", || !rig.camera.is_watched());

        let first = open(&rig, Takes::DmaBufs);
        see(&first, 3);
        let second = open(&rig, Takes::DmaBufs);
        see(&second, 5);
        assert!(in_dmabuf(&first) && in_dmabuf(&second), "both take them");
        let plain = open(&rig, Takes::Shared);
        until("what it did not ask for", || plain.unasked() > 5);
        see(&first, 10);
        see(&second, 10);
        drop((first, plain));
        see(&second, 10);
        assert!(in_dmabuf(&second) && memory(&rig) == Some(Memory::DmaBuf));
        must_be_in_order(&second);
        drop(second);
        until("all have gone", || !rig.camera.is_watched());
    }
    let stats = rig.camera.stats();
    assert_eq!((stats.replaced, stats.reconnected), (0, 0), "{stats:?}");
}

#[test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
fn one_that_cannot_import_them_after_all_gets_shared_memory() {
    let rig = Rig::in_dmabufs(15);
    for _ in 0..3 {
        let viewer = open(&rig, Takes::DmaBufsUntilTried);
        see(&viewer, 5);
        assert!(!in_dmabuf(&viewer) && viewer.agreements() >= 2, "it had agreed to them first");
        assert_eq!((memory(&rig), viewer.error()), (Some(Memory::Shared), None));
        must_be_in_order(&viewer);
        drop(viewer);
        until("it has gone", || !rig.camera.is_watched());
    }
}

#[test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
fn one_that_holds_on_to_every_dmabuf_does_not_stop_who_came_first() {
    let rig = Rig::in_dmabufs(15);
    let quick = open(&rig, Takes::DmaBufs);
    see(&quick, 3);
    let greedy = Wish { holds: 10, ..Wish::new("NV12").taking(Takes::DmaBufs) };
    let greedy = Viewer::open(rig.node(), greedy).unwrap();
    until("all buffers are replaced", || rig.camera.stats().replaced > 0);
    let before = quick.count();
    quick.wait(before + 20).unwrap_or_else(|error| panic!("{error}: {:?}", rig.camera.stats()));
    println!("{:?}; {} held", rig.camera.stats(), greedy.count());
    must_be_in_order(&quick);
    assert!(in_dmabuf(&quick));
}

#[test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
fn hundreds_of_agreements_leave_no_descriptor_behind() {
    let rig = Rig::in_dmabufs(15);
    let viewer = open(&rig, Takes::DmaBufs);
    see(&viewer, 1);
    let agree = |times: u64| {
        for _ in 0..times {
            let before = viewer.agreements();
            viewer.agree_again();
            until("an agreement", || viewer.agreements() > before);
        }
        see(&viewer, 3);
    };
    agree(10);
    let before = files();
    agree(300);
    println!("{before} descriptors, then {}; {:?}", files(), rig.camera.stats());
    assert!(in_dmabuf(&viewer));
    must_be_in_order(&viewer);
    drop(viewer);
    until("it has gone", || !rig.camera.is_watched());
    until("no more than there were", || files() <= before);
}

/// A pipeline's camera, where this machine has such a device and where it has none.
async fn the_report_says_what_memory_it_was() {
    let session = Session::start().unwrap();
    session.enter();
    let card = CaptureConfig::default().with_source(CaptureSource::TestCard).with_test_card_size(640, 360);
    let encoder = EncoderConfig::default().with_resolution(SIZE.width, SIZE.height);
    let camera = Output::VirtualCamera { name: "Desk".into() };
    let output = OutputConfig::new(camera).with_dmabuf(true);
    let pipeline = Pipeline::new(card.with_fps(15), encoder, output).unwrap();
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    let wish = Wish::new("NV12").taking(Takes::DmaBufs);
    let viewer = Viewer::open(node(&session, "ghoststream-camera.desk"), wish).unwrap();
    see(&viewer, 5);
    let in_dmabuf = in_dmabuf(&viewer);
    drop(viewer);
    let report = pipeline.stop().await.unwrap();
    println!("{report:#?}");
    let there = Udmabuf::open().is_ok();
    let camera = report.outputs[0].camera.as_ref().unwrap();
    assert_eq!((in_dmabuf, camera.in_dmabufs > 0), (there, there));
    let told = report.notes.iter().any(|it| it.contains("shared memory") && it.contains("modprobe udmabuf"));
    assert_eq!(told, !there, "{:?}", report.notes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_there_are_none_that_is_told_and_the_camera_is_there() {
    the_report_says_what_memory_it_was().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs /dev/udmabuf: make test-vm"]
async fn where_there_are_some_the_report_counts_them() {
    the_report_says_what_memory_it_was().await;
}
