//! Pictures made by Vulkan, in the whole product: on lavapipe, which is asked for by `processing = gpu`, and
//! over the emulated driver of the same GPU by its UUID.

#[path = "../common/mod.rs"]
mod common;
mod imported;
mod interpolated;
mod lent;
mod mapped;
mod recorded;
mod software;
mod to_nvenc;

// Cargo builds the emulated libraries beside this test because it depends on them.
use emulated_cuda as _;
use emulated_nvidia_encode as _;
