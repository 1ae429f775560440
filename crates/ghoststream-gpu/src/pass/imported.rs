//! Pictures in memory of a GPU: imported once for each buffer of the producer's, and waited for.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::{Frame, PassError};
use crate::sync::fence;
use crate::vulkan::{DescriptorSet, Device, ImportError, Imported, Kind, Layout, SyncFile, VulkanError, vk};
use crate::{Acquire, DmaBuf};

/// How long a producer's fence is waited for where the GPU cannot do that itself.
const PATIENCE: Duration = Duration::from_millis(100);

/// When a frame may go back to its producer.
#[derive(Debug)]
pub enum GiveBack {
    /// At once: nothing reads it any more.
    Now,
    /// When this sync file has signalled.
    At(OwnedFd),
    /// When the output that was made of it is there: the device makes no sync files.
    WithOutput,
}

/// The pictures that were imported, as long as their producer keeps its buffers.
#[derive(Debug, Default)]
pub(super) struct ImportedPictures {
    known: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    id: u64,
    buffer: Weak<DmaBuf>,
    source: ImportedPicture,
    /// What the timeline has reached when the GPU does not read it any more.
    used: u64,
}

/// A picture of another program, bound for shaders.
#[derive(Debug)]
pub(super) struct ImportedPicture {
    pub(super) picture: Imported,
    pub(super) set: DescriptorSet,
}

impl ImportedPictures {
    /// The picture of a buffer, which is read until the timeline has reached `until`. It stands at `done`:
    /// whatever buffers went before that go here too.
    pub(super) fn find(
        &mut self,
        device: &Device,
        layout: &Layout,
        buffer: &Arc<DmaBuf>,
        (done, until): (u64, u64),
    ) -> Result<&ImportedPicture, PassError> {
        self.known.retain(|it| it.used > done || it.buffer.strong_count() > 0);
        let index = match self.known.iter().position(|it| it.id == buffer.id()) {
            Some(index) => index,
            None => {
                let source = ImportedPicture::new(device, layout, buffer)?;
                self.known.push(Known { id: buffer.id(), buffer: Arc::downgrade(buffer), source, used: 0 });
                self.known.len() - 1
            }
        };
        self.known[index].used = until;
        Ok(&self.known[index].source)
    }
}

impl ImportedPicture {
    fn new(device: &Device, layout: &Layout, buffer: &DmaBuf) -> Result<Self, PassError> {
        let picture = Imported::new(device, buffer)?;
        let mut set = DescriptorSet::new(layout, 1)?;
        // A plane that the format lacks is never read, but a binding must name something.
        for binding in 0..3 {
            let view = picture.words().nth(binding).or(picture.words().next());
            if let Some(view) = view {
                set.set_picture(binding as u32, view, vk::ImageLayout::GENERAL);
            }
        }
        Ok(Self { picture, set })
    }
}

/// That a frame is what its buffer holds.
pub(super) fn check(frame: &Frame<'_>, buffer: &DmaBuf) -> Result<(), PassError> {
    let same = (frame.format, frame.size) == (buffer.format, buffer.size);
    same.then_some(()).ok_or(PassError::Outside(buffer.size))
}

/// What one picture waits for before its source is read, and what then says that it was read.
#[derive(Debug)]
pub(super) struct Fences {
    drawn: SyncFile,
    read: Option<SyncFile>,
}

impl Fences {
    /// `None` where the driver knows no sync files.
    pub(super) fn new(device: &Device) -> Result<Option<Self>, VulkanError> {
        if !device.physical().abilities.sync_file {
            return Ok(None);
        }
        // The processor, playing a GPU, has no fences of the kernel's: asked for one, it waits for its work.
        let read = (device.physical().kind != Kind::Cpu).then(|| SyncFile::new(device)).transpose()?;
        Ok(Some(Self { drawn: SyncFile::new(device)?, read }))
    }

    /// What signals when the source was read, where the device can tell its producer.
    pub(super) const fn read(&mut self) -> Option<&mut SyncFile> {
        self.read.as_mut()
    }
}

/// The semaphore that the work has to wait for before it reads the source, if any.
pub(super) fn wait_for(
    fences: Option<&mut Fences>,
    acquire: &Acquire,
) -> Result<Option<vk::Semaphore>, PassError> {
    let Acquire::Fence(drawn) = acquire else { return Ok(None) };
    let Some(fences) = fences else {
        return fence::wait(drawn, PATIENCE).then_some(None).ok_or(PassError::NotDrawn(PATIENCE));
    };
    fences.drawn.become_fence(drawn.try_clone().map_err(ImportError::Descriptor)?)?;
    Ok(Some(fences.drawn.raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What no GPU waits for the processor waits for, within bounds. Pipes pose as sync files.
    #[test]
    fn a_fence_that_never_signals_costs_its_frame() {
        let (fence, signal) = rustix::pipe::pipe().expect("a pipe");
        let acquire = Acquire::Fence(fence);
        for _ in 0..2 {
            let waited = wait_for(None, &acquire);
            assert!(matches!(waited, Err(PassError::NotDrawn(PATIENCE))), "{waited:?}");
        }
        rustix::io::write(&signal, b"!").expect("it is open");
        assert!(matches!(wait_for(None, &acquire), Ok(None)), "it is drawn");
        assert!(matches!(wait_for(None, &Acquire::Now), Ok(None)));
    }
}
