//! Why a picture cannot be made.

use std::time::Duration;

use ghoststream_picture::PixelFormat;

use crate::vulkan::VulkanError;

/// Why a picture cannot be made on the GPU.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PassError {
    /// Vulkan failed.
    #[error(transparent)]
    Vulkan(#[from] VulkanError),
    /// No shader reads or writes this format.
    #[error("no shader knows {0:?}")]
    Format(PixelFormat),
    /// Sizes differ.
    #[error("no shader scales yet")]
    Scaling,
    /// The producer's buffer cannot be read.
    #[error("the producer's buffer cannot be read: {0}")]
    Import(String),
    /// The GPU has not come to the picture.
    #[error("the GPU has not made a picture within {} s", .0.as_secs_f64())]
    Late(Duration),
    /// Whoever takes the pictures gives none back.
    #[error("all {0} pictures are held")]
    Full(usize),
}

impl PassError {
    /// Whether the device is lost, so that all has to be opened anew.
    pub fn is_device_lost(&self) -> bool {
        matches!(self, Self::Vulkan(error) if error.is_device_lost())
    }
}
