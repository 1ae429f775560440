//! Pictures on their way into the GPU: copied up once, into memory that NVENC reads in place.
//!
//! libavcodec's wrapper registers each address with NVENC once and finds it again, 64 at most: so the
//! pictures of a ring, at addresses that stay, cost no copy and no registration after the first turn.
//! Without our own frames the wrapper copies each picture into a buffer of NVENC's, on our thread.
//!
//! What Vulkan made on the same GPU is not copied at all: its buffers are imported once each, and have
//! addresses that stay as well (`handover.rs`).
//!
//! The copy up runs by itself, in a stream that NVENC waits for; the picture in our memory is held
//! until it is done.
#![allow(unsafe_code)]

use std::collections::VecDeque;

use ghoststream_gpu::cuda::{
    Context, CudaError, Device, Layout, Library, LoadError, Pending, Ring, Source, Stream,
};

use super::handover::Handover;
use crate::av::{AvError, DevicePicture, HardwareFrames, Picture};
use crate::encode::picture::Absent;
use crate::encode::{AnyPicture, PictureMemory};
use crate::{PixelFormat, Size};

/// The wrapper registers no more.
const MOST: usize = 64;

/// Copies that may be under way at once.
const MOST_PENDING: usize = 4;

/// Puts pictures into device memory.
pub(in crate::encode) struct Feed {
    /// Oldest first. They go before the ring, whose memory they write.
    pending: VecDeque<Pending<Pixels>>,
    frames: HardwareFrames,
    ring: Ring,
    stream: Stream,
    memory: PictureMemory,
    /// What Vulkan made on the same GPU.
    handover: Handover,
}

/// Why pictures cannot be put into device memory.
#[derive(Debug, thiserror::Error)]
pub(in crate::encode) enum FeedError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Cuda(#[from] CudaError),
    #[error("FFmpeg does not take CUDA's frames: {0}")]
    Frames(#[from] AvError),
    #[error("all {MOST} pictures of the ring are inside the encoder")]
    Full,
    #[error(transparent)]
    Absent(#[from] Absent),
}

/// A picture in our memory.
struct Pixels(Picture);

// SAFETY: pictures are shared by reference count and written by who holds the only reference alone:
// as long as this one is held, its planes stay as they are.
unsafe impl Source for Pixels {
    fn plane(&self, index: usize) -> (&[u8], usize) {
        self.0.plane(index)
    }
}

impl Feed {
    /// For pictures of this format and size on a GPU, as CUDA counts them.
    ///
    /// # Errors
    /// There is no driver, no such GPU, no memory, or FFmpeg was built without CUDA.
    pub(in crate::encode) fn open(gpu: u32, format: PixelFormat, size: Size) -> Result<Self, FeedError> {
        let device = Device::by_ordinal(&Library::open()?, gpu)?;
        let context = Context::new(&device)?;
        let stream = Stream::new(&context)?;
        let frames = HardwareFrames::new(&context, &stream, format, size)?;
        let layout = layout(format, size);
        let ring = Ring::new(&context, layout, MOST);
        let gpu = device.uuid()?;
        let memory = PictureMemory::new(&context, layout, gpu);
        let handover = Handover::new(&context, &stream, gpu);
        Ok(Self { pending: VecDeque::new(), frames, ring, stream, memory, handover })
    }

    /// Where pictures had best be made.
    pub(in crate::encode) const fn memory(&self) -> &PictureMemory {
        &self.memory
    }

    /// What the encoder must know of the pictures.
    pub(in crate::encode) const fn frames(&self) -> &HardwareFrames {
        &self.frames
    }

    /// Gives a picture its place on the GPU: where it is, if it was made there; else it begins to copy it
    /// up.
    ///
    /// # Errors
    /// The device failed or has no memory left; the picture is not there.
    pub(in crate::encode) fn take(&mut self, picture: AnyPicture) -> Result<DevicePicture, FeedError> {
        match picture {
            AnyPicture::Gpu(picture) => match self.handover.address(picture.output())? {
                Some(memory) => {
                    let (address, layout) = (memory.address(), *picture.output().layout());
                    Ok(self.frames.picture(address, &layout, (picture, memory))?)
                }
                None => self.up(picture.into_memory()?),
            },
            AnyPicture::Memory(picture) => self.up(picture),
        }
    }

    /// Why pictures that were made on this GPU take another way than they could; once.
    pub(in crate::encode) const fn note(&mut self) -> Option<String> {
        self.handover.note()
    }

    fn up(&mut self, picture: Picture) -> Result<DevicePicture, FeedError> {
        self.let_go()?;
        let slot = self.ring.take()?.ok_or(FeedError::Full)?;
        self.pending.push_back(self.stream.upload(Pixels(picture), &slot)?);
        let (address, layout) = (slot.address(), *slot.layout());
        Ok(self.frames.picture(address, &layout, slot)?)
    }

    /// Lets go of pictures that were copied; waits for the oldest where there are many.
    fn let_go(&mut self) -> Result<(), FeedError> {
        while let Some(oldest) = self.pending.front() {
            if self.pending.len() < MOST_PENDING && !oldest.is_done()? {
                break;
            }
            self.pending.pop_front();
        }
        Ok(())
    }
}

fn layout(format: PixelFormat, size: Size) -> Layout {
    Layout::new(
        [0, 1, 2]
            .map(|plane| if plane < format.planes() { format.plane_layout(plane, size) } else { (0, 0) }),
    )
}
