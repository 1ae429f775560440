//! From a PipeWire node to packets of sound.

mod error;

pub use error::AudioError;

use crate::encode::{Packet, Track};
use crate::stats::{AudioReport, Journal};
use crate::{AudioConfig, Container, Timeline, Timestamp};

/// Where an audio track puts its packets. May block for as long as the outputs are behind.
pub(crate) type PacketSink = Box<dyn FnMut(Packet) + Send>;

/// An audio track that captures, but hands no packets on before [`AudioTrack::start`].
pub(crate) struct AudioTrack;

impl AudioTrack {
    /// Connects to the source and opens the encoder. A source that is not there yet is no error: it
    /// is silent until it appears, which is noted.
    pub(crate) fn open(
        config: &AudioConfig,
        containers: &[Container],
        timeline: Timeline,
        journal: Journal,
    ) -> Result<Self, AudioError> {
        let _ = (config, containers, timeline, journal);
        Err(AudioError::NoPipeWire { reason: "being written".into() })
    }

    /// What a muxer must know.
    pub(crate) fn track(&self) -> Track {
        unimplemented!("being written")
    }

    /// Begins to hand on packets, from the timeline's origin on.
    pub(crate) fn start(&mut self, sink: PacketSink) -> Result<(), AudioError> {
        let _ = sink;
        Ok(())
    }

    /// Hands on everything captured before `until`, flushes the encoder and ends the threads.
    pub(crate) fn stop(&mut self, until: Timestamp) -> AudioReport {
        let _ = until;
        unimplemented!("being written")
    }
}
