//! Memory through which frames go up, used in turns.
//!
//! It is free again once the GPU has made the picture, long before whoever holds that gives it back. Made anew it is
//! slow to write at first, the kernel having to find each of its pages: 18 ms for a frame of 4K on the machine of
//! `benches/results/gpu.md`, where copying one takes 3. So there is little of it, it is touched where it is made, and
//! it is made with the first frame.

use crate::vulkan::{Buffer, Device, Use, VulkanError};

/// As many as it takes for one to be filled while the GPU reads the other.
const AT_FIRST: usize = 2;

/// Buffers, and what the timeline has reached when each is free.
#[derive(Debug, Default)]
pub(super) struct Ring(Vec<(Buffer, u64)>);

impl Ring {
    /// At least so many bytes that nobody uses, the timeline having reached `done`. They are used until it
    /// reaches `until`.
    pub(super) fn take(
        &mut self,
        device: &Device,
        length: u64,
        (done, until): (u64, u64),
    ) -> Result<&mut Buffer, VulkanError> {
        // What was made for smaller frames is of no use any more.
        self.0.retain(|(buffer, used)| *used > done || buffer.len() >= length);
        let fits = |(buffer, used): &(Buffer, u64)| *used <= done && buffer.len() >= length;
        let index = match self.0.iter().position(fits) {
            Some(index) => index,
            None => {
                let missing = AT_FIRST.saturating_sub(self.0.len()).max(1);
                for _ in 0..missing {
                    self.0.push((touched(device, length)?, 0));
                }
                self.0.len() - 1
            }
        };
        let (buffer, used) = &mut self.0[index];
        *used = until;
        Ok(buffer)
    }
}

#[allow(unsafe_code)]
fn touched(device: &Device, length: u64) -> Result<Buffer, VulkanError> {
    let mut buffer = Buffer::new(device, length, Use::Upload)?;
    // SAFETY: it is new: the GPU knows nothing of it.
    unsafe { buffer.bytes_mut() }.fill(0);
    Ok(buffer)
}
