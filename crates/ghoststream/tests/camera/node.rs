//! The node itself: formats, viewers that come and go, hold on to buffers, are slow, are several.

use std::process::Command;
use std::time::{Duration, Instant};

use ghoststream::Size;
use ghoststream_camera::Format;
use testkit::peers::GstViewer;
use testkit::viewer::{Viewer, Wish};

use crate::rig::{Rig, SIZE, must_be_in_order, numbers, until};

#[test]
fn every_raw_format_has_the_card_at_every_size() {
    let rig = Rig::moving(30);
    for format in ["NV12", "I420", "YUY2", "BGRx", "RGBx", "BGRA", "RGBA", "RGB", "BGR"] {
        for size in [SIZE, Size::new(432, 240)] {
            let viewer = Viewer::open(rig.node(), Wish::new(format).sized(size)).unwrap();
            until(&format!("{format} {size}"), || numbers(&viewer).len() >= 5);
            assert_eq!(viewer.size(), Some(size));
            must_be_in_order(&viewer);
            // The first may follow a still card that is younger.
            for seen in viewer.seen().iter().filter(|it| it.stamp.is_some()).skip(1) {
                let stamp = seen.stamp.unwrap();
                assert_eq!(seen.pts, stamp.time.as_nanos(), "the header has the picture's own time");
                assert!(seen.at >= stamp.time);
            }
        }
    }
    assert_eq!(rig.camera.stats().opened, 18);
}

#[test]
fn gstreamer_gets_raw_pictures_and_jpegs() {
    let rig = Rig::moving(30);
    for (name, caps) in [
        ("raw", "video/x-raw,format=NV12,width=640,height=360,framerate=30/1"),
        ("jpeg", "image/jpeg,width=640,height=360"),
    ] {
        let path = rig.session.dir().join(format!("{name}.mkv"));
        let viewer = GstViewer::record(&rig.session, &rig.node().to_string(), caps, 45, &path).unwrap();
        let verdict = testkit::judge::judge(viewer.recorded().unwrap()).unwrap();
        println!("{verdict}");
        let card = verdict.card.as_ref().unwrap();
        assert!(card.read >= 40 && card.unreadable == 0, "{card:?}");
        assert_eq!((card.out_of_order, card.repeated), (0, 0), "{card:?}");
    }
}

#[test]
fn viewers_come_and_go_and_without_any_nothing_is_made() {
    let rig = Rig::moving(30);
    until("pictures nobody looks at", || rig.camera.stats().unwatched > 5);
    assert!(!rig.camera.is_watched() && rig.camera.agreed().is_none());
    assert_eq!(rig.camera.stats().bytes, 0, "nothing is converted");
    for round in 1..=3 {
        let viewer = Viewer::open(rig.node(), Wish::new("YUY2")).unwrap();
        viewer.wait(5).unwrap();
        assert!(rig.camera.is_watched());
        drop(viewer);
        until("the last one goes", || !rig.camera.is_watched());
        assert_eq!(rig.camera.stats().opened, round);
    }
}

#[test]
fn several_viewers_see_the_same_and_another_format_has_to_wait() {
    let rig = Rig::moving(30);
    let first = Viewer::open(rig.node(), Wish::new("NV12").sized(SIZE)).unwrap();
    first.wait(3).unwrap();
    let second = Viewer::open(rig.node(), Wish::new("NV12")).unwrap();
    let third = Viewer::open(rig.node(), Wish::new("NV12")).unwrap();
    second.wait(15).unwrap();
    third.wait(15).unwrap();
    let other = Viewer::open(rig.node(), Wish::new("RGB")).unwrap();
    let before = first.count();
    first.wait(before + 30).unwrap();
    assert_eq!(rig.camera.agreed().unwrap().format, Format::Nv12, "a node has one format at a time");
    for viewer in [&first, &second, &third] {
        must_be_in_order(viewer);
        let seen = viewer.seen();
        assert!(seen.is_sorted_by(|a, b| a.pts < b.pts), "time goes on: {seen:?}");
    }
    drop((first, second, third, other));
    until("all have gone", || !rig.camera.is_watched());
    let other = Viewer::open(rig.node(), Wish::new("RGB")).unwrap();
    other.wait(5).unwrap();
    must_be_in_order(&other);
    assert_eq!(rig.camera.agreed().unwrap().format, Format::Rgb);
}

/// Session managers from WirePlumber 0.5 on tell both sides of a link that breaks.
#[test]
fn one_that_can_take_nothing_leaves_the_camera_to_others() {
    let rig = Rig::moving(30);
    let node = rig.node();
    let odd = || Viewer::open(node, Wish::new("NV12").sized(Size::new(100, 30))).unwrap();
    // Where nobody tells it, it has had time to try.
    let tries = |viewer: &Viewer| {
        let since = Instant::now();
        until("it tries", || viewer.error().is_some() || since.elapsed() > Duration::from_secs(2));
    };
    for _ in 0..2 {
        tries(&odd());
    }
    let good = Viewer::open(node, Wish::new("NV12")).unwrap();
    good.wait(10).unwrap();
    // Beside one that looks it is handed that one's format, and has to see for itself.
    let beside = odd();
    let before = good.count();
    good.wait(before + 20).unwrap();
    drop(beside);
    must_be_in_order(&good);
    drop(good);
    until("all have gone", || !rig.camera.is_watched());
    tries(&odd());
    let last = Viewer::open(node, Wish::new("RGB")).unwrap();
    last.wait(5).unwrap();
    let stats = rig.camera.stats();
    assert_eq!((rig.camera.node(), stats.reconnected, stats.opened), (Some(node), 0, 2), "{stats:?}");
    assert!(stats.refused > 0 || !tells_of_links(), "it was tried: {stats:?}");
}

