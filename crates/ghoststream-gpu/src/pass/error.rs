//! Why a picture cannot be made.

use std::time::Duration;

use ghoststream_picture::{PixelFormat, Size};

use crate::interpolate::InterpolateError;
use crate::interpolate::flow::FlowError;
use crate::vulkan::{ImportError, VulkanError, vk};

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
    /// Only two pictures of one pass have another between them.
    #[error("the pictures were not made by this pass: make both anew")]
    Foreign,
    /// Pictures like these cannot be interpolated.
    #[error("{0}")]
    Interpolate(InterpolateError),
}

impl From<InterpolateError> for PassError {
    fn from(error: InterpolateError) -> Self {
        match error {
            InterpolateError::Vulkan(error) => Self::Vulkan(error),
            InterpolateError::Flow(FlowError::Vulkan(error)) if is_of_the_device(&error) => {
                Self::Vulkan(error)
            }
            other => Self::Interpolate(other),
        }
    }
}

/// Whether an error of the optical flow engine's is not its alone: with the device it is lost, or hangs.
fn is_of_the_device(error: &VulkanError) -> bool {
    error.is_device_lost() || error.result == vk::Result::TIMEOUT
}

/// Who is to blame for a picture that was not made, and with it what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The device is lost, hangs or has no memory: it has to be opened anew, or left alone.
    Device,
    /// The frame, as it was described or drawn: others are made as before.
    Frame,
    /// Whoever takes the pictures: there is room once one is given back.
    Taker,
}

impl PassError {
    /// Whether the device is lost, so that all has to be opened anew.
    pub fn is_device_lost(&self) -> bool {
        matches!(self, Self::Vulkan(error) if error.is_device_lost())
    }

    /// Who is to blame.
    pub fn blame(&self) -> Blame {
        match self {
            // What was handed in is no sync file.
            Self::Vulkan(error) if error.result == vk::Result::ERROR_INVALID_EXTERNAL_HANDLE => Blame::Frame,
            // Drivers also say that there is no memory of buffers that they do not understand.
            Self::Import(ImportError::Vulkan(error)) if error.is_device_lost() => Blame::Device,
            Self::Vulkan(_) | Self::Late(_) => Blame::Device,
            Self::Full(_) => Blame::Taker,
            Self::Format(_)
            | Self::Unreadable(..)
            | Self::Large { .. }
            | Self::Short { .. }
            | Self::ShortPointer(..)
            | Self::Outside(_)
            | Self::Import(_)
            | Self::NotDrawn(_)
            | Self::NotInMemory
            | Self::Foreign
            | Self::Interpolate(_) => Blame::Frame,
        }
    }

    /// Whether it is the optical flow engine alone that has failed, or cannot be used: the block search can.
    pub const fn is_of_the_engine(&self) -> bool {
        matches!(self, Self::Interpolate(InterpolateError::Flow(_)))
    }

    /// Whether no buffer like this one can be read: its producer is to be asked for others.
    pub const fn is_of_the_buffer(&self) -> bool {
        matches!(self, Self::Import(_) | Self::Format(_) | Self::Unreadable(..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_blamed_for_its_own_failures_alone() {
        let vulkan = |result| VulkanError { call: "a test", result };
        for (result, alone, at_an_import) in [
            (vk::Result::ERROR_DEVICE_LOST, Blame::Device, Blame::Device),
            (vk::Result::ERROR_OUT_OF_DEVICE_MEMORY, Blame::Device, Blame::Frame),
            (vk::Result::ERROR_INVALID_EXTERNAL_HANDLE, Blame::Frame, Blame::Frame),
        ] {
            assert_eq!(PassError::from(vulkan(result)).blame(), alone, "{result}");
            let import = PassError::Import(vulkan(result).into());
            assert_eq!(import.blame(), at_an_import, "{result}");
        }
        assert_eq!(PassError::Late(Duration::ZERO).blame(), Blame::Device);
        assert_eq!(PassError::Full(4).blame(), Blame::Taker);
        let not_drawn = PassError::NotDrawn(Duration::ZERO);
        assert_eq!((not_drawn.blame(), not_drawn.is_of_the_buffer()), (Blame::Frame, false));
        let format = PassError::Format(PixelFormat::Yuy2);
        assert_eq!((format.blame(), format.is_of_the_buffer()), (Blame::Frame, true));
    }
    #[test]
    fn an_engine_is_blamed_for_what_is_not_the_device_s() {
        for (result, of_the_engine, blame) in [
            (vk::Result::ERROR_OUT_OF_DEVICE_MEMORY, true, Blame::Frame),
            (vk::Result::ERROR_DEVICE_LOST, false, Blame::Device),
            (vk::Result::TIMEOUT, false, Blame::Device),
        ] {
            let flow = FlowError::Vulkan(VulkanError { call: "a test", result });
            let error = PassError::from(InterpolateError::from(flow));
            assert_eq!((error.is_of_the_engine(), error.blame()), (of_the_engine, blame), "{result}");
        }
        let none = PassError::from(InterpolateError::from(FlowError::NoEngine));
        assert!(none.is_of_the_engine() && !PassError::Foreign.is_of_the_engine());
    }
}
