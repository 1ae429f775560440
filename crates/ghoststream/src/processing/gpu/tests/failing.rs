//! With passes that fail, and pictures that cannot be read.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ghoststream_gpu::vulkan::{VulkanError, vk};
use ghoststream_gpu::{Acquire, DmaBuf};

use super::*;
use crate::capture::{GpuBuffer, GpuLease};
use crate::processing::gpu::double::checked;

/// Each test has a process of its own.
pub(super) static ASKED: AtomicUsize = AtomicUsize::new(0);

/// Fails as it is told: at the picture of this number, of all that were asked for in this process.
pub(super) fn failing(real: Box<dyn Maker>, error: fn(usize) -> Option<PassError>) -> Box<dyn Maker> {
    checked(real, move |_| error(ASKED.fetch_add(1, Ordering::Relaxed)).map_or(Ok(()), Err))
}

pub(super) fn vulkan(result: vk::Result) -> PassError {
    VulkanError { call: "vkQueueSubmit2", result }.into()
}

/// Makes pictures both ways, with a GPU that fails so; who made each, and what was noted. Those who make the
/// pictures `anew` have not seen the frame before.
fn through(double: Double, pictures: u8, anew: &[u8]) -> (Vec<bool>, Journal, Told) {
    let (handover, journal, told) = (Handover::default(), Journal::default(), Told::new("a test"));
    let gpu = gpu(Delivery::Readback, Some(double));
    let mut ways = Ways::new(Some(gpu), recipe(), None, handover, journal.clone(), told.clone());
    ways.rest = Duration::ZERO;
    let made = (0..pictures).map(|number| {
        // All that is said to have changed is a corner, but everything has: whoever did not see the
        // frame before must not believe it.
        let damage =
            if anew.contains(&number) { Damage::Rects(vec![Rect::new(0, 0, 1, 1)]) } else { Damage::Full };
        let frame = frame(number, damage);
        let picture = ways.process(&frame).expect("no failure ends it");
        let by_gpu = matches!(picture, AnyPicture::Gpu(_));
        let memory = match picture {
            AnyPicture::Gpu(picture) => host(picture),
            AnyPicture::Memory(picture) => picture,
        };
        assert!(alike(&memory, &on_cpu(&CapturedFrame { damage: Damage::Full, ..frame })), "{number}");
        by_gpu
    });
    (made.collect(), journal, told)
}

#[test]
fn a_device_that_is_lost_is_opened_anew() {
    let double: Double = |real| {
        let error = |it| (it == 4).then(|| vulkan(vk::Result::ERROR_DEVICE_LOST));
        Ok(failing(real, error))
    };
    let (by_gpu, journal, told) = through(double, 8, &[4]);
    assert_eq!(by_gpu, [true; 8]);
    assert_eq!(told.report().failures, 1);
    let notes = journal.notes();
    assert!(notes.len() == 1 && notes[0].contains("opened anew: vkQueueSubmit2 failed"), "{notes:?}");
}

#[test]
fn a_device_that_fails_again_leaves_it_to_the_cpu() {
    let double: Double = |real| {
        let error = |it| (it >= 4).then(|| vulkan(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY));
        Ok(failing(real, error))
    };
    let (by_gpu, journal, told) = through(double, 8, &[4]);
    assert_eq!(by_gpu, [true, true, true, true, false, false, false, false]);
    let report = told.report();
    assert_eq!((report.failures, report.pictures, report.gpu_pictures), (2, 8, 4));
    assert!(report.way.starts_with("CPU ("), "{report:?}");
    assert!(journal.notes()[1].contains("on the CPU from here on"), "{:?}", journal.notes());
}

/// How often a pass was made in this process.
static MADE: AtomicUsize = AtomicUsize::new(0);

#[test]
fn a_device_that_cannot_be_opened_at_once_is_opened_later() {
    let double: Double = |real| {
        let lost = || vulkan(vk::Result::ERROR_DEVICE_LOST);
        if MADE.fetch_add(1, Ordering::Relaxed) == 1 {
            return Err(lost());
        }
        Ok(failing(real, |it| (it == 4).then(|| vulkan(vk::Result::ERROR_DEVICE_LOST))))
    };
    let (by_gpu, journal, told) = through(double, 8, &[4]);
    assert_eq!(by_gpu, [true; 8], "with no time to rest the same frame is made on it");
    assert_eq!((told.report().failures, told.report().gpu_pictures), (1, 8));
    let notes = journal.notes();
    assert!(notes[0].contains("cannot be opened anew") && notes[1].contains("was opened anew"), "{notes:?}");
}

#[test]
fn a_device_that_cannot_be_opened_any_more_leaves_it_to_the_cpu() {
    let double: Double = |real| match MADE.fetch_add(1, Ordering::Relaxed) {
        0 => {
            let error = |it| (it == 4).then(|| vulkan(vk::Result::ERROR_DEVICE_LOST));
            Ok(failing(real, error))
        }
        _ => Err(vulkan(vk::Result::ERROR_INITIALIZATION_FAILED)),
    };
    let (by_gpu, journal, _) = through(double, 6, &[4]);
    assert_eq!(by_gpu, [true, true, true, true, false, false]);
    let notes = journal.notes();
    assert!(notes.len() == 2 && notes[1].contains("on the CPU from here on"), "{notes:?}");
}

