//! What the camera knows of those who look, and what it sends them when.
#![allow(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ghoststream_pod::Object;
use pipewire as pw;

use crate::buffer::{Buffer, Chunk};
use crate::convert::Converter;
use crate::format::Plane;
use crate::negotiation::{Answer, Negotiation};
use crate::node::{Plan, Ready};
use crate::pool::Pool;
use crate::shared::{Agreed, Shared, Shown, count};
use crate::{Cards, Input, Memory, Pixels, pool};

/// Without a picture for so long those who look get the still card.
const STILL_AFTER: Duration = Duration::from_secs(1);
/// Without a free buffer for so long, new ones are asked for.
const STARVED_AFTER: Duration = Duration::from_secs(1);

pub(crate) struct State {
    input: Input,
    cards: Cards,
    pub(crate) shared: Arc<Shared>,
    converter: Option<Converter>,
    pub(crate) negotiation: Negotiation,
    /// Least time between two pictures, nanoseconds; none where all are sent.
    interval: Option<i64>,
    /// When the next picture is due, where they are thinned; `None` at once.
    due: Option<i64>,
    /// Whether a still card was the last thing that was sent.
    still: bool,
    /// When something was sent, a picture came that found no buffer, or somebody began to look.
    last: Instant,
    /// Whether a picture was ever shown.
    pub(crate) began: bool,
    number: u64,
    /// The time of what was sent last.
    pts: i64,
    /// Since when no buffer was to be had.
    starved: Option<Instant>,
    /// How long that may last.
    patience: Duration,
    pub(crate) ready: Option<Ready>,
    pub(crate) error: Option<String>,
}

impl State {
    pub(crate) fn new(plan: &Plan, shared: &Arc<Shared>, ready: Option<Ready>, began: bool) -> Self {
        Self {
            input: plan.input,
            cards: plan.cards.clone(),
            shared: Arc::clone(shared),
            converter: None,
            negotiation: Negotiation::new(plan.input, plan.dmabufs.clone().map(Pool::new)),
            interval: None,
            due: None,
            still: false,
            last: Instant::now(),
            began,
            number: 0,
            pts: 0,
            starved: None,
            patience: STARVED_AFTER,
            ready,
            error: None,
        }
    }

    pub(crate) fn changed(&mut self, stream: &pw::stream::Stream, new: &pw::stream::StreamState) {
        use pw::stream::StreamState::{Paused, Streaming};
        if matches!(new, Paused | Streaming) {
            self.shared.set_node(Some(stream.node_id()));
            if let Some(ready) = self.ready.take() {
                let _ = ready.send(Ok(()));
            }
        }
        let streaming = matches!(new, Streaming);
        let before = self.shared.watched.swap(streaming, Ordering::AcqRel);
        if streaming && !before {
            count(&self.shared.counters.opened);
            self.last = Instant::now();
            (self.due, self.still) = (None, false);
            (self.starved, self.patience) = (None, STARVED_AFTER);
        }
        if !streaming {
            drop(self.shared.take());
        }
    }

    /// Gets ready for a format, or for none. Returns what buffers it needs, or what is offered instead.
    pub(crate) fn agree(&mut self, format: Option<&[u8]>) -> Result<Vec<Object>, String> {
        self.converter = None;
        self.negotiation.forget();
        self.shared.set_agreed(None);
        let Some(format) = format else { return Ok(Vec::new()) };
        let agreed = match self.negotiation.agree(format)? {
            Answer::Agreed(agreed) => agreed,
            Answer::Instead(formats) => return Ok(formats),
        };
        self.converter = Some(Converter::new(&self.input, agreed)?);
        self.interval = interval(self.input.rate, agreed.rate);
        self.shared.set_agreed(Some(agreed));
        Ok(pool::buffers(&agreed, self.negotiation.maker()))
    }

    /// Sends the picture that waits.
    pub(crate) fn show_next(&mut self, stream: &pw::stream::Stream) {
        let Some((picture, pts)) = self.shared.take() else { return };
        (self.began, self.still) = (true, false);
        if !self.shared.is_watched() {
            return count(&self.shared.counters.unwatched);
        }
        if !self.is_due(pts) {
            return count(&self.shared.counters.thinned);
        }
        match self.send(stream, &(picture, pts)) {
            Ok(bytes) => {
                self.shared.counters.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
                count(&self.shared.counters.shown);
                if self.negotiation.is_in_dmabufs() {
                    count(&self.shared.counters.in_dmabufs);
                }
            }
            Err(reason) => {
                tracing::debug!(reason, "a picture was dropped");
                count(&self.shared.counters.dropped);
                // The next one will be there before a card would be of use.
                if self.starved.is_some() {
                    self.last = Instant::now();
                }
            }
        }
    }

    /// Whether there ever was a picture, be it one that was not made since nobody looked.
    fn has_begun(&self) -> bool {
        self.began || self.shared.counters.unwatched.load(Ordering::Relaxed) > 0
    }

    /// Sends the still card where no picture came for long.
    pub(crate) fn show_card(&mut self, stream: &pw::stream::Stream) {
        let began = self.has_begun();
        let patience = if began && !self.still { STILL_AFTER } else { Duration::ZERO };
        if !self.shared.is_watched() || self.last.elapsed() < patience {
            return;
        }
        let card = if began { &self.cards.paused } else { &self.cards.waiting };
        let shown = (Arc::clone(card), clock(libc::CLOCK_MONOTONIC));
        if self.send(stream, &shown).is_ok() {
            count(&self.shared.counters.cards);
        }
        (self.due, self.still) = (None, true);
    }

