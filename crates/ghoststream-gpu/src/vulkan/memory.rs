//! Memory of a device.

use std::os::fd::{FromRawFd, OwnedFd};

use ash::vk;

use super::{Device, VulkanError};

/// One allocation.
#[derive(Debug)]
pub(super) struct Memory {
    device: Device,
    pub(super) raw: vk::DeviceMemory,
    pub(super) length: u64,
}

impl Memory {
    /// Takes memory of the first kind of `wanted` that there is.
    pub(super) fn new(
        device: &Device,
        needs: vk::MemoryRequirements,
        wanted: &[vk::MemoryPropertyFlags],
        mut info: vk::MemoryAllocateInfo<'_>,
    ) -> Result<Self, VulkanError> {
        let call = "vkAllocateMemory";
        let kind = wanted.iter().find_map(|flags| device.memory_type(needs.memory_type_bits, *flags));
        let kind = kind.ok_or(VulkanError { call, result: vk::Result::ERROR_FEATURE_NOT_PRESENT })?;
        info = info.allocation_size(needs.size).memory_type_index(kind);
        // SAFETY: the caller's chain lives during the call.
        let raw = unsafe { device.raw().allocate_memory(&info, None) }.map_err(VulkanError::of(call))?;
        device.count();
        Ok(Self { device: device.clone(), raw, length: needs.size })
    }

    /// A descriptor of it, for another program or CUDA.
    ///
    /// # Safety
    /// It was allocated for export, as an opaque descriptor.
    pub(super) unsafe fn export(&self) -> Result<OwnedFd, VulkanError> {
        let info = vk::MemoryGetFdInfoKHR::default()
            .memory(self.raw)
            .handle_type(vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD);
        // SAFETY: the memory is of this device; the caller promises the rest.
        let fd = unsafe { self.device.memory_fd()?.get_memory_fd(&info) }
            .map_err(VulkanError::of("vkGetMemoryFdKHR"))?;
        // SAFETY: the descriptor is new, and given to us.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let Some(device) = self.device.to_destroy() else { return };
        // SAFETY: its buffer or image went before, and the GPU does not use it any more: see the
        // module's documentation.
        unsafe { device.free_memory(self.raw, None) };
    }
}
