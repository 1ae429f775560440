//! Pictures between two others, on a GPU that fails.

use std::sync::atomic::Ordering;

use ghoststream_gpu::vulkan::vk;
use ghoststream_interpolation::Time;

use super::failing::{ASKED, failing, vulkan};
use super::*;
use crate::processing::BetweenError;

/// More than are asked for to get ready.
const READY: usize = 1 << 20;

const TIMES: [Time; 2] = [Time::HALF, Time::HALF];

/// The same picture to the bit.
fn same(one: AnyPicture, other: AnyPicture) -> bool {
    let memory = |it| match it {
        AnyPicture::Gpu(picture) => host(picture),
        AnyPicture::Memory(picture) => picture,
    };
    within(&memory(one), &memory(other), 0)
}

#[test]
fn once_a_gpu_is_lost_for_good_the_cpu_makes_what_is_between() {
    // Pictures and what is between them, in the order in which they are asked for below.
    let double: Double = |real| {
        let error = |it| (it == READY + 4 || it >= READY + 8).then(|| vulkan(vk::Result::ERROR_DEVICE_LOST));
        Ok(failing(real, error))
    };
    let (handover, journal, told) = (Handover::default(), Journal::default(), Told::new("a test"));
    let gpu = gpu(Delivery::Readback, Some(double));
    let mut ways = Ways::new(Some(gpu), recipe(), None, handover, journal, told.clone());
    Process::get_ready_between(&mut ways, Duration::from_secs(60)).unwrap();
    assert!(told.report().motion.contains("no optical flow engine"), "{:?}", told.report());
    assert!(ASKED.swap(READY, Ordering::Relaxed) < READY);
    let mut cpu = crate::processing::open(recipe());
    cpu.get_ready_between(Duration::from_secs(60)).unwrap();
    let shown = |ways: &mut Ways, number: u8| {
        let picture = ways.process(&frame(number, Damage::Full)).unwrap();
        if let AnyPicture::Gpu(it) = &picture {
            assert!(it.output().wait(Duration::from_secs(30)).unwrap(), "it is made");
        }
        picture
    };

    let (zeroth, first) = (shown(&mut ways, 0), shown(&mut ways, 40));
    let made = ways.between([&zeroth, &first], &TIMES).unwrap();
    assert!(made.iter().all(|it| matches!(it, AnyPicture::Gpu(_))) && made.len() == TIMES.len());
    let wanted = cpu.between([&zeroth, &first], &TIMES).unwrap();
    assert!(made.into_iter().zip(wanted).all(|(made, wanted)| same(made, wanted)));

    let second = shown(&mut ways, 80);
    let lost = ways.between([&first, &second], &TIMES).unwrap_err();
    assert!(matches!(lost, BetweenError::Gone(_)) && !lost.is_for_good(), "{lost}");
    let third = shown(&mut ways, 120);
    let of_two_devices = ways.between([&second, &third], &TIMES).unwrap_err();
    assert!(!of_two_devices.is_for_good() && told.report().failures == 1, "{of_two_devices}");
    let fourth = shown(&mut ways, 160);
    assert!(ways.between([&third, &fourth], &TIMES).is_err(), "lost again, and for good");

    // What the GPU made last can still be read here: the CPU goes on from it.
    let (fifth, sixth) = (shown(&mut ways, 200), shown(&mut ways, 240));
    for pair in [[&fourth, &fifth], [&fifth, &sixth]] {
        let made = ways.between(pair, &TIMES).unwrap();
        assert!(made.iter().all(|it| matches!(it, AnyPicture::Memory(_))));
        let wanted = cpu.between(pair, &TIMES).unwrap();
        assert!(made.into_iter().zip(wanted).all(|(made, wanted)| same(made, wanted)));
    }
    let report = told.report();
    assert_eq!(report.motion, "block search on the CPU");
    assert_eq!((report.failures, report.gpu_interpolated, report.cpu_interpolated), (2, 2, 4), "{report:?}");
    let bytes = OUTPUT.bytes();
    assert_eq!(report.system_memory_bytes, bytes * (report.pictures + 6), "{report:?}");
}
