//! The capture stream: from PipeWire's data thread into the ring.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use pipewire as pw;
use pw::properties::properties;
use pw::spa::param::audio::{AudioFormat, AudioInfoRaw};
use pw::spa::pod::Pod;
use pw::stream::{StreamFlags, StreamListener, StreamRc, StreamState};

use super::super::ring::{Header, Live, Writer};
use super::super::{AudioError, CHANNELS, RATE};
use super::cycle::Cycle;
use crate::Timestamp;

/// More samples than this missing from the source's count, in samples, are a hole: 3 ms. Less is the
/// resampler's rounding.
const HOLE: i64 = 144;

/// The ring's writer, which outlives a connection. Only one stream uses it at a time: the callback
/// never waits for the lock, and holds it alone.
#[derive(Clone)]
pub(super) struct Shared {
    writer: Arc<Mutex<Writer>>,
    live: Live,
}

impl Shared {
    pub(super) fn new(writer: Writer) -> Self {
        let live = writer.live();
        Self { writer: Arc::new(Mutex::new(writer)), live }
    }
}

/// A stream that takes stereo at [`RATE`] from whatever is linked to it.
pub(super) struct Stream {
    // The listener goes before the stream it listens to.
    _listener: StreamListener<()>,
    stream: StreamRc,
    streaming: Rc<Cell<bool>>,
    fresh: Arc<AtomicBool>,
    cycle: Arc<Cycle>,
    live: Live,
}

impl Stream {
    pub(super) fn connect(core: &pw::core::CoreRc, shared: Shared) -> Result<Self, AudioError> {
        let refused = |error: pw::Error| AudioError::NoPipeWire { reason: error.to_string() };
        let properties = properties! {
            *pw::keys::MEDIA_TYPE => "Audio",
            *pw::keys::MEDIA_CATEGORY => "Capture",
            *pw::keys::MEDIA_ROLE => "Production",
            *pw::keys::NODE_NAME => "ghoststream-audio",
            *pw::keys::NODE_DESCRIPTION => "GhostStream recording",
            // We make the links; without any, nothing shall drive us.
            *pw::keys::NODE_AUTOCONNECT => "false",
            "node.want-driver" => "false",
        };
        let stream = StreamRc::new(core.clone(), "GhostStream", properties).map_err(refused)?;
        let streaming = Rc::new(Cell::new(false));
        let fresh = Arc::new(AtomicBool::new(true));
        let live = shared.live.clone();
        let cycle = Arc::new(Cycle::default());
        let told =
            Told { streaming: Rc::clone(&streaming), fresh: Arc::clone(&fresh), cycle: Arc::clone(&cycle) };
        let listener = listen(&stream, shared, told).map_err(refused)?;
        let format = format();
        let pod = Pod::from_bytes(&format)
            .ok_or_else(|| AudioError::NoPipeWire { reason: "its own format cannot be read".into() })?;
        stream
            .connect(
                pw::spa::utils::Direction::Input,
                None,
                StreamFlags::MAP_BUFFERS | StreamFlags::RT_PROCESS,
                &mut [pod],
            )
            .map_err(refused)?;
        Ok(Self { _listener: listener, stream, streaming, fresh, cycle, live })
    }

    /// Our node, once the daemon knows it.
    pub(super) fn node(&self) -> Option<u32> {
        let id = self.stream.node_id();
        (id != pw::constants::ID_ANY).then_some(id)
    }

    /// Another source goes on: what comes next has nothing to do with what came.
    pub(super) fn renew(&self) {
        self.fresh.store(true, Ordering::Release);
    }

    /// Says which nodes are sinks, and which of them is recorded by its monitor.
    pub(super) fn set_sinks(&self, sinks: impl Iterator<Item = u32>, monitored: Option<u32>) {
        self.cycle.set_sinks(sinks, monitored);
    }

    /// Tells the track whether sound is on its way, which it is when something is `linked`.
    pub(super) fn tell(&self, linked: bool) {
        self.live.set(linked && self.streaming.get());
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.live.set(false);
        // It may be gone with its daemon already.
        let _ = self.stream.disconnect();
    }
}

/// What the callbacks are told, and tell.
struct Told {
    streaming: Rc<Cell<bool>>,
    fresh: Arc<AtomicBool>,
    cycle: Arc<Cycle>,
}

fn listen(stream: &StreamRc, shared: Shared, told: Told) -> Result<StreamListener<()>, pw::Error> {
    let Told { streaming, fresh, cycle } = told;
    let (restarted, areas) = (Arc::clone(&fresh), Arc::clone(&cycle));
    let mut count = Count::default();
    stream
        .add_local_listener::<()>()
        .io_changed(move |_, (), id, area, size| areas.io_changed(id, area, size))
        .state_changed(move |_, (), _, new| {
            let runs = new == StreamState::Streaming;
            if runs {
                restarted.store(true, Ordering::Release);
            }
            streaming.set(runs);
        })
        .process(move |stream, ()| {
            let Ok(time) = stream.time() else { return };
            while let Some(mut buffer) = stream.dequeue_buffer() {
                let Some(data) = buffer.datas_mut().first_mut() else { continue };
                let (offset, size) = (data.chunk().offset() as usize, data.chunk().size() as usize);
                let Some(bytes) = data.data().and_then(|data| data.get(offset..offset.checked_add(size)?))
                else {
                    continue;
                };
                let (samples, _) = bytes.as_chunks::<4>();
                let frames = samples.len() / CHANNELS;
                let now = Now {
                    time: time.now(),
                    ticks: time.ticks(),
                    rate: (time.rate().num, time.rate().denom),
                    delay: time
                        .delay()
                        .saturating_add(i64::try_from(time.buffered()).unwrap_or(0))
                        .saturating_sub(cycle.heard_after()),
                };
                let Some(header) = count.block(now, frames, fresh.swap(false, Ordering::AcqRel)) else {
                    continue;
                };
                // Never contended: the thread that made us does not use it while we run.
                if let Ok(mut writer) = shared.writer.try_lock() {
                    let samples = &samples[..frames * CHANNELS];
                    writer.push(header, samples.iter().map(|bytes| f32::from_le_bytes(*bytes)));
                }
            }
        })
        .register()
}

