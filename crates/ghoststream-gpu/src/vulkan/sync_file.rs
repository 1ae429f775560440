//! The kernel's fences, as the GPU waits for them and makes them.

use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};

use ash::vk;

use super::{Device, VulkanError};

const HANDLE: vk::ExternalSemaphoreHandleTypeFlags = vk::ExternalSemaphoreHandleTypeFlags::SYNC_FD;

/// A binary semaphore that comes from a sync file, or becomes one. The device has
/// [`Abilities::sync_file`].
///
/// [`Abilities::sync_file`]: super::Abilities::sync_file
#[derive(Debug)]
pub struct SyncFile {
    device: Device,
    raw: vk::Semaphore,
}

impl SyncFile {
    /// A semaphore that stands for nothing yet.
    ///
    /// # Errors
    /// The driver failed.
    pub fn new(device: &Device) -> Result<Self, VulkanError> {
        let mut export = vk::ExportSemaphoreCreateInfo::default().handle_types(HANDLE);
        let info = vk::SemaphoreCreateInfo::default().push_next(&mut export);
        // SAFETY: what the structure points to lives during the call.
        let raw = unsafe { device.raw().create_semaphore(&info, None) }
            .map_err(VulkanError::of("vkCreateSemaphore"))?;
        device.count();
        Ok(Self { device: device.clone(), raw })
    }

    /// Makes it signal when `fence` does, for the next submission that waits for it. The one before is done.
    ///
    /// # Errors
    /// It is no sync file.
    pub fn become_fence(&mut self, fence: OwnedFd) -> Result<(), VulkanError> {
        let info = vk::ImportSemaphoreFdInfoKHR::default()
            .semaphore(self.raw)
            .flags(vk::SemaphoreImportFlags::TEMPORARY)
            .handle_type(HANDLE)
            .fd(fence.as_raw_fd());
        // SAFETY: the semaphore is of this device, and no submission waits for it any more.
        unsafe { self.device.semaphore_fd()?.import_semaphore_fd(&info) }
            .map_err(VulkanError::of("vkImportSemaphoreFdKHR"))?;
        // The driver has taken it, and closes it.
        let _ = fence.into_raw_fd();
        Ok(())
    }

    /// A sync file of the submission that signals it, which was made since the last time. `None` when that is
    /// done already.
    ///
    /// # Errors
    /// There are no descriptors left.
    ///
    /// # Safety
    /// A submission that signals it was made since the last time.
    pub unsafe fn export(&mut self) -> Result<Option<OwnedFd>, VulkanError> {
        let info = vk::SemaphoreGetFdInfoKHR::default().semaphore(self.raw).handle_type(HANDLE);
        // SAFETY: the semaphore is of this device; the caller says that it is to be signalled.
        let fd = unsafe { self.device.semaphore_fd()?.get_semaphore_fd(&info) }
            .map_err(VulkanError::of("vkGetSemaphoreFdKHR"))?;
        // SAFETY: the descriptor is new, and given to us.
        Ok((fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// The handle, valid as long as self lives.
    pub const fn raw(&self) -> vk::Semaphore {
        self.raw
    }
}

impl Drop for SyncFile {
    fn drop(&mut self) {
        let Some(device) = self.device.to_destroy() else { return };
        // SAFETY: no work that waits for it or signals it is under way: see the module's documentation.
        unsafe { device.destroy_semaphore(self.raw, None) };
    }
}
