//! What a clip has, and when.

use proptest::prelude::*;

use super::*;
use crate::output::replay::ring::{Limits, Ring};
use crate::output::replay::tests::packet;

const MS: i64 = 1_000_000;

/// Twelve seconds at 10 a second, a key picture every two seconds, beside sound in steps of 21 ms.
fn held() -> Snapshot {
    let limits = Limits { span: Duration::from_secs(60), bytes: 1 << 30 };
    let mut ring = Ring::new(limits, super::super::ring::tests::picture_track(), 1);
    let pictures = (0..120).map(|n| packet(0, n * 100, 100, n % 20 == 0, 100));
    let sound = (0..580).map(|n| packet(1, n * 21, 21, true, 10));
    let mut all: Vec<_> = pictures.chain(sound).collect();
    all.sort_by_key(|it| (it.dts, it.track));
    all.iter().for_each(|it| drop(ring.push(it)));
    ring.snapshot()
}

fn cut(last_ms: u64, until: Option<i64>, container: Container) -> Clip {
    let until = until.map(|it| MediaTime::from_nanos(it * MS));
    Clip::cut(held(), Cut { last: Duration::from_millis(last_ms), until, container }).unwrap().unwrap()
}

fn times(clip: Clip, track: usize) -> Vec<i64> {
    clip.map(Result::unwrap).filter(|it| it.track == track).map(|it| it.pts.as_nanos() / MS).collect()
}

#[test]
fn mp4_begins_at_the_picture_asked_for_and_hides_what_is_before() {
    let clip = cut(2950, Some(12_000), Container::Mp4);
    // 12.0 - 2.95 is 9.05: the picture that is shown then begins at 9.0; its group at 8.0.
    assert_eq!((clip.zero.as_nanos() / MS, clip.lead), (9000, Duration::from_millis(1020)));
    assert_eq!(clip.bytes, 40 * 100 + clip.sound[0].len() as u64 * 10);
    let pictures = times(cut(2950, Some(12_000), Container::Mp4), 0);
    assert_eq!((pictures[0], pictures.len(), pictures.last()), (-1000, 40, Some(&2900)));
    let sound = times(clip, 1);
    assert_eq!(sound[0], 7980 - 9000, "sound lies beside what is hidden");
    assert!(*sound.last().unwrap() < 3000, "and ends with the pictures");
}

#[test]
fn matroska_begins_with_its_key_picture() {
    let clip = cut(2950, Some(12_000), Container::Matroska);
    assert_eq!((clip.zero.as_nanos() / MS, clip.lead), (8000, Duration::ZERO));
    let sound = times(clip, 1);
    assert_eq!(sound[0], 8001 - 8000, "nothing begins before zero");
    assert_eq!(times(cut(2950, None, Container::Matroska), 0)[0], 0);
}

#[test]
fn more_than_is_held_is_all_of_it() {
    let pictures = times(cut(3_600_000, None, Container::Mp4), 0);
    assert_eq!((pictures[0], pictures.len()), (0, 120));
}

#[test]
fn sound_goes_on_where_the_picture_stands_still() {
    // Of 12.18 s of sound; the picture's last second ended at 12.0.
    let sound = times(cut(1000, Some(12_100), Container::Matroska), 1);
    let zero = 10_000;
    assert!((12_050..12_100).contains(&(sound.last().unwrap() + zero)), "{sound:?}");
}

#[test]
fn without_a_picture_there_is_no_clip() {
    let sound = vec![VecDeque::from([packet(1, 0, 20, true, 5)])];
    let held = Snapshot { shelved: VecDeque::new(), groups: VecDeque::new(), sound };
    let cut = Cut { last: Duration::from_secs(1), until: None, container: Container::Mp4 };
    assert!(Clip::cut(held, cut).unwrap().is_none());
}

#[test]
fn the_first_picture_begins_nothing_but_a_later_one_does() {
    let limits = Limits { span: Duration::from_secs(60), bytes: 1 << 30 };
    let mut ring = Ring::new(limits, super::super::ring::tests::picture_track(), 0);
    let next = Arc::new(super::super::ring::tests::picture_track());
    for n in 0..30 {
        let begins = (n == 10 || n == 20).then(|| Arc::clone(&next));
        ring.push(&Packet { begins, ..packet(0, n * 100, 100, n % 10 == 0, 10) });
    }
    let cut = |last| {
        let cut = Cut { last: Duration::from_millis(last), until: None, container: Container::Mp4 };
        Clip::cut(ring.snapshot(), cut).unwrap().unwrap()
    };
    let begun = |clip: Clip| {
        clip.map(Result::unwrap).enumerate().filter(|(_, it)| it.begins.is_some()).map(|it| it.0).collect()
    };
    let (whole, part): (Vec<usize>, Vec<usize>) = (begun(cut(3000)), begun(cut(1500)));
    assert_eq!((whole, part), (vec![10, 20], vec![10]));
    assert!(Arc::ptr_eq(&cut(1500).track, &next), "the file begins with the track that was taken over by");
}

proptest! {
    /// As long as asked, at most a group longer (in MP4, by what is shown, a picture); from a key picture
    /// on, in order, nothing missing.
    #[test]
    fn clips_are_long_enough_and_whole(last in 1u64..11_000, matroska in any::<bool>()) {
        let container = if matroska { Container::Matroska } else { Container::Mp4 };
        let clip = cut(last, Some(12_000), container);
        let lead = clip.lead;
        let packets: Vec<_> = clip.map(Result::unwrap).collect();
        let pictures: Vec<_> = packets.iter().filter(|it| it.track == 0).collect();
        let end = end_of(pictures.last().unwrap()).as_nanos() / MS;
        prop_assert!(end >= last as i64);
        let longest = last as i64 + if matroska { 2000 } else { 100 };
        prop_assert!(end < longest);
        prop_assert!(pictures[0].key);
        prop_assert!(pictures.windows(2).all(|it| it[0].dts < it[1].dts && end_of(it[0]) == it[1].pts));
        prop_assert!(packets.windows(2).all(|it| it[0].dts <= it[1].dts));
        prop_assert!(packets.iter().all(|it| it.dts.as_nanos() >= -(lead.as_nanos() as i64)));
    }
}
