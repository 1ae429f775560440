//! What the caller holds: a stream of pictures.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;

use super::FramesQueue;
use crate::av::Picture;
use crate::encode::InputSpec;
use crate::{Color, MediaTime, PixelFormat, Size, Timestamp};

/// The pictures of an [`Output::Frames`](crate::Output::Frames), in order.
///
/// At most four wait to be taken. Whoever takes them too slowly loses the oldest, which is counted
/// ([`dropped`](Self::dropped)), and holds up nobody else. It is a [`Stream`], and can be waited on by a thread.
#[derive(Clone, Debug)]
pub struct FrameStream {
    queue: FramesQueue,
}

impl FrameStream {
    pub(crate) const fn new(queue: FramesQueue) -> Self {
        Self { queue }
    }

    /// The next picture; `None` once the pipeline has ended, or the output was removed.
    ///
    /// Cancelling it loses nothing.
    pub async fn next(&mut self) -> Option<VideoFrame> {
        std::future::poll_fn(|context| self.queue.poll(context)).await
    }

    /// The next picture, for threads: waits for so long at most, and answers [`Poll::Pending`] when none came
    /// in that time.
    pub fn wait(&mut self, timeout: Duration) -> Poll<Option<VideoFrame>> {
        self.queue.wait(timeout)
    }

    /// Pictures that were not taken in time, and dropped.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }
}

impl Stream for FrameStream {
    type Item = VideoFrame;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<VideoFrame>> {
        self.queue.poll(context)
    }
}

/// A picture in memory. It is lent, not copied: its memory is written again once it is dropped, and while many
/// are kept each further picture costs an allocation.
#[derive(Debug)]
pub struct VideoFrame {
    pts: MediaTime,
    arrived: Timestamp,
    picture: Picture,
    spec: InputSpec,
}

impl VideoFrame {
    pub(super) const fn new(pts: MediaTime, arrived: Timestamp, picture: Picture, spec: InputSpec) -> Self {
        Self { pts, arrived, picture, spec }
    }

    /// When it is shown, from the recording's start on: the same time as in every other output.
    pub const fn pts(&self) -> MediaTime {
        self.pts
    }

    /// When its pixels came from the source; when it was repeated, where it was.
    pub const fn arrived(&self) -> Timestamp {
        self.arrived
    }

    /// Pixels across and down.
    pub const fn size(&self) -> Size {
        self.spec.size
    }

    /// How its pixels lie.
    pub const fn format(&self) -> PixelFormat {
        self.spec.format
    }

    /// What its code values mean.
    pub const fn color(&self) -> Color {
        self.spec.color
    }

    /// The bytes of a plane, and from one of its rows to the next; empty for a plane that the format lacks.
    pub fn plane(&self, index: usize) -> (&[u8], usize) {
        if index < self.spec.format.planes() { self.picture.plane(index) } else { (&[], 0) }
    }
}
