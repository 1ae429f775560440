//! A small encoder of H.264, HEVC and AV1.
//!
//! It makes real streams that any decoder decodes, with exactly the structure that was asked for: key
//! pictures, B-frames and references are decided here and never by the content. It compresses simply
//! (one block size, no motion search), but for real: rate control spends the bits that it was given, and in
//! [`Quality::Exact`] the decoder gets back the very samples that went in.
//!
//! ```text
//! Encoder      display order in, coded order out: structure, rate control      encoder.rs
//!   Coder      one picture by one plan: bytes, and what a decoder makes of them   h264/ hevc/ av1/
//! ```
//!
//! No dependencies, no threads that outlive a call, no `unsafe`.

mod bits;
mod coder;
mod encoder;
mod gop;
mod picture;
mod rate;

pub mod av1;
pub mod h264;
pub mod hevc;

#[cfg(test)]
mod testing;

pub use bits::BitWriter;
pub use coder::{Codec, Coded, Coder, Color, Kind, Plan, Quality, Stream};
pub use encoder::{Encoder, Output, Settings};
pub use gop::{BReference, Gop};
pub use picture::{Chroma, Format, Picture};
pub use rate::Rate;
