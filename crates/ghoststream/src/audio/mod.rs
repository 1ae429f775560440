//! From a PipeWire node to packets of sound.
//!
//! A [`Source`] runs threads of its own and writes blocks, each with the source's own count and a
//! capture time, into a bounded ring. The track's thread takes them out, puts them where they belong
//! in time (the aligner: the source's clock is estimated and its sound resampled by the difference),
//! cuts pauses out to the sample, encodes and hands packets on. A mix takes the samples of other tracks as
//! they are encoded there, adds them up and encodes the sum.

mod align;
mod beep;
mod clock;
mod codec;
#[cfg(test)]
mod decode;
mod encoder;
mod error;
mod losses;
mod mix;
mod noise;
mod pipewire;
mod ring;
#[cfg(test)]
mod simulate;
mod sinc;
mod tracks;
mod worker;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

pub use error::AudioError;
pub(crate) use noise::Noise;
pub(crate) use tracks::{Switch, open_all, stop_all};

use crate::encode::{Packet, Track, TrackKind};
use crate::output::OutputError;
use crate::stats::{AudioReport, Journal};
use crate::{AudioCodec, AudioConfig, AudioSource, ConfigError, Container, Timeline, Timestamp};
use encoder::Encoder;
use mix::{Mix, Tap};
use ring::Writer;
use worker::{Command, Feed, Outcome, Worker};

/// Samples a second of everything that is recorded.
const RATE: u32 = 48_000;
/// Channels of everything that is recorded.
const CHANNELS: usize = 2;

/// Where an audio track puts its packets. May block for as long as the outputs are behind: up to four
/// seconds of sound wait meanwhile.
pub(crate) type PacketSink = Box<dyn FnMut(Packet) + Send>;

/// Something that writes into a ring. Dropping it stops and joins its threads.
trait Source: Send {}

/// What a track's sound is made of.
enum Origin {
    /// A source, and who else wants its samples.
    Source(Vec<Tap>),
    /// The samples of these tracks.
    Tracks(Vec<Receiver<Vec<f32>>>),
}

/// An audio track that captures, but hands no packets on before [`AudioTrack::start`].
///
/// Its first packet is heard at the timeline's origin, with silence in front where the source comes
/// later; an encoder's look-ahead begins before it, at a negative time, and is in the parameters as
/// `initial_padding`. Dropping a track ends its threads without flushing.
pub(crate) struct AudioTrack {
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<Outcome>>,
    track: Track,
    report: AudioReport,
    is_mix: bool,
    journal: Journal,
}

impl AudioTrack {
    /// Connects to the source and opens the encoder. A source that is not there yet is no error: it
    /// is silent until it appears, which is noted.
    ///
    /// # Errors
    /// PipeWire does not answer, no encoder works, or a container does not take the codec.
    fn open(
        config: &AudioConfig,
        containers: &[Container],
        origin: Origin,
        (timeline, journal): (Timeline, Journal),
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
        let (commands, orders) = channel();
        let (is_mix, notes) = (matches!(origin, Origin::Tracks(_)), journal.clone());
        let body: Box<dyn FnOnce() -> Outcome + Send> = match origin {
            Origin::Source(taps) => {
                let feed = Feed::open(&config.source, &journal)?;
                let worker = Worker { name, feed, next: None, taps, encoder, timeline, journal };
                Box::new(move || worker.run(&orders))
            }
            Origin::Tracks(inputs) => {
                let mix = Mix::new(name, inputs, encoder, journal);
                Box::new(move || mix.run(&orders))
            }
        };
        let thread = std::thread::Builder::new()
            .name("gs-audio".into())
            .spawn(body)
            .map_err(|error| AudioError::Thread { thread: "gs-audio", reason: error.to_string() })?;
        Ok(Self { commands: Some(commands), thread: Some(thread), track, report, is_mix, journal: notes })
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

    /// Begins to end it: everything captured before `until` will be handed on, and the encoder flushed. Sound
    /// that has not come a quarter of a second after `until` is written as silence.
    fn end(&mut self, until: Timestamp) {
        if let Some(commands) = self.commands.take() {
            // Where the thread is gone already, its end says so.
            let _ = commands.send(Command::Stop(until));
        }
    }

    /// Ends it, and waits until that is done.
    fn stop(&mut self, until: Timestamp) -> AudioReport {
        self.end(until);
        if let Some(Ok(outcome)) = self.thread.take().map(JoinHandle::join) {
            self.report.clock_ppm = outcome.ppm;
            self.report.max_skew_ms = outcome.max_skew * 1e3;
            self.report.silence_seconds = outcome.silence_seconds;
            self.report.source = outcome.name;
        }
        self.report.clone()
    }
}

impl Drop for AudioTrack {
    fn drop(&mut self) {
        if let Some(commands) = self.commands.take() {
            // Others may hold a way to it, too. Where the thread is gone already there is nothing to say.
            let _ = commands.send(Command::Quit);
        }
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
        AudioSource::Mix(_) => {
            Err(ConfigError::new("audio", source, "a source of sound: a mix is a track from the start on")
                .into())
        }
        _ => Ok(Box::new(pipewire::Capture::start(source, writer, journal)?)),
    }
}

/// The codec that every container takes: what was asked for, else Opus, or AAC where an MP4 or a
/// stream is among them, since not everything that plays those knows Opus.
fn choose(asked: Option<AudioCodec>, containers: &[Container]) -> Result<AudioCodec, AudioError> {
    let web = containers.contains(&Container::WebM);
    let aac = |it: &Container| matches!(it, Container::Mp4 | Container::Flv | Container::MpegTs);
    let codec =
        asked.unwrap_or(if containers.iter().any(aac) && !web { AudioCodec::Aac } else { AudioCodec::Opus });
    if containers.contains(&Container::Flv) && codec != AudioCodec::Aac {
        return Err(AudioError::Unsuitable(OutputError::Unsuitable {
            container: Container::Flv,
            codec: codec.to_string(),
            remedy:
                "RTMP servers take AAC: take --audio-codec aac, or give the other output a track of its own"
                    .into(),
        }));
    }
    if containers.contains(&Container::MpegTs) && codec == AudioCodec::Flac {
        return Err(AudioError::Unsuitable(OutputError::Unsuitable {
            container: Container::MpegTs,
            codec: codec.to_string(),
            remedy: "SRT carries AAC and Opus: take --audio-codec aac, or give the other output a track of its own"
                .into(),
        }));
    }
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
