//! Pictures for the caller's code, before any encoder.

mod queue;
mod stream;

pub(crate) use queue::FramesQueue;
pub use stream::{FrameStream, VideoFrame};

use ghoststream_camera::Audience;

use super::{OutputError, PictureOffer, PictureSink};
use crate::encode::{Frame, InputSpec};
use crate::stats::OutputReport;
use crate::{Color, ColorRange, ConfigError, PixelFormat};

/// What a caller can have.
const FORMATS: [PixelFormat; 5] =
    [PixelFormat::Nv12, PixelFormat::I420, PixelFormat::P010, PixelFormat::Bgrx, PixelFormat::Rgbx];

/// Whether pictures can be had in this format.
pub(super) fn check(format: PixelFormat) -> Result<(), ConfigError> {
    if FORMATS.contains(&format) {
        return Ok(());
    }
    Err(ConfigError::new("frames", format!("{format:?}"), format!("one of {FORMATS:?}")))
}

/// Puts pictures into the queue that the caller's [`FrameStream`] takes them from.
pub(super) struct FramesSink {
    input: InputSpec,
    queue: FramesQueue,
}

impl FramesSink {
    pub(super) fn new(format: PixelFormat, offer: &PictureOffer, queue: FramesQueue) -> Self {
        let range = if format.is_yuv() { offer.color.range } else { ColorRange::Full };
        let input = InputSpec { format, size: offer.size, color: Color { range, ..offer.color } };
        Self { input, queue }
    }
}

impl PictureSink for FramesSink {
    fn input(&self) -> InputSpec {
        self.input
    }

    fn show(&mut self, frame: &Frame) -> Result<(), OutputError> {
        let Some(picture) = frame.picture.memory() else { return Ok(()) };
        let no_memory = |source| OutputError::Mux { what: "taking another reference to a picture", source };
        let picture = picture.share().map_err(no_memory)?;
        self.queue.push(VideoFrame::new(frame.pts, frame.arrived, picture, self.input));
        Ok(())
    }

    /// The caller may ask for the next picture at any time.
    fn audience(&self) -> Option<Audience> {
        None
    }

    /// The end of the stream is the caller's to know.
    fn stays(&self) -> bool {
        false
    }

    /// Nothing waits here.
    fn idle(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        self.queue.end();
        Ok(())
    }

    /// What it was given is told for every output that takes pictures.
    fn report(&self) -> OutputReport {
        OutputReport::default()
    }
}

impl Drop for FramesSink {
    /// Whoever waits for a picture learns that none comes, also after a panic.
    fn drop(&mut self) {
        self.queue.end();
    }
}
