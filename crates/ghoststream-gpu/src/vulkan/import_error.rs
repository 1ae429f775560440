//! Why a picture of another program cannot be imported.

use std::io;

use ash::vk;
use ghoststream_picture::{PixelFormat, Size};

use super::VulkanError;
use crate::DmaBufError;

/// Why a picture cannot be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum ImportError {
    /// Nobody offered this to its producer.
    #[error("{device} does not import {size} {format:?} pictures with modifier {modifier:#x}")]
    Unsupported { device: String, format: PixelFormat, size: Size, modifier: u64 },
    /// Its description cannot be true.
    #[error(transparent)]
    Description(#[from] DmaBufError),
    /// An image is in one buffer.
    #[error("plane {plane} of a {format:?} picture lies in another buffer than the planes it belongs to")]
    Apart { plane: usize, format: PixelFormat },
    /// The driver lays it out otherwise than its producer.
    #[error("plane {plane}: the driver needs {needed} bytes, its memory has {length}")]
    TooShort { plane: usize, needed: u64, length: u64 },
    /// There are no descriptors left, say.
    #[error("its memory cannot be taken: {0}")]
    Descriptor(#[from] io::Error),
    /// Opaque memory is of use on its own device alone.
    #[error("{device} cannot read memory that was exported as opaque by another device")]
    Foreign { device: String },
    /// The driver cannot take over what is a DMA-BUF and large enough.
    #[error("{device} cannot reach its memory ({error}): most likely another GPU draws it")]
    Elsewhere { device: String, error: VulkanError },
    /// The driver refused.
    #[error(transparent)]
    Vulkan(#[from] VulkanError),
}

impl ImportError {
    /// Of memory that was asked for or taken over for a device of this name.
    pub(super) fn of_memory(self, device: &str) -> Self {
        use vk::Result;
        match self {
            Self::Vulkan(error) => match error.result {
                Result::ERROR_INVALID_EXTERNAL_HANDLE | Result::ERROR_FEATURE_NOT_PRESENT => {
                    Self::Elsewhere { device: device.to_owned(), error }
                }
                _ => Self::Vulkan(error),
            },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_a_driver_does_not_know_is_another_gpus() {
        let told = |result| {
            let error = VulkanError { call: "vkAllocateMemory", result };
            ImportError::Vulkan(error).of_memory("Radeon").to_string()
        };
        let elsewhere = told(vk::Result::ERROR_INVALID_EXTERNAL_HANDLE);
        assert!(
            elsewhere.starts_with("Radeon cannot reach") && elsewhere.contains("another GPU"),
            "{elsewhere}"
        );
        assert!(!told(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY).contains("another GPU"));
    }
}
