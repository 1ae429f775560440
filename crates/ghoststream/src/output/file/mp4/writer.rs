//! One track of an MP4 while it is recorded: its samples until their fragment is written, and where they are since.

use std::time::Duration;

use super::boxes::{Put, boxed, full};
use super::description::Description;
use super::index::{Index, Sample};
use super::moov::Shift;
use crate::bitstream::Form;
use crate::encode::{Packet, Track, TrackKind};
use crate::output::file::muxer::to_ticks;
use crate::output::file::pieces::Pieces;

/// One track, and its part of the fragment that is being filled.
pub(super) struct Writer {
    pub(super) description: Description,
    pub(super) form: Form,
    /// How long a sample is that does not say it.
    usual_duration: u32,
    /// How far before zero the track may begin, where the header is written before it does: pictures are
    /// decoded before they are shown, and a clip may begin with what is hidden.
    delay: i64,
    /// What is added to decoding times in fragments, where they cannot be negative.
    shift: Option<Shift>,
    pub(super) is_video: bool,
    /// The number of the sample description's entry for what is written now.
    pub(super) entry: u32,
    pub(super) index: Index,
    pub(super) samples: Vec<Sample>,
    pub(super) bytes: Pieces,
}

impl Writer {
    pub(super) fn new(track: &Track, description: Description, lead: Duration) -> Self {
        let fields = track.parameters.fields();
        let scale = f64::from(description.timescale);
        let (usual, is_video) = match track.kind {
            TrackKind::Video { fps, .. } => (scale / fps.max(1.0), true),
            TrackKind::Audio { .. } => (f64::from(fields.frame_size.max(1)), false),
        };
        let reordered = if is_video { f64::from(fields.video_delay.max(0)) * usual } else { 0.0 };
        Self {
            form: Form::of(fields.codec_id, track.parameters.extradata()),
            usual_duration: usual.round().max(1.0) as u32,
            delay: (reordered.ceil() as i64 + description.padding)
                .max((lead.as_secs_f64() * scale).ceil() as i64),
            shift: None,
            is_video,
            entry: 1,
            index: Index::default(),
            samples: Vec::new(),
            bytes: Pieces::default(),
            description,
        }
    }

    /// Adds a packet; false for one without a sample, such as FLAC's last, which has headers only.
    pub(super) fn push(&mut self, packet: &Packet) -> bool {
        let ticks = |time: i64| to_ticks(time, self.description.timescale.into(), 1);
        let last = self.samples.last().or(self.index.last()).map(|it| it.dts);
        // A track whose first packet comes when the header has been written may begin no earlier
        // than the header says.
        let earliest = self.shift.map_or(i64::MIN, |it| -it.0).max(last.map_or(i64::MIN, |it| it + 1));
        let duration = ticks(i64::try_from(packet.duration.as_nanos()).unwrap_or(i64::MAX));
        let duration = u32::try_from(duration).ok().filter(|&it| it > 0);
        let size = self.bytes.push_sample(self.form, packet.payload.bytes());
        if size == 0 {
            return false;
        }
        self.samples.push(Sample {
            dts: ticks(packet.dts.as_nanos()).max(earliest),
            pts: ticks(packet.pts.as_nanos()),
            duration: duration.unwrap_or(self.usual_duration),
            size: size as u32,
            key: packet.key,
        });
        true
    }

    /// Decides, when the header is written, what is added to decoding times.
    pub(super) fn settle_shift(&mut self) -> (&Description, Shift) {
        let first = self.samples.first().map_or(-self.delay, |it| it.dts);
        let shift = *self.shift.insert(Shift((-first).max(0)));
        (&self.description, shift)
    }

    /// Appends `traf`; returns where the data's offset is to be filled in.
    pub(super) fn append_traf(&self, out: &mut Vec<u8>) -> usize {
        const BASE_IS_MOOF: u32 = 0x2_0000;
        const DEFAULT_FLAGS: u32 = 0x20;
        const OFFSET_DURATION_SIZE: u32 = 0x301;
        const FLAGS: u32 = 0x400;
        const COMPOSITION: u32 = 0x800;
        let mut fixup = 0;
        boxed(out, b"traf", |out| {
            full(out, b"tfhd", 0, BASE_IS_MOOF | DEFAULT_FLAGS, |out| {
                out.put_u32(self.description.id());
                out.put_u32(sample_flags(true));
            });
            let first = self.samples.first().map_or(0, |it| it.dts);
            let shift = self.shift.map_or(0, |it| it.0);
            full(out, b"tfdt", 1, 0, |out| out.put_u64(u64::try_from(first + shift).unwrap_or(0)));
            let reordered = self.samples.iter().any(|it| it.pts != it.dts);
            let mut flags = OFFSET_DURATION_SIZE;
            flags |= if self.is_video { FLAGS } else { 0 };
            flags |= if reordered { COMPOSITION } else { 0 };
            full(out, b"trun", 1, flags, |out| {
                out.put_u32(self.samples.len() as u32);
                fixup = out.len();
                out.put_u32(0);
                for (n, sample) in self.samples.iter().enumerate() {
                    let next = self.samples.get(n + 1).and_then(|it| u32::try_from(it.dts - sample.dts).ok());
                    out.put_u32(next.unwrap_or(sample.duration));
                    out.put_u32(sample.size);
                    if self.is_video {
                        out.put_u32(sample_flags(sample.key));
                    }
                    if reordered {
                        out.put_i32(i32::try_from(sample.pts - sample.dts).unwrap_or(0));
                    }
                }
            });
        });
        fixup
    }
}

/// A sample that others do not need to be decoded, or one that needs others.
fn sample_flags(key: bool) -> u32 {
    if key { 0x200_0000 } else { 0x101_0000 }
}
