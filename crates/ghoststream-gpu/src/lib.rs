//! Pictures on the GPU: from a compositor's DMA-BUF to the memory that NVENC reads, in one pass.
//!
//! - [`DmaBuf`] is a picture in a GPU's memory, as its producer describes it.
//! - [`Imports`] is what can be imported, [`sync`] is when a picture may be read.
//! - [`vulkan`] imports it, and converts it by compute shaders.
//! - [`interpolate`] makes pictures between two pictures.
//! - [`cuda`] is the device memory that NVENC reads from.
//!
//! Vulkan's loader and NVIDIA's libraries are opened at run time and never linked: the same binary runs
//! without a driver. This crate knows neither FFmpeg nor PipeWire.

pub mod cuda;
mod dmabuf;
mod dmabuf_check;
mod imports;
pub mod interpolate;
pub mod pass;
pub mod sync;
pub mod vulkan;

pub use dmabuf::{Acquire, DmaBuf, DmaBufPlane};
pub use dmabuf_check::{DmaBufError, MOST_PLANES, MOST_SIDE, PlaneLayout, check_layout, memory_length};
pub use imports::{IMPLICIT, Imports, LINEAR, Modifier};