/// Whether this session manager tells both sides of a link that breaks.
fn tells_of_links() -> bool {
    let said = Command::new("wireplumber").arg("--version").output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let version = said.split("libwireplumber ").nth(1).unwrap_or_else(|| panic!("no version: {said}"));
    let mut numbers = version.split('.').map(|it| it.trim().parse::<u32>().unwrap_or_default());
    (numbers.next(), numbers.next()) >= (Some(0), Some(5))
}

#[test]
fn one_that_holds_on_to_every_buffer_does_not_stop_the_others() {
    let rig = Rig::moving(30);
    let quick = Viewer::open(rig.node(), Wish::new("NV12")).unwrap();
    quick.wait(3).unwrap();
    let greedy = Viewer::open(rig.node(), Wish { holds: 10, ..Wish::new("NV12") }).unwrap();
    greedy.wait(10).unwrap();
    until("all buffers are replaced", || rig.camera.stats().replaced > 0);
    let before = quick.count();
    quick.wait(before + 30).unwrap_or_else(|error| panic!("{error}: {:?}", rig.camera.stats()));
    println!("{:?}", rig.camera.stats());
    must_be_in_order(&quick);
    assert!(rig.camera.stats().dropped > 0, "what nobody could get is counted");
}

/// What it has not read PipeWire keeps for it, so that the others get pictures at its pace.
#[test]
fn one_that_is_slow_stalls_nobody_and_all_is_well_when_it_goes() {
    let rig = Rig::moving(30);
    let slow = Wish { sleeps: Duration::from_millis(100), ..Wish::new("NV12") };
    let slow = Viewer::open(rig.node(), slow).unwrap();
    let quick = Viewer::open(rig.node(), Wish::new("NV12")).unwrap();
    quick.wait(30).unwrap();
    slow.wait(3).unwrap();
    drop(slow);
    let before = quick.count();
    quick.wait(before + 20).unwrap();
    must_be_in_order(&quick);
    assert_eq!(rig.camera.stats().replaced, 0, "some buffer always came back");
}

#[test]
fn a_slower_rate_gets_fewer_pictures_evenly() {
    let rig = Rig::moving(30);
    let viewer = Viewer::open(rig.node(), Wish { fps: Some(10), ..Wish::new("NV12") }).unwrap();
    viewer.wait(10).unwrap();
    let shown = viewer.seen().into_iter().filter(|it| it.stamp.is_some());
    let times: Vec<i64> = shown.map(|it| it.pts).collect();
    let period = (times[times.len() - 1] - times[0]) / (times.len() as i64 - 1);
    assert!(period >= 95_000_000, "never faster on the whole: {times:?}");
    let stats = rig.camera.stats();
    assert!(stats.thinned >= stats.shown, "{stats:?}");
}

#[test]
fn a_still_card_stands_in_before_and_between_pictures() {
    let mut rig = Rig::still(30);
    let viewer = Viewer::open(rig.node(), Wish::new("NV12")).unwrap();
    viewer.wait(3).unwrap();
    assert!(viewer.seen().iter().all(|it| it.stamp.is_none()), "it waits");
    rig.go(30);
    until("the card", || numbers(&viewer).len() > 10);
    rig.stop();
    let (cards, shown) = (rig.camera.stats().cards, numbers(&viewer).len());
    until("the still card again", || rig.camera.stats().cards > cards + 1);
    let before = viewer.count();
    viewer.wait(before + 2).unwrap();
    assert!(viewer.seen().last().unwrap().stamp.is_none());
    assert!(numbers(&viewer).len() >= shown && viewer.error().is_none(), "it stays");
    rig.go(30);
    let before = numbers(&viewer).len();
    until("the card again", || numbers(&viewer).len() > before + 5);
}

#[test]
fn pipewire_may_go_and_come_back() {
    let mut rig = Rig::moving(30);
    let before = rig.node();
    rig.session.stop_pipewire();
    until("it is lost", || rig.camera.node().is_none());
    rig.session.start_pipewire().unwrap();
    until("it is back", || rig.camera.node().is_some());
    println!("node {before}, then {}", rig.node());
    let viewer = Viewer::open(rig.node(), Wish::new("NV12")).unwrap();
    viewer.wait(5).unwrap();
    must_be_in_order(&viewer);
    assert_eq!(rig.camera.stats().reconnected, 1);
}

/// As `pw-cli destroy` and some session managers do.
#[test]
fn a_node_that_is_taken_away_comes_back() {
    let rig = Rig::moving(30);
    let (before, watching) = (rig.node(), Viewer::open(rig.node(), Wish::new("NV12")).unwrap());
    watching.wait(5).unwrap();
    let destroy = ["destroy", &before.to_string()];
    let done = Command::new("pw-cli").args(destroy).envs(rig.session.environment()).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    until("it is lost and back", || rig.camera.stats().reconnected == 1 && rig.camera.node().is_some());
    println!("node {before}, then {}", rig.node());
    let viewer = Viewer::open(rig.node(), Wish::new("NV12")).unwrap();
    viewer.wait(5).unwrap();
    must_be_in_order(&viewer);
    assert_eq!(rig.camera.stats().reconnected, 1);
}
