//! Matroska and WebM, through libavformat.
//!
//! Clusters are short and written whole: what a killed process leaves is a segment of unknown size
//! that ends with a whole cluster, which every player takes. A normal end adds the cues and the chapters, and writes
//! the duration, the seek head and the segment's size into the room that the header left for them.
//!
//! Pictures do not go through libavformat, which lays clusters out around their places: see [`fill`].

mod fill;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::ffi::CStr;
use std::time::{Duration, Instant};

use super::chapters::Chapters;
use super::muxer::{Muxer, Stream, libavformat_major};
use super::pieces::Pieces;
use super::recorded::{Layout, State};
use super::{UNIT, UNIT_BYTES};
use crate::av::AvError;
use crate::av::ffi::AVCodecID::{self, AV_CODEC_ID_AV1, AV_CODEC_ID_H264, AV_CODEC_ID_HEVC};
use crate::bitstream::Form;
use crate::encode::{Packet, Track, TrackKind};
use crate::output::OutputError;
use crate::{Container, MediaTime};

/// What a cue point and its share of the tags take at most, in bytes.
const CUE_BYTES: u64 = 64;
/// What else is written at the end: seek head, tags with a duration for each track.
const END_BYTES: u64 = 16 << 10;
/// The longest between the first time in a cluster and another: what comes then begins the next. libavformat would
/// begin one by itself after 5 s, and does not know where that is as long as pictures are missing.
const APART: Duration = Duration::from_secs(2);

/// A Matroska or WebM file.
pub(super) struct Matroska {
    muxer: Muxer,
    /// What the file begins with; it is written with the first cluster.
    header: Vec<u8>,
    cluster: Option<Cluster>,
    /// The track whose pictures are put in afterwards.
    pictures: Option<Pictures>,
    /// Cue points that the end of the file may have: one for each key picture and each cluster.
    cues: u64,
    video: Vec<bool>,
    /// Whether a picture was written. The first is not kept waiting: who starts a pipeline is told
    /// that it has reached the file.
    pictured: bool,
    /// What is added to each track's times, in nanoseconds.
    shifts: Vec<i64>,
    /// A cluster that the muxer has counted is not in the file, so that what the muxer would say of
    /// later places is wrong.
    lost: bool,
}

/// The cluster that is being filled.
struct Cluster {
    since: Instant,
    /// Its first packet's decoding time, and when that is shown.
    first: MediaTime,
    shown: MediaTime,
    bytes: usize,
}

/// Pictures that libavformat is not given.
struct Pictures {
    track: usize,
    form: Form,
    /// What it is given in their place.
    place: &'static [u8],
    /// Those of the cluster that is being filled.
    waiting: VecDeque<Pieces>,
}

impl Pictures {
    /// Of the first track of pictures, where their codec is known.
    fn of(tracks: &[Track]) -> Option<Self> {
        let track = tracks.iter().position(|it| matches!(it.kind, TrackKind::Video { .. }))?;
        let parameters = &tracks[track].parameters;
        let codec = parameters.fields().codec_id;
        // The shortest that is something: NAL units that say nothing (H.264 7.3.2.4, H.265 7.3.2.5), after what is a
        // start code and a length as well; an open bitstream unit of a kind that nobody knows (AV1 5.3.2).
        let place: &[u8] = match codec {
            AV_CODEC_ID_H264 => &[0, 0, 0, 2, 9, 0xf0],
            AV_CODEC_ID_HEVC => &[0, 0, 0, 3, 35 << 1, 1, 0x50],
            AV_CODEC_ID_AV1 => &[9 << 3 | 2, 0],
            _ => return None,
        };
        let form = Form::of(codec, parameters.extradata()).with_parameter_sets();
        Some(Self { track, form, place, waiting: VecDeque::new() })
    }

    /// Takes a picture; returns what stands for it.
    fn take(&mut self, packet: &Packet) -> Packet {
        let mut picture = Pieces::default();
        picture.push_sample(self.form, packet.payload.bytes());
        self.waiting.push_back(picture);
        Packet { payload: packet.payload.with_bytes(self.place), ..packet.clone() }
    }
}

impl Matroska {
    /// Makes the header.
    pub(super) fn of(container: Container, tracks: &[Track]) -> Result<Self, OutputError> {
        let format = if container == Container::WebM { c"webm" } else { c"matroska" };
        let streams: Vec<_> =
            tracks.iter().map(|track| Stream { track, timescale: 1000, tag: None }).collect();
        // Clusters are ended here and not by the muxer, which would do so only when the next packet
        // comes.
        let options: [(&CStr, &CStr); 2] =
            [(c"cluster_time_limit", c"5000"), (c"cluster_size_limit", c"100000000")];
        let mut muxer = Muxer::open(format, &streams, &options)?;
        Ok(Self {
            header: muxer.take(),
            muxer,
            shifts: shifts(tracks),
            cluster: None,
            pictures: Pictures::of(tracks),
            cues: 0,
            video: tracks.iter().map(|it| matches!(it.kind, TrackKind::Video { .. })).collect(),
            pictured: false,
            lost: false,
        })
    }

    /// Has libavformat place a packet in the cluster.
    fn mux(&mut self, packet: &Packet) -> Result<(), OutputError> {
        let shift = self.shifts.get(packet.track).copied().unwrap_or_default();
        let mut placed = match self.pictures.as_mut().filter(|it| it.track == packet.track) {
            Some(pictures) => pictures.take(packet),
            None if shift == 0 => return self.muxer.write(packet),
            None => packet.clone(),
        };
        (placed.pts, placed.dts) = (packet.pts.offset(shift), packet.dts.offset(shift));
        self.muxer.write(&placed)
    }

