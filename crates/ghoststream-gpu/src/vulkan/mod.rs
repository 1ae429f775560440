//! Vulkan's handles, each with one owner.
//!
//! [`Instance`] opens the loader and lists the GPUs, [`Device`] is one of them with a compute queue.
//! [`Buffer`] and [`Image`] own their memory, [`Timeline`] says how far the GPU is, [`Commands`] records
//! and submits. Everything that is made is counted ([`Device::created`]), so that a test can tell that
//! nothing is made any more once a picture is on its way.
//!
//! Who submits work keeps what it reads alive until the timeline says that it is done: a buffer or an
//! image must not go while the GPU uses it. A GPU that hangs is left all that it has ([`Device::abandon`]).
#![allow(unsafe_code)]

mod buffer;
mod commands;
mod device;
mod error;
mod external;
mod format;
mod image;
mod import;
mod import_error;
mod importable;
mod instance;
mod memory;
mod opaque;
mod optical_flow;
mod physical;
mod pipeline;
mod pipeline_cache;
mod statistics;
mod sync_file;
mod timeline;
mod timestamps;

pub use buffer::{Buffer, Use};
pub use commands::{Commands, Submission};
pub use device::Device;
pub use error::VulkanError;
pub(crate) use format::{Words, words};
pub use image::Image;
pub use import::Imported;
pub use import_error::ImportError;
pub use importable::imports;
pub use instance::{Instance, VulkanLoadError};
pub use opaque::Exported;
pub use optical_flow::OpticalFlow;
pub use physical::{Abilities, Kind, Physical};
pub use pipeline::{Binding, DescriptorSet, Layout, Pipeline};
pub use pipeline_cache::PipelineCacheError;
pub use statistics::Statistic;
pub use sync_file::SyncFile;
pub use timeline::Timeline;
pub use timestamps::Timestamps;

pub use ash::vk;