#[test]
fn while_a_device_is_down_the_cpu_makes_pictures() {
    let double: Double = |real| match MADE.fetch_add(1, Ordering::Relaxed) {
        1 => Err(vulkan(vk::Result::ERROR_DEVICE_LOST)),
        _ => Ok(failing(real, |it| (it == 0).then(|| vulkan(vk::Result::ERROR_DEVICE_LOST)))),
    };
    let gpu = gpu(Delivery::Readback, Some(double));
    let mut ways =
        Ways::new(Some(gpu), recipe(), None, Handover::default(), Journal::default(), Told::default());
    let by_gpu = |ways: &mut Ways| {
        let picture = ways.process(&frame(1, Damage::Full)).expect("somebody makes it");
        matches!(picture, AnyPicture::Gpu(_))
    };
    assert_eq!([by_gpu(&mut ways), by_gpu(&mut ways)], [false, false], "it rests for seconds");
    let Err(dropped) = ways.process(&in_gpu_memory(Lease::default())) else { panic!("nobody can read it") };
    assert!(dropped.is_of_the_frame(), "{dropped}");
    ways.again = Some(Timestamp::now());
    assert!(by_gpu(&mut ways));
}

#[test]
fn what_the_gpu_refuses_is_drawn_by_the_cpu_and_the_gpu_goes_on() {
    let double: Double = |real| {
        let error = |it| (it == 4 || it == 6).then_some(PassError::Format(PixelFormat::I444));
        Ok(failing(real, error))
    };
    let (by_gpu, journal, told) = through(double, 9, &[4, 5, 6, 7]);
    assert_eq!(by_gpu, [true, true, true, true, false, true, false, true, true]);
    let report = told.report();
    assert_eq!((report.failures, report.refused, report.gpu_pictures), (0, 2, 7));
    assert!(report.way.starts_with("GPU ("), "{report:?}");
    let notes = journal.notes();
    assert!(notes.len() == 1 && notes[0].contains("no shader reads"), "said once: {notes:?}");
}

#[test]
fn a_gpu_that_refuses_everything_is_asked_no_more() {
    let double: Double = |real| Ok(failing(real, |_| Some(PassError::Format(PixelFormat::I444))));
    let (journal, told) = (Journal::default(), Told::default());
    let gpu = gpu(Delivery::Readback, Some(double));
    let mut ways = Ways::new(Some(gpu), recipe(), None, Handover::default(), journal.clone(), told.clone());
    let frame = frame(1, Damage::Full);
    (0..700).for_each(|_| assert!(matches!(ways.process(&frame), Ok(AnyPicture::Memory(_)))));
    assert!(told.report().way.starts_with("CPU ("), "{:?}", told.report());
    assert!(ASKED.load(Ordering::Relaxed) < 700);
    assert!(journal.notes()[1].contains("has taken none of"), "{:?}", journal.notes());
}

/// A buffer of another program's, of which only what is said of it matters.
#[derive(Clone, Default)]
struct Lease(Arc<Mutex<Vec<String>>>);

impl GpuLease for Lease {
    fn acquire(&self) -> Result<Acquire, String> {
        Ok(Acquire::Now)
    }

    fn read_until(&self, _: std::os::fd::OwnedFd) {}

    fn refuse(&self, why: &str) {
        self.0.lock().unwrap().push(why.to_owned());
    }
}

fn in_gpu_memory(lease: Lease) -> CapturedFrame {
    let buffer = Arc::new(DmaBuf::new(PixelFormat::Bgrx, SIZE, 0, Vec::new()));
    CapturedFrame {
        memory: Memory::Gpu(GpuBuffer { buffer, lease: Arc::new(lease) }),
        ..frame(1, Damage::Full)
    }
}

#[test]
fn a_picture_that_is_not_drawn_in_time_costs_itself_alone() {
    let double: Double =
        |real| Ok(failing(real, |it| (it < 3).then_some(PassError::NotDrawn(Duration::ZERO))));
    let (journal, told, lease) = (Journal::default(), Told::default(), Lease::default());
    let gpu = gpu(Delivery::Readback, Some(double));
    let mut ways = Ways::new(Some(gpu), recipe(), None, Handover::default(), journal.clone(), told.clone());
    for _ in 0..3 {
        let Err(error) = ways.process(&in_gpu_memory(lease.clone())) else { panic!("it is not drawn") };
        assert!(error.is_of_the_frame() && error.to_string().contains("has not drawn"), "{error}");
    }
    assert!(matches!(ways.process(&frame(1, Damage::Full)), Ok(AnyPicture::Gpu(_))), "the GPU goes on");
    assert!(lease.0.lock().unwrap().is_empty(), "the buffer is good");
    assert_eq!((told.report().failures, journal.notes().len()), (0, 0));
}

#[test]
fn a_buffer_that_cannot_be_read_is_refused_and_the_gpu_goes_on() {
    let (journal, told, lease) = (Journal::default(), Told::default(), Lease::default());
    let gpu = gpu(Delivery::Readback, None);
    let mut ways = Ways::new(Some(gpu), recipe(), None, Handover::default(), journal.clone(), told.clone());
    // It has no planes, and Debian 12's lavapipe imports nothing at all.
    let Err(error) = ways.process(&in_gpu_memory(lease.clone())) else { panic!("it has no planes") };
    assert!(error.is_of_the_frame(), "{error}");
    assert_eq!(lease.0.lock().unwrap().len(), 1, "its producer is asked for others");
    assert!(matches!(ways.process(&frame(1, Damage::Full)), Ok(AnyPicture::Gpu(_))), "the GPU goes on");
    assert_eq!((told.report().failures, journal.notes().len()), (0, 0));
}
