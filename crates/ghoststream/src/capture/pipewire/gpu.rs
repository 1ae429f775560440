//! Buffers in a GPU's memory: what PipeWire hands over, checked, and imported by whoever reads it.
//!
//! The descriptors are duplicated once, when a buffer is added. What lies where in them the producer says with the
//! first picture; from then on it is the same [`DmaBuf`], so that its reader imports it once.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use ghoststream_gpu::sync::{RenderNode, Syncobj, Timeline};
use ghoststream_gpu::{DmaBuf, DmaBufPlane, Imports, PlaneLayout, check_layout, memory_length};
use pipewire::spa::sys as spa_sys;

use super::blocks::{NO_MEMORY, descriptor};
use super::format::VideoFormat;
use super::layout::Chunk;
use super::lease::Release;
use super::meta::SyncPoints;
use super::waiter::Until;
use crate::stats::FrameSync;

/// `SPA_DATA_DmaBuf`.
pub(super) const DATA_DMA_BUF: u32 = 3;
/// `SPA_DATA_SyncObj`, from PipeWire 1.2 on.
const DATA_SYNC_OBJ: u32 = 5;

/// How long a picture is held of which nothing says when it is drawn, where the source states no rate.
const TICK: Duration = Duration::from_micros(16_667);

/// How buffers in a GPU's memory are looked at.
#[derive(Clone, Debug)]
pub(super) struct Access {
    only_dmabufs: bool,
    implicit_sync: bool,
    /// Through which timelines are reached.
    node: Option<Arc<RenderNode>>,
}

impl Access {
    pub(super) fn new(imports: &Imports) -> Self {
        let open = |device| match RenderNode::open(device) {
            Ok(node) => Some(Arc::new(node)),
            Err(error) => {
                tracing::debug!(%error, ?device, "no timelines through the render node");
                None
            }
        };
        let node = imports.device.and_then(open);
        Self { only_dmabufs: imports.only_dmabufs, implicit_sync: imports.implicit_sync, node }
    }

    /// Whether timelines can be waited for.
    pub(super) const fn timelines(&self) -> bool {
        self.node.is_some()
    }
}

/// How one knows that a picture is drawn, and tells that it was read.
#[derive(Debug)]
enum Sync {
    Timeline { acquire: Arc<dyn Timeline>, release: Arc<dyn Timeline> },
    Implicit,
    Hold,
}

#[derive(Debug)]
enum Memory {
    /// Descriptors and their real lengths; no picture came yet.
    Added(Vec<(OwnedFd, u64)>),
    Described(Arc<DmaBuf>),
}

/// The memory of one of the stream's buffers.
#[derive(Debug)]
pub(super) struct GpuBlocks {
    wanted: u32,
    memory: Memory,
    sync: Sync,
}

impl GpuBlocks {
    /// Takes the descriptors of a buffer that has just been added. With `timeline`, its metadata has points.
    ///
    /// # Errors
    /// In words: they are not what was agreed on.
    pub(super) fn new(
        datas: &[spa_sys::spa_data],
        wanted: u32,
        timeline: bool,
        access: &Access,
    ) -> Result<Self, String> {
        if datas.iter().any(|data| data.type_ == spa_sys::SPA_ID_INVALID) {
            return Err(NO_MEMORY.into());
        }
        let planes = datas.iter().take_while(|data| data.type_ == DATA_DMA_BUF).count();
        let (planes, rest) = datas.split_at(planes);
        if let Some(other) = rest.iter().find(|data| data.type_ != DATA_SYNC_OBJ) {
            return Err(format!("its memory is of type {}, where DMA-BUFs were agreed on", other.type_));
        }
        if planes.len() != wanted as usize {
            return Err(format!("it has {} planes of memory; {wanted} were agreed on", planes.len()));
        }
        let duplicate = |data: &spa_sys::spa_data| {
            let fd = descriptor(data)?;
            let length = memory_length(fd, access.only_dmabufs).map_err(|error| error.to_string())?;
            let fd =
                fd.try_clone_to_owned().map_err(|error| format!("its memory cannot be kept: {error}"))?;
            Ok::<_, String>((fd, length))
        };
        let memory = planes.iter().map(duplicate).collect::<Result<_, _>>()?;
        let sync = match (timeline, rest, &access.node) {
            (true, [acquire, release], Some(node)) => {
                let import = |data| {
                    let timeline = Syncobj::import(node, descriptor(data)?);
                    let timeline =
                        timeline.map_err(|error| format!("its timeline cannot be had: {error}"))?;
                    Ok::<_, String>(Arc::new(timeline) as Arc<dyn Timeline>)
                };
                Sync::Timeline { acquire: import(acquire)?, release: import(release)? }
            }
            (true, ..) => return Err("it has points of timelines, and no timelines".into()),
            (false, [], _) if access.implicit_sync => Sync::Implicit,
            (false, [], _) => Sync::Hold,
            (false, ..) => return Err("it has timelines, and no points of them".into()),
        };
        Ok(Self { wanted, memory: Memory::Added(memory), sync })
    }

