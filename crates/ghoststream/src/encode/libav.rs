//! An open encoder of libavcodec, whichever it is.

use std::time::Duration;

use super::filler::Filler;
use super::hdr::Injector;
use super::keys::KeyFrames;
use super::nvenc::{Feed, FeedError};
use super::timing::Book;
use super::{EncodeError, Encoder, Frame, Packet, Payload};
use crate::Timestamp;
use crate::av::{AvError, AvFrame, EncoderInfo, OpenEncoder, PacketRef, VideoFormat, ffi};

/// An encoder at work.
pub(super) struct Running {
    name: &'static str,
    /// Goes before the memory that it reads.
    open: OpenEncoder,
    /// Where its pictures are, if not in our memory.
    feed: Option<Feed>,
    book: Book,
    /// How long a picture is shown: known at a constant rate only.
    duration: Duration,
    key_wanted: bool,
    /// What key pictures are to say of HDR.
    hdr: Option<Injector>,
    filler: Option<Filler>,
    /// How to open it anew, where that is the only way to a key frame.
    restart: Option<Restart>,
    follows: Follows,
    /// Where it places key frames, if by counting.
    keys: Option<KeyFrames>,
    /// Whether every second picture is left out.
    half_rate: bool,
}

/// How an encoder goes by its bitrate.
#[derive(Clone, Copy)]
pub(super) struct Follows {
    /// Whether it takes up another one while it runs.
    pub(super) bitrate: bool,
    /// Whether it counts pictures for it, and not their time.
    pub(super) counts_pictures: bool,
}

/// What an encoder was opened with.
pub(super) struct Restart {
    pub(super) info: EncoderInfo,
    pub(super) format: VideoFormat,
    pub(super) options: Vec<(&'static str, String)>,
}

impl Running {
    /// With a `delay`, decoding times are made by [`Book::with_delay`].
    #[allow(clippy::too_many_arguments, reason = "called once, where all of it is at hand")]
    pub(super) fn new(
        name: &'static str,
        open: OpenEncoder,
        feed: Option<Feed>,
        rate: (i32, i32),
        constant: bool,
        restart: Option<Restart>,
        follows: Follows,
        delay: Option<usize>,
    ) -> Self {
        let book = match delay {
            Some(pictures) => Book::new(rate).with_delay(pictures),
            None => Book::new(rate),
        };
        let nanos = if constant { book.tick_nanos() } else { 0 };
        let duration = Duration::from_nanos(nanos.unsigned_abs());
        Self {
            name,
            open,
            feed,
            book,
            duration,
            key_wanted: false,
            hdr: None,
            filler: None,
            restart,
            follows,
            keys: None,
            half_rate: false,
        }
    }

    /// The same, its key pictures saying this of HDR.
    pub(super) fn with_hdr(self, hdr: Option<Injector>) -> Self {
        Self { hdr, ..self }
    }

    /// The same, filling a bitrate up and no more.
    pub(super) fn with_filler_for(self, kbps: u32) -> Self {
        Self { filler: Some(Filler::new(self.duration, kbps)), ..self }
    }

    /// The same, which places a key frame after so many pictures.
    pub(super) fn with_key_frames(self, every: Option<u32>) -> Self {
        Self { keys: every.map(KeyFrames::new), ..self }
    }

    fn failed(&self, source: AvError) -> EncodeError {
        EncodeError::Failed { encoder: self.name, source }
    }

    fn send(
        &mut self,
        picture: &mut impl AvFrame,
        ticks: i64,
        key: bool,
        packets: &mut Vec<Packet>,
    ) -> Result<(), EncodeError> {
        match self.open.send(picture, ticks, key) {
            // Every packet was taken out before, so that this should not come; an encoder that
            // says it anyway gets its way once.
            Err(error) if error.errno() == Some(libc::EAGAIN) => {
                self.drain(packets)?;
                self.open.send(picture, ticks, key)
            }
            other => other,
        }
        .map_err(|error| self.failed(error))
    }

