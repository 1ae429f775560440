//! A device to test on.

use ghoststream_gpu::vulkan::{Device, Instance, Kind};

/// A device, watched by the validation layer. Dropping it fails the test if that found a mistake.
pub struct Rig {
    pub device: Device,
}

impl Rig {
    pub fn new() -> Self {
        // SAFETY: nextest runs each test in a process of its own, and no thread runs yet.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var("GHOSTSTREAM_VULKAN_VALIDATION", "1");
        }
        let instance = Instance::open().expect("Vulkan's loader: scripts/install-packages test");
        assert!(instance.is_validated(), "the validation layer: scripts/install-packages test");
        let real = std::env::var("GHOSTSTREAM_TEST_GPU").is_ok_and(|it| it == "1");
        let all = instance.physical().expect("devices");
        let wanted = |kind| if real { kind != Kind::Cpu } else { kind == Kind::Cpu };
        let physical =
            all.iter().find(|it| wanted(it.kind)).expect("lavapipe, or the GPU that was asked for");
        Self { device: Device::open(physical).expect("it opens") }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(Instance::mistakes(), 0, "Vulkan's validation layer found mistakes");
        }
    }
}
