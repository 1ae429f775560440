//! MP4: fragmented while it is recorded, an ordinary file at the end, in place.
//!
//! ```text
//! recording  ftyp  free  moov  moof mdat  moof mdat  …
//! ended      ftyp  mdat[ moov  moof mdat  moof mdat  … ]  moov
//! ```
//!
//! Each fragment is written whole, so that a killed process leaves a fragmented MP4 that ends with a
//! whole fragment. At the end a `moov` with the tables of all samples is appended, and when the disk
//! has it, the 16 bytes of the `free` box become the header of an `mdat` that holds everything
//! between: one small write turns the one kind of file into the other, and nothing is copied.
//!
//! A gap of more than 13 hours within a track is beyond what the tables can say. Such a file stays
//! fragmented, which says it and plays.

mod boxes;
mod chapters;
mod description;
mod index;
mod moov;
mod writer;

use std::time::{Duration, Instant};

use self::boxes::{Put, boxed, full};
use self::description::Description;
use self::writer::Writer;
use super::chapters::Chapters;
use super::recorded::{Layout, State};
use super::{UNIT, UNIT_BYTES};
use crate::MediaTime;
use crate::encode::{Packet, Track};
use crate::output::OutputError;

/// What a fragment takes beside its samples' bytes: for itself, each track, each sample.
const FRAGMENT_BYTES: [u64; 3] = [64, 128, 16];

/// What a decoder must know before the first picture, as MP4's sample description and FLV's first tag
/// hold it: the `avcC`, `hvcC` or `av1C` record without its box.
pub(crate) fn decoder_configuration(track: &Track) -> Result<Vec<u8>, OutputError> {
    let described = Description::of(std::slice::from_ref(track))?;
    let record = described.first().and_then(Description::decoder_configuration);
    record
        .ok_or(OutputError::Mux { what: "describing the picture", source: crate::av::AvError(-libc::EINVAL) })
}

/// An MP4 file.
pub(super) struct Mp4 {
    tracks: Vec<Writer>,
    /// Fragments written.
    fragments: u32,
    fragment: Option<Fragment>,
    /// Whether a picture was written. The first is not kept waiting: who starts a pipeline is told
    /// that it has reached the file.
    pictured: bool,
}

/// The fragment that is being filled.
struct Fragment {
    since: Instant,
    first: MediaTime,
}

impl Mp4 {
    /// Describes the tracks, which begin up to `lead` before zero; what is there is
    /// decoded, but neither shown nor heard.
    pub(super) fn of(tracks: &[Track], lead: Duration) -> Result<Self, OutputError> {
        let descriptions = Description::of(tracks)?;
        let writers =
            tracks.iter().zip(descriptions).map(|(track, it)| Writer::new(track, it, lead)).collect();
        Ok(Self { tracks: writers, fragments: 0, fragment: None, pictured: false })
    }

    /// What follows on this track is another encoder's: the final `moov` describes it with an entry of
    /// its own. Until there is one, the parameter sets in its key pictures do.
    fn take_over(&mut self, track: usize, by: &Track, file: &mut State) -> Result<(), OutputError> {
        if self.fragment.is_some() {
            self.end_fragment(file)?;
        }
        if let Some(writer) = self.tracks.get_mut(track) {
            writer.entry = writer.description.entry_for(by)?;
            writer.form = writer.form.with_parameter_sets();
        }
        Ok(())
    }

    fn end_fragment(&mut self, file: &mut State) -> Result<(), OutputError> {
        self.fragment = None;
        let mut head = Vec::new();
        if file.disk.end() == 0 {
            self.append_header(&mut head);
        }
        let places = self.append_fragment_head(&mut head, file.disk.end());
        let samples = self.tracks.iter().flat_map(|it| it.bytes.slices());
        let unit: Vec<&[u8]> = std::iter::once(head.as_slice()).chain(samples).collect();
        let end = file.disk.end() + unit.iter().map(|it| it.len() as u64).sum::<u64>();
        let written = file.disk.append_parts(&unit);
        let is_there = file.disk.end() == end;
        for (track, place) in self.tracks.iter_mut().zip(places) {
            // What could not be written is not in the index, so that what was stays whole.
            if is_there {
                track.index.add_chunk(place, track.entry, &track.samples);
            }
            track.samples.clear();
            track.bytes.clear();
        }
        self.fragments += 1;
        written
    }

    fn append_header(&mut self, out: &mut Vec<u8>) {
        append_ftyp(out);
        boxed(out, b"free", |out| out.put_u64(0));
        let tracks: Vec<_> = self.tracks.iter_mut().map(Writer::settle_shift).collect();
        out.extend(moov::fragmented(&tracks));
    }

