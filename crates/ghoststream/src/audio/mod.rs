//! From a PipeWire node to packets of sound.
//!
//! A [`Source`] runs threads of its own and writes blocks, each with the source's own count and a
//! capture time, into a bounded ring. The track's thread takes them out, puts them where they belong
//! in time (the aligner: the source's clock is estimated and its sound resampled by the difference),
//! cuts pauses out to the sample, encodes and hands packets on.

mod align;
mod beep;
mod clock;
#[cfg(test)]
mod decode;
mod encoder;
mod error;
mod pipewire;
mod ring;
#[cfg(test)]
mod simulate;
mod sinc;
mod worker;

use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

pub use error::AudioError;

use crate::encode::{Packet, Track, TrackKind};
use crate::output::OutputError;
use crate::stats::{AudioReport, Journal};
use crate::{AudioCodec, AudioConfig, AudioSource, Container, Timeline, Timestamp};
use encoder::Encoder;
use ring::Writer;
use worker::{Command, Outcome, Worker};

/// Samples a second of everything that is recorded.
const RATE: u32 = 48_000;
/// Channels of everything that is recorded.
const CHANNELS: usize = 2;

/// Where an audio track puts its packets. May block for as long as the outputs are behind: up to four
/// seconds of sound wait meanwhile.
pub(crate) type PacketSink = Box<dyn FnMut(Packet) + Send>;

/// Something that writes into a ring. Dropping it stops and joins its threads.
trait Source: Send {}

/// An audio track that captures, but hands no packets on before [`AudioTrack::start`].
///
/// Its first packet is heard at the timeline's origin, with silence in front where the source comes
/// later; an encoder's look-ahead begins before it, at a negative time, and is in the parameters as
/// `initial_padding`. Dropping a track ends its threads without flushing.
pub(crate) struct AudioTrack {
    // Dropped in this order: the source writes into what the worker reads.
    source: Option<Box<dyn Source>>,
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<Outcome>>,
    track: Track,
    report: AudioReport,
}

impl AudioTrack {
    /// Connects to the source and opens the encoder. A source that is not there yet is no error: it
    /// is silent until it appears, which is noted.
    ///
    /// # Errors
    /// PipeWire does not answer, no encoder works, or a container does not take the codec.
    pub(crate) fn open(
        config: &AudioConfig,
        containers: &[Container],
        timeline: Timeline,
        journal: Journal,
    ) -> Result<Self, AudioError> {
        let codec = choose(config.codec, containers)?;
        let encoder = Encoder::open(codec, config.bitrate_kbps)?;
        let name = config.source.to_string();
        let track = Track {
            kind: TrackKind::Audio { rate: RATE },
            parameters: encoder.parameters()?.into(),
            title: Some(config.title.clone().unwrap_or_else(|| name.clone())),
            language: config.language.clone(),
        };
        let report = AudioReport {
            source: name.clone(),
            codec: format!("{codec} ({})", encoder.name()),
            clock_ppm: 0.0,
            max_skew_ms: 0.0,
            silence_seconds: 0.0,
        };
        let (writer, reader) = ring::ring();
        let source = open_source(&config.source, writer, &journal)?;
        let (commands, orders) = channel();
        let worker = Worker { name, reader, encoder, timeline, journal };
        let thread = std::thread::Builder::new()
            .name("gs-audio".into())
            .spawn(move || worker.run(&orders))
            .map_err(|error| AudioError::Thread { thread: "gs-audio", reason: error.to_string() })?;
        Ok(Self { source: Some(source), commands: Some(commands), thread: Some(thread), track, report })
    }

    /// What a muxer must know.
    pub(crate) fn track(&self) -> Track {
        self.track.clone()
    }

    /// Begins to hand on packets, from the timeline's origin on.
    ///
    /// # Errors
    /// The track's thread is gone.
    pub(crate) fn start(&mut self, sink: PacketSink) -> Result<(), AudioError> {
        let sent = self.commands.as_ref().is_some_and(|it| it.send(Command::Start(sink)).is_ok());
        let gone = || AudioError::Thread { thread: "gs-audio", reason: "it has ended".into() };
        if sent { Ok(()) } else { Err(gone()) }
    }

    /// Hands on everything captured before `until`, flushes the encoder and ends the threads. Sound
    /// that has not come a quarter of a second after `until` is written as silence.
    pub(crate) fn stop(&mut self, until: Timestamp) -> AudioReport {
        if let Some(commands) = self.commands.take() {
            // Where the thread is gone already, join says so.
            let _ = commands.send(Command::Stop(until));
        }
        if let Some(Ok(outcome)) = self.thread.take().map(JoinHandle::join) {
            self.report.clock_ppm = outcome.ppm;
            self.report.max_skew_ms = outcome.max_skew * 1e3;
            self.report.silence_seconds = outcome.silence_seconds;
        }
        self.source = None;
        self.report.clone()
    }
}

impl Drop for AudioTrack {
    fn drop(&mut self) {
        self.source = None;
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn open_source(
    source: &AudioSource,
    writer: Writer,
    journal: &Journal,
) -> Result<Box<dyn Source>, AudioError> {
    match source {
        AudioSource::TestCard => Ok(Box::new(beep::Beeper::start(writer)?)),
        _ => Ok(Box::new(pipewire::Capture::start(source, writer, journal)?)),
    }
}

/// The codec that every container takes: what was asked for, else Opus, or AAC where an MP4 is among
/// them, since not everything that plays MP4 knows Opus.
fn choose(asked: Option<AudioCodec>, containers: &[Container]) -> Result<AudioCodec, AudioError> {
    let web = containers.contains(&Container::WebM);
    let mp4 = containers.contains(&Container::Mp4);
    let codec = asked.unwrap_or(if mp4 && !web { AudioCodec::Aac } else { AudioCodec::Opus });
    if web && codec != AudioCodec::Opus {
        return Err(AudioError::Unsuitable(OutputError::Unsuitable {
            container: Container::WebM,
            codec: codec.to_string(),
            remedy: "take --audio-codec opus, or a .mkv file".into(),
        }));
    }
    Ok(codec)
}

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod live_tests;
#[cfg(test)]
mod track_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codec_fits_every_container() {
        use Container::{Matroska, Mp4, WebM};
        assert_eq!(choose(None, &[Matroska]).unwrap(), AudioCodec::Opus);
        assert_eq!(choose(None, &[]).unwrap(), AudioCodec::Opus);
        assert_eq!(choose(None, &[Matroska, Mp4]).unwrap(), AudioCodec::Aac);
        assert_eq!(choose(None, &[WebM, Mp4]).unwrap(), AudioCodec::Opus);
        assert_eq!(choose(Some(AudioCodec::Flac), &[Matroska]).unwrap(), AudioCodec::Flac);
        let error = choose(Some(AudioCodec::Aac), &[Matroska, WebM]).unwrap_err().to_string();
        assert_eq!(error, "webm does not take aac: take --audio-codec opus, or a .mkv file");
    }
}
