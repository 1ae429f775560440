//! The engine that finds motion: `VK_NV_optical_flow`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ash::{nv, vk};

/// The functions of `VK_NV_optical_flow` and the queue that executes them, beside the one that computes.
pub struct OpticalFlow {
    functions: nv::optical_flow::Device,
    family: u32,
    queue: Mutex<vk::Queue>,
}

impl OpticalFlow {
    /// # Safety
    /// The device was made with the extension and one queue of this family.
    pub(super) unsafe fn new(vulkan: &ash::Instance, device: &ash::Device, family: u32) -> Self {
        let functions = nv::optical_flow::Device::new(vulkan, device);
        // SAFETY: the caller's promise.
        let queue = unsafe { device.get_device_queue(family, 0) };
        Self { functions, family, queue: Mutex::new(queue) }
    }

    /// The functions, valid as long as the device.
    pub fn functions(&self) -> &nv::optical_flow::DeviceFn {
        self.functions.fp()
    }

    /// The family of its queue.
    pub const fn family(&self) -> u32 {
        self.family
    }

    /// Only who holds the lock may submit.
    pub(super) fn queue(&self) -> MutexGuard<'_, vk::Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for OpticalFlow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpticalFlow").field("family", &self.family).finish_non_exhaustive()
    }
}

/// The queue family of a device that has the extension, where the feature can be had too.
pub(super) fn family(vulkan: &ash::Instance, raw: vk::PhysicalDevice) -> Option<u32> {
    let mut feature = vk::PhysicalDeviceOpticalFlowFeaturesNV::default();
    let mut features = vk::PhysicalDeviceFeatures2::default().push_next(&mut feature);
    // SAFETY: the device is of this instance, and what is chained lives during the call.
    let families = unsafe {
        vulkan.get_physical_device_features2(raw, &mut features);
        vulkan.get_physical_device_queue_family_properties(raw)
    };
    // On a family that computes too it would not run beside.
    let own = |it: vk::QueueFlags| {
        it.contains(vk::QueueFlags::OPTICAL_FLOW_NV) && !it.contains(vk::QueueFlags::COMPUTE)
    };
    let place = families.iter().position(|it| own(it.queue_flags))?;
    (feature.optical_flow == vk::TRUE).then_some(place as u32)
}
