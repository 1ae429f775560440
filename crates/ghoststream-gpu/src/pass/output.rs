//! The pictures that go out, used again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::imported::Fences;
use super::staging::Staged;
use super::{PassError, Target};
use crate::cuda;
use crate::vulkan::{
    Buffer, Commands, DescriptorSet, Device, Layout, Timeline, Timestamps, Use, VulkanError,
};

/// Who reads the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// CUDA: the memory is exported.
    Exported,
    /// The CPU: pictures are copied back by the GPU.
    Readback,
}

/// A picture, held. Dropping it lets its memory be written again.
#[derive(Clone, Debug)]
pub struct Output {
    shared: Arc<Shared>,
    done: u64,
}

/// What whoever holds a picture and the pass have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) buffer: Buffer,
    /// Where it is copied to for the CPU.
    pub(super) readback: Option<Buffer>,
    pub(super) layout: cuda::Layout,
    id: u64,
    timeline: Arc<Timeline>,
    handed_over: Option<Arc<Timeline>>,
    /// Where it is measured.
    pub(super) timestamps: Option<Timestamps>,
    /// What the timeline has reached when the GPU is done with it.
    done: AtomicU64,
}

/// What libraries may read beyond the last row, in steps of their widest registers.
pub(super) const SLACK: u64 = 64;

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// All that one picture of the ring needs.
#[derive(Debug)]
pub(super) struct Slot {
    // Goes before what its commands name.
    pub(super) commands: Commands,
    pub(super) set: DescriptorSet,
    pub(super) params: Buffer,
    /// Through which a new pointer is copied up.
    pub(super) pointer: Room,
    /// For frames in memory of a GPU; made when the first one comes.
    pub(super) fences: Option<Fences>,
    /// For a picture between two others; made when the first one comes.
    pub(super) between: Option<DescriptorSet>,
    /// What its commands read, where whoever lent that may let it go.
    pub(super) read: Option<Arc<Staged>>,
    pub(super) shared: Arc<Shared>,
}

/// Memory to write into, which is made when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Room(Option<Buffer>);

impl Room {
    /// At least so many bytes. The slot that it is of is free.
    pub(super) fn at_least(&mut self, device: &Device, length: u64) -> Result<&mut Buffer, VulkanError> {
        match self.0.take().filter(|it| it.len() >= length) {
            Some(buffer) => Ok(self.0.insert(buffer)),
            None => Ok(self.0.insert(Buffer::new(device, length, Use::Upload)?)),
        }
    }
}

impl Output {
    /// Waits until the picture is there; false when that takes longer than `most`.
    ///
    /// # Errors
    /// The device is lost.
    pub fn wait(&self, most: Duration) -> Result<bool, VulkanError> {
        self.shared.timeline.wait(self.done, most)
    }

    /// The bytes of a plane and its stride; `None` before it is there, for a plane that the format lacks,
    /// and where it was not copied back.
    pub fn plane(&self, index: usize) -> Option<(&[u8], usize)> {
        let buffer = self.shared.readback.as_ref()?;
        if !self.wait(Duration::ZERO).ok()? {
            return None;
        }
        let layout = &self.shared.layout;
        let (offset, (_, rows)) = (layout.offset(index)?, layout.size(index));
        // SAFETY: the GPU is done with it, and writes again only once self was dropped.
        let bytes = unsafe { buffer.bytes() };
        Some((bytes.get(offset..offset + rows * layout.pitch())?, layout.pitch()))
    }

    /// How long the GPU took, once the picture is there; `None` where that is not measured.
    pub fn gpu_time(&self) -> Option<Duration> {
        self.shared.timestamps.as_ref()?.read()
    }

    /// Whether the GPU copies it back for the CPU.
    pub fn is_read_back(&self) -> bool {
        self.shared.readback.is_some()
    }

    /// Whether it lies in this slot's memory.
    pub(super) fn is_in(&self, shared: &Arc<Shared>) -> bool {
        Arc::ptr_eq(&self.shared, shared)
    }

    /// The GPU reads it for what is done when the timeline has reached this.
    pub(super) fn is_read_until(&self, done: u64) {
        self.shared.done.fetch_max(done, Ordering::AcqRel);
    }

    /// The device's memory in which it lies. Always the same buffers come, each at its address.
    pub fn buffer(&self) -> &Buffer {
        &self.shared.buffer
    }

    /// Tells its buffer from every other of this process: the same again whenever the same buffer comes.
    pub fn id(&self) -> u64 {
        self.shared.id
    }

    /// How the planes lie in the buffer.
    pub fn layout(&self) -> &cuda::Layout {
        &self.shared.layout
    }

    /// The timeline, and what it has reached once the picture is there: one that CUDA can have, where the
    /// picture is exported and the device can.
    pub fn ready(&self) -> (&Arc<Timeline>, u64) {
        (self.shared.handed_over.as_ref().unwrap_or(&self.shared.timeline), self.done)
    }
}

impl Shared {
    pub(super) fn hold(self: &Arc<Self>, done: u64) -> Output {
        self.done.store(done, Ordering::Release);
        Output { shared: Arc::clone(self), done }
    }
}

impl Slot {
    pub(super) fn new(
        device: &Device,
        layout: &Layout,
        target: &Target,
        delivery: Delivery,
        (timeline, handed_over): (&Arc<Timeline>, Option<&Arc<Timeline>>),
        measured: bool,
    ) -> Result<Self, VulkanError> {
        let lie = layout_of(target);
        let length = lie.len() as u64;
        let (purpose, readback) = match delivery {
            Delivery::Exported => (Use::Exported, None),
            Delivery::Readback => (Use::Device, Some(Buffer::new(device, length + SLACK, Use::Readback)?)),
        };
        let buffer = Buffer::new(device, length, purpose)?;
        let params = Buffer::new(device, super::params::LENGTH, Use::Upload)?;
        let mut set = DescriptorSet::new(layout, 0)?;
        set.set_buffer(0, &buffer);
        set.set_buffer(1, &params);
        let (timeline, done) = (Arc::clone(timeline), AtomicU64::new(0));
        let timestamps = measured.then(|| Timestamps::new(device)).transpose()?;
        let (handed_over, id) = (handed_over.cloned(), next_id());
        let shared = Shared { buffer, readback, layout: lie, id, timeline, handed_over, timestamps, done };
        let shared = Arc::new(shared);
        let commands = Commands::new(device)?;
        let pointer = Room::default();
        Ok(Self { commands, set, params, pointer, fences: None, between: None, read: None, shared })
    }

    /// Whether no one holds its picture and the GPU, which has reached `done`, does not write it.
    pub(super) fn is_free(&self, done: u64) -> bool {
        Arc::strong_count(&self.shared) == 1 && self.shared.done.load(Ordering::Acquire) <= done
    }
}

/// How the planes of a target lie in its buffer.
pub(super) fn layout_of(target: &Target) -> cuda::Layout {
    let planes = target.format.planes();
    let plane = |it| if it < planes { target.format.plane_layout(it, target.size) } else { (0, 0) };
    cuda::Layout::new([0, 1, 2].map(plane))
}

/// That a shader can write all of a target.
pub(super) fn check(device: &Device, target: &Target) -> Result<(), PassError> {
    let (length, most) = (layout_of(target).len() as u64, device.physical().longest_buffer());
    if length > most {
        return Err(PassError::Large { format: target.format, size: target.size, length, most });
    }
    Ok(())
}
