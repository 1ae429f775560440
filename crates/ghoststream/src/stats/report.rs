//! What a pipeline did, as it is told at its end.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Percentiles, PicturesReport};
use crate::OutputId;

/// What a pipeline did, returned by `stop` and `wait`.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Length of the recording in seconds, pauses taken out.
    pub duration_seconds: f64,
    /// Frames that the source sent.
    pub captured: u64,
    /// Frames that were encoded.
    pub encoded: u64,
    /// Frames that were lost: a queue was full, the encoder too slow, or it failed with them inside.
    pub dropped: u64,
    /// Frames left out because the source is faster than the output.
    pub skipped: u64,
    /// Pictures left out while a rendition ran at half its rate, since a live output's path carried too little for
    /// all of them.
    pub thinned: u64,
    /// Frames shown again because the source had no new one.
    pub repeated: u64,
    /// Pictures that were made between two of the source's.
    pub interpolated: u64,
    /// Frames that the producer marked corrupt or described wrongly.
    pub corrupt: u64,
    /// How each captured stream's pictures are known to be drawn; empty where nothing is captured.
    pub sync: Vec<FrameSync>,
    /// Bytes of all packets.
    pub bytes: u64,
    /// The worst A/V skew of all tracks, in milliseconds; `None` without sound.
    pub av_skew_ms: Option<f64>,
    /// From the buffer's arrival to the pacer's pick.
    pub latency_pace: Percentiles,
    /// Conversion.
    pub latency_process: Percentiles,
    /// Encoding.
    pub latency_encode: Percentiles,
    /// Writing.
    pub latency_write: Percentiles,
    /// From the buffer's arrival to the packet written.
    pub latency_total: Percentiles,
    /// Each rendition's encoder.
    pub renditions: Vec<RenditionReport>,
    /// Each audio track.
    pub audio: Vec<AudioReport>,
    /// Each output, in the order in which they were added; those that were removed, too.
    pub outputs: Vec<OutputReport>,
    /// Why it ended, when it was not stopped.
    pub ended: Option<String>,
    /// What was chosen instead of what was asked, what came and went.
    pub notes: Vec<String>,
}

/// How a picture is known to be drawn, and its producer learns that it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FrameSync {
    /// It is in memory that the CPU reads: it was drawn when it came.
    SharedMemory,
    /// Points of timelines, explicitly.
    Timeline,
    /// Fences that drivers attach to the buffer.
    Fence,
    /// Nothing says so: each picture is held until the next one comes, or for the time of one.
    Hold,
}

/// An encoder that was tried, and why it was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The encoder's name in libavcodec, such as `h264_nvenc`.
    pub encoder: String,
    /// What it or the driver said, in words.
    pub reason: String,
    /// What the user can do about it, where something can be done.
    pub remedy: Option<String>,
}

/// What became of one output.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct OutputReport {
    /// Its number.
    pub id: OutputId,
    /// Its kind and place, without any secret.
    pub name: String,
    /// The file, where it is one.
    pub path: Option<PathBuf>,
    /// Bytes written.
    pub bytes: u64,
    /// Length of what was written, in seconds.
    pub seconds: f64,
    /// When the last picture of a file ends, in seconds. Sound goes on for longer where the encoder did not keep up.
    pub picture_seconds: Option<f64>,
    /// Pictures that it was given and that did not get further: its reader or its peer was too slow.
    pub dropped: u64,
    /// What went wrong; what was written before is whole.
    pub error: Option<String>,
    /// The files in which it went on, in order, where another encoder made what the file before
    /// could not hold. Each begins at a time of its own zero.
    pub continued: Vec<OutputReport>,
    /// How the connection went, where it is one.
    pub live: Option<LiveReport>,
    /// What it was given, where it takes pictures.
    pub pictures: Option<PicturesReport>,
    /// What was held and saved, where it is a replay buffer.
    pub replay: Option<ReplayReport>,
    /// Who looked, where it is a camera.
    pub camera: Option<CameraReport>,
}

