//! How long the GPU takes.

use std::time::Duration;

use ash::vk;

use super::{Device, VulkanError};

/// A stretch of the GPU's time: from when it comes to the first mark until all before the second is done.
#[derive(Debug)]
pub struct Timestamps {
    device: Device,
    raw: vk::QueryPool,
    /// Nanoseconds of a tick.
    period: f64,
}

impl Timestamps {
    /// A stretch that is not measured yet.
    ///
    /// # Errors
    /// The driver failed.
    pub fn new(device: &Device) -> Result<Self, VulkanError> {
        let info = vk::QueryPoolCreateInfo::default().query_type(vk::QueryType::TIMESTAMP).query_count(2);
        // SAFETY: the structure is whole.
        let raw = unsafe { device.raw().create_query_pool(&info, None) }
            .map_err(VulkanError::of("vkCreateQueryPool"))?;
        device.count();
        let physical = device.physical();
        // SAFETY: the device is of this instance.
        let properties = unsafe { physical.instance().raw().get_physical_device_properties(physical.raw()) };
        Ok(Self { device: device.clone(), raw, period: f64::from(properties.limits.timestamp_period) })
    }

    /// Marks the beginning.
    ///
    /// # Safety
    /// The list is being recorded, and the stretch is not in use.
    pub unsafe fn begin(&self, list: vk::CommandBuffer) {
        // SAFETY: the caller's promises.
        unsafe {
            self.device.raw().cmd_reset_query_pool(list, self.raw, 0, 2);
            let stage = vk::PipelineStageFlags2::ALL_COMMANDS;
            self.device.raw().cmd_write_timestamp2(list, stage, self.raw, 0);
        }
    }

    /// Marks the end.
    ///
    /// # Safety
    /// As for [`Self::begin`], which comes before in the list.
    pub unsafe fn end(&self, list: vk::CommandBuffer) {
        let stage = vk::PipelineStageFlags2::ALL_COMMANDS;
        // SAFETY: the caller's promises.
        unsafe { self.device.raw().cmd_write_timestamp2(list, stage, self.raw, 1) };
    }

    /// How long it took; `None` while it is not done.
    pub fn read(&self) -> Option<Duration> {
        let mut ticks = [0u64; 2];
        let flags = vk::QueryResultFlags::TYPE_64;
        // SAFETY: the pool has two queries, and the place as many numbers.
        unsafe { self.device.raw().get_query_pool_results(self.raw, 0, &mut ticks, flags) }.ok()?;
        let nanos = ticks[1].wrapping_sub(ticks[0]) as f64 * self.period;
        Some(Duration::from_nanos(nanos as u64))
    }
}

impl Drop for Timestamps {
    fn drop(&mut self) {
        // SAFETY: the GPU does not use it any more: see the module's documentation.
        unsafe { self.device.raw().destroy_query_pool(self.raw, None) };
    }
}
