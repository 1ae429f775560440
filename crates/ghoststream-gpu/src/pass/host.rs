//! Pictures that are read by the CPU after all.

use std::time::Duration;

use ash::vk;

use super::output::SLACK;
use super::{Output, PassError};
use crate::vulkan::{Buffer, Commands, Use};

/// A picture in memory that the CPU reads, held. It is there, and stays as it is.
#[derive(Debug)]
pub struct HostPicture {
    output: Output,
    /// Where it was not copied back with the picture itself.
    copy: Option<Buffer>,
}

impl Output {
    /// The picture in memory that the CPU reads: without a copy where the pass reads back, else copied
    /// now, which is slow. Waits until it is there, `most` at the longest.
    ///
    /// # Errors
    /// The GPU takes longer; the device is lost or has no memory.
    pub fn into_host(self, most: Duration) -> Result<HostPicture, PassError> {
        if !self.wait(most)? {
            return Err(PassError::Late(most));
        }
        let copy = if self.is_read_back() { None } else { Some(copy_back(self.buffer())?) };
        Ok(HostPicture { output: self, copy })
    }
}

impl HostPicture {
    /// The bytes of a plane and its stride; `None` for a plane that the format lacks.
    pub fn plane(&self, index: usize) -> Option<(&[u8], usize)> {
        let Some(copy) = &self.copy else { return self.output.plane(index) };
        let layout = self.output.layout();
        let (offset, (_, rows)) = (layout.offset(index)?, layout.size(index));
        // SAFETY: the GPU wrote it before `copy_back` returned, and never again.
        let bytes = unsafe { copy.bytes() };
        Some((bytes.get(offset..offset + rows * layout.pitch())?, layout.pitch()))
    }
}

fn copy_back(buffer: &Buffer) -> Result<Buffer, PassError> {
    let device = buffer.device();
    let copy = Buffer::new(device, buffer.len() + SLACK, Use::Readback)?;
    let region = vk::BufferCopy::default().size(buffer.len());
    // SAFETY: both buffers are as long as the region and outlive the call, which waits; what writes the
    // first one is done.
    unsafe {
        Commands::run_once(device, |device, list| {
            device.cmd_copy_buffer(list, buffer.raw(), copy.raw(), &[region]);
            super::record::to_host(device, list);
        })?;
    }
    Ok(copy)
}
