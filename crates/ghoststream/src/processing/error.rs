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
