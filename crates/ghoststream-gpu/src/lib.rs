//! Graphics memory: CUDA contexts, and the fixed ring of device memory that NVENC reads from.
//!
//! NVIDIA's libraries are opened at run time and never linked: the same binary runs without a driver.

pub mod cuda;
