//! A GPU, opened.

use std::ffi::{CStr, c_char};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ash::{ext, khr, nv, vk};

use super::pipeline_cache::{self, Maker};
use super::statistics::{Examiner, Statistic};
use super::{OpticalFlow, Physical, PipelineCacheError, VulkanError};

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
    /// What was compiled so far.
    pipelines: vk::PipelineCache,
    /// The bytes of it that are kept already.
    kept: AtomicUsize,
    /// The engine that finds motion, where there is one.
    flow: Option<OpticalFlow>,
    /// Who asks about shaders, where that is wanted.
    examiner: Option<Examiner>,
    created: AtomicU64,
    waits: AtomicU64,
    /// See [`Device::abandon`].
    abandoned: AtomicBool,
}

impl Device {
    /// Opens a GPU.
    ///
    /// # Errors
    /// The driver failed, or lacks timeline semaphores.
    pub fn open(physical: &Physical) -> Result<Self, VulkanError> {
        Self::with(physical, false)
    }

    /// Opens a GPU, and has the driver asked about every shader that it compiles, where it can be: see
    /// [`statistics`](Self::statistics).
    ///
    /// # Errors
    /// As of [`open`](Self::open).
    pub fn open_to_examine(physical: &Physical) -> Result<Self, VulkanError> {
        Self::with(physical, physical.abilities.statistics)
    }

