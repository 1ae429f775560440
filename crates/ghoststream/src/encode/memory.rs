//! Where an encoder would like its pictures to lie.

use ghoststream_gpu::cuda::{Context, Layout, PinnedPool};

use super::InputSpec;
use crate::av::Picture;

/// What libraries may read beyond the last row, in steps of their widest registers.
const SLACK: usize = 64;

/// Pictures in memory that the GPU's copy engine reads directly. From any other the driver first copies
/// them on the CPU, into memory of its own that is.
///
/// It outlives the encoder that it was made for: pictures are processed into it as long as a recording
/// lasts, whoever encodes them.
#[derive(Clone, Debug)]
pub(crate) struct PictureMemory {
    pool: PinnedPool,
    layout: Layout,
    gpu: [u8; 16],
}

impl PictureMemory {
    /// As many as processing uses again and again; what an encoder holds beyond them is in ordinary
    /// memory, for pinned pages are taken from everyone.
    pub(crate) const MOST: usize = 8;

    /// For an encoder on the GPU that has this UUID.
    pub(super) fn new(context: &Context, layout: Layout, gpu: [u8; 16]) -> Self {
        Self { pool: PinnedPool::new(context, layout.len() + SLACK, Self::MOST), layout, gpu }
    }

    /// The UUID of the GPU that encodes. What is made on it can be handed over where it is.
    pub(crate) const fn gpu(&self) -> [u8; 16] {
        self.gpu
    }

    /// A picture there; `None` where there is no room, or the driver has failed.
    pub(crate) fn picture(&self, input: &InputSpec) -> Option<Picture> {
        let piece = self
            .pool
            .take()
            .inspect_err(|error| tracing::debug!(%error, "pictures lie in ordinary memory"))
            .ok()??;
        Picture::in_piece(piece, &self.layout, input.format, input.size, input.color).ok()
    }

    /// The driver hangs: it is called no more.
    pub(crate) fn abandon(&self) {
        self.pool.abandon();
    }
}
