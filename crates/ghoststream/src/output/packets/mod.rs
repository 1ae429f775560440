//! Encoded packets for the caller.
//!
//! Packets come interleaved by decoding time, as every sink gets them, and wait for the caller in one queue,
//! bounded in packets and bytes. Their bytes are those that all outputs share, unless lengths were asked for.

mod packet;
mod queue;
mod stream;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::bitstream::Form;
use crate::encode;
use crate::output::{Context, OutputError, Sink};
use crate::stats::OutputReport;
use crate::{ConfigError, MediaTime, PacketFormat, PacketOptions};

pub use packet::{Media, Packet, Track};
pub(crate) use queue::Queue;
pub use stream::PacketStream;

/// Whether the options can be used.
pub(super) fn check(options: &PacketOptions) -> Result<(), ConfigError> {
    match options.most_packets {
        2..=65536 => Ok(()),
        other => Err(ConfigError::new("most-packets", other, "2 to 65536")),
    }
}

/// An output to the caller, and what the caller reads from.
pub(super) fn open(
    options: PacketOptions,
    tracks: &[encode::Track],
    context: &Context,
) -> Result<(PacketSink, Arc<Queue>), OutputError> {
    let described = tracks.iter().map(|it| Track::of(it, options.format)).collect::<Result<Vec<_>, _>>()?;
    let queue = Arc::new(Queue::new(options, described));
    let sink = PacketSink {
        queue: Arc::clone(&queue),
        format: options.format,
        forms: tracks.iter().map(|it| form(it, options.format)).collect(),
        stopping: Arc::clone(&context.stopping),
        bytes: 0,
        span: None,
    };
    Ok((sink, queue))
}

/// How a track's packets become what the caller wants.
fn form(track: &encode::Track, format: PacketFormat) -> Form {
    match format {
        PacketFormat::AnnexB => Form::Same,
        PacketFormat::LengthPrefixed => {
            Form::of(track.parameters.fields().codec_id, track.parameters.extradata())
        }
    }
}

/// Hands packets to the queue.
pub(super) struct PacketSink {
    queue: Arc<Queue>,
    format: PacketFormat,
    /// For each track.
    forms: Vec<Form>,
    /// The pipeline is being stopped.
    stopping: Arc<AtomicBool>,
    bytes: u64,
    /// When the first and the last picture are shown, and how long.
    span: Option<(MediaTime, MediaTime)>,
}

impl PacketSink {
    fn packet(&mut self, packet: &encode::Packet) -> Result<Packet, OutputError> {
        let mut begins = None;
        if let Some(track) = &packet.begins {
            begins = Some(Arc::new(Track::of(track, self.format)?));
            if let Some(it) = self.forms.get_mut(packet.track) {
                *it = form(track, self.format);
            }
        }
        let payload = match self.forms.get(packet.track) {
            None | Some(Form::Same) => packet.payload.clone(),
            Some(form) => {
                let mut own = Vec::with_capacity(packet.data().len() + 16);
                form.append(packet.data(), &mut own);
                packet.payload.with_bytes(own)
            }
        };
        Ok(Packet::new(packet, payload, begins))
    }
}

impl Sink for PacketSink {
    fn write(&mut self, packet: &encode::Packet) -> Result<(), OutputError> {
        let own = self.packet(packet)?;
        self.bytes += own.data().len() as u64;
        if packet.track == 0 {
            let first = self.span.map_or(packet.pts, |it| it.0);
            self.span = Some((first, packet.pts + packet.duration));
        }
        self.queue.push(own, &self.stopping);
        Ok(())
    }

    fn idle(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        self.queue.end();
        Ok(())
    }

    fn report(&self) -> OutputReport {
        let seconds = self.span.map_or(0.0, |(first, end)| end.as_secs_f64() - first.as_secs_f64());
        let dropped = self.queue.dropped();
        OutputReport { bytes: self.bytes, seconds, dropped, ..OutputReport::default() }
    }
}

impl Drop for PacketSink {
    /// Nobody waits for packets of a thread that panicked.
    fn drop(&mut self) {
        self.queue.end();
    }
}