    fn with(physical: &Physical, examined: bool) -> Result<Self, VulkanError> {
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
        if physical.flow_family.is_some() {
            names.push(nv::optical_flow::NAME);
        }
        if examined {
            names.push(khr::pipeline_executable_properties::NAME);
        }
        let names: Vec<*const c_char> = names.iter().map(|it| it.as_ptr()).collect();
        let mut timeline = vk::PhysicalDeviceVulkan12Features::default().timeline_semaphore(true);
        let mut modern =
            vk::PhysicalDeviceVulkan13Features::default().synchronization2(true).maintenance4(true);
        let mut flow = vk::PhysicalDeviceOpticalFlowFeaturesNV::default().optical_flow(true);
        let mut examination = vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR::default()
            .pipeline_executable_info(true);
        let families = [Some(physical.family), physical.flow_family];
        let queue = |it| vk::DeviceQueueCreateInfo::default().queue_family_index(it).queue_priorities(&[1.0]);
        let queues: Vec<_> = families.into_iter().flatten().map(queue).collect();
        let mut info = vk::DeviceCreateInfo::default()
            .queue_create_infos(&queues)
            .enabled_extension_names(&names)
            .push_next(&mut timeline)
            .push_next(&mut modern);
        if physical.flow_family.is_some() {
            info = info.push_next(&mut flow);
        }
        if examined {
            info = info.push_next(&mut examination);
        }
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
        let info = vk::PipelineCacheCreateInfo::default();
        // SAFETY: the structure is whole. Without one shaders are compiled each time they are asked for.
        let pipelines = unsafe { raw.create_pipeline_cache(&info, None) }.unwrap_or_default();
        // SAFETY: one queue of this family was asked for, and the extension.
        let flow = physical.flow_family.map(|it| unsafe { OpticalFlow::new(vulkan, &raw, it) });
        let examiner = examined.then(|| Examiner::new(vulkan, &raw));
        Ok(Self(Arc::new(Owner {
            physical: physical.clone(),
            raw,
            memory_fd,
            semaphore_fd,
            modifiers,
            memories,
            queue: Mutex::new(queue),
            pipelines,
            kept: AtomicUsize::new(0),
            flow,
            examiner,
            created: AtomicU64::new(0),
            waits: AtomicU64::new(0),
            abandoned: AtomicBool::new(false),
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

    /// Takes up what [`keep_pipelines`](Self::keep_pipelines) kept in a file: shaders that are in it are not
    /// compiled again. False where there is no such file, or another driver's.
    ///
    /// # Errors
    /// The file is damaged, or the driver refuses it. Nothing was taken up, and all works without.
    pub fn restore_pipelines(&self, path: &Path) -> Result<bool, PipelineCacheError> {
        let Some(data) = pipeline_cache::read(path, &Maker::of(self.physical()))? else { return Ok(false) };
        let info = vk::PipelineCacheCreateInfo::default().initial_data(&data);
        // SAFETY: the data are as this driver gave them to us: their sum and its header say so.
        let kept = unsafe { self.raw().create_pipeline_cache(&info, None) }
            .map_err(VulkanError::of("vkCreatePipelineCache"))?;
        // SAFETY: both are of this device, and nobody else has the new one.
        let merged = unsafe {
            let merged = self.raw().merge_pipeline_caches(self.0.pipelines, &[kept]);
            self.raw().destroy_pipeline_cache(kept, None);
            merged
        };
        merged.map_err(VulkanError::of("vkMergePipelineCaches"))?;
        self.0.kept.store(self.pipelines_data()?.len(), Ordering::Relaxed);
        Ok(true)
    }

    /// Keeps the shaders that were compiled so far in a file, for the next time. Does nothing where it has them.
    ///
    /// # Errors
    /// The file cannot be written; what was there is still.
    pub fn keep_pipelines(&self, path: &Path) -> Result<(), PipelineCacheError> {
        let data = self.pipelines_data()?;
        if self.0.kept.swap(data.len(), Ordering::Relaxed) == data.len() {
            return Ok(());
        }
        pipeline_cache::write(path, &Maker::of(self.physical()), &data)
    }

    fn pipelines_data(&self) -> Result<Vec<u8>, VulkanError> {
        // SAFETY: the cache is of this device.
        unsafe { self.raw().get_pipeline_cache_data(self.0.pipelines) }
            .map_err(VulkanError::of("vkGetPipelineCacheData"))
    }

    /// What was compiled so far, for who compiles more.
    pub(super) fn pipelines(&self) -> vk::PipelineCache {
        self.0.pipelines
    }

    /// What the driver said of the shaders that were compiled since the last call, each by itself; nothing unless
    /// it was opened [to examine](Self::open_to_examine) them.
    pub fn statistics(&self) -> Vec<Vec<Statistic>> {
        self.0.examiner.as_ref().map(Examiner::take).unwrap_or_default()
    }

    pub(super) fn examiner(&self) -> Option<&Examiner> {
        self.0.examiner.as_ref()
    }

    /// Waits until it has nothing left to do.
    ///
    /// # Errors
    /// The device is lost.
    pub fn wait_idle(&self) -> Result<(), VulkanError> {
        self.count_wait();
        let _queues = (self.queue(), self.optical_flow().map(OpticalFlow::queue));
        // SAFETY: the lock keeps others from submitting, as the call demands.
        unsafe { self.raw().device_wait_idle() }.map_err(VulkanError::of("vkDeviceWaitIdle"))
    }

    /// It hangs, with work of ours: from now on nothing that was made on it is destroyed, for the GPU may still
    /// use it. The process keeps that memory until it ends.
    pub fn abandon(&self) {
        if !self.0.abandoned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                gpu = self.physical().name,
                "the GPU does not come back; what it uses is left to it"
            );
        }
    }

    /// Whether it was [abandoned](Self::abandon).
    pub fn is_abandoned(&self) -> bool {
        self.0.abandoned.load(Ordering::Relaxed)
    }

    /// For every `Drop` of what was made on it: the `VkDevice`, unless it was [abandoned](Self::abandon).
    pub(crate) fn to_destroy(&self) -> Option<&ash::Device> {
        (!self.is_abandoned()).then(|| self.raw())
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

    pub(crate) fn count(&self) {
        self.0.created.fetch_add(1, Ordering::Relaxed);
    }

    /// Only who holds the lock may submit.
    pub(super) fn queue(&self) -> MutexGuard<'_, vk::Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its optical flow engine, where it has one.
    pub fn optical_flow(&self) -> Option<&OpticalFlow> {
        self.0.flow.as_ref()
    }

    /// The same, for what needs it.
    pub(crate) fn flow(&self) -> Result<&OpticalFlow, VulkanError> {
        self.optical_flow().ok_or(missing("vkCmdOpticalFlowExecuteNV"))
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
        if *self.abandoned.get_mut() {
            // Neither may what it is a part of go.
            std::mem::forget(self.physical.instance.clone());
            return;
        }
        // SAFETY: whatever was made of the device holds a clone of it, so that nothing is left; who
        // submitted work has waited for it.
        unsafe {
            self.raw.destroy_pipeline_cache(self.pipelines, None);
            self.raw.destroy_device(None);
        }
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Device").field(&self.0.physical.name).finish()
    }
}
