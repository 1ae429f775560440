//! Why a picture cannot be converted.

use crate::av::AvError;
use crate::{PixelFormat, Size};

/// Why a picture cannot be converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// There is no way between these formats.
    #[error("{from:?} cannot be converted to {to:?}")]
    Formats {
        /// What came.
        from: PixelFormat,
        /// What was asked for.
        to: PixelFormat,
    },
    /// The region lies outside the picture.
    #[error("the region lies outside the picture of {0}")]
    Region(Size),
    /// Out of memory.
    #[error("no memory for a picture of {size}: {source}")]
    Memory {
        /// Its size.
        size: Size,
        /// What libavutil said.
        source: AvError,
    },
    /// The picture is in memory that the CPU cannot read.
    #[error("the picture is in a GPU's memory, which the CPU cannot read: {0}")]
    GpuMemory(String),
    /// The encoder holds every picture that the GPU may make at a time.
    #[error("the encoder gives no picture back")]
    Held,
    /// A library that converts refused.
    #[error("converting {from:?} to {to:?} failed: {reason}")]
    Convert {
        /// What came.
        from: PixelFormat,
        /// What was asked for.
        to: PixelFormat,
        /// What it said.
        reason: String,
    },
}

impl ProcessError {
    /// Whether only this frame cannot be shown, and the next may be.
    pub(crate) const fn is_of_the_frame(&self) -> bool {
        matches!(self, Self::Held | Self::GpuMemory(_))
    }
}
