//! What is known of a track before anything is recorded: its sample description, its media header.
//!
//! What depends on the codec is what libavformat writes for the same tracks.

use super::boxes::{Found, Put, append_times, boxed, child, children, full, u32_at, version_for};
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
    pub(super) roll: Option<i16>,
    /// Ticks of sound at the start that an encoder puts before what it was given.
    pub(super) padding: i64,
}

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
    pub(super) fn append(
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
}
