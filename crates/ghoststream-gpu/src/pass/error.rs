//! Why a picture cannot be made.

use std::time::Duration;

use ghoststream_picture::{PixelFormat, Size};

use crate::vulkan::{ImportError, VulkanError};

/// Why a picture cannot be made on the GPU.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PassError {
    /// Vulkan failed.
    #[error(transparent)]
    Vulkan(#[from] VulkanError),
    /// No shader reads or writes this format.
    #[error("no shader reads or writes {0:?}; convert it on the CPU")]
    Format(PixelFormat),
    /// The device has no images of this format, or none as large.
    #[error("the GPU has no images for {0:?} of {1} pixels; convert it on the CPU")]
    Unreadable(PixelFormat, Size),
    /// The output is larger than what a shader can write.
    #[error("the GPU writes at most {most} bytes at once, and a {format:?} of {size} pixels has {length}")]
    Large {
        /// Of the output.
        format: PixelFormat,
        /// Of the output.
        size: Size,
        /// Its bytes.
        length: u64,
        /// What the device allows.
        most: u64,
    },
    /// A plane has fewer bytes than its rows take.
    #[error(
        "plane {plane} of the picture is too short: {has} bytes for {rows} rows of {row} bytes, \
         {stride} bytes apart"
    )]
    Short {
        /// Which.
        plane: usize,
        /// Its bytes.
        has: usize,
        /// From row to row.
        stride: usize,
        /// Bytes that a row needs.
        row: usize,
        /// How many rows.
        rows: usize,
    },
    /// The pointer's bitmap has fewer bytes than its pixels take.
    #[error("the pointer's bitmap is too short: {1} bytes for {0} pixels of four bytes")]
    ShortPointer(Size, usize),
    /// What is shown lies outside the buffer.
    #[error("the part of the picture that is shown lies outside its buffer of {0} pixels")]
    Outside(Size),
    /// The producer's buffer cannot be read: it is to be asked for others.
    #[error("the producer's buffer cannot be read: {0}")]
    Import(#[from] ImportError),
    /// The producer's fence has not signalled: the frame is lost.
    #[error("the producer has not drawn its picture within {} ms", .0.as_millis())]
    NotDrawn(Duration),
    /// Only memory of the CPU can be copied up.
    #[error("only pictures in memory of the CPU can be kept on the GPU")]
    NotInMemory,
    /// The GPU has not come to the picture.
    #[error("the GPU has not made a picture within {} s", .0.as_secs_f64())]
    Late(Duration),
    /// Whoever takes the pictures gives none back.
    #[error("all {0} pictures are held: whoever takes them must give one back first")]
    Full(usize),
}

impl PassError {
    /// Whether the device is lost, so that all has to be opened anew.
    pub fn is_device_lost(&self) -> bool {
        matches!(self, Self::Vulkan(error) if error.is_device_lost())
    }
}
