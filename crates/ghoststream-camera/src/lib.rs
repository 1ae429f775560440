//! A camera that other programs open: a PipeWire `Video/Source` node with role `Camera`.
//!
//! [`Camera::open`] makes the node, [`Camera::show`] hands it a picture. Browsers, OBS and whatever else knows
//! PipeWire's cameras find it, through the camera portal or directly.
//!
//! # How it goes
//!
//! One named thread owns the node. [`Camera::show`] puts a picture into a slot and wakes that thread; it never
//! waits. The newest picture wins, and the one that it replaces is counted as dropped. The thread converts the
//! picture once, into the buffer in which it is sent and to the format that was agreed on ([`Format`], by
//! libswscale and libavcodec's MJPEG encoder), and starts a cycle of PipeWire's graph: the camera is the driver of
//! those who look at it, so that a picture is with them as soon as it is there.
//!
//! While nobody looks nothing is converted. While there is no picture, those who look get a still card.
//!
//! [`Device`] is the other way, for programs that know no PipeWire camera: a V4L2 device that takes pictures, such as
//! v4l2loopback's.
//!
//! # Memory
//!
//! Pictures are in shared memory, or, where that is asked for ([`Camera::open_with_dmabufs`]), in DMA-BUFs for programs
//! that take them ([`Memory`]).
//!
//! # Several programs at once
//!
//! A node's port has one format at a time, whoever looks: that is PipeWire's way with every camera. The first
//! program chooses it among what is offered (every [`Format`], each at the asked size and at smaller ones); the
//! next ones get the same or nothing. When all have gone the choice is open again.
#![warn(missing_docs)]

mod buffer;
mod camera;
mod convert;
mod format;
mod mjpeg;
mod name;
mod negotiation;
mod node;
mod offers;
mod pool;
mod shared;
mod sizes;
mod state;
mod stream;
mod sws;
mod v4l2;

use std::sync::Arc;

pub use camera::{Audience, Camera};
pub use format::{Format, Memory};
pub use ghoststream_dmabuf::Udmabuf;
use ghoststream_picture::{Color, PixelFormat, Size};
pub use name::MOST_BYTES as MOST_NAME_BYTES;
pub use shared::{Agreed, Stats};
pub use v4l2::Device;

/// The pixels of a picture, in memory that the CPU reads.
pub trait Pixels: Send + Sync {
    /// The bytes of a plane and its stride; empty for a plane that the format lacks.
    fn plane(&self, index: usize) -> (&[u8], usize);
}

/// What pictures are shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Input {
    /// How their pixels lie: [`PixelFormat::Nv12`] or [`PixelFormat::I420`].
    pub format: PixelFormat,
    /// Pixels across and down, both even.
    pub size: Size,
    /// What the code values mean.
    pub color: Color,
    /// Pictures a second, as numerator and denominator.
    pub rate: (u32, u32),
}

/// What is shown while there is no picture. In the form of [`Input`].
#[derive(Clone)]
pub struct Cards {
    /// Before the first picture.
    pub waiting: Arc<dyn Pixels>,
    /// When a second went by without one.
    pub paused: Arc<dyn Pixels>,
}

impl std::fmt::Debug for Cards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cards")
    }
}

/// Why there is no camera.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CameraError {
    /// The name cannot be one.
    #[error("the camera's name {problem}; choose one of 1 to {MOST_NAME_BYTES} bytes in a single line")]
    Name {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Pictures that it cannot show.
    #[error("a camera cannot show pictures of {size}: {problem}")]
    Size {
        /// Pixels across and down.
        size: Size,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A device cannot be used.
    #[error("{} cannot be the camera: {problem}", path.display())]
    Device {
        /// Where it is.
        path: std::path::PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// PipeWire does not answer or refuses the node.
    #[error("no camera without PipeWire: {reason}. Is it running? `systemctl --user status pipewire`")]
    NoPipeWire {
        /// What it said.
        reason: String,
    },
}

/// Whether a camera may be called so: a name is shown in menus, and one line of 1 to [`MOST_NAME_BYTES`] bytes.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<(), CameraError> {
    name::check(name)
}
