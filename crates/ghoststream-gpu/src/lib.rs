//! Pictures on the GPU: from a compositor's DMA-BUF to the memory that NVENC reads, in one pass.
//!
//! - [`DmaBuf`] is a picture in a GPU's memory, as its producer describes it.
//! - [`Imports`] is what can be imported, [`sync`] is when a picture may be read.
//! - [`Mapped`] is a linear one for the CPU to read.
//! - [`vulkan`] imports it, and converts it by compute shaders.
//! - [`drawing`] makes such pictures, as a compositor does.
//! - [`interpolate`] makes pictures between two pictures.
//! - [`cuda`] is the device memory that NVENC reads from.
//!
//! Vulkan's loader and NVIDIA's libraries are opened at run time and never linked: the same binary runs
//! without a driver. This crate knows neither FFmpeg nor PipeWire.

pub mod cuda;
mod dmabuf;
mod dmabuf_check;
pub mod drawing;
mod imports;
pub mod interpolate;
mod mapped;
pub mod pass;
pub mod sync;
pub mod vulkan;

pub use dmabuf::{Acquire, DmaBuf, DmaBufPlane, MemoryKind};
pub use dmabuf_check::{DmaBufError, MOST_PLANES, MOST_SIDE, PlaneLayout, check_layout, memory_length};
pub use imports::{IMPLICIT, Imports, LINEAR, Modifier};
pub use mapped::{MapError, Mapped, MappedPlane, Reading};
