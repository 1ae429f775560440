//! The producer's side of explicit synchronisation.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use ghoststream_gpu::sync::{RenderNode, Syncobj, Timeline};

use super::script::Timelines;

/// The timelines of one buffer, and where it is on them.
#[derive(Debug)]
pub(super) struct Points {
    acquire: (Syncobj, OwnedFd),
    release: (Syncobj, OwnedFd),
    script: Timelines,
    point: u64,
}

/// What became of the last release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Released {
    /// There was no frame before.
    First,
    /// It was signalled.
    Yes,
    /// It was promised and did not come within a second.
    No,
}

impl Points {
    pub(super) fn new(script: Timelines) -> Result<Self> {
        let node = Arc::new(RenderNode::open(script.device).context("opening the render node")?);
        let timeline = || {
            let timeline = Syncobj::new(&node)?;
            let fd = timeline.export()?;
            Ok::<_, std::io::Error>((timeline, fd))
        };
        Ok(Self { acquire: timeline()?, release: timeline()?, script, point: 0 })
    }

    pub(super) const fn acquire(&self) -> &OwnedFd {
        &self.acquire.1
    }

    pub(super) const fn release(&self) -> &OwnedFd {
        &self.release.1
    }

    /// Waits until the frame before was read.
    pub(super) fn wait_released(&self) -> Result<Released> {
        if self.point == 0 {
            return Ok(Released::First);
        }
        let signalled = self.release.0.wait(self.point, Duration::from_secs(1))?;
        Ok(if signalled { Released::Yes } else { Released::No })
    }

    /// The metadata of the next frame: nobody has promised to signal its release yet.
    pub(super) fn next(&mut self) -> [u8; 24] {
        self.point += 1;
        let mut bytes = [0; 24];
        bytes[..4].copy_from_slice(&1u32.to_ne_bytes());
        bytes[8..16].copy_from_slice(&self.point.to_ne_bytes());
        bytes[16..].copy_from_slice(&self.point.to_ne_bytes());
        bytes
    }

    /// The frame with this number is drawn.
    pub(super) fn drawn(&self, number: u64) -> Result<()> {
        if self.script.never.is_some_and(|every| number % every == every - 1) {
            return Ok(());
        }
        Ok(self.acquire.0.signal(self.point)?)
    }
}
