//! Pictures that Vulkan has made on the GPU that encodes: taken where they are.
//!
//! Each buffer is imported once, and has the same address whenever it comes again, so that NVENC is told of
//! it once as well. The stream that NVENC waits for waits for Vulkan's timeline; where that cannot be had
//! from the driver, this thread does.

use std::collections::HashMap;
use std::sync::Arc;

use ghoststream_gpu::cuda::{Context, ExternalMemory, ExternalTimeline, Stream};
use ghoststream_gpu::pass::Output;
use ghoststream_gpu::vulkan::Timeline;

use super::frames::FeedError;
use crate::encode::GpuPicture;

/// What was imported.
pub(super) struct Handover {
    context: Context,
    stream: Stream,
    gpu: [u8; 16],
    /// By [`Output::id`]. An address that NVENC knows must not become another buffer's: none goes before
    /// the encoder.
    buffers: HashMap<u64, Arc<ExternalMemory>>,
    timeline: Option<Known>,
}

/// A timeline, and what CUDA knows it by, if it can.
struct Known {
    vulkan: Arc<Timeline>,
    cuda: Option<ExternalTimeline>,
}

impl Handover {
    /// Imports at most. A pass has up to 64 buffers, and one that is made anew comes with others.
    const MOST: usize = 4 * 64;

    /// On the GPU that has this UUID.
    pub(super) fn new(context: &Context, stream: &Stream, gpu: [u8; 16]) -> Self {
        let (context, stream) = (context.clone(), stream.clone());
        Self { context, stream, gpu, buffers: HashMap::new(), timeline: None }
    }

    /// A picture's memory, at an address of CUDA's; what is put into the stream from now on finds it
    /// finished. `None` where it cannot be taken so.
    pub(super) fn address(&mut self, output: &Output) -> Result<Option<Arc<ExternalMemory>>, FeedError> {
        let physical = output.buffer().device().physical();
        if output.is_read_back() || physical.uuid != self.gpu {
            return Ok(None);
        }
        let memory = match self.buffers.get(&output.id()) {
            Some(memory) => Arc::clone(memory),
            None if self.buffers.len() == Self::MOST => return Ok(None),
            None => match self.import(output) {
                Some(memory) => memory,
                None => return Ok(None),
            },
        };
        self.await_picture(output)?;
        Ok(Some(memory))
    }

    fn import(&mut self, output: &Output) -> Option<Arc<ExternalMemory>> {
        let (descriptor, length) = output
            .buffer()
            .export()
            .inspect_err(|error| tracing::debug!(%error, "a picture cannot be exported"))
            .ok()?;
        let memory = ExternalMemory::import(&self.context, descriptor, length)
            .inspect_err(|error| tracing::debug!(%error, "a picture cannot be imported"))
            .ok()?;
        let memory = Arc::new(memory);
        self.buffers.insert(output.id(), Arc::clone(&memory));
        Some(memory)
    }

    fn await_picture(&mut self, output: &Output) -> Result<(), FeedError> {
        let (timeline, value) = output.ready();
        if !self.timeline.as_ref().is_some_and(|it| Arc::ptr_eq(&it.vulkan, timeline)) {
            self.timeline = Some(Known::new(&self.context, timeline));
        }
        match self.timeline.as_ref().and_then(|it| it.cuda.as_ref()) {
            Some(cuda) => Ok(cuda.hold(&self.stream, value)?),
            None => Ok(GpuPicture::wait(output)?),
        }
    }
}

impl Known {
    fn new(context: &Context, timeline: &Arc<Timeline>) -> Self {
        let cuda = timeline
            .export()
            .map_err(|error| error.to_string())
            .and_then(|it| ExternalTimeline::import(context, it).map_err(|error| error.to_string()))
            .inspect_err(|error| tracing::debug!(%error, "the CPU waits for pictures"))
            .ok();
        Self { vulkan: Arc::clone(timeline), cuda }
    }
}
