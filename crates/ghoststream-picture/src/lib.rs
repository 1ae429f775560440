//! What a picture is to GhostStream: how its pixels lie in memory, what their numbers mean, how it is
//! turned, placed and scaled.
//!
//! The processors on the CPU and on the GPU share this, so that both make the same picture. It knows
//! neither FFmpeg nor PipeWire nor Vulkan.
#![warn(missing_docs)]

mod color;
pub mod conversion;
pub mod dither;
pub mod filter;
mod fit;
mod format;
pub mod gamut;
mod geometry;
pub mod half;
pub mod hdr;
pub mod ictcp;
mod log_table;
pub mod matrix;
pub mod peak;
pub mod reference;
mod shape;
pub mod tone;
mod tone_tables;
pub mod transfer;
mod view;

pub use color::{Color, ColorRange, ColorSpace, Transfer};
pub use conversion::{Conversion, Tone};
pub use fit::{fit, only_trims};
pub use format::PixelFormat;
pub use geometry::{Rect, Size, Transform};
pub use hdr::HdrMetadata;
pub use log_table::{LogCurve, LogTable};
pub use shape::ShapeError;
pub use tone::{ToneCurve, ToneMapping};
pub use tone_tables::ToneTables;
pub use view::View;
