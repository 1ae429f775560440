//! The `moov` box: first as a fragmented file has it, at the end as an ordinary one has it.
//!
//! What depends on the codec (the sample description, the media header) is what libavformat writes
//! for the same tracks; times, edits and tables are ours.

use super::boxes::{Found, Put, boxed, child, children, full, u32_at, version_for};
use super::chapters;
use super::index::Index;
use crate::av::ffi::AVCodecID::{self, *};
use crate::encode::{Track, TrackKind};
use crate::output::OutputError;
use crate::output::file::muxer::{Muxer, Stream};

/// What the `moov` says of one track, whatever was recorded.
#[derive(Debug)]
pub(super) struct Description {
    id: u32,
    /// Ticks a second.
    pub(super) timescale: u32,
    /// `tkhd` from its layer on: alternate group, volume, matrix and size.
    presentation: Vec<u8>,
    header_flags: u32,
    /// The packed ISO 639-2 code.
    language: u16,
    handler: Vec<u8>,
    /// The media header and data information, as whole boxes.
    media_information: Vec<u8>,
    /// The entries of `stsd`: what the samples are, and from where on another encoder has taken over
    /// what they are since.
    sample_descriptions: Vec<Vec<u8>>,
    title: Option<String>,
    /// Samples to decode before those to be heard are right, as `roll` groups say it.
    roll: Option<i16>,
    /// Ticks of sound at the start that an encoder puts before what it was given.
    pub(super) padding: i64,
}

/// Where a track's decoding times begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shift(pub(super) i64);

impl Description {
    /// What libavformat writes for these tracks.
    pub(super) fn of(tracks: &[Track]) -> Result<Vec<Self>, OutputError> {
        let streams: Vec<_> = tracks
            .iter()
            .map(|track| Stream { track, timescale: timescale(track.kind), tag: tag(track) })
            .collect();
        let options = [
            (c"movflags", c"empty_moov+default_base_moof+frag_custom+write_colr"),
            (c"use_editlist", c"0"),
            // FLAC and Opus in MP4 were experimental in older versions.
            (c"strict", c"experimental"),
        ];
        let header = Muxer::open(c"mp4", &streams, &options)?.take();
        let moov = child(&header, b"moov").map_or(&[][..], |it| it.payload);
        let traks: Vec<_> = children(moov).filter(|it| &it.kind == b"trak").collect();
        let described: Option<Vec<_>> =
            traks.iter().zip(tracks).map(|(trak, track)| Self::read(trak.payload, track)).collect();
        described.filter(|it| it.len() == tracks.len()).ok_or(OutputError::Mux {
            what: "describing the tracks",
            source: crate::av::AvError(-libc::EINVAL),
        })
    }

    fn read(trak: &[u8], track: &Track) -> Option<Self> {
        let tkhd = child(trak, b"tkhd")?.payload;
        let long = tkhd.first()? == &1;
        let mdia = child(trak, b"mdia")?.payload;
        let mdhd = child(mdia, b"mdhd")?.payload;
        let times = if mdhd.first()? == &1 { 20 } else { 12 };
        let timescale = u32_at(mdhd, times)?;
        let language = mdhd.get(if times == 20 { 32..34 } else { 20..22 })?;
        let minf = child(mdia, b"minf")?.payload;
        let fields = track.parameters.fields();
        let padding = i64::from(fields.initial_padding.max(0));
        Some(Self {
            id: u32_at(tkhd, if long { 20 } else { 12 })?,
            timescale,
            // Past the duration and two reserved words.
            presentation: tkhd.get(if long { 44 } else { 32 }..)?.to_vec(),
            header_flags: u32_at(tkhd, 0)? & 0xff_ffff,
            language: u16::from_be_bytes(language.try_into().ok()?),
            handler: handler(child(mdia, b"hdlr")?, track.title.as_deref())?,
            media_information: concat(children(minf).filter(|it| &it.kind != b"stbl")),
            // Past the version, flags and number of entries, of which there is one.
            sample_descriptions: vec![
                child(child(minf, b"stbl")?.payload, b"stsd")?.payload.get(8..)?.to_vec(),
            ],
            title: track.title.clone(),
            roll: roll(fields.codec_id),
            padding: padding * i64::from(timescale) / i64::from(fields.sample_rate.max(1)),
        })
    }

