//! A real desktop: sway, its portal backend and its PipeWire, from a cached file system.

use ghoststream::internals::probe_portal;
use ghoststream::{CaptureConfig, Size};
use testkit::{CardWindow, Desktop};

use super::rig::{LONG, Rig};

const SIZE: Size = Size::new(640, 360);

fn desktop() -> Desktop {
    let desktop = Desktop::start(SIZE).unwrap();
    desktop.enter();
    desktop
}

#[test]
fn the_desktop_is_captured_as_it_is_shown() {
    let desktop = desktop();
    let abilities = probe_portal(LONG).unwrap();
    assert!(abilities.sources.contains(&"monitor"), "{abilities:?}");
    let _window = CardWindow::open(&desktop.wayland(), None).unwrap();
    let rig =
        Rig::open(&CaptureConfig::default()).unwrap_or_else(|error| panic!("{error}\n{}", desktop.logs()));
    let (frame, first) = rig.card_where(0, |_, _| true);
    assert_eq!((frame.shown_size(), first.area.size()), (SIZE, SIZE), "the card fills the monitor");
    let mut last = first.stamp;
    for _ in 0..20 {
        let (_, next) = rig.card_where(0, |_, _| true);
        assert!(next.stamp.frame >= last.frame, "never back: {:?} after {last:?}", next.stamp);
        last = next.stamp;
    }
    assert!(last.frame > first.stamp.frame + 10, "{last:?} after {:?}", first.stamp);
}

#[test]
fn what_a_lost_portal_backend_shared_is_found_again_at_its_new_size() {
    let mut desktop = desktop();
    let _window = CardWindow::open(&desktop.wayland(), None).unwrap();
    let rig = Rig::open(&CaptureConfig::default().with_resume(true)).unwrap();
    rig.card_where(0, |frame, _| frame.shown_size() == SIZE);
    let larger = Size::new(800, 450);
    desktop.resize("HEADLESS-1", larger).unwrap();
    desktop.restart_portal_backend().unwrap();
    rig.card_where(0, |frame, reading| frame.shown_size() == larger && reading.area.size() == larger);
}

#[test]
fn a_compositor_that_dies_ends_the_stream() {
    let desktop = desktop();
    let _window = CardWindow::open(&desktop.wayland(), None).unwrap();
    let rig = Rig::open(&CaptureConfig::default()).unwrap();
    rig.card_where(0, |_, _| true);
    desktop.exit().unwrap();
    let why = rig.ended(0);
    assert!(!why.is_empty(), "the reason is told");
}
