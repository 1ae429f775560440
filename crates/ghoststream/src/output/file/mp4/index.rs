//! Where each sample of a track is and when it is shown: what the final `moov` is made of.
//!
//! It grows by about 4 bytes a sample: runs of equal durations and offsets take one entry.

use super::boxes::{Put, full};

/// One sample as it is written. Times are in the track's ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) dts: i64,
    pub(super) pts: i64,
    /// How long it is shown, as far as that is known; never zero.
    pub(super) duration: u32,
    pub(super) size: u32,
    pub(super) key: bool,
}

/// Samples that lie together in the file.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    /// Where they begin.
    place: u64,
    /// How many they are.
    samples: u32,
    /// The number, from 1, of their entry in the sample description.
    entry: u32,
}

/// A track's samples.
#[derive(Debug, Default)]
pub(super) struct Index {
    sizes: Vec<u32>,
    /// Distances from one decoding time to the next, in runs; the last sample's is not in it.
    deltas: Vec<(u32, u32)>,
    /// Distances from decoding to showing, in runs.
    offsets: Vec<(u32, i32)>,
    /// Numbers of the key samples, from 1.
    keys: Vec<u32>,
    chunks: Vec<Chunk>,
    first: Option<Sample>,
    last: Option<Sample>,
    first_shown: i64,
    end: i64,
    /// A distance did not fit its field: an ordinary file cannot say it.
    unfit: bool,
}

impl Index {
    /// Adds the samples of a chunk that begins at `place` in the file. `entry` is the number, from 1,
    /// of what the sample description says of them.
    pub(super) fn add_chunk(&mut self, place: u64, entry: u32, samples: &[Sample]) {
        if samples.is_empty() {
            return;
        }
        self.chunks.push(Chunk { place, samples: samples.len() as u32, entry });
        for sample in samples {
            self.add(sample);
        }
    }

    fn add(&mut self, sample: &Sample) {
        if let Some(last) = self.last {
            let delta = u32::try_from(sample.dts - last.dts);
            self.unfit |= delta.is_err();
            extend(&mut self.deltas, delta.unwrap_or(u32::MAX));
        }
        let offset = i32::try_from(sample.pts - sample.dts);
        self.unfit |= offset.is_err();
        extend(&mut self.offsets, offset.unwrap_or(0));
        self.sizes.push(sample.size);
        if sample.key {
            self.keys.push(self.sizes.len() as u32);
        }
        let shown_until = sample.pts + i64::from(sample.duration);
        self.first_shown = if self.first.is_none() { sample.pts } else { self.first_shown.min(sample.pts) };
        self.end = if self.first.is_none() { shown_until } else { self.end.max(shown_until) };
        self.first.get_or_insert(*sample);
        self.last = Some(*sample);
    }

    /// The first sample, once there is one.
    pub(super) fn first(&self) -> Option<Sample> {
        self.first
    }

    /// The last sample, once there is one.
    pub(super) fn last(&self) -> Option<&Sample> {
        self.last.as_ref()
    }

    /// How many samples there are.
    pub(super) fn len(&self) -> usize {
        self.sizes.len()
    }

    /// When the first picture is shown or the first sound heard.
    pub(super) fn first_shown(&self) -> i64 {
        self.first_shown
    }

    /// When the last one ends.
    pub(super) fn end(&self) -> i64 {
        self.end
    }

    /// How long the samples take in decoding order.
    pub(super) fn media_duration(&self) -> u64 {
        let (Some(first), Some(last)) = (self.first, self.last) else { return 0 };
        u64::try_from(last.dts - first.dts).unwrap_or(0) + u64::from(last.duration)
    }

    /// Whether an ordinary file can say it all.
    pub(super) fn fits(&self) -> bool {
        !self.unfit
    }

    /// At most how many bytes [`Index::append_tables`] appends once `more` further samples were added.
    pub(super) fn table_bytes(&self, more: usize) -> u64 {
        let runs = self.deltas.len() + self.offsets.len() + 2 * more + 1;
        let samples = 4 * (self.sizes.len() + more);
        let bytes = samples + 8 * runs + 4 * (self.keys.len() + more) + 20 * (self.chunks.len() + 1);
        bytes as u64 + 256
    }

    /// Appends `stts`, `ctts`, `stss`, `stsz`, `stsc` and the chunk offsets.
    pub(super) fn append_tables(&self, out: &mut Vec<u8>) {
        let mut deltas = self.deltas.clone();
        if let Some(last) = self.last {
            extend(&mut deltas, last.duration);
        }
        full(out, b"stts", 0, 0, |out| {
            out.put_u32(deltas.len() as u32);
            for (count, delta) in deltas {
                out.put_u32(count);
                out.put_u32(delta);
            }
        });
        self.append_offsets(out);
        if self.keys.len() < self.sizes.len() {
            full(out, b"stss", 0, 0, |out| {
                out.put_u32(self.keys.len() as u32);
                self.keys.iter().for_each(|&key| out.put_u32(key));
            });
        }
        full(out, b"stsz", 0, 0, |out| {
            out.put_u32(0);
            out.put_u32(self.sizes.len() as u32);
            self.sizes.iter().for_each(|&size| out.put_u32(size));
        });
        self.append_chunks(out);
    }

