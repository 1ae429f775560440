//! The `moov` box: first as a fragmented file has it, at the end as an ordinary one has it.
//!
//! What it says of each track is [`Description`]'s; times, edits and tables are here.

use super::boxes::{Put, append_times, boxed, full, version_for};
use super::chapters;
use super::description::Description;
use super::index::Index;

/// Where a track's decoding times begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shift(pub(super) i64);

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
                    out.put_u32(track.id());
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
        let next_id = text.map(|it| it.id).into_iter().chain(tracks.iter().map(|it| it.0.id())).max();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_movie_timescale_fits_every_track() {
        assert_eq!(movie_timescale([90_000, 48_000].into_iter()), 720_000);
        assert_eq!(movie_timescale([60_000, 48_000, 44_100].into_iter()), 35_280_000);
        assert_eq!(movie_timescale([99_991, 99_989, 48_000].into_iter()), 1_000_000);
        assert_eq!(rescale(3, 10, 4), 8, "to the nearest");
    }
}
