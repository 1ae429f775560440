//! Vulkan's handles, each with one owner.
//!
//! [`Instance`] opens the loader and lists the GPUs, [`Device`] is one of them with a compute queue.
//! [`Buffer`] and [`Image`] own their memory, [`Timeline`] says how far the GPU is, [`Commands`] records
//! and submits. Everything that is made is counted ([`Device::created`]), so that a test can tell that
//! nothing is made any more once a picture is on its way.
//!
//! Who submits work keeps what it reads alive until the timeline says that it is done: a buffer or an
//! image must not go while the GPU uses it.
#![allow(unsafe_code)]

mod buffer;
mod commands;
mod device;
mod error;
mod format;
mod image;
mod import;
mod importable;
mod instance;
mod memory;
mod physical;
mod pipeline;
mod sync_file;
mod timeline;
mod timestamps;

pub use buffer::{Buffer, Use};
pub use commands::{Commands, Submission};
pub use device::Device;
pub use error::VulkanError;
pub use format::{PlaneFormat, plane_formats};
pub use image::Image;
pub use import::{ImportError, Imported};
pub use importable::imports;
pub use instance::{Instance, VulkanLoadError};
pub use physical::{Abilities, Kind, Physical};
pub use pipeline::{Binding, DescriptorSet, Layout, Pipeline};
pub use sync_file::SyncFile;
pub use timeline::Timeline;
pub use timestamps::Timestamps;

pub use ash::vk;