    /// Whether a picture is not one too many for the agreed rate.
    fn is_due(&mut self, pts: i64) -> bool {
        let Some(interval) = self.interval else { return true };
        // Half of a source's period early is nearer than half a period late.
        let tolerance = 500_000_000 * i64::from(self.input.rate.1) / i64::from(self.input.rate.0);
        let due = self.due.unwrap_or(pts);
        if pts < due - tolerance {
            return false;
        }
        let on_time = pts - due < interval;
        self.due = Some(if on_time { due } else { pts } + interval);
        true
    }

    /// Whether no buffer has come back for long, or no such buffers could be made. The next time it takes twice as long:
    /// whoever never gives one back would else have everybody agree on formats without end.
    pub(crate) fn needs_buffers(&mut self) -> bool {
        let needs = self.starved.is_some_and(|since| since.elapsed() > self.patience);
        if needs {
            self.starved = None;
            self.patience *= 2;
        }
        needs
    }

    /// Converts a picture into a free buffer, and has PipeWire's graph take it. Returns its length.
    fn send(&mut self, stream: &pw::stream::Stream, (picture, pts): &Shown) -> Result<usize, String> {
        let agreed = self.negotiation.agreed().ok_or("no format is agreed on")?;
        let Some(mut buffer) = Buffer::take(stream) else {
            // Buffers come back in a cycle, and the driver starts it.
            let _ = stream.trigger_process();
            self.starved.get_or_insert_with(Instant::now);
            return Err("no buffer is free".into());
        };
        self.starved = None;
        let before = clock(libc::CLOCK_THREAD_CPUTIME_ID);
        let converted = self.fill(&mut buffer, &**picture);
        let took = u64::try_from(clock(libc::CLOCK_THREAD_CPUTIME_ID) - before).unwrap_or(0);
        self.shared.counters.converting.fetch_add(took, Ordering::Relaxed);
        match converted {
            Ok(length) => {
                self.number += 1;
                // A still card may be younger than the picture after it, which took its time to be made.
                self.pts = (*pts).max(self.pts + 1);
                buffer.send(chunks(&agreed, length), self.pts, self.number);
                self.last = Instant::now();
            }
            Err(_) => buffer.give_back(),
        }
        let _ = stream.trigger_process();
        converted
    }

    /// Converts a picture into a buffer's memory. Returns its length.
    fn fill(&mut self, buffer: &mut Buffer, picture: &dyn Pixels) -> Result<usize, String> {
        let converter = self.converter.as_mut().ok_or("no format is agreed on")?;
        match self.negotiation.memory(buffer.raw()) {
            Some(memory) => memory
                .write(|bytes| converter.convert(picture, bytes))
                .map_err(|error| format!("a DMA-BUF cannot be written: {error}"))?,
            None => converter.convert(picture, buffer.bytes()),
        }
    }
}

/// What of a picture lies in which block.
fn chunks(agreed: &Agreed, length: usize) -> impl Iterator<Item = Chunk> {
    let layout = agreed.layout();
    let whole = match layout.stride() {
        0 => length,
        stride => stride,
    };
    let whole = Chunk { offset: 0, bytes: length, stride: whole };
    let plane = |(plane, bytes): (Plane, usize)| Chunk { offset: plane.offset, bytes, stride: plane.stride };
    let chunks: Vec<Chunk> = match agreed.memory {
        Memory::Shared => vec![whole],
        Memory::DmaBuf => layout.spans().map(plane).collect(),
    };
    chunks.into_iter()
}

/// Least time between pictures where the agreed rate is slower than the camera's.
fn interval(own: (u32, u32), agreed: (u32, u32)) -> Option<i64> {
    let slower = u64::from(agreed.0) * u64::from(own.1) < u64::from(own.0) * u64::from(agreed.1);
    slower.then(|| 1_000_000_000 * i64::from(agreed.1) / i64::from(agreed.0))
}

/// Nanoseconds of a clock.
fn clock(which: libc::clockid_t) -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock exists everywhere, and the time is ours to write.
    unsafe { libc::clock_gettime(which, &raw mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Format;
    use ghoststream_picture::Size;

    #[test]
    fn planes_in_dmabufs_are_told_one_by_one() {
        let told = |format, memory, length| -> Vec<_> {
            let agreed = Agreed { format, size: Size::new(640, 360), rate: (30, 1), memory };
            chunks(&agreed, length).map(|it| (it.offset, it.bytes, it.stride)).collect()
        };
        let nv12 = 640 * 360 * 3 / 2;
        assert_eq!(told(Format::Nv12, Memory::Shared, nv12), [(0, nv12, 640)]);
        assert_eq!(told(Format::Mjpeg, Memory::Shared, 999), [(0, 999, 999)]);
        let luma = 768 * 360;
        assert_eq!(told(Format::Nv12, Memory::DmaBuf, 0), [(0, luma, 768), (luma, luma / 2, 768)]);
        assert_eq!(told(Format::Bgrx, Memory::DmaBuf, 0), [(0, 2560 * 360, 2560)]);
        assert_eq!(told(Format::I420, Memory::DmaBuf, 0).len(), 3);
    }
}
