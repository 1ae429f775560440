//! Pictures on the GPU: from a compositor's DMA-BUF to the memory that NVENC reads, in one pass.
//!
//! - [`DmaBuf`] is a picture in a GPU's memory, as its producer describes it.
//! - [`vulkan`] imports it, and converts it by compute shaders.
//! - [`cuda`] is the device memory that NVENC reads from.
//!
//! Vulkan's loader and NVIDIA's libraries are opened at run time and never linked: the same binary runs
//! without a driver. This crate knows neither FFmpeg nor PipeWire.

pub mod cuda;
mod dmabuf;
pub mod pass;
pub mod vulkan;

pub use dmabuf::{Acquire, DmaBuf, DmaBufPlane};