/// What a replay buffer holds, or held at its end, and what was saved of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ReplayReport {
    /// Seconds that are held.
    pub held_seconds: f64,
    /// Memory that is held, in bytes.
    pub held_bytes: u64,
    /// Seconds that are held at least, once so much was captured.
    pub most_seconds: f64,
    /// Memory that is held at most, in bytes: what was asked for, or what the bitrate comes to.
    pub most_bytes: u64,
    /// Bytes of packets that are held on a disk, where there is one for them.
    pub disk_bytes: u64,
    /// What is taken of the disk at most; 0 without one.
    pub most_disk_bytes: u64,
    /// Why nothing more can be written to the disk.
    pub disk_failure: Option<String>,
    /// Whether there was ever too little room for the seconds.
    pub shortened: bool,
    /// Clips that were saved.
    pub clips: u64,
    /// Their length in all, in seconds.
    pub seconds: f64,
    /// Their size in all, in bytes.
    pub bytes: u64,
    /// Saves that failed; what was held stayed as it was.
    pub failed: u64,
    /// Why the last of them did.
    pub last_failure: Option<String>,
}

/// What became of a camera's pictures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CameraReport {
    /// The name that programs show.
    pub name: String,
    /// How often somebody began to look while nobody did.
    pub opened: u64,
    /// Pictures that were sent to whoever looked.
    pub shown: u64,
    /// Those of them that were sent in DMA-BUFs; the others were in shared memory.
    pub in_dmabufs: u64,
    /// Pictures that came while nobody looked: they were not converted.
    pub unwatched: u64,
    /// Pictures that were left out since who looked agreed on a slower rate.
    pub thinned: u64,
    /// Pictures that came faster than they could be sent.
    pub dropped: u64,
    /// Still cards that were sent while there was no picture.
    pub cards: u64,
    /// How often PipeWire told that a program could take nothing of what is offered. Older ones tell the program alone.
    pub refused: u64,
}

/// How an output's connection to a peer went.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct LiveReport {
    /// The peer, without any secret.
    pub peer: String,
    /// How often it was connected: once, where it was never lost.
    pub connections: u64,
    /// Seconds in all in which the peer was lost.
    pub seconds_without: f64,
    /// Pictures that the peer did not get in time: they would have come too late, it was lost, or, over SRT, they were
    /// missing until it was too late. One that came right behind those may be counted with them.
    pub dropped: u64,
    /// Stretches in which pictures were dropped.
    pub gaps: u64,
    /// Why the peer was lost, the last time.
    pub last_loss: Option<String>,
    /// How the bitrate followed the path; `None` where it does not.
    pub adaptation: Option<AdaptationReport>,
}

/// How a live output's bitrate followed its path, in kbit/s.
///
/// Other outputs of the same rendition may have asked for less: what the encoder was told is in
/// [`RenditionReport::bitrate_changes`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AdaptationReport {
    /// What the output asked for last.
    pub kbps: u32,
    /// How often that was changed.
    pub changes: u64,
    /// The least that it asked for.
    pub lowest_kbps: u32,
    /// What it asked for in the mean over time.
    pub mean_kbps: f64,
    /// What reached the peer a second, lately; the path may carry more.
    pub carried_kbps: f64,
    /// Whether it wants every second picture left out, since the bitrate is too low for all of them.
    pub half_rate: bool,
    /// How often it came to want that.
    pub half_rates: u64,
    /// For how long in all, in seconds. Other outputs of the rendition may have wanted it for longer:
    /// [`RenditionReport::frame_rate_changes`].
    pub half_rate_seconds: f64,
}

impl OutputReport {
    /// When the pictures of a file end, in seconds, where its sound goes on for much longer.
    pub fn pictures_end_early(&self) -> Option<f64> {
        /// At a variable rate the last picture is shown a while before the end.
        const MUCH: f64 = 1.5;
        self.picture_seconds.filter(|it| self.seconds - it > MUCH)
    }

    /// Nothing was written yet.
    pub(crate) fn of(path: &Path) -> Self {
        Self { path: Some(path.to_owned()), ..Self::default() }
    }

    /// That of the output with this number and name.
    pub(crate) fn named(mut self, id: OutputId, name: &str) -> Self {
        self.continued = self.continued.into_iter().map(|it| it.named(id, name)).collect();
        Self { id, name: name.to_owned(), ..self }
    }
}

