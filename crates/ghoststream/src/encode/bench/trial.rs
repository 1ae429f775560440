//! The two runs of an encoder that is open.

use std::time::{Duration, Instant};

use super::Figures;
use super::pictures::Pictures;
use crate::encode::{EncodeError, Encoder, Frame, Opened, Packet};
use crate::stats::{Histogram, Percentiles};
use crate::{MediaTime, Timestamp};

/// As fast as it goes.
pub(super) fn flat_out(
    mut opened: Opened,
    pictures: &Pictures,
    fps: f64,
    length: Duration,
) -> Result<Figures, EncodeError> {
    let mut packets = Vec::new();
    let (mut bytes, mut count) = (0, 0);
    let (start, cpu) = (Instant::now(), cpu_time());
    while start.elapsed() < length || count == 0 {
        let frame = frame(&opened, pictures, count, fps)?;
        opened.encoder.encode(frame, &mut packets)?;
        bytes += take(&mut packets);
        count += 1;
    }
    opened.encoder.flush(&mut packets)?;
    bytes += take(&mut packets);
    let (elapsed, cpu) = (start.elapsed(), cpu_time().saturating_sub(cpu));
    let each = count as f64;
    Ok(Figures {
        pictures: count,
        fps: each / elapsed.as_secs_f64(),
        cpu_ms: cpu.as_secs_f64() * 1e3 / each,
        kbps: bytes as f64 * 8.0 / 1e3 / each * fps,
        latency: None,
    })
}

/// At the rate of a recording.
pub(super) fn at_rate(
    mut opened: Opened,
    pictures: &Pictures,
    fps: f64,
    length: Duration,
) -> Result<Percentiles, EncodeError> {
    let latency = Histogram::default();
    let mut packets = Vec::new();
    let start = Instant::now();
    let count = (length.as_secs_f64() * fps).ceil().max(1.0) as u64;
    for index in 0..count {
        let due = start + Duration::from_secs_f64(index as f64 / fps);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let frame = frame(&opened, pictures, index, fps)?;
        opened.encoder.encode(frame, &mut packets)?;
        note(&mut packets, &latency);
    }
    end(&mut *opened.encoder, &mut packets, &latency)?;
    Ok(latency.percentiles())
}

/// What an encoder still holds at the end comes out sooner than it would have: it counts only where
/// nothing came out before.
fn end(encoder: &mut dyn Encoder, packets: &mut Vec<Packet>, latency: &Histogram) -> Result<(), EncodeError> {
    encoder.flush(packets)?;
    if latency.percentiles() == Percentiles::default() {
        note(packets, latency);
    }
    Ok(())
}

fn frame(opened: &Opened, pictures: &Pictures, index: u64, fps: f64) -> Result<Frame, EncodeError> {
    let shared = pictures.at(index).share();
    let picture = shared.map_err(|source| EncodeError::Failed { encoder: opened.name, source })?;
    let pts = MediaTime::from_nanos((index as f64 * 1e9 / fps).round() as i64);
    Ok(Frame { pts, picture: picture.into(), arrived: Timestamp::now() })
}

fn note(packets: &mut Vec<Packet>, latency: &Histogram) {
    for packet in packets.drain(..) {
        if let Some(arrived) = packet.arrived {
            latency.record(packet.encoded.since(arrived));
        }
    }
}

/// Takes packets away and counts their bytes.
fn take(packets: &mut Vec<Packet>) -> u64 {
    packets.drain(..).map(|it| it.data().len() as u64).sum()
}

/// CPU time of this process, all threads.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
