//! The pass on whatever Vulkan there is: on machines without a GPU Mesa's lavapipe, which runs the same
//! SPIR-V on the CPU. Khronos' validation layer looks on, and what it calls an error fails the test.
//!
//! `GHOSTSTREAM_TEST_GPU=1` picks the first real GPU instead.

mod between;
mod compiled;
mod convert;
mod cuda;
mod flow;
mod heap;
mod import;
mod interpolate;
mod light;
mod pictures;
mod refusals;
mod rig;
mod scale;
mod shared;
mod steady;
mod sweep;
mod sync_file;
mod tone;
mod zimg;

#[global_allocator]
static HEAP: heap::Counted = heap::Counted;