    /// Appends `moof` and the header of the `mdat`, which the tracks' bytes follow; returns where in the file,
    /// whose end is `end`, each track's are.
    fn append_fragment_head(&self, out: &mut Vec<u8>, end: u64) -> Vec<u64> {
        let start = out.len();
        let mut fixups = Vec::new();
        boxed(out, b"moof", |out| {
            full(out, b"mfhd", 0, 0, |out| out.put_u32(self.fragments + 1));
            for track in self.tracks.iter().filter(|it| !it.samples.is_empty()) {
                fixups.push(track.append_traf(out));
            }
        });
        let mut fixups = fixups.into_iter();
        let mut from_moof = out.len() - start + 8;
        let mut places = Vec::new();
        for track in &self.tracks {
            places.push(end + (start + from_moof) as u64);
            if !track.samples.is_empty()
                && let Some(at) = fixups.next()
            {
                out[at..at + 4].copy_from_slice(&(from_moof as u32).to_be_bytes());
            }
            from_moof += track.bytes.len();
        }
        let samples: usize = self.tracks.iter().map(|it| it.bytes.len()).sum();
        out.put_u32(8 + samples as u32);
        out.extend(b"mdat");
        places
    }

    /// What the open fragment will take.
    fn unwritten(&self) -> u64 {
        let [one, track, sample] = FRAGMENT_BYTES;
        let header = if self.fragments == 0 { 4096 * (1 + self.tracks.len() as u64) } else { 0 };
        let tracks = self.tracks.iter();
        let each = tracks.map(|it| track + it.bytes.len() as u64 + sample * it.samples.len() as u64);
        header + one + each.sum::<u64>()
    }

    /// What the end of the file will take, with so many more samples in each track.
    fn end_bytes(&self, more: usize, chapters: &Chapters) -> u64 {
        let tracks = self.tracks.iter();
        4096 + chapters.bytes()
            + tracks
                .map(|it| 4096 + it.description.added_bytes() + it.index.table_bytes(it.samples.len() + more))
                .sum::<u64>()
    }
}

impl Layout for Mp4 {
    fn write(&mut self, packet: &Packet, file: &mut State) -> Result<(), OutputError> {
        let span = |fragment: &Fragment| packet.dts.nanos_since(fragment.first);
        if self.fragment.as_ref().is_some_and(|it| span(it) >= UNIT.as_nanos() as i64) {
            self.end_fragment(file)?;
        }
        if let Some(track) = &packet.begins {
            self.take_over(packet.track, track, file)?;
        }
        file.disk.check()?;
        file.disk
            .reserve(self.unwritten() + packet.data().len() as u64 + self.end_bytes(1, &file.chapters))?;
        let Some(track) = self.tracks.get_mut(packet.track) else {
            let source = crate::av::AvError(-libc::EINVAL);
            return Err(OutputError::Mux { what: "writing a packet of no track", source });
        };
        if !track.push(packet) {
            return Ok(());
        }
        let first_picture = track.is_video && !self.pictured;
        self.pictured |= track.is_video;
        file.end = file.end.max(packet.pts + packet.duration);
        self.fragment.get_or_insert_with(|| Fragment { since: Instant::now(), first: packet.dts });
        let unwritten: usize = self.tracks.iter().map(|it| it.bytes.len()).sum();
        if first_picture || unwritten >= UNIT_BYTES {
            return self.end_fragment(file);
        }
        self.idle(file)
    }

    fn idle(&mut self, file: &mut State) -> Result<(), OutputError> {
        file.disk.check()?;
        match &self.fragment {
            Some(fragment) if fragment.since.elapsed() >= UNIT => self.end_fragment(file),
            _ => Ok(()),
        }
    }

    fn finish(&mut self, file: &mut State) -> Result<(), OutputError> {
        if self.fragment.is_some() {
            self.end_fragment(file)?;
        }
        if file.disk.end() == 0 || !self.tracks.iter().all(|it| it.index.fits()) {
            return Ok(());
        }
        let tracks: Vec<_> = self.tracks.iter().map(|it| (&it.description, &it.index)).collect();
        let chapters = file.chapters.of_file(file.end);
        let mut unit = Vec::new();
        let chapters = (!chapters.is_empty()).then(|| {
            unit = chapters::samples(&chapters);
            let id = tracks.iter().map(|it| it.0.id()).max().unwrap_or(0) + 1;
            (chapters, id)
        });
        let text = chapters.as_ref().map(|(chapters, id)| chapters::Track {
            chapters,
            id: *id,
            // Past the header of the box that holds them.
            place: file.disk.end() + 8,
        });
        let end = file.disk.end() + unit.len() as u64;
        unit.extend(moov::ordinary(&tracks, text.as_ref()));
        file.disk.append(&unit)?;
        // Never a file whose end is not there yet.
        file.disk.sync()?;
        file.disk.patch(FTYP_BYTES, &large_mdat_header(end - FTYP_BYTES))
    }
}

/// The size of what [`append_ftyp`] appends; the `free` box follows within the same disk sector.
const FTYP_BYTES: u64 = 32;

fn append_ftyp(out: &mut Vec<u8>) {
    boxed(out, b"ftyp", |out| {
        out.extend(b"isom");
        out.put_u32(0x200);
        for brand in [b"isom", b"iso6", b"av01", b"mp41"] {
            out.extend(brand);
        }
    });
}

/// The header of an `mdat` of this size, in the 16 bytes of the `free` box.
fn large_mdat_header(size: u64) -> [u8; 16] {
    let mut header = [0; 16];
    header[3] = 1;
    header[4..8].copy_from_slice(b"mdat");
    header[8..].copy_from_slice(&size.to_be_bytes());
    header
}
