//! Stretches of memory.

use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::slice;

use ash::vk;

use super::memory::Memory;
use super::{Device, VulkanError};

/// What a buffer is for, which says where it had best lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The GPU writes and reads it.
    Device,
    /// The same, and another interface has it too.
    Exported,
    /// We write it, the GPU reads it.
    Upload,
    /// The GPU writes it, we read it.
    Readback,
}

/// A stretch of memory. It must not go while the GPU uses it.
#[derive(Debug)]
pub struct Buffer {
    device: Device,
    raw: vk::Buffer,
    // Goes after the buffer: see `Drop`.
    memory: Memory,
    length: u64,
    exported: bool,
    mapped: Option<NonNull<u8>>,
}

// SAFETY: the handles have no thread affinity; the mapping is used as the methods say.
unsafe impl Send for Buffer {}
// SAFETY: through `&Buffer` the mapping is reached by unsafe methods alone.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// A buffer of so many bytes, whose contents may be anything.
    ///
    /// # Errors
    /// There is no memory left, or none of this kind.
    pub fn new(device: &Device, length: u64, purpose: Use) -> Result<Self, VulkanError> {
        use vk::MemoryPropertyFlags as Flags;
        const OPAQUE: vk::ExternalMemoryHandleTypeFlags = vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD;
        let mut external = vk::ExternalMemoryBufferCreateInfo::default().handle_types(OPAQUE);
        let mut info = vk::BufferCreateInfo::default().size(length).usage(
            vk::BufferUsageFlags::STORAGE_BUFFER
                | vk::BufferUsageFlags::UNIFORM_BUFFER
                | vk::BufferUsageFlags::TRANSFER_SRC
                | vk::BufferUsageFlags::TRANSFER_DST,
        );
        let exported = purpose == Use::Exported;
        if exported {
            info = info.push_next(&mut external);
        }
        // SAFETY: what the structure points to lives during the call.
        let raw =
            unsafe { device.raw().create_buffer(&info, None) }.map_err(VulkanError::of("vkCreateBuffer"))?;
        device.count();
        // SAFETY: the buffer was just made.
        let needs = unsafe { device.raw().get_buffer_memory_requirements(raw) };
        let host = Flags::HOST_VISIBLE | Flags::HOST_COHERENT;
        // The second is taken where there is none of the first.
        let wanted = match purpose {
            Use::Device | Use::Exported => [Flags::DEVICE_LOCAL, Flags::empty()],
            Use::Upload => [host, host],
            Use::Readback => [host | Flags::HOST_CACHED, host],
        };
        let mut export = vk::ExportMemoryAllocateInfo::default().handle_types(OPAQUE);
        let mut dedicated = vk::MemoryDedicatedAllocateInfo::default().buffer(raw);
        let mut memory = vk::MemoryAllocateInfo::default();
        if exported {
            memory = memory.push_next(&mut export).push_next(&mut dedicated);
        }
        let memory = Memory::new(device, needs, &wanted, memory).inspect_err(|_| {
            // SAFETY: nothing uses it.
            unsafe { device.raw().destroy_buffer(raw, None) };
        })?;
        let mut this = Self { device: device.clone(), raw, memory, length, exported, mapped: None };
        // SAFETY: the memory is large enough for the buffer, of an allowed type, and belongs to it alone.
        unsafe { device.raw().bind_buffer_memory(raw, this.memory.raw, 0) }
            .map_err(VulkanError::of("vkBindBufferMemory"))?;
        if matches!(purpose, Use::Upload | Use::Readback) {
            // SAFETY: the memory is visible to the host, and mapped once until it is freed.
            let data = unsafe {
                device.raw().map_memory(this.memory.raw, 0, vk::WHOLE_SIZE, vk::MemoryMapFlags::empty())
            };
            this.mapped = NonNull::new(data.map_err(VulkanError::of("vkMapMemory"))?.cast());
        }
        Ok(this)
    }

    /// Number of bytes.
    pub const fn len(&self) -> u64 {
        self.length
    }

    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The device that it is of.
    pub const fn device(&self) -> &Device {
        &self.device
    }

    /// The handle, valid as long as self lives.
    pub const fn raw(&self) -> vk::Buffer {
        self.raw
    }

    /// Its bytes; empty where the CPU cannot read them.
    ///
    /// # Safety
    /// The GPU does not write to it as long as the slice lives.
    pub unsafe fn bytes(&self) -> &[u8] {
        match self.mapped {
            // SAFETY: so many bytes are mapped until self goes; the caller says that they rest.
            Some(data) => unsafe { slice::from_raw_parts(data.as_ptr(), self.length as usize) },
            None => &[],
        }
    }

    /// Its bytes for writing; empty where the CPU cannot write them.
    ///
    /// # Safety
    /// The GPU does not use it as long as the slice lives.
    pub unsafe fn bytes_mut(&mut self) -> &mut [u8] {
        match self.mapped {
            // SAFETY: as in `bytes`, and `&mut self` says that no one else reads or writes here.
            Some(data) => unsafe { slice::from_raw_parts_mut(data.as_ptr(), self.length as usize) },
            None => &mut [],
        }
    }

    /// A descriptor of its memory and the length of the allocation, for CUDA: made with
    /// [`Use::Exported`], where the buffer is all of it.
    ///
    /// # Errors
    /// It was made for another use, or the driver cannot.
    pub fn export(&self) -> Result<(OwnedFd, u64), VulkanError> {
        if !self.exported {
            let result = vk::Result::ERROR_FEATURE_NOT_PRESENT;
            return Err(VulkanError { call: "vkGetMemoryFdKHR", result });
        }
        // SAFETY: the memory was allocated for export.
        Ok((unsafe { self.memory.export() }?, self.memory.length))
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let Some(device) = self.device.to_destroy() else { return };
        // SAFETY: the GPU does not use it any more: see the module's documentation. The memory follows.
        unsafe { device.destroy_buffer(self.raw, None) };
    }
}
