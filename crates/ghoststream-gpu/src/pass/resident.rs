//! Pictures that stay in the device's memory.

use std::sync::Arc;

use super::staging::Staged;
use super::{Frame, PassError, Pixels};
use crate::vulkan::{Buffer, Commands, Device, Layout, Use};

/// A picture in the device's memory. Where it goes before what is made of it is there, the pass keeps it.
#[derive(Debug)]
pub struct Resident(pub(super) Arc<Staged>);

impl Resident {
    /// Copies a picture from memory of the CPU, and waits until it is there.
    pub(super) fn new(device: &Device, layout: &Layout, frame: &Frame<'_>) -> Result<Self, PassError> {
        let Pixels::Memory { planes, .. } = &frame.pixels else {
            return Err(PassError::NotInMemory);
        };
        let mut staged = Staged::new(device, layout, frame)?;
        let mut staging = Buffer::new(device, staged.length(), Use::Upload)?;
        let mut regions = Vec::new();
        staged.fill(&mut staging, planes, None, &mut regions)?;
        // SAFETY: run_once waits, so that the staging memory outlives it.
        unsafe {
            Commands::run_once(device, |device, list| {
                super::record::copy_up(device, list, &staged, staging.raw(), &regions);
            })?;
        }
        staged.filled();
        Ok(Self(Arc::new(staged)))
    }
}
