//! What a driver says of the shaders that it compiled: registers, spills, memory of a workgroup. For benches.

use std::sync::{Mutex, PoisonError};

use ash::{khr, vk};

use super::VulkanError;

/// A number that a driver tells of a compiled shader, by a name of its own choosing: `Register Count`, for one.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistic {
    /// The driver's name for it.
    pub name: String,
    /// How much or how many.
    pub value: f64,
}

/// The functions of `VK_KHR_pipeline_executable_properties`, and what they have said so far.
pub(super) struct Examiner {
    functions: khr::pipeline_executable_properties::Device,
    seen: Mutex<Vec<Vec<Statistic>>>,
}

impl Examiner {
    pub(super) fn new(vulkan: &ash::Instance, device: &ash::Device) -> Self {
        let functions = khr::pipeline_executable_properties::Device::new(vulkan, device);
        Self { functions, seen: Mutex::default() }
    }

    /// Asks about a pipeline.
    ///
    /// # Safety
    /// The pipeline is of the same device, and was made with `CAPTURE_STATISTICS_KHR`.
    pub(super) unsafe fn examine(&self, pipeline: vk::Pipeline) -> Result<(), VulkanError> {
        let info = vk::PipelineInfoKHR::default().pipeline(pipeline);
        // SAFETY: the caller's.
        let parts = unsafe { self.functions.get_pipeline_executable_properties(&info) }
            .map_err(VulkanError::of("vkGetPipelineExecutablePropertiesKHR"))?;
        for part in 0..parts.len() as u32 {
            let info = vk::PipelineExecutableInfoKHR::default().pipeline(pipeline).executable_index(part);
            // SAFETY: as above; the pipeline has that part.
            let told = unsafe { self.functions.get_pipeline_executable_statistics(&info) }
                .map_err(VulkanError::of("vkGetPipelineExecutableStatisticsKHR"))?;
            let told = told.iter().map(read).collect();
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(told);
        }
        Ok(())
    }

    /// What was said of each pipeline since the last call.
    pub(super) fn take(&self) -> Vec<Vec<Statistic>> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn read(told: &vk::PipelineExecutableStatisticKHR<'_>) -> Statistic {
    // SAFETY: the driver says in `format` which of the union's it has written.
    let value = unsafe {
        match told.format {
            vk::PipelineExecutableStatisticFormatKHR::BOOL32 => f64::from(told.value.b32),
            vk::PipelineExecutableStatisticFormatKHR::INT64 => told.value.i64 as f64,
            vk::PipelineExecutableStatisticFormatKHR::UINT64 => told.value.u64 as f64,
            _ => told.value.f64,
        }
    };
    let name = told.name_as_c_str().unwrap_or_default().to_string_lossy().into_owned();
    Statistic { name, value }
}
