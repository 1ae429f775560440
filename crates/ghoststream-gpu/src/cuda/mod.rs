//! The part of CUDA's driver API that we use, each handle with one owner.
//!
//! ```text
//! Library ─▶ Device ─▶ Context ─┬─▶ Stream ─▶ Pending   a copy under way, with what it reads
//!                               ├─▶ PinnedPool ─▶ PinnedPiece   host memory that is copied without a detour
//!                               ├─▶ ExternalMemory, ExternalTimeline   what Vulkan made, imported once
//!                               └─▶ Ring ─▶ Slot        pictures in device memory, at addresses that stay
//! ```
//!
//! Everything keeps alive what it was made from: a context lives as long as the last thing within it.
//! Calls that need the context to be current make it so on their own thread and take it away again,
//! so that everything may be used and dropped on any thread.
#![allow(unsafe_code)]

mod context;
mod device;
mod error;
mod external;
mod functions;
mod library;
mod memory;
mod pool;
mod ring;
mod stream;

pub use context::{Context, Current};
pub use device::Device;
pub use error::{CudaError, LoadError};
pub use external::{ExternalMemory, ExternalTimeline};
pub use library::Library;
pub use memory::{DeviceBuffer, PinnedBuffer};
pub use pool::{PinnedPiece, PinnedPool};
pub use ring::{Layout, Ring, Slot};
pub use stream::{Event, Pending, Source, Stream};
