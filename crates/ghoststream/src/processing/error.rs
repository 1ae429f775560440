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
