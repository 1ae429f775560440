//! Work for the GPU.

use ash::vk;

use super::{Device, Timeline, VulkanError};

/// A list of commands, recorded and submitted again and again.
#[derive(Debug)]
pub struct Commands {
    device: Device,
    /// Whether it is for the optical flow engine, and not for computing.
    flow: bool,
    pool: vk::CommandPool,
    raw: vk::CommandBuffer,
}

/// When submitted work begins, and who hears of its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Submission<'a> {
    /// Timelines and the values that they have to have reached; binary semaphores have any value.
    pub wait: &'a [(vk::Semaphore, u64)],
    /// Timelines and the values that they reach with it; binary semaphores have any value.
    pub signal: &'a [(vk::Semaphore, u64)],
}

impl Commands {
    /// An empty list.
    ///
    /// # Errors
    /// The driver failed.
    pub fn new(device: &Device) -> Result<Self, VulkanError> {
        Self::of_family(device, device.family(), false)
    }

    /// An empty list for the optical flow engine.
    ///
    /// # Errors
    /// The device has none, or the driver failed.
    pub fn for_optical_flow(device: &Device) -> Result<Self, VulkanError> {
        Self::of_family(device, device.flow()?.family(), true)
    }

    fn of_family(device: &Device, family: u32, flow: bool) -> Result<Self, VulkanError> {
        let info = vk::CommandPoolCreateInfo::default()
            .queue_family_index(family)
            .flags(vk::CommandPoolCreateFlags::TRANSIENT);
        // SAFETY: the family is one of the device's, and a queue of it was made.
        let pool = unsafe { device.raw().create_command_pool(&info, None) }
            .map_err(VulkanError::of("vkCreateCommandPool"))?;
        let mut this = Self { device: device.clone(), flow, pool, raw: vk::CommandBuffer::null() };
        let info = vk::CommandBufferAllocateInfo::default()
            .command_pool(pool)
            .level(vk::CommandBufferLevel::PRIMARY)
            .command_buffer_count(1);
        // SAFETY: the pool was just made.
        let buffers = unsafe { device.raw().allocate_command_buffers(&info) }
            .map_err(VulkanError::of("vkAllocateCommandBuffers"))?;
        device.count();
        this.raw = buffers[0];
        Ok(this)
    }

    /// Forgets what was recorded before, and records.
    ///
    /// # Errors
    /// Out of memory.
    ///
    /// # Safety
    /// What was submitted before is done; what `record` names lives until this is done too, and is used
    /// as Vulkan's specification demands.
    pub unsafe fn record(
        &mut self,
        record: impl FnOnce(&ash::Device, vk::CommandBuffer),
    ) -> Result<(), VulkanError> {
        let device = self.device.raw();
        let info = vk::CommandBufferBeginInfo::default().flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
        // SAFETY: the caller says that the list is not in use; `&mut self` that no one else records.
        unsafe {
            device
                .reset_command_pool(self.pool, vk::CommandPoolResetFlags::empty())
                .map_err(VulkanError::of("vkResetCommandPool"))?;
            device.begin_command_buffer(self.raw, &info).map_err(VulkanError::of("vkBeginCommandBuffer"))?;
            record(device, self.raw);
            device.end_command_buffer(self.raw).map_err(VulkanError::of("vkEndCommandBuffer"))
        }
    }

    /// Hands it to the GPU. Returns at once.
    ///
    /// # Errors
    /// The device is lost, or out of memory.
    ///
    /// # Safety
    /// It was recorded since the last time. The semaphores are of this device, each of `wait` will be
    /// signalled, and each timeline's value is higher than before.
    pub unsafe fn submit(&mut self, submission: Submission<'_>) -> Result<(), VulkanError> {
        let at = vk::PipelineStageFlags2::ALL_COMMANDS;
        let info = |(semaphore, value): (vk::Semaphore, u64)| {
            vk::SemaphoreSubmitInfo::default().semaphore(semaphore).value(value).stage_mask(at)
        };
        // Two are the most that a picture needs; more would be a mistake of ours.
        let mut waits = [vk::SemaphoreSubmitInfo::default(); 4];
        let mut signals = [vk::SemaphoreSubmitInfo::default(); 4];
        let count = |length: usize| length.min(4);
        for (slot, wait) in waits.iter_mut().zip(submission.wait) {
            *slot = info(*wait);
        }
        for (slot, signal) in signals.iter_mut().zip(submission.signal) {
            *slot = info(*signal);
        }
        let buffers = [vk::CommandBufferSubmitInfo::default().command_buffer(self.raw)];
        let submit = vk::SubmitInfo2::default()
            .wait_semaphore_infos(&waits[..count(submission.wait.len())])
            .command_buffer_infos(&buffers)
            .signal_semaphore_infos(&signals[..count(submission.signal.len())]);
        let queue = if self.flow { self.device.flow()?.queue() } else { self.device.queue() };
        // SAFETY: the caller's promises; the lock keeps others from the queue.
        unsafe { self.device.raw().queue_submit2(*queue, &[submit], vk::Fence::null()) }
            .map_err(VulkanError::of("vkQueueSubmit2"))
    }

    /// Records, submits and waits: for what is done once.
    ///
    /// # Errors
    /// As for the others; the GPU does not answer within a minute, in which lavapipe compiles large shaders on a busy machine.
    ///
    /// # Safety
    /// As for [`Self::record`].
    pub unsafe fn run_once(
        device: &Device,
        record: impl FnOnce(&ash::Device, vk::CommandBuffer),
    ) -> Result<(), VulkanError> {
        // SAFETY: the caller's promises.
        unsafe { Self::run_once_after(device, &[], record) }
    }

    /// The same, once the timelines of `wait` have reached their values.
    ///
    /// # Errors
    /// As for [`Self::run_once`].
    ///
    /// # Safety
    /// As for [`Self::record`]; the values will be reached.
    pub unsafe fn run_once_after(
        device: &Device,
        wait: &[(vk::Semaphore, u64)],
        record: impl FnOnce(&ash::Device, vk::CommandBuffer),
    ) -> Result<(), VulkanError> {
        let (mut this, timeline) = (Self::new(device)?, Timeline::new(device)?);
        // SAFETY: the list is new, and waited for below; the rest is the caller's promise.
        unsafe {
            this.record(record)?;
            this.submit(Submission { wait, signal: &[(timeline.raw(), 1)] })?;
        }
        if timeline.wait(1, std::time::Duration::from_secs(60))? {
            return Ok(());
        }
        device.abandon();
        Err(VulkanError { call: "vkWaitSemaphores", result: vk::Result::TIMEOUT })
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        let Some(device) = self.device.to_destroy() else { return };
        // SAFETY: the GPU does not use it any more: see the module's documentation.
        unsafe { device.destroy_command_pool(self.pool, None) };
    }
}
