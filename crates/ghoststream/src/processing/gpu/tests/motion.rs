//! What finds motion: by a maker that pretends to have an optical flow engine, and by how slow it makes itself.

use std::sync::atomic::{AtomicBool, Ordering};

use ghoststream_gpu::interpolate::InterpolateError;
use ghoststream_gpu::interpolate::flow::FlowError;
use ghoststream_gpu::vulkan::{VulkanError, vk};
use ghoststream_interpolation::Time;

use super::failing::{ASKED, failing, vulkan};
use super::*;
use crate::processing::gpu::double::{Asked, checked_with_engine};

/// What a maker with such an engine does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Engine {
    /// Each picture by it takes long.
    Slow,
    /// Each picture without it takes long.
    Fast,
    /// It can be had, and makes nothing.
    Fails,
}

/// More than are asked for to get ready.
const READY: usize = 1 << 20;

/// Whether the engine fails from now on, whatever it did before. Each test has a process of its own.
static BROKEN: AtomicBool = AtomicBool::new(false);

fn failed() -> PassError {
    let error = VulkanError { call: "vkQueueSubmit2", result: vk::Result::ERROR_OUT_OF_HOST_MEMORY };
    InterpolateError::from(FlowError::from(error)).into()
}

/// With an engine that does so.
fn engined(real: Box<dyn Maker>, engine: Engine) -> Box<dyn Maker> {
    checked_with_engine(real, move |asked| {
        let Asked::Between { by_engine, .. } = asked else { return Ok(()) };
        match (engine, by_engine) {
            (Engine::Fails, true) => return Err(failed()),
            (_, true) if BROKEN.load(Ordering::Relaxed) => return Err(failed()),
            // Longer than lavapipe takes on a busy machine at least once.
            (Engine::Slow, true) | (Engine::Fast, false) => std::thread::sleep(Duration::from_millis(500)),
            _ => {}
        }
        Ok(())
    })
}

/// Both ways, ready for pictures between others; what is told and noted.
fn ready(double: Double) -> (Ways, Told, Journal) {
    let (journal, told) = (Journal::default(), Told::new("a test"));
    let gpu = gpu(Delivery::Readback, Some(double));
    let mut ways = Ways::new(Some(gpu), recipe(), None, Handover::default(), journal.clone(), told.clone());
    assert_eq!(told.report().motion, "", "nobody has asked for it");
    Process::get_ready_between(&mut ways, Duration::from_secs(60)).unwrap();
    (ways, told, journal)
}

/// Makes two pictures and one between them.
fn between(ways: &mut Ways, number: u8) -> AnyPicture {
    let [before, after] = [number, number + 40].map(|it| ways.process(&frame(it, Damage::Full)).unwrap());
    let made = ways.between([&before, &after], &[Time::HALF]).unwrap().remove(0);
    assert!(matches!(made, AnyPicture::Gpu(_)));
    made
}

#[test]
fn the_faster_of_block_search_and_optical_flow_finds_motion() {
    let slow: Double = |real| Ok(engined(real, Engine::Slow));
    let fast: Double = |real| Ok(engined(real, Engine::Fast));
    for (double, first, second) in [
        (slow, "block search, measured: ", " by optical flow"),
        (fast, "optical flow, measured: ", " by block search"),
    ] {
        let (mut ways, told, journal) = ready(double);
        let motion = told.report().motion;
        assert!(motion.starts_with(first) && motion.ends_with(second), "{motion}");
        between(&mut ways, 3);
        assert!(journal.notes().is_empty(), "{:?}", journal.notes());
        assert_eq!((told.report().failures, told.report().gpu_interpolated), (0, 1));
    }
}

#[test]
fn an_engine_that_makes_nothing_is_not_used() {
    let (mut ways, told, journal) = ready(|real| Ok(engined(real, Engine::Fails)));
    let motion = told.report().motion;
    assert!(motion.starts_with("block search, ") && motion.contains("vkQueueSubmit2 failed"), "{motion}");
    between(&mut ways, 3);
    assert_eq!((told.report().failures, journal.notes().len()), (0, 0));
}

#[test]
fn where_optical_flow_fails_the_block_search_goes_on() {
    let (mut ways, told, journal) = ready(|real| Ok(engined(real, Engine::Fast)));
    between(&mut ways, 3);
    assert!(told.report().motion.starts_with("optical flow, "), "{:?}", told.report());
    BROKEN.store(true, Ordering::Relaxed);
    for number in [50, 100] {
        between(&mut ways, number);
    }
    let (report, notes) = (told.report(), journal.notes());
    assert_eq!((report.failures, report.gpu_interpolated), (0, 3), "nothing is lost: {report:?}");
    assert!(report.motion.starts_with("block search, for optical flow failed"), "{report:?}");
    assert!(notes.len() == 1 && notes[0].contains("by block search from here on"), "said once: {notes:?}");
}

#[test]
fn a_gpu_that_is_opened_anew_finds_motion_by_blocks() {
    let (mut ways, told, _) = ready(|real| {
        let error = |it| (it == READY).then(|| vulkan(vk::Result::ERROR_DEVICE_LOST));
        Ok(engined(failing(real, error), Engine::Fast))
    });
    assert!(ASKED.swap(READY, Ordering::Relaxed) < READY);
    between(&mut ways, 3);
    assert_eq!(told.report().motion, "block search, for the GPU was opened anew");
}

#[test]
fn a_new_encoder_leaves_motion_to_who_finds_it() {
    let (handover, told) = (Handover::default(), Told::new("a test"));
    let double: Double = |real| Ok(engined(real, Engine::Fast));
    let gpu = gpu(Delivery::Readback, Some(double));
    let uuid = gpu.physical().uuid;
    let mut ways = Ways::new(Some(gpu), recipe(), None, handover.clone(), Journal::default(), told.clone());
    Process::get_ready_between(&mut ways, Duration::from_secs(60)).unwrap();
    handover.set(Some(uuid));
    BROKEN.store(true, Ordering::Relaxed);
    between(&mut ways, 3);
    // It was asked: only who uses the engine hears that it is broken.
    assert!(told.report().motion.contains("optical flow failed"), "{:?}", told.report());
}