    /// The record that the first entry for pictures holds for the decoder.
    pub(super) fn decoder_configuration(&self) -> Option<Vec<u8>> {
        // A VisualSampleEntry is 78 bytes long before its boxes (ISO/IEC 14496-12, 12.1.3).
        let entry = children(self.sample_descriptions.first()?).next()?.payload.get(78..)?;
        let record = [b"avcC", b"hvcC", b"av1C"].into_iter().find_map(|kind| child(entry, kind))?;
        Some(record.payload.to_vec())
    }

    /// The track's number.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// The number, from 1, of the entry for samples of this track; one is added where there is none.
    pub(super) fn entry_for(&mut self, track: &Track) -> Result<u32, OutputError> {
        let described = Self::of(std::slice::from_ref(track))?;
        for entry in described.into_iter().flat_map(|it| it.sample_descriptions) {
            if let Some(at) = self.sample_descriptions.iter().position(|it| *it == entry) {
                return Ok(at as u32 + 1);
            }
            self.sample_descriptions.push(entry);
        }
        Ok(self.sample_descriptions.len() as u32)
    }

    /// Bytes of what was added for encoders that took over.
    pub(super) fn added_bytes(&self) -> u64 {
        self.sample_descriptions.iter().skip(1).map(|it| it.len() as u64).sum()
    }

    /// Appends `trak`. `edits` appends the edit list, `tables` what follows the sample description.
    fn append(
        &self,
        out: &mut Vec<u8>,
        (movie_duration, media_duration): (u64, u64),
        edits: impl FnOnce(&mut Vec<u8>),
        tables: impl FnOnce(&mut Vec<u8>),
    ) {
        boxed(out, b"trak", |out| {
            let version = version_for(&[movie_duration]);
            full(out, b"tkhd", version, self.header_flags, |out| {
                append_times(out, version);
                out.put_u32(self.id);
                out.put_u32(0);
                out.put_sized(version, movie_duration);
                out.put_u64(0);
                out.extend(&self.presentation);
            });
            edits(out);
            boxed(out, b"mdia", |out| {
                let version = version_for(&[media_duration]);
                full(out, b"mdhd", version, 0, |out| {
                    append_times(out, version);
                    out.put_u32(self.timescale);
                    out.put_sized(version, media_duration);
                    out.put_u16(self.language);
                    out.put_u16(0);
                });
                out.extend(&self.handler);
                boxed(out, b"minf", |out| {
                    out.extend(&self.media_information);
                    boxed(out, b"stbl", |out| {
                        full(out, b"stsd", 0, 0, |out| {
                            out.put_u32(self.sample_descriptions.len() as u32);
                            self.sample_descriptions.iter().for_each(|it| out.extend(it));
                        });
                        tables(out);
                    });
                });
            });
            if let Some(title) = &self.title {
                // As libavformat writes and, in newer versions, reads it.
                boxed(out, b"udta", |out| boxed(out, b"name", |out| out.extend(title.as_bytes())));
            }
        });
    }
}

/// `hdlr`, with the track's title for a name: this is what most players show.
fn handler(hdlr: Found<'_>, title: Option<&str>) -> Option<Vec<u8>> {
    let Some(title) = title else { return Some(hdlr.whole.to_vec()) };
    let mut out = Vec::new();
    // Version, type and reserved words as they are; the name follows.
    let fixed = hdlr.payload.get(..24)?;
    boxed(&mut out, b"hdlr", |out| {
        out.extend(fixed);
        out.extend(title.bytes().filter(|&it| it != 0));
        out.push(0);
    });
    Some(out)
}

/// The `moov` of a fragmented file: no samples, and for each track where its decoding times begin.
pub(super) fn fragmented(tracks: &[(&Description, Shift)]) -> Vec<u8> {
    let mut out = Vec::new();
    boxed(&mut out, b"moov", |out| {
        append_mvhd(out, 1000, 0, tracks.len() as u32 + 1);
        for (track, shift) in tracks {
            let edits = |out: &mut Vec<u8>| {
                // A duration of zero goes on for as long as there are fragments.
                append_edits(out, &[(0, shift.0)]);
            };
            track.append(out, (0, 0), edits, |out| Index::default().append_tables(out));
        }
        boxed(out, b"mvex", |out| {
            for (track, _) in tracks {
                full(out, b"trex", 0, 0, |out| {
                    out.put_u32(track.id);
                    out.put_u32(1);
                    out.extend([0; 12]);
                });
            }
        });
    });
    out
}

