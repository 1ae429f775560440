//! When a picture of another program may be read, and when it was: fences and timelines of the kernel.
//!
//! A *sync file* ([`fence`]) signals once. A *timeline* ([`Timeline`]) signals point after point; the kernel's is a
//! DRM syncobj ([`Syncobj`]), reached through a render node.

pub mod fence;
mod ioctl;
pub(crate) mod reading;
mod timeline;

pub use timeline::{RenderNode, Syncobj, Timeline};
