//! Matroska and WebM, through libavformat.
//!
//! Clusters are short and written whole: what a killed process leaves is a segment of unknown size
//! that ends with a whole cluster, which every player takes. A normal end adds the cues, and writes
//! the duration, the seek head and the segment's size into the room that the header left for them.

use std::ffi::CStr;
use std::time::Instant;

use super::disk::Disk;
use super::muxer::{Muxer, Stream, libavformat_major};
use super::{UNIT, UNIT_BYTES};
use crate::av::ffi::AVCodecID;
use crate::encode::{Packet, Track, TrackKind};
use crate::output::{OutputError, Sink};
use crate::stats::OutputReport;
use crate::{Container, MediaTime};

/// What a cue point and its share of the tags take at most, in bytes.
const CUE_BYTES: u64 = 64;
/// What else is written at the end: seek head, tags with a duration for each track.
const END_BYTES: u64 = 16 << 10;

/// A Matroska or WebM file.
pub(super) struct Matroska {
    muxer: Muxer,
    disk: Disk,
    cluster: Option<Cluster>,
    /// Cue points that the end of the file may have: one for each key picture and each cluster.
    cues: u64,
    video: Vec<bool>,
    /// Whether a picture was written. The first is not kept waiting: who starts a pipeline is told
    /// that it has reached the file.
    pictured: bool,
    /// What is added to each track's times, in nanoseconds.
    shifts: Vec<i64>,
    end: MediaTime,
    /// A cluster that the muxer has counted is not in the file, so that what the muxer would say of
    /// later places is wrong.
    lost: bool,
    failed: Option<String>,
}

/// The cluster that is being filled.
struct Cluster {
    since: Instant,
    first: MediaTime,
    bytes: usize,
}

impl Matroska {
    /// Makes the header, then the file.
    pub(super) fn create(
        container: Container,
        tracks: &[Track],
        disk: impl FnOnce() -> Result<Disk, OutputError>,
    ) -> Result<Self, OutputError> {
        let format = if container == Container::WebM { c"webm" } else { c"matroska" };
        let streams: Vec<_> =
            tracks.iter().map(|track| Stream { track, timescale: 1000, tag: None }).collect();
        // Clusters are ended here and not by the muxer, which would do so only when the next packet
        // comes.
        let options: [(&CStr, &CStr); 2] =
            [(c"cluster_time_limit", c"5000"), (c"cluster_size_limit", c"100000000")];
        let muxer = Muxer::open(format, &streams, &options)?;
        Ok(Self {
            muxer,
            disk: disk()?,
            shifts: shifts(tracks),
            cluster: None,
            cues: 0,
            video: tracks.iter().map(|it| matches!(it.kind, TrackKind::Video { .. })).collect(),
            pictured: false,
            end: MediaTime::ZERO,
            lost: false,
            failed: None,
        })
    }

    fn try_write(&mut self, packet: &Packet) -> Result<(), OutputError> {
        self.disk.check()?;
        let is_video = self.video.get(packet.track).copied().unwrap_or_default();
        // Where the pictures are behind the sound, a cluster in which the key frame is not the first
        // picture would begin, for a player that seeks to it, with pictures that cannot be decoded.
        if packet.key && is_video && self.cluster.is_some() {
            self.end_cluster()?;
        }
        let open = self.cluster.as_ref().map_or(0, |it| it.bytes);
        let size = packet.data().len() + 64;
        self.disk.reserve((self.muxer.pending() + open + size) as u64 + self.end_bytes())?;
        match self.shifts.get(packet.track) {
            Some(&shift) if shift != 0 => {
                let (pts, dts) = (packet.pts.offset(shift), packet.dts.offset(shift));
                self.muxer.write(&Packet { pts, dts, ..packet.clone() })?;
            }
            _ => self.muxer.write(packet)?,
        }
        self.cues += u64::from(packet.key && is_video);
        self.end = self.end.max(packet.pts + packet.duration);
        let cluster = self.cluster.get_or_insert_with(|| Cluster {
            since: Instant::now(),
            first: packet.dts,
            bytes: 0,
        });
        cluster.bytes += size;
        let span = packet.dts.nanos_since(cluster.first);
        let first_picture = is_video && !self.pictured;
        self.pictured |= is_video;
        if first_picture || span >= UNIT.as_nanos() as i64 || cluster.bytes >= UNIT_BYTES {
            return self.end_cluster();
        }
        self.try_idle()
    }

    fn try_idle(&mut self) -> Result<(), OutputError> {
        self.disk.check()?;
        match &self.cluster {
            Some(cluster) if cluster.since.elapsed() >= UNIT => self.end_cluster(),
            _ => Ok(()),
        }
    }

    fn end_cluster(&mut self) -> Result<(), OutputError> {
        self.cluster = None;
        self.cues += 1;
        self.muxer.flush()?;
        let cluster = self.muxer.take();
        let end = self.disk.end() + cluster.len() as u64;
        let written = self.disk.append(&cluster);
        self.lost |= self.disk.end() != end;
        written
    }

    fn try_finish(&mut self) -> Result<(), OutputError> {
        if self.cluster.is_some() {
            self.end_cluster()?;
        }
        if self.disk.end() == 0 || self.lost {
            return Ok(());
        }
        self.muxer.trailer()?;
        self.disk.append(&self.muxer.take())?;
        // What the patches refer to must be on the disk before they are.
        self.disk.sync()?;
        for (at, bytes) in self.muxer.take_patches() {
            self.disk.patch(at, &bytes)?;
        }
        Ok(())
    }

    /// What the end of the file may take.
    fn end_bytes(&self) -> u64 {
        (self.cues + 1) * CUE_BYTES + (1 + self.video.len() as u64) * END_BYTES
    }

    fn remember(&mut self, result: Result<(), OutputError>) -> Result<(), OutputError> {
        if let Err(error) = &result {
            self.failed.get_or_insert_with(|| error.to_string());
        }
        result
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

impl Sink for Matroska {
    fn write(&mut self, packet: &Packet) -> Result<(), OutputError> {
        let result = self.try_write(packet);
        self.remember(result)
    }

    fn idle(&mut self) -> Result<(), OutputError> {
        let result = self.try_idle();
        self.remember(result)
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        let made_whole = self.try_finish();
        let closed = self.disk.close();
        self.remember(made_whole.and(closed))
    }

    fn report(&self) -> OutputReport {
        OutputReport {
            path: Some(self.disk.path()),
            bytes: self.disk.end(),
            seconds: self.end.as_secs_f64(),
            error: self.failed.clone(),
            continued: vec![],
        }
    }
}
