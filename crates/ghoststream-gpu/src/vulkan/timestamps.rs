//! How long the GPU takes.

use std::time::Duration;

use ash::vk;

use super::{Device, VulkanError};

/// A stretch of the GPU's time: from when it comes to the first mark until all before the second is done. Or
/// several of them, one after the other.
#[derive(Debug)]
pub struct Timestamps {
    device: Device,
    raw: vk::QueryPool,
    marks: u32,
    /// Nanoseconds of a tick.
    period: f64,
}

impl Timestamps {
    /// A stretch that is not measured yet.
    ///
    /// # Errors
    /// The driver failed.
    pub fn new(device: &Device) -> Result<Self, VulkanError> {
        Self::of_many(device, 1)
    }

    /// So many stretches at most, each of which begins where the one before ends.
    ///
    /// # Errors
    /// The driver failed.
    pub fn of_many(device: &Device, stretches: u32) -> Result<Self, VulkanError> {
        let marks = stretches + 1;
        let info = vk::QueryPoolCreateInfo::default().query_type(vk::QueryType::TIMESTAMP).query_count(marks);
        // SAFETY: the structure is whole.
        let raw = unsafe { device.raw().create_query_pool(&info, None) }
            .map_err(VulkanError::of("vkCreateQueryPool"))?;
        device.count();
        let physical = device.physical();
        // SAFETY: the device is of this instance.
        let properties = unsafe { physical.instance().raw().get_physical_device_properties(physical.raw()) };
        Ok(Self { device: device.clone(), raw, marks, period: f64::from(properties.limits.timestamp_period) })
    }

    /// Marks the beginning.
    ///
    /// # Safety
    /// The list is being recorded, and the stretch is not in use.
    pub unsafe fn begin(&self, list: vk::CommandBuffer) {
        // SAFETY: the caller's promises.
        unsafe {
            self.device.raw().cmd_reset_query_pool(list, self.raw, 0, self.marks);
            let stage = vk::PipelineStageFlags2::ALL_COMMANDS;
            self.device.raw().cmd_write_timestamp2(list, stage, self.raw, 0);
        }
    }

    /// Marks the end.
    ///
    /// # Safety
    /// As for [`Self::begin`], which comes before in the list.
    pub unsafe fn end(&self, list: vk::CommandBuffer) {
        // SAFETY: the caller's promises.
        unsafe { self.end_of(list, 1) };
    }

    /// Marks the end of a stretch, counted from 1. One that is not there is not marked.
    ///
    /// # Safety
    /// As for [`Self::begin`], which comes before in the list, as do the ends of the stretches before.
    pub unsafe fn end_of(&self, list: vk::CommandBuffer, stretch: u32) {
        if stretch < self.marks {
            let stage = vk::PipelineStageFlags2::ALL_COMMANDS;
            // SAFETY: the caller's promises; there is such a query.
            unsafe { self.device.raw().cmd_write_timestamp2(list, stage, self.raw, stretch) };
        }
    }

    /// How long it took; `None` while it is not done.
    pub fn read(&self) -> Option<Duration> {
        self.read_many(1)?.first().copied()
    }

    /// How long each of the first stretches took; `None` while they are not done, or were not marked.
    pub fn read_many(&self, stretches: u32) -> Option<Vec<Duration>> {
        let mut ticks = vec![0u64; (stretches + 1).min(self.marks) as usize];
        let flags = vk::QueryResultFlags::TYPE_64;
        // SAFETY: the pool has so many queries, and the place as many numbers.
        unsafe { self.device.raw().get_query_pool_results(self.raw, 0, &mut ticks, flags) }.ok()?;
        let took = |it: &[u64]| Duration::from_nanos((it[1].wrapping_sub(it[0]) as f64 * self.period) as u64);
        Some(ticks.windows(2).map(took).collect())
    }
}

impl Drop for Timestamps {
    fn drop(&mut self) {
        let Some(device) = self.device.to_destroy() else { return };
        // SAFETY: the GPU does not use it any more: see the module's documentation.
        unsafe { device.destroy_query_pool(self.raw, None) };
    }
}
