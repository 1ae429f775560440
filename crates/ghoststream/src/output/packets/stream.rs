//! What the caller holds: a stream of packets.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;

use super::{Packet, Queue, Track};

/// The packets of an [`Output::Packets`](crate::Output::Packets), interleaved by decoding time: pictures are
/// track 0, sound follows. The first picture is a key frame. Where a track is late by more than half a second the
/// others do not wait for it; within a track the order is always that of decoding.
///
/// What waits to be read is bounded by [`PacketOptions`](crate::PacketOptions), which also say what becomes of
/// packets that find no room. Packets of an output that nobody reads are let go once the stream is dropped;
/// [`Pipeline::remove_output`](crate::Pipeline::remove_output) ends the output itself.
#[derive(Debug)]
pub struct PacketStream {
    queue: Arc<Queue>,
}

impl PacketStream {
    /// The one stream of an output; nothing where somebody has it already.
    pub(crate) fn take(queue: &Arc<Queue>) -> Option<Self> {
        queue.take().then(|| Self { queue: Arc::clone(queue) })
    }

    /// What a decoder must know of each track before its first packet.
    pub fn tracks(&self) -> &[Track] {
        self.queue.tracks()
    }

    /// The next packet; `None` once the pipeline has ended or the output was removed, and all were taken.
    ///
    /// Cancelling it loses nothing.
    pub async fn next(&mut self) -> Option<Packet> {
        std::future::poll_fn(|context| self.queue.poll(context)).await
    }

    /// The same for threads: blocks until there is a packet.
    pub fn recv(&mut self) -> Option<Packet> {
        loop {
            if let Poll::Ready(next) = self.queue.wait(Duration::from_secs(3600)) {
                return next;
            }
        }
    }

    /// The same for so long at most: [`Poll::Pending`] when none came in that time.
    pub fn wait(&mut self, most: Duration) -> Poll<Option<Packet>> {
        self.queue.wait(most)
    }

    /// Pictures that were dropped so far because they found no room.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }
}

impl Stream for PacketStream {
    type Item = Packet;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Packet>> {
        self.queue.poll(context)
    }
}

impl Drop for PacketStream {
    fn drop(&mut self) {
        self.queue.leave();
    }
}