/// The `moov` of an ordinary file, and of the chapters that it has.
pub(super) fn ordinary(tracks: &[(&Description, &Index)], text: Option<&chapters::Track<'_>>) -> Vec<u8> {
    let tracks: Vec<_> = tracks.iter().filter(|(_, index)| index.first().is_some()).collect();
    let scale = movie_timescale(tracks.iter().map(|(track, _)| track.timescale));
    let plans: Vec<_> = tracks.iter().map(|(track, index)| Plan::of(track, index, scale)).collect();
    let mut out = Vec::new();
    boxed(&mut out, b"moov", |out| {
        let duration = plans.iter().map(|it| it.empty + it.shown).max().unwrap_or(0);
        let next_id = text.map(|it| it.id).into_iter().chain(tracks.iter().map(|it| it.0.id)).max();
        append_mvhd(out, scale, duration, next_id.unwrap_or(0) + 1);
        for (n, ((track, index), plan)) in tracks.iter().zip(&plans).enumerate() {
            let durations = (plan.empty + plan.shown, index.media_duration());
            let edits = |out: &mut Vec<u8>| {
                let shown = (plan.shown, plan.media_start);
                if plan.empty > 0 {
                    append_edits(out, &[(plan.empty, -1), shown]);
                } else {
                    append_edits(out, &[shown]);
                }
                if let Some(text) = text.filter(|_| n == 0) {
                    boxed(out, b"tref", |out| boxed(out, b"chap", |out| out.put_u32(text.id)));
                }
            };
            track.append(out, durations, edits, |out| {
                index.append_tables(out);
                append_roll(out, track.roll, index.len());
            });
        }
        if let Some(text) = text {
            text.append(out, scale);
            chapters::append_nero(out, text.chapters);
        }
    });
    out
}

/// When a track is shown: durations in the movie's ticks, the start in the track's.
struct Plan {
    empty: u64,
    shown: u64,
    media_start: i64,
}

impl Plan {
    fn of(track: &Description, index: &Index, scale: u32) -> Self {
        let first_decoded = index.first().map_or(0, |it| it.dts);
        // What an encoder put before the sound is decoded, but not heard.
        let start = (index.first_shown() + track.padding).max(0);
        let movie = |ticks: i64| rescale(ticks.max(0), scale, track.timescale);
        Self { empty: movie(start), shown: movie(index.end() - start), media_start: start - first_decoded }
    }
}

fn append_edits(out: &mut Vec<u8>, edits: &[(u64, i64)]) {
    let large = edits.iter().any(|&(_, start)| i32::try_from(start).is_err());
    let durations: Vec<u64> = edits.iter().map(|it| it.0).collect();
    let version = version_for(&durations).max(u8::from(large));
    boxed(out, b"edts", |out| {
        full(out, b"elst", version, 0, |out| {
            out.put_u32(edits.len() as u32);
            for &(duration, start) in edits {
                out.put_sized(version, duration);
                match version {
                    0 => out.put_i32(start as i32),
                    _ => out.put_u64(start as u64),
                }
                out.put_u32(0x1_0000);
            }
        });
    });
}

fn append_mvhd(out: &mut Vec<u8>, timescale: u32, duration: u64, next_id: u32) {
    let version = version_for(&[duration]);
    full(out, b"mvhd", version, 0, |out| {
        append_times(out, version);
        out.put_u32(timescale);
        out.put_sized(version, duration);
        out.put_u32(0x1_0000);
        out.put_u16(0x100);
        out.extend([0; 10]);
        for value in [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000] {
            out.put_u32(value);
        }
        out.extend([0; 24]);
        out.put_u32(next_id);
    });
}

/// When it was made and changed: the file system knows.
pub(super) fn append_times(out: &mut Vec<u8>, version: u8) {
    out.put_sized(version, 0);
    out.put_sized(version, 0);
}

