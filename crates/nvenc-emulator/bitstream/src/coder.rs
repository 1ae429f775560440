//! What one codec's writer is: pictures by a plan into bytes.

use crate::{Format, Picture};

/// A codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    Hevc,
    /// AOMedia AV1.
    Av1,
}

/// What the code values mean, by the numbers of ITU-T H.273.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    /// ColourPrimaries; 2 is unspecified.
    pub primaries: u8,
    /// TransferCharacteristics; 2 is unspecified.
    pub transfer: u8,
    /// MatrixCoefficients; 2 is unspecified.
    pub matrix: u8,
    /// Whether black is 0 and white the largest code value.
    pub full_range: bool,
}

/// What all pictures of a stream have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// The form of every picture.
    pub format: Format,
    /// Pictures a second, as a fraction.
    pub rate: (u32, u32),
    /// What the code values mean; nothing is written where it is not known.
    pub color: Option<Color>,
    /// Width of a pixel against its height.
    pub sample_aspect_ratio: (u16, u16),
    /// The most pictures that a plan refers to in one direction, 1 to 4.
    pub references: usize,
    /// The most pictures that are coded before any one picture and shown after it: 0 where plans come in
    /// display order, 1 with B-frames, 2 where those refer to one between them. Decoders wait as long.
    pub reorders: u32,
    /// Whether every picture is coded [`Quality::Exact`]: lossless needs profiles of its own.
    pub exact: bool,
    /// The level to state, by the codec's own number (level_idc, general_level_idc, seq_level_idx); none
    /// is chosen by size and rate.
    pub level: Option<u8>,
}

impl Stream {
    /// The most pictures that are kept for reference at any time, between two pictures: what a decoder
    /// must have room for, beside the one that it decodes.
    pub const fn kept(&self) -> usize {
        crate::gop::kept(self.references, self.reorders > 0)
    }
}

/// The kind of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A random access point: nothing after it refers to anything before it. IDR in H.264 and HEVC, a
    /// key frame in AV1.
    Key,
    /// Refers to nothing, but ends nothing.
    Intra,
    /// Refers to pictures before it.
    P,
    /// Refers to pictures before and after it.
    B,
}

/// How one picture is coded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its kind.
    pub kind: Kind,
    /// Its place in display order, counted from the last key picture, which is 0. Pictures shown before
    /// their turn in coded order are how B-frames come to be.
    pub order: u32,
    /// Whether a later plan refers to it.
    pub kept: bool,
    /// Whether a decoder shows it now. AV1 codes a picture that B-frames refer to before its time, hidden,
    /// and [shows](Coder::show) it later; in H.264 and HEVC this is always true.
    pub shown: bool,
    /// The pictures before it that it refers to, by `order`, nearest first. Empty for intra pictures.
    pub past: Vec<u32>,
    /// The pictures after it that it refers to, by `order`, nearest first. For B only.
    pub future: Vec<u32>,
    /// Kept pictures, by `order`, that no plan after this one refers to. The writer forgets them once this
    /// picture is coded, and says so in the stream where the codec wants it said.
    pub forget: Vec<u32>,
}

/// How well a picture is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// The decoder gets back the very samples. Needs [`Stream::exact`].
    Exact,
    /// The codec's quantiser: 0 to 51 for H.264 and HEVC (10 bits add their offset inside), 0 to 255
    /// (base_q_idx) for AV1, where 0 is taken as 1. Larger means fewer bits.
    Quantizer(u8),
}

/// A coded picture that is not part of the stream yet.
#[derive(Clone, Debug)]
pub struct Coded {
    /// H.264 and HEVC: NAL units in Annex B form, without parameter sets. AV1: OBUs without temporal
    /// delimiter and sequence header.
    pub bytes: Vec<u8>,
    /// What a decoder makes of it.
    pub decoded: Picture,
    /// The same before cropping, in whole blocks: later pictures are predicted from the hidden samples too.
    /// Without samples in AV1, where prediction sees no more than what is shown.
    pub(crate) whole: Picture,
}

/// One codec's writer.
pub trait Coder: Send {
    /// Parameter sets in Annex B form (VPS, SPS, PPS), or AV1's sequence header OBU.
    fn headers(&self) -> Vec<u8>;

    /// Codes a picture. Changes nothing: it may be called again for another quality.
    ///
    /// The same plan and the pictures committed before give the same bytes.
    fn encode(&self, picture: &Picture, plan: &Plan, quality: Quality) -> Coded;

    /// Takes a coded picture as the next one in the stream.
    fn commit(&mut self, plan: &Plan, coded: &Coded);

    /// AV1: the bytes (a frame header OBU with show_existing_frame) that show a hidden picture. Empty for
    /// the others.
    fn show(&self, order: u32) -> Vec<u8>;
}
