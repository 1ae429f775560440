//! What Vulkan answers when something fails.

use ash::vk;

/// A call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call} failed: {result} ({result:?})")]
pub struct VulkanError {
    /// The function.
    pub call: &'static str,
    /// What it answered.
    pub result: vk::Result,
}

impl VulkanError {
    /// For `map_err`.
    pub fn of(call: &'static str) -> impl FnOnce(vk::Result) -> Self {
        move |result| Self { call, result }
    }

    /// Whether the device is lost: nothing on it works any more, and it has to be opened anew.
    pub fn is_device_lost(&self) -> bool {
        self.result == vk::Result::ERROR_DEVICE_LOST
    }

    /// Whether there is no memory left, on the device or beside it.
    pub fn is_out_of_memory(&self) -> bool {
        matches!(self.result, vk::Result::ERROR_OUT_OF_DEVICE_MEMORY | vk::Result::ERROR_OUT_OF_HOST_MEMORY)
    }
}