/// `sgpd` and `sbgp` of type `roll` for all samples.
fn append_roll(out: &mut Vec<u8>, roll: Option<i16>, samples: usize) {
    let Some(distance) = roll else { return };
    full(out, b"sgpd", 1, 0, |out| {
        out.extend(b"roll");
        out.put_u32(2);
        out.put_u32(1);
        out.extend(distance.to_be_bytes());
    });
    full(out, b"sbgp", 0, 0, |out| {
        out.extend(b"roll");
        out.put_u32(1);
        out.put_u32(samples as u32);
        out.put_u32(1);
    });
}

/// The least timescale that says every track's ticks exactly; a fine one where there is none.
fn movie_timescale(tracks: impl Iterator<Item = u32>) -> u32 {
    let gcd = |mut a: u64, mut b: u64| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let least = tracks.map(u64::from).try_fold(1u64, |all, it| {
        let common = gcd(all, it).max(1);
        (all / common).checked_mul(it).filter(|&it| it <= 100_000_000)
    });
    least.and_then(|it| u32::try_from(it).ok()).unwrap_or(1_000_000)
}

fn rescale(ticks: i64, to: u32, from: u32) -> u64 {
    let (ticks, to, from) = (ticks.unsigned_abs() as u128, u128::from(to), u128::from(from.max(1)));
    u64::try_from((ticks * to + from / 2) / from).unwrap_or(u64::MAX)
}

/// A timescale in which the track's times are whole numbers of ticks.
fn timescale(kind: TrackKind) -> u32 {
    const USUAL: u32 = 90_000;
    let fps = match kind {
        TrackKind::Audio { rate } => return rate.max(1),
        TrackKind::Video { constant: false, .. } => return USUAL,
        TrackKind::Video { fps, .. } => fps,
    };
    let whole = fps.round();
    let ntsc = (fps * 1.001).round();
    if (fps - whole).abs() < 1e-6 && (1.0..=1000.0).contains(&whole) {
        let whole = whole as u32;
        if USUAL.is_multiple_of(whole) { USUAL } else { whole * 1000 }
    } else if (fps - ntsc / 1.001).abs() < 0.005 && (1.0..=1000.0).contains(&ntsc) {
        // 59.94 is 60000/1001.
        ntsc as u32 * 1000
    } else {
        USUAL
    }
}

/// `hvc1` is what Apple's players take; libavformat would choose `hev1`.
fn tag(track: &Track) -> Option<[u8; 4]> {
    (track.parameters.fields().codec_id == AV_CODEC_ID_HEVC).then_some(*b"hvc1")
}

/// AAC needs the frame before; Opus needs 80 ms, four packets of the usual size (Opus in ISOBMFF 4.3.6.2).
fn roll(codec: AVCodecID) -> Option<i16> {
    match codec {
        AV_CODEC_ID_AAC => Some(-1),
        AV_CODEC_ID_OPUS => Some(-4),
        _ => None,
    }
}

fn concat<'a>(boxes: impl Iterator<Item = Found<'a>>) -> Vec<u8> {
    boxes.flat_map(|it| it.whole).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timescales_say_the_rate_exactly() {
        let of = |fps| timescale(TrackKind::Video { fps, constant: true });
        assert_eq!([of(60.0), of(144.0), of(240.0), of(7.0)], [90_000, 90_000, 90_000, 7000]);
        assert_eq!([of(59.94), of(60_000.0 / 1001.0), of(23.976)], [60_000, 60_000, 24_000]);
        assert_eq!(of(12.345), 90_000);
        assert_eq!(timescale(TrackKind::Audio { rate: 48_000 }), 48_000);
    }

    #[test]
    fn the_movie_timescale_fits_every_track() {
        assert_eq!(movie_timescale([90_000, 48_000].into_iter()), 720_000);
        assert_eq!(movie_timescale([60_000, 48_000, 44_100].into_iter()), 35_280_000);
        assert_eq!(movie_timescale([99_991, 99_989, 48_000].into_iter()), 1_000_000);
        assert_eq!(rescale(3, 10, 4), 8, "to the nearest");
    }
}