    fn end_cluster(&mut self, file: &mut State) -> Result<(), OutputError> {
        self.cluster = None;
        self.cues += 1;
        self.muxer.flush()?;
        let laid_out = self.muxer.take();
        let Some(unit) = self.filled(&laid_out) else {
            self.lost = true;
            let source = AvError(-libc::EINVAL);
            return Err(OutputError::Mux { what: "putting pictures into a cluster", source });
        };
        let parts: Vec<_> = std::iter::once(self.header.as_slice()).chain(unit.slices()).collect();
        let end = file.disk.end() + (self.header.len() + unit.len()) as u64;
        let written = file.disk.append_parts(&parts);
        if file.disk.end() == end {
            self.header.clear();
        } else {
            self.lost = true;
        }
        // It knows neither the pictures' size nor what the disk refused.
        self.muxer.go_on_at(file.disk.end());
        written
    }

    /// What libavformat has laid out, with the pictures in their places. `None` where they do not fit, which is a
    /// bug.
    fn filled(&mut self, laid_out: &[u8]) -> Option<Pieces> {
        let Some(pictures) = &mut self.pictures else {
            let mut unit = Pieces::default();
            unit.push(laid_out);
            return Some(unit);
        };
        let filled = fill::fill(laid_out, pictures.track as u64 + 1, &mut pictures.waiting);
        let all = pictures.waiting.is_empty();
        pictures.waiting.clear();
        filled.filter(|_| all)
    }

    /// What the end of the file may take.
    fn end_bytes(&self, chapters: &Chapters) -> u64 {
        (self.cues + 1) * CUE_BYTES + (1 + self.video.len() as u64) * END_BYTES + chapters.bytes()
    }
}

impl Layout for Matroska {
    fn write(&mut self, packet: &Packet, file: &mut State) -> Result<(), OutputError> {
        file.disk.check()?;
        let is_video = self.video.get(packet.track).copied().unwrap_or_default();
        // Where the pictures are behind the sound, a cluster in which the key frame is not the first
        // picture would begin, for a player that seeks to it, with pictures that cannot be decoded.
        let is_apart =
            |it: &Cluster| packet.pts.nanos_since(it.shown).unsigned_abs() > APART.as_nanos() as u64;
        if self.cluster.as_ref().is_some_and(|it| (packet.key && is_video) || is_apart(it)) {
            self.end_cluster(file)?;
        }
        let open = self.cluster.as_ref().map_or(0, |it| it.bytes);
        let size = packet.data().len() + 64;
        let unwritten = self.header.len() + self.muxer.pending() + open + size;
        file.disk.reserve(unwritten as u64 + self.end_bytes(&file.chapters))?;
        self.mux(packet)?;
        self.cues += u64::from(packet.key && is_video);
        file.end = file.end.max(packet.pts + packet.duration);
        let cluster = self.cluster.get_or_insert_with(|| Cluster {
            since: Instant::now(),
            first: packet.dts,
            shown: packet.pts,
            bytes: 0,
        });
        cluster.bytes += size;
        let span = packet.dts.nanos_since(cluster.first);
        let first_picture = is_video && !self.pictured;
        self.pictured |= is_video;
        if first_picture || span >= UNIT.as_nanos() as i64 || cluster.bytes >= UNIT_BYTES {
            return self.end_cluster(file);
        }
        self.idle(file)
    }

    fn idle(&mut self, file: &mut State) -> Result<(), OutputError> {
        file.disk.check()?;
        match &self.cluster {
            Some(cluster) if cluster.since.elapsed() >= UNIT => self.end_cluster(file),
            _ => Ok(()),
        }
    }

    fn finish(&mut self, file: &mut State) -> Result<(), OutputError> {
        if self.cluster.is_some() {
            self.end_cluster(file)?;
        }
        if file.disk.end() == 0 || self.lost {
            return Ok(());
        }
        self.muxer.set_chapters(&file.chapters.of_file(file.end))?;
        self.muxer.trailer()?;
        file.disk.append(&self.muxer.take())?;
        // What the patches refer to must be on the disk before they are.
        file.disk.sync()?;
        for (at, bytes) in self.muxer.take_patches() {
            file.disk.patch(at, &bytes)?;
        }
        Ok(())
    }
}

/// What is added to each track's times, so that sound which an encoder puts before its start does not
/// begin before zero, where a block cannot be.
///
/// From version 60 on libavformat says the codec delay of every track and adds it to its blocks'
/// times; players take it off again. Before, it said Opus's only and added nothing, and moved every
/// other track instead. So Opus is moved here, and where another codec has a delay all tracks are.
fn shifts(tracks: &[Track]) -> Vec<i64> {
    let delay = |track: &Track| {
        let fields = track.parameters.fields();
        let padding = i64::from(fields.initial_padding.max(0));
        padding * 1_000_000_000 / i64::from(fields.sample_rate.max(1))
    };
    let is_opus = |track: &&Track| track.parameters.fields().codec_id == AVCodecID::AV_CODEC_ID_OPUS;
    if libavformat_major() >= 60 {
        return vec![0; tracks.len()];
    }
    let common = tracks.iter().filter(|it| !is_opus(it)).map(delay).max().unwrap_or(0);
    tracks.iter().map(|it| if is_opus(&it) { common + delay(it) } else { common }).collect()
}
