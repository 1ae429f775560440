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
    /// What the report does not say yet.
    note: Option<String>,
    noted: bool,
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
        Self { context, stream, gpu, buffers: HashMap::new(), timeline: None, note: None, noted: false }
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
            None => match self.import(output) {
                Ok(memory) => memory,
                Err(why) => {
                    self.tell(|| format!("pictures go to NVENC through system memory: {why}"));
                    return Ok(None);
                }
            },
        };
        self.await_picture(output)?;
        Ok(Some(memory))
    }

    /// What came up since the last time it was asked.
    pub(super) const fn note(&mut self) -> Option<String> {
        self.note.take()
    }

    /// Says the first that comes up, once: the rest follows from it.
    fn tell(&mut self, note: impl FnOnce() -> String) {
        if !std::mem::replace(&mut self.noted, true) {
            self.note = Some(note());
        }
    }

    fn import(&mut self, output: &Output) -> Result<Arc<ExternalMemory>, String> {
        if self.buffers.len() == Self::MOST {
            return Err(format!("{} of them were imported, and more are not", Self::MOST));
        }
        let exported = output.buffer().export();
        let (descriptor, length) =
            exported.map_err(|error| format!("Vulkan does not export one: {error}"))?;
        let imported = ExternalMemory::import(&self.context, descriptor, length);
        let memory = Arc::new(imported.map_err(|error| format!("CUDA does not import one: {error}"))?);
        self.buffers.insert(output.id(), Arc::clone(&memory));
        Ok(memory)
    }

    fn await_picture(&mut self, output: &Output) -> Result<(), FeedError> {
        let (timeline, value) = output.ready();
        if !self.timeline.as_ref().is_some_and(|it| Arc::ptr_eq(&it.vulkan, timeline)) {
            let vulkan = Arc::clone(timeline);
            let cuda = known_to_cuda(&self.context, timeline)
                .map_err(|why| {
                    self.tell(|| format!("the CPU waits for each picture on its way to NVENC: {why}"))
                })
                .ok();
            self.timeline = Some(Known { vulkan, cuda });
        }
        match self.timeline.as_ref().and_then(|it| it.cuda.as_ref()) {
            Some(cuda) => Ok(cuda.hold(&self.stream, value)?),
            None => Ok(GpuPicture::wait(output)?),
        }
    }
}

fn known_to_cuda(context: &Context, timeline: &Timeline) -> Result<ExternalTimeline, String> {
    let descriptor =
        timeline.export().map_err(|error| format!("Vulkan does not export its timeline: {error}"))?;
    ExternalTimeline::import(context, descriptor)
        .map_err(|error| format!("CUDA does not import its timeline: {error}"))
}
