//! How far the GPU is.

use std::os::fd::{FromRawFd, OwnedFd};
use std::time::Duration;

use ash::vk;

use super::{Device, VulkanError};

/// A timeline semaphore: a number that grows as work is done.
#[derive(Debug)]
pub struct Timeline {
    device: Device,
    raw: vk::Semaphore,
    exported: bool,
}

impl Timeline {
    /// At 0.
    ///
    /// # Errors
    /// The driver failed.
    pub fn new(device: &Device) -> Result<Self, VulkanError> {
        Self::with_export(device, false)
    }

    /// At 0, for CUDA. The device can export it ([`Abilities::export_timeline`]). Validation layers do not
    /// follow it: what another interface may signal says nothing of what is still in use.
    ///
    /// [`Abilities::export_timeline`]: super::Abilities::export_timeline
    ///
    /// # Errors
    /// The driver failed.
    pub fn exportable(device: &Device) -> Result<Self, VulkanError> {
        Self::with_export(device, true)
    }

    fn with_export(device: &Device, exported: bool) -> Result<Self, VulkanError> {
        let mut kind = vk::SemaphoreTypeCreateInfo::default().semaphore_type(vk::SemaphoreType::TIMELINE);
        let mut export = vk::ExportSemaphoreCreateInfo::default()
            .handle_types(vk::ExternalSemaphoreHandleTypeFlags::OPAQUE_FD);
        let mut info = vk::SemaphoreCreateInfo::default().push_next(&mut kind);
        if exported {
            info = info.push_next(&mut export);
        }
        // SAFETY: what the structure points to lives during the call.
        let raw = unsafe { device.raw().create_semaphore(&info, None) }
            .map_err(VulkanError::of("vkCreateSemaphore"))?;
        device.count();
        Ok(Self { device: device.clone(), raw, exported })
    }

    /// Its number now.
    ///
    /// # Errors
    /// The device is lost.
    pub fn value(&self) -> Result<u64, VulkanError> {
        // SAFETY: the semaphore is of this device.
        unsafe { self.device.raw().get_semaphore_counter_value(self.raw) }
            .map_err(VulkanError::of("vkGetSemaphoreCounterValue"))
    }

    /// Waits until it has reached `value`; false when that takes longer than `most`.
    ///
    /// # Errors
    /// The device is lost.
    pub fn wait(&self, value: u64, most: Duration) -> Result<bool, VulkanError> {
        if !most.is_zero() {
            self.device.count_wait();
        }
        let (semaphores, values) = ([self.raw], [value]);
        let info = vk::SemaphoreWaitInfo::default().semaphores(&semaphores).values(&values);
        let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        // SAFETY: the semaphore is of this device.
        match unsafe { self.device.raw().wait_semaphores(&info, most) } {
            Ok(()) => Ok(true),
            Err(vk::Result::TIMEOUT) => Ok(false),
            Err(result) => Err(VulkanError { call: "vkWaitSemaphores", result }),
        }
    }

    /// For who goes, and has submitted work that ends with `value`: waits for that, so long at most. A GPU that
    /// does not come to it is [abandoned](Device::abandon); one that is lost uses nothing any more.
    pub(crate) fn settle(&self, value: u64, most: Duration) {
        if !self.device.is_abandoned() && matches!(self.wait(value, most), Ok(false)) {
            self.device.abandon();
        }
    }

    /// A descriptor of it, for CUDA.
    ///
    /// # Errors
    /// It was not made for that ([`Self::exportable`]), or the driver cannot.
    pub fn export(&self) -> Result<OwnedFd, VulkanError> {
        let call = "vkGetSemaphoreFdKHR";
        if !self.exported {
            // Asked for it regardless, Mesa's lavapipe crashes.
            return Err(VulkanError { call, result: vk::Result::ERROR_FEATURE_NOT_PRESENT });
        }
        let info = vk::SemaphoreGetFdInfoKHR::default()
            .semaphore(self.raw)
            .handle_type(vk::ExternalSemaphoreHandleTypeFlags::OPAQUE_FD);
        // SAFETY: the semaphore is of this device, and was made for export.
        let fd =
            unsafe { self.device.semaphore_fd()?.get_semaphore_fd(&info) }.map_err(VulkanError::of(call))?;
        // SAFETY: the descriptor is new, and given to us.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// The handle, valid as long as self lives.
    pub const fn raw(&self) -> vk::Semaphore {
        self.raw
    }
}

impl Drop for Timeline {
    fn drop(&mut self) {
        let Some(device) = self.device.to_destroy() else { return };
        // SAFETY: no work that signals it is under way: see the module's documentation.
        unsafe { device.destroy_semaphore(self.raw, None) };
    }
}
