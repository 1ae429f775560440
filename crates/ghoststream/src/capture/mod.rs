//! Where pictures come from.
//!
//! A backend runs threads of its own and pushes [`CapturedFrame`]s into a [`FrameSink`], which fans
//! them out to the renditions' bounded queues. Dropping a [`Capture`] stops and joins its threads;
//! leases that are still out keep their memory valid on their own.

mod error;
mod frame;
pub mod pipewire;
mod portal;
mod queue;
mod test_card;

pub use error::CaptureError;
pub use frame::{
    CapturedFrame, CpuBuffer, Cursor, CursorBitmap, Damage, GpuBuffer, GpuLease, LayoutError, Lease, Memory,
    Plane,
};
pub use portal::{ScreenCastAbilities, probe as probe_portal};
pub use queue::{CaptureEvent, FrameQueue, FrameSink, Taken};

use ghoststream_gpu::Imports;

use crate::{CaptureConfig, CaptureSource};

/// A running capture. Dropping it stops it.
pub trait Capture: Send {
    /// Number of streams it delivers; more than one only where the user picked several.
    fn streams(&self) -> usize;

    /// What is captured, for the report: a monitor's name, a node, the test card.
    fn description(&self) -> String;
}

/// Starts capturing into `sink`. Blocks until the source has agreed to send, which for the portal
/// includes the user's answer; the first frame may come later.
///
/// With `imports`, pictures in a GPU's memory are asked for first, and come as [`Memory::Gpu`] where the source has
/// them; without, all are in memory that the CPU reads.
///
/// # Errors
/// The source is not there, refuses, or does not answer in time.
pub fn open(
    config: &CaptureConfig,
    sink: FrameSink,
    imports: Option<Imports>,
) -> Result<Box<dyn Capture>, CaptureError> {
    let opaque = imports.as_ref().and_then(|it| it.opaque);
    let imports = imports.filter(|it| !it.is_empty());
    match &config.source {
        CaptureSource::TestCard => test_card::open(config, sink),
        CaptureSource::GpuTestCard => test_card::open_on_gpu(config, sink, opaque),
        CaptureSource::Portal => portal::open(config, sink, imports),
        CaptureSource::Node(node) => pipewire::open_node(config, node, sink, imports),
    }
}
