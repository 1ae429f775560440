//! A GPU, opened.

use std::ffi::{CStr, c_char};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ash::{ext, khr, vk};

use super::{Physical, VulkanError};

/// A GPU with a queue to compute on. Clones share it.
#[derive(Clone)]
pub struct Device(Arc<Owner>);

struct Owner {
    physical: Physical,
    raw: ash::Device,
    memory_fd: Option<khr::external_memory_fd::Device>,
    semaphore_fd: Option<khr::external_semaphore_fd::Device>,
    modifiers: Option<ext::image_drm_format_modifier::Device>,
    memories: vk::PhysicalDeviceMemoryProperties,
    queue: Mutex<vk::Queue>,
    created: AtomicU64,
    waits: AtomicU64,
}

impl Device {
    /// Opens a GPU.
    ///
    /// # Errors
    /// The driver failed, or lacks timeline semaphores.
    pub fn open(physical: &Physical) -> Result<Self, VulkanError> {
        let vulkan = physical.instance.raw();
        let abilities = physical.abilities;
        let mut names: Vec<&CStr> = Vec::new();
        if abilities.export_memory || abilities.dma_buf {
            names.push(khr::external_memory_fd::NAME);
        }
        if abilities.export_timeline || abilities.sync_file {
            names.push(khr::external_semaphore_fd::NAME);
        }
        if abilities.dma_buf {
            names.extend([ext::external_memory_dma_buf::NAME, ext::image_drm_format_modifier::NAME]);
        }
        if abilities.foreign_queue {
            names.push(ext::queue_family_foreign::NAME);
        }
        let names: Vec<*const c_char> = names.iter().map(|it| it.as_ptr()).collect();
        let mut timeline = vk::PhysicalDeviceVulkan12Features::default().timeline_semaphore(true);
        let mut modern =
            vk::PhysicalDeviceVulkan13Features::default().synchronization2(true).maintenance4(true);
        let queue =
            vk::DeviceQueueCreateInfo::default().queue_family_index(physical.family).queue_priorities(&[1.0]);
        let queues = [queue];
        let info = vk::DeviceCreateInfo::default()
            .queue_create_infos(&queues)
            .enabled_extension_names(&names)
            .push_next(&mut timeline)
            .push_next(&mut modern);
        // SAFETY: what the structure points to lives during the call; the extensions are those that the
        // driver listed.
        let raw = unsafe { vulkan.create_device(physical.raw, &info, None) }
            .map_err(VulkanError::of("vkCreateDevice"))?;
        // SAFETY: one queue of this family was asked for.
        let queue = unsafe { raw.get_device_queue(physical.family, 0) };
        // SAFETY: the device is of this instance.
        let memories = unsafe { vulkan.get_physical_device_memory_properties(physical.raw) };
        let memory_fd = (abilities.export_memory || abilities.dma_buf)
            .then(|| khr::external_memory_fd::Device::new(vulkan, &raw));
        let semaphore_fd = (abilities.export_timeline || abilities.sync_file)
            .then(|| khr::external_semaphore_fd::Device::new(vulkan, &raw));
        let modifiers = abilities.dma_buf.then(|| ext::image_drm_format_modifier::Device::new(vulkan, &raw));
        Ok(Self(Arc::new(Owner {
            physical: physical.clone(),
            raw,
            memory_fd,
            semaphore_fd,
            modifiers,
            memories,
            queue: Mutex::new(queue),
            created: AtomicU64::new(0),
            waits: AtomicU64::new(0),
        })))
    }

    /// Which GPU it is.
    pub fn physical(&self) -> &Physical {
        &self.0.physical
    }

    /// How many objects were made on it so far: memory, buffers, images, semaphores, pipelines,
    /// descriptor sets.
    pub fn created(&self) -> u64 {
        self.0.created.load(Ordering::Relaxed)
    }

    /// How often the CPU waited for it so far.
    pub fn waits(&self) -> u64 {
        self.0.waits.load(Ordering::Relaxed)
    }

    /// Waits until it has nothing left to do.
    ///
    /// # Errors
    /// The device is lost.
    pub fn wait_idle(&self) -> Result<(), VulkanError> {
        self.count_wait();
        let _queue = self.queue();
        // SAFETY: the lock keeps others from submitting, as the call demands.
        unsafe { self.raw().device_wait_idle() }.map_err(VulkanError::of("vkDeviceWaitIdle"))
    }

    /// The `VkDevice`, valid as long as self lives.
    pub fn raw(&self) -> &ash::Device {
        &self.0.raw
    }

    /// The family of its queue.
    pub fn family(&self) -> u32 {
        self.0.physical.family
    }

    pub(super) fn count_wait(&self) {
        self.0.waits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count(&self) {
        self.0.created.fetch_add(1, Ordering::Relaxed);
    }

    /// Only who holds the lock may submit.
    pub(super) fn queue(&self) -> MutexGuard<'_, vk::Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The functions of `VK_KHR_external_memory_fd`.
    pub(super) fn memory_fd(&self) -> Result<&khr::external_memory_fd::Device, VulkanError> {
        self.0.memory_fd.as_ref().ok_or(missing("vkGetMemoryFdKHR"))
    }

    /// The functions of `VK_KHR_external_semaphore_fd`.
    pub(super) fn semaphore_fd(&self) -> Result<&khr::external_semaphore_fd::Device, VulkanError> {
        self.0.semaphore_fd.as_ref().ok_or(missing("vkGetSemaphoreFdKHR"))
    }

    /// The functions of `VK_EXT_image_drm_format_modifier`.
    pub fn modifiers(&self) -> Result<&ext::image_drm_format_modifier::Device, VulkanError> {
        self.0.modifiers.as_ref().ok_or(missing("vkGetImageDrmFormatModifierPropertiesEXT"))
    }

    /// The first memory type among `allowed` that has all of `flags`.
    pub(super) fn memory_type(&self, allowed: u32, flags: vk::MemoryPropertyFlags) -> Option<u32> {
        let types = &self.0.memories.memory_types[..self.0.memories.memory_type_count as usize];
        let fits = |(index, it): &(u32, &vk::MemoryType)| {
            allowed & (1 << index) != 0 && it.property_flags.contains(flags)
        };
        (0..).zip(types).find(fits).map(|(index, _)| index)
    }
}

const fn missing(call: &'static str) -> VulkanError {
    VulkanError { call, result: vk::Result::ERROR_EXTENSION_NOT_PRESENT }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // SAFETY: whatever was made of the device holds a clone of it, so that nothing is left; who
        // submitted work has waited for it.
        unsafe { self.raw.destroy_device(None) };
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Device").field(&self.0.physical.name).finish()
    }
}
