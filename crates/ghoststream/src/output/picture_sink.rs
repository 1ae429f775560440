//! Outputs that take pictures and not packets: a camera, the caller's code.

use ghoststream_camera::Audience;

use super::OutputError;
use crate::encode::{Frame, InputSpec};
use crate::stats::OutputReport;
use crate::{Color, Size};

/// An open output that takes pictures. All calls come from one thread of its own, in which it may block for
/// a moment: pictures that come meanwhile are dropped and counted, and nobody else waits.
///
/// Pictures are paced and processed for this output alone, and lie in memory that the CPU reads.
pub(crate) trait PictureSink: Send {
    /// What its pictures have to be like. Asked once, before the first.
    fn input(&self) -> InputSpec;

    /// Shows a picture: `frame.picture.memory()` has it. A reference may be kept
    /// ([`AnyPicture::share`](crate::encode::AnyPicture::share)) and nothing is copied; while more than
    /// eight are kept each further picture costs an allocation.
    fn show(&mut self, frame: &Frame) -> Result<(), OutputError>;

    /// Who looks, where that is known: while nobody does, no pictures are made but the first. `None` where
    /// every picture is wanted. Asked once, before the first.
    fn audience(&self) -> Option<Audience>;

    /// Whether it has something to show when its source has ended. Then it goes on being idle until it, or
    /// the pipeline, is stopped; else it is finished at once.
    fn stays(&self) -> bool;

    /// Nothing came for a while: called at least four times a second.
    fn idle(&mut self) -> Result<(), OutputError>;

    /// The last call, also after one that failed.
    fn finish(&mut self) -> Result<(), OutputError>;

    /// How it went so far.
    fn report(&self) -> OutputReport;
}

/// What pictures an output can have: what its rendition would be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PictureOffer {
    /// As the rendition says, else as the source is; even. Others are made as well.
    pub(crate) size: Size,
    /// Pictures a second; at most so many, at a variable rate.
    pub(crate) fps: f64,
    /// What the code values of Y'CbCr mean.
    pub(crate) color: Color,
}
