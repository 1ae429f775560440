//! Who reads the pictures that a GPU makes.

use std::sync::{Arc, Mutex, PoisonError};

use ghoststream_gpu::pass::Delivery;
use ghoststream_gpu::vulkan::Physical;

/// What the encoder of a rendition tells whoever makes its pictures: on which GPU it takes them, if on any.
/// An encoder that takes over may take them elsewhere. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handover(Arc<Mutex<Option<[u8; 16]>>>);

impl Handover {
    /// The encoder reads pictures on the GPU with this UUID; `None` for memory that the CPU reads.
    pub(crate) fn set(&self, gpu: Option<[u8; 16]>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = gpu;
    }

    pub(super) fn get(&self) -> Option<[u8; 16]> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How pictures that are made on this device get to the encoder.
    pub(super) fn delivery(&self, physical: &Physical) -> Delivery {
        if self.get() == Some(physical.uuid) && physical.abilities.export_memory {
            Delivery::Exported
        } else {
            Delivery::Readback
        }
    }
}