/// The encoder that one rendition used.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RenditionReport {
    /// The rendition's number. One whose encoder was closed while it ran, and opened again, has several reports.
    pub rendition: usize,
    /// The encoder's name in libavcodec: the last one, where others failed before.
    pub encoder: String,
    /// Codec, size and rate.
    pub codec: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Pictures a second asked for.
    pub fps: f64,
    /// Who made its pictures.
    pub processing: ProcessingReport,
    /// Encoders that were tried before, in order.
    pub refused: Vec<Refusal>,
    /// Changes of the bitrate while it ran, in order: the first thousand.
    pub bitrate_changes: Vec<BitrateChange>,
    /// Changes of its rate while it ran, in order: the first thousand.
    pub frame_rate_changes: Vec<FrameRateChange>,
    /// When its encoder failed while it ran, and who took over, in order: the first thousand times.
    pub failures: Vec<EncoderFailure>,
}

/// Who made a rendition's pictures from the captured ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ProcessingReport {
    /// The CPU and its vectors, or the GPU and how its pictures got to the encoder: what it was at the end.
    pub way: String,
    /// Why it was chosen.
    pub reason: String,
    /// How often a GPU failed; it was opened anew, or the CPU took over.
    pub failures: u64,
    /// Frames that the GPU did not take, and the CPU drew.
    pub refused: u64,
    /// Pictures that were made.
    pub pictures: u64,
    /// Those of them that the GPU made.
    pub gpu_pictures: u64,
    /// How long the GPU took for a picture, by its own clock; zero where it made none.
    pub gpu_time: Percentiles,
    /// What finds motion for pictures between two of those, and why: the block search, or the GPU's optical flow
    /// engine. Empty where none are asked for.
    pub motion: String,
    /// Pictures that a GPU made between two of those.
    pub gpu_interpolated: u64,
    /// Pictures that the CPU made between two of those.
    pub cpu_interpolated: u64,
    /// Bytes of captured pixels that the CPU copied into a GPU's memory: none of what came in a DMA-BUF.
    pub uploaded_bytes: u64,
    /// Bytes of finished pictures that lay in system memory: none of what was exported to the encoder.
    pub system_memory_bytes: u64,
    /// Objects that were made on the GPU, all in all: their number does not grow with that of the pictures.
    pub objects: u64,
}

/// A bitrate that was changed while it ran.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BitrateChange {
    /// When in the recording, in seconds.
    pub seconds: f64,
    /// To how many kilobits a second.
    pub kbps: u32,
}

/// A rate of pictures that was changed while it ran.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FrameRateChange {
    /// When in the recording, in seconds.
    pub seconds: f64,
    /// To how many pictures a second.
    pub fps: f64,
}

/// An encoder that failed while it ran, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EncoderFailure {
    /// When in the recording, in seconds.
    pub seconds: f64,
    /// The encoder's name in libavcodec.
    pub encoder: String,
    /// What it said, in words.
    pub reason: String,
    /// Who goes on: the same name where it was opened again. `None` where nobody does, or where
    /// nothing was left to encode.
    pub replaced_by: Option<String>,
    /// Who could not take over, in the order in which they were asked.
    pub refused: Vec<Refusal>,
    /// How long nothing was encoded, in milliseconds, from when the failure was known.
    pub milliseconds: f64,
    /// Pictures that were inside, and are lost.
    pub lost: u64,
    /// Whether a call never returned: its thread and what it holds stay until the process ends.
    pub left_behind: bool,
}

impl fmt::Display for EncoderFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed at {:.1} s: {}", self.encoder, self.seconds, self.reason)?;
        for it in &self.refused {
            write!(f, "; {} could not take over: {}", it.encoder, it.reason)?;
        }
        let after = self.milliseconds;
        match &self.replaced_by {
            Some(name) if *name == self.encoder => write!(f, "; it was opened again after {after:.0} ms")?,
            Some(name) => write!(f, "; {name} goes on after {after:.0} ms")?,
            None => {}
        }
        if self.lost > 0 {
            write!(f, "; {} pictures that were inside are lost", self.lost)?;
        }
        if self.left_behind {
            write!(f, "; its thread does not come back and was left behind")?;
        }
        Ok(())
    }
}

/// One audio track's sound.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AudioReport {
    /// What was recorded, in the words of the command line.
    pub source: String,
    /// Codec name.
    pub codec: String,
    /// How far the sound card's clock was from ours, parts per million.
    pub clock_ppm: f64,
    /// The largest distance between where sound was written and when it was captured, milliseconds.
    pub max_skew_ms: f64,
    /// Sound that never came, filled with silence, in seconds.
    pub silence_seconds: f64,
}