    /// `ctts`, where pictures are not shown when they are decoded. Version 1 takes negative offsets.
    fn append_offsets(&self, out: &mut Vec<u8>) {
        if self.offsets.iter().all(|&(_, offset)| offset == 0) {
            return;
        }
        let version = u8::from(self.offsets.iter().any(|&(_, offset)| offset < 0));
        full(out, b"ctts", version, 0, |out| {
            out.put_u32(self.offsets.len() as u32);
            for &(count, offset) in &self.offsets {
                out.put_u32(count);
                out.put_i32(offset);
            }
        });
    }

    fn append_chunks(&self, out: &mut Vec<u8>) {
        let mut runs: Vec<(u32, Chunk)> = Vec::new();
        for (number, &chunk) in (1u32..).zip(&self.chunks) {
            let alike = |(_, last): &(u32, Chunk)| (last.samples, last.entry) == (chunk.samples, chunk.entry);
            if !runs.last().is_some_and(alike) {
                runs.push((number, chunk));
            }
        }
        full(out, b"stsc", 0, 0, |out| {
            out.put_u32(runs.len() as u32);
            for (first_chunk, chunk) in runs {
                out.put_u32(first_chunk);
                out.put_u32(chunk.samples);
                out.put_u32(chunk.entry);
            }
        });
        let large = self.chunks.last().is_some_and(|it| it.place > u64::from(u32::MAX));
        full(out, if large { b"co64" } else { b"stco" }, 0, 0, |out| {
            out.put_u32(self.chunks.len() as u32);
            self.chunks.iter().for_each(|it| out.put_sized(u8::from(large), it.place));
        });
    }
}

/// Adds a value to runs of (count, value).
fn extend<T: PartialEq>(runs: &mut Vec<(u32, T)>, value: T) {
    match runs.last_mut() {
        Some((count, last)) if *last == value => *count += 1,
        _ => runs.push((1, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::boxes::child;
    use super::*;

    fn sample(dts: i64, pts: i64, key: bool) -> Sample {
        Sample { dts, pts, duration: 10, size: 7, key }
    }

    #[test]
    fn equal_steps_take_one_entry_and_estimates_hold() {
        let mut index = Index::default();
        let samples: Vec<_> = (0..36_000).map(|n| sample(n * 10, n * 10, n % 60 == 0)).collect();
        for (n, chunk) in samples.chunks(24).enumerate() {
            let promised = index.table_bytes(chunk.len());
            index.add_chunk(n as u64 * 1000, 1, chunk);
            let mut tables = Vec::new();
            if n % 300 == 0 {
                index.append_tables(&mut tables);
            }
            assert!(tables.len() as u64 <= promised, "{} > {promised}", tables.len());
        }
        let mut tables = Vec::new();
        index.append_tables(&mut tables);
        let stts = child(&tables, b"stts").unwrap().payload;
        assert_eq!(stts, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 140, 160, 0, 0, 0, 10]);
        assert!(child(&tables, b"ctts").is_none());
        assert!(tables.len() < 36_000 * 5, "{}", tables.len());
        assert_eq!(index.media_duration(), 360_000);
    }

    #[test]
    fn reordered_pictures_keep_their_offsets_and_places_beyond_4_gib_are_said() {
        let mut index = Index::default();
        index.add_chunk(1 << 33, 1, &[sample(-10, 0, true), sample(0, 20, false), sample(10, 10, false)]);
        assert_eq!((index.first_shown(), index.end()), (0, 30));
        let mut tables = Vec::new();
        index.append_tables(&mut tables);
        assert_eq!(child(&tables, b"co64").unwrap().payload[8..], (1u64 << 33).to_be_bytes());
        assert_eq!(child(&tables, b"ctts").unwrap().payload[..8], [0, 0, 0, 0, 0, 0, 0, 3]);
        assert_eq!(child(&tables, b"stss").unwrap().payload[4..], [0, 0, 0, 1, 0, 0, 0, 1]);
    }

    #[test]
    fn chunks_say_which_entry_describes_them() {
        let mut index = Index::default();
        for (place, entry) in [(0, 1), (100, 1), (200, 2), (300, 2)] {
            index.add_chunk(place, entry, &[sample(place as i64, place as i64, true)]);
        }
        let mut tables = Vec::new();
        index.append_tables(&mut tables);
        let stsc = child(&tables, b"stsc").unwrap().payload;
        let numbers: Vec<_> = stsc[4..].as_chunks::<4>().0.iter().map(|&it| u32::from_be_bytes(it)).collect();
        assert_eq!(numbers, [2, 1, 1, 1, 3, 1, 2], "two runs: first chunk, samples, entry");
    }

    #[test]
    fn a_gap_that_no_table_can_say_is_noticed() {
        let mut index = Index::default();
        index.add_chunk(0, 1, &[sample(0, 0, true), sample(1 << 33, 1 << 33, true)]);
        assert!(!index.fits());
    }
}