    /// The kind of synchronisation, for the report.
    pub(super) const fn kind(&self) -> FrameSync {
        match self.sync {
            Sync::Timeline { .. } => FrameSync::Timeline,
            Sync::Implicit => FrameSync::Fence,
            Sync::Hold => FrameSync::Hold,
        }
    }

    /// The picture as it is imported: the same for every frame in this buffer.
    ///
    /// # Errors
    /// In words: the producer's description does not fit its memory, or is not that of the first picture.
    pub(super) fn picture(&mut self, format: &VideoFormat, chunks: &[Chunk]) -> Result<Arc<DmaBuf>, String> {
        let modifier = format.modifier.ok_or("no modifier was agreed on")?;
        let chunks = chunks.get(..self.wanted as usize).ok_or("it does not describe all of its planes")?;
        let stride = |chunk: &Chunk| {
            u64::try_from(chunk.stride).map_err(|_| format!("its stride, {}, is negative", chunk.stride))
        };
        match &mut self.memory {
            Memory::Described(buffer) => {
                for (plane, chunk) in buffer.planes.iter().zip(chunks) {
                    if (plane.offset, plane.stride) != (u64::from(chunk.offset), stride(chunk)?) {
                        return Err("its planes are not where they were in the picture before".into());
                    }
                }
                Ok(Arc::clone(buffer))
            }
            Memory::Added(memory) => {
                let mut layouts = Vec::with_capacity(chunks.len());
                for (chunk, (_, length)) in chunks.iter().zip(memory.iter()) {
                    let (offset, stride) = (u64::from(chunk.offset), stride(chunk)?);
                    layouts.push(PlaneLayout { offset, stride, length: *length });
                }
                check_layout(format.format, format.size, modifier, self.wanted, &layouts)
                    .map_err(|error| error.to_string())?;
                let planes = std::mem::take(memory).into_iter().zip(layouts);
                let planes = planes
                    .map(|((fd, _), at)| DmaBufPlane { fd, offset: at.offset, stride: at.stride })
                    .collect();
                let buffer = Arc::new(DmaBuf::new(format.format, format.size, modifier, planes));
                self.memory = Memory::Described(Arc::clone(&buffer));
                Ok(buffer)
            }
        }
    }

    /// What a picture waits for before it may be read.
    pub(super) fn until(
        &self,
        buffer: &Arc<DmaBuf>,
        points: Option<SyncPoints>,
        rate: (u32, u32),
    ) -> Option<Until> {
        match (&self.sync, points) {
            (Sync::Timeline { acquire, .. }, Some(SyncPoints { acquire: point, .. })) if point > 0 => {
                Some(Until::Point(Arc::clone(acquire), point))
            }
            (Sync::Timeline { .. }, _) => None,
            (Sync::Implicit, _) => Some(Until::Written(Arc::clone(buffer))),
            (Sync::Hold, _) => Some(Until::Tick(tick(rate))),
        }
    }

    /// The promise to tell the producer when a picture was read; dropping it tells at once.
    pub(super) fn release(&self, points: Option<SyncPoints>) -> Option<Release> {
        match (&self.sync, points) {
            (Sync::Timeline { release, .. }, Some(points)) if points.release > 0 => {
                Some(Release::new(Arc::clone(release), points.release))
            }
            _ => None,
        }
    }

    /// Whether whoever writes to the buffer can be made to wait for a fence of ours.
    pub(super) const fn takes_fences(&self) -> bool {
        matches!(self.sync, Sync::Implicit)
    }
}

/// The time of one frame of a source.
fn tick((numerator, denominator): (u32, u32)) -> Duration {
    if numerator == 0 || denominator == 0 {
        return TICK;
    }
    let seconds = f64::from(denominator) / f64::from(numerator);
    Duration::from_secs_f64(seconds.clamp(0.001, 0.05))
}
