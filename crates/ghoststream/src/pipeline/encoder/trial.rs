//! An encoder at work as in a recording, fed by hand.

use super::worker::Worker;
use crate::encode::bench::Pictures;
use crate::encode::{Frame, Request, open};
use crate::pipeline::control::Asked;
use crate::{EncoderConfig, Error, MediaTime, Size, Timestamp};

/// An encoder in its thread, fed with moving pictures one at a time: for benches that keep accounts of
/// their own. The pictures are made before.
pub struct Trial {
    name: &'static str,
    worker: Worker,
    pictures: Pictures,
    fps: f64,
    given: u64,
}

impl Trial {
    /// Opens the encoder that a recording would have, and makes the pictures.
    ///
    /// # Errors
    /// No encoder takes the configuration, or there is no memory for the pictures.
    pub fn open(config: &EncoderConfig, size: Size, fps: f64) -> Result<Self, Error> {
        let opened = open(&Request { config, size, fps, containers: &[] })?;
        let pictures = Pictures::new(&opened.input, opened.memory.as_ref())?;
        // As if it were software: an emulated driver may take as long as it does.
        let worker = Worker::spawn(0, opened.name, false, opened.encoder)?;
        Ok(Self { name: opened.name, worker, pictures, fps, given: 0 })
    }

    /// The encoder's name in libavcodec.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Hands in the next picture and waits until the encoder has taken it. Answers how many bytes came
    /// out.
    ///
    /// # Errors
    /// The encoder failed.
    pub fn step(&mut self) -> Result<usize, Error> {
        let pts = MediaTime::from_nanos((self.given as f64 * 1e9 / self.fps).round() as i64);
        let picture = self.pictures.at(self.given).share();
        let picture =
            picture.map_err(|source| crate::encode::EncodeError::Failed { encoder: self.name, source })?;
        self.given += 1;
        let mut packets = Vec::new();
        let frame = Frame { pts, picture: picture.into(), arrived: Timestamp::now() };
        self.worker.encode(frame, Asked::default(), &mut packets)?;
        Ok(packets.iter().map(|it| it.data().len()).sum())
    }

    /// Ends the encoder.
    ///
    /// # Errors
    /// What was inside did not come out.
    pub fn finish(self) -> Result<(), Error> {
        self.worker.flush(&mut Vec::new())?;
        self.worker.close();
        Ok(())
    }
}

impl std::fmt::Debug for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trial({}, {} pictures)", self.name, self.given)
    }
}
