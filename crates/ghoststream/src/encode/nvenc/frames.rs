//! Pictures on their way into the GPU: copied up once, into memory that NVENC reads in place.
//!
//! libavcodec's wrapper registers each address with NVENC once and finds it again, 64 at most: so the
//! pictures of a ring, at addresses that stay, cost no copy and no registration after the first turn.
//! Without our own frames the wrapper copies each picture into a buffer of NVENC's, on our thread.
//!
//! The copy up runs by itself, in a stream that NVENC waits for; the picture in our memory is held
//! until it is done.
#![allow(unsafe_code)]

use std::collections::VecDeque;

use ghoststream_gpu::cuda::{
    Context, CudaError, Device, Layout, Library, LoadError, Pending, Ring, Source, Stream,
};

use crate::av::{AvError, DevicePicture, HardwareFrames, Picture};
use crate::encode::PictureMemory;
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
        let memory = PictureMemory::new(&context, layout);
        Ok(Self { pending: VecDeque::new(), frames, ring, stream, memory })
    }

    /// Where pictures had best be made.
    pub(in crate::encode) const fn memory(&self) -> &PictureMemory {
        &self.memory
    }

    /// What the encoder must know of the pictures.
    pub(in crate::encode) const fn frames(&self) -> &HardwareFrames {
        &self.frames
    }

    /// Begins to copy a picture up, and gives its place on the GPU.
    ///
    /// # Errors
    /// The device failed or has no memory left.
    pub(in crate::encode) fn up(&mut self, picture: Picture) -> Result<DevicePicture, FeedError> {
        self.let_go()?;
        let slot = self.ring.take()?.ok_or(FeedError::Full)?;
        self.pending.push_back(self.stream.upload(Pixels(picture), &slot)?);
        Ok(self.frames.picture(slot)?)
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