/// What PipeWire says of one cycle.
#[derive(Clone, Copy, Debug)]
struct Now {
    /// When the cycle began, nanoseconds of CLOCK_MONOTONIC.
    time: i64,
    /// The driver's count then.
    ticks: u64,
    /// Seconds of a tick, as a fraction.
    rate: (u32, u32),
    /// How long before that the first sample was captured, in ticks.
    delay: i64,
}

/// Counts samples, with those that the driver counted and that never came.
#[derive(Debug, Default)]
struct Count {
    /// The position of the next block.
    next: u64,
    /// What the driver's count must be moved by to be ours; nothing before the first block.
    offset: Option<i64>,
}

impl Count {
    /// Where a block of so many samples belongs. Nothing for a block without samples or time.
    fn block(&mut self, now: Now, frames: usize, fresh: bool) -> Option<Header> {
        let (num, denom) = now.rate;
        if frames == 0 || num == 0 || denom == 0 || now.time <= 0 {
            return None;
        }
        let to_samples =
            |ticks: i64| (i128::from(ticks) * i128::from(num) * i128::from(RATE) / i128::from(denom)) as i64;
        let counted = to_samples(i64::try_from(now.ticks).ok()?);
        let mut fresh = fresh || self.offset.is_none();
        if let (false, Some(offset)) = (fresh, self.offset) {
            let missing = counted.wrapping_add(offset).wrapping_sub(self.next as i64);
            if missing > HOLE {
                self.next = self.next.saturating_add(missing as u64);
            } else if missing < -HOLE {
                fresh = true;
            }
        }
        if fresh {
            self.offset = Some((self.next as i64).wrapping_sub(counted));
        }
        let delay = i128::from(now.delay) * i128::from(num) * 1_000_000_000 / i128::from(denom);
        let time = Timestamp::from_nanos(now.time).offset(-i64::try_from(delay).ok()?);
        let header = Header { position: self.next, time, fresh };
        self.next += frames as u64;
        Some(header)
    }
}

/// 32-bit float, stereo, [`RATE`]: PipeWire converts whatever the source has.
fn format() -> Vec<u8> {
    let mut info = AudioInfoRaw::new();
    info.set_format(AudioFormat::F32LE);
    info.set_rate(RATE);
    info.set_channels(CHANNELS as u32);
    let mut position = [0; pw::spa::param::audio::MAX_CHANNELS];
    position[0] = pw::spa::sys::SPA_AUDIO_CHANNEL_FL;
    position[1] = pw::spa::sys::SPA_AUDIO_CHANNEL_FR;
    info.set_position(position);
    let object = pw::spa::pod::Object {
        type_: pw::spa::utils::SpaTypes::ObjectParamFormat.as_raw(),
        id: pw::spa::param::ParamType::EnumFormat.as_raw(),
        properties: info.into(),
    };
    let value = pw::spa::pod::Value::Object(object);
    let writer = std::io::Cursor::new(Vec::new());
    pw::spa::pod::serialize::PodSerializer::serialize(writer, &value)
        .map(|(cursor, _)| cursor.into_inner())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(ticks: u64, rate: u32) -> Now {
        Now { time: 1_000_000_000, ticks, rate: (1, rate), delay: 0 }
    }

    #[test]
    fn blocks_follow_on_one_another() {
        let mut count = Count::default();
        let mut header = |ticks, frames| count.block(now(ticks, 44_100), frames, false).unwrap();
        assert!(header(5_000, 1114).fresh);
        // 1024 ticks of 44.1 kHz are 1114.55 samples: the resampler gives 1114 or 1115.
        let second = header(6_024, 1115);
        assert_eq!((second.position, second.fresh), (1114, false));
        assert_eq!(header(7_048, 1114).position, 2229);
    }

    #[test]
    fn a_cycle_that_was_lost_leaves_a_hole() {
        let mut count = Count::default();
        count.block(now(0, 48_000), 1024, false);
        let header = count.block(now(3072, 48_000), 1024, false).unwrap();
        assert_eq!((header.position, header.fresh), (3072, false));
    }

    #[test]
    fn a_count_that_goes_back_is_another_source() {
        let mut count = Count::default();
        count.block(now(100_000, 48_000), 1024, false);
        let header = count.block(now(50, 48_000), 1024, false).unwrap();
        assert_eq!((header.position, header.fresh), (1024, true));
        assert!(!count.block(now(1074, 48_000), 1024, false).unwrap().fresh);
    }

    #[test]
    fn the_delay_is_taken_off() {
        let delayed = Now { delay: 480, ..now(0, 48_000) };
        let header = Count::default().block(delayed, 64, false).unwrap();
        assert_eq!(header.time.as_nanos(), 990_000_000);
    }

    #[test]
    fn nonsense_is_left_out() {
        let mut count = Count::default();
        assert_eq!(count.block(now(0, 0), 1024, false), None);
        assert_eq!(count.block(now(0, 48_000), 0, false), None);
        assert_eq!(count.block(now(u64::MAX, 48_000), 64, false), None);
        // A delay that no clock can have is no reason to panic.
        count.block(Now { delay: i64::MIN, ..now(0, 48_000) }, 64, false);
    }
}