    fn drain(&mut self, packets: &mut Vec<Packet>) -> Result<(), EncodeError> {
        while let Some(packet) = self.open.receive().map_err(|error| self.failed(error))? {
            packets.push(self.finish(&packet)?);
        }
        Ok(())
    }

    /// Ends the encoder and opens another with the same settings: its first picture is a key frame,
    /// and the headers are the same.
    fn begin_anew(&mut self, packets: &mut Vec<Packet>) -> Result<(), EncodeError> {
        if self.restart.is_none() || self.book.is_empty() {
            return Ok(());
        }
        self.flush(packets)?;
        if let Some(restart) = &self.restart {
            let opened = restart.info.open(&restart.format, &restart.options, None);
            self.open = opened.map_err(|failure| self.failed(failure.error))?;
        }
        Ok(())
    }

    fn finish(&mut self, av: &PacketRef) -> Result<Packet, EncodeError> {
        let fields = av.fields();
        let key = fields.flags & ffi::AV_PKT_FLAG_KEY != 0;
        let complete = self.hdr.as_ref().filter(|_| key).and_then(|it| it.complete(av.data()));
        let complete = complete.as_deref().unwrap_or(av.data());
        let bytes = self.filler.as_ref().and_then(|it| it.spare(complete)).unwrap_or(complete);
        let payload = Payload::with(bytes, av).map_err(|error| self.failed(error))?;
        // An encoder that never reorders may leave the decoding time out.
        let dts = if fields.dts == ffi::AV_NOPTS_VALUE { fields.pts } else { fields.dts };
        let times = self.book.leave(fields.pts, dts);
        Ok(Packet {
            track: 0,
            pts: times.pts,
            dts: times.dts,
            duration: if self.half_rate { 2 * self.duration } else { self.duration },
            key,
            arrived: times.arrived,
            begins: None,
            encoded: Timestamp::now(),
            payload,
        })
    }
}

impl Encoder for Running {
    fn encode(&mut self, frame: Frame, packets: &mut Vec<Packet>) -> Result<(), EncodeError> {
        let asked = std::mem::take(&mut self.key_wanted);
        if asked {
            self.begin_anew(packets)?;
        }
        let ticks = self.book.enter(frame.pts, frame.arrived);
        let step = if self.half_rate { 2 } else { 1 };
        let key = self.keys.as_mut().map_or(asked, |it| it.due(ticks, step, asked));
        match &mut self.feed {
            None => {
                let mut picture = frame.picture.into_memory()?;
                self.send(&mut picture, ticks, key, packets)
            }
            Some(feed) => {
                let picture = feed.take(frame.picture);
                let failed = |error| match error {
                    FeedError::Absent(absent) => absent.into(),
                    other => EncodeError::Device { encoder: self.name, source: other.into() },
                };
                self.send(&mut picture.map_err(failed)?, ticks, key, packets)
            }
        }?;
        self.drain(packets)
    }

    fn flush(&mut self, packets: &mut Vec<Packet>) -> Result<(), EncodeError> {
        self.open.end().map_err(|error| self.failed(error))?;
        self.drain(packets)
    }

    fn force_key_frame(&mut self) {
        self.key_wanted = true;
    }

    fn set_bitrate(&mut self, kbps: u32) -> Result<(), EncodeError> {
        if !self.follows.bitrate {
            return Err(EncodeError::fixed_bitrate(self.name));
        }
        self.open.set_bitrate(i64::from(kbps) * 1000);
        self.filler.iter_mut().for_each(|it| it.set_bitrate(kbps));
        Ok(())
    }

    fn set_half_rate(&mut self, half: bool) {
        if std::mem::replace(&mut self.half_rate, half) != half && self.follows.counts_pictures {
            self.open.set_half_rate(half);
        }
    }

    fn note(&mut self) -> Option<String> {
        self.feed.as_mut().and_then(Feed::note)
    }
}
