//! Markers, as the chapters of a file.

use crate::MediaTime;
use crate::output::Marker;

/// What stands before the first marker, so that a player can go back there.
const BEGINNING: &str = "Start";
/// The shortest chapter, in nanoseconds: players count in milliseconds.
const SHORTEST: i64 = 1_000_000;

/// The markers of one file.
#[derive(Debug, Default)]
pub(super) struct Chapters {
    markers: Vec<Marker>,
    title_bytes: usize,
}

/// One chapter: from here to there, in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chapter {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) title: String,
}

impl Chapters {
    pub(super) fn add(&mut self, marker: &Marker) {
        self.title_bytes += marker.title.len();
        self.markers.push(marker.clone());
    }

    /// At most what a container takes to say them, once there is room for one more.
    pub(super) fn bytes(&self) -> u64 {
        // Matroska: an atom with its times and a display; MP4: an entry of `chpl`, a sample, and its
        // entries in the tables, with the title twice.
        2048 + 128 * (self.markers.len() as u64 + 2) + 2 * self.title_bytes as u64
    }

    /// The chapters of a file that ends there: none overlaps another, and together they are all of it.
    pub(super) fn of_file(&self, end: MediaTime) -> Vec<Chapter> {
        let mut markers: Vec<_> =
            self.markers.iter().map(|it| (it.at.as_nanos(), it.title.as_str())).collect();
        markers.sort_by_key(|it| it.0);
        match markers.first() {
            None => return Vec::new(),
            Some(&(start, _)) if start >= SHORTEST => markers.insert(0, (0, BEGINNING)),
            Some(_) => {}
        }
        let mut starts = Vec::with_capacity(markers.len());
        let mut earliest = 0;
        for (start, _) in &markers {
            // What was marked when the last pictures were on their way belongs to those.
            let start = (*start).min(end.as_nanos()).max(earliest);
            earliest = start + SHORTEST;
            starts.push(start);
        }
        let ends = starts.iter().skip(1).copied().chain([end.as_nanos().max(earliest)]);
        let titled = markers.iter().map(|it| it.1.to_owned());
        starts
            .iter()
            .zip(ends)
            .zip(titled)
            .map(|((&start, end), title)| Chapter { start, end, title })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chapters(markers: &[(i64, &str)], end_ms: i64) -> Vec<(i64, i64, String)> {
        let mut chapters = Chapters::default();
        for &(ms, title) in markers {
            chapters.add(&Marker { at: MediaTime::from_nanos(ms * SHORTEST), title: title.to_owned() });
        }
        let of_file = chapters.of_file(MediaTime::from_nanos(end_ms * SHORTEST));
        of_file.into_iter().map(|it| (it.start / SHORTEST, it.end / SHORTEST, it.title)).collect()
    }

    #[test]
    fn chapters_go_from_marker_to_marker() {
        assert_eq!(chapters(&[], 100), []);
        let got = chapters(&[(30, "a"), (70, "b")], 100);
        assert_eq!(got, [(0, 30, "Start".into()), (30, 70, "a".into()), (70, 100, "b".into())]);
        assert_eq!(
            chapters(&[(0, "a")], 100),
            [(0, 100, "a".into())],
            "a marker at the start needs no other"
        );
        let late = chapters(&[(130, "late"), (140, "later")], 100);
        assert_eq!(late[1..], [(100, 101, "late".into()), (101, 102, "later".into())]);
    }

    proptest! {
        #[test]
        fn none_overlaps_another(times in prop::collection::vec(0i64..50, 1..20), end in 0i64..60) {
            let markers: Vec<_> = times.iter().map(|&it| (it, "x")).collect();
            let chapters = chapters(&markers, end);
            prop_assert!(chapters.iter().all(|it| it.0 < it.1));
            prop_assert!(chapters.windows(2).all(|it| it[0].1 == it[1].0));
            prop_assert_eq!(chapters[0].0, 0);
        }
    }
}
