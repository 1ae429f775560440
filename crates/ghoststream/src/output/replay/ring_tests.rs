//! What is held, whatever comes.

use proptest::prelude::*;

use super::*;
use crate::encode::TrackKind;
use crate::output::replay::tests::packet;

pub(in crate::output::replay) fn picture_track() -> Track {
    let parameters = Arc::new(crate::av::Parameters::empty().unwrap());
    Track { kind: TrackKind::Video { fps: 30.0, constant: true }, parameters, title: None, language: None }
}

fn ring(seconds: u64, bytes: u64) -> Ring {
    Ring::new(Limits { span: Duration::from_secs(seconds), bytes }, picture_track(), 1)
}

/// Milliseconds of what is held.
fn starts(ring: &Ring) -> Vec<i64> {
    ring.starts().map(|it| it.as_nanos() / 1_000_000).collect()
}

#[test]
fn keeps_the_time_and_at_most_one_group_more() {
    let mut ring = ring(3, 1 << 30);
    for n in 0..100 {
        ring.push(&packet(0, n * 100, 100, n % 10 == 0, 1000));
        ring.push(&packet(1, n * 100, 100, true, 10));
        let (held, had) = (ring.held(), Duration::from_millis(100 * (n as u64 + 1)));
        assert!(
            held >= had.min(Duration::from_secs(3)) && held < Duration::from_secs(4),
            "{held:?} of {had:?}"
        );
    }
    assert_eq!(starts(&ring), [7000, 8000, 9000]);
    assert!(!ring.shortened());
    let first_heard = ring.snapshot().sound[0][0].pts.as_nanos() / 1_000_000;
    assert_eq!(first_heard, 7000, "the sound goes with its group");
}

#[test]
fn sound_that_comes_before_its_group_stays() {
    let mut ring = ring(1, 1 << 30);
    for n in 0..60 {
        // The pictures are half a second behind the sound.
        ring.push(&packet(1, n * 100, 100, true, 10));
        if n >= 5 {
            ring.push(&packet(0, (n - 5) * 100, 100, (n - 5) % 10 == 0, 1000));
        }
    }
    let held = ring.snapshot();
    let first = held.groups[0].start();
    assert_eq!(held.sound[0][0].pts, first);
    assert_eq!(held.sound[0].back().unwrap().pts.as_nanos() / 1_000_000, 5900);
}

#[test]
fn memory_that_is_too_small_shortens_the_time_by_whole_groups() {
    let mut ring = ring(60, 25 * (1000 + PACKET_BYTES));
    for n in 0..100 {
        ring.push(&packet(0, n * 100, 100, n % 10 == 0, 1000));
        assert!(ring.bytes() <= 25 * (1000 + PACKET_BYTES));
    }
    assert!(ring.shortened());
    assert_eq!(starts(&ring), [8000, 9000]);
}

#[test]
fn a_group_that_does_not_fit_alone_goes_and_the_next_is_held_again() {
    let mut ring = ring(60, 12 * (1000 + PACKET_BYTES));
    for n in 0..20 {
        ring.push(&packet(0, n * 100, 100, n == 0, 1000));
    }
    assert_eq!(
        (starts(&ring), ring.bytes()),
        (vec![], 0),
        "pictures whose references are gone are of no use"
    );
    ring.push(&packet(0, 2000, 100, true, 1000));
    assert_eq!(starts(&ring), [2000]);
}

#[test]
fn sound_alone_is_bounded_too() {
    let mut ring = ring(2, 100 * (1000 + PACKET_BYTES));
    for n in 0..10_000 {
        ring.push(&packet(1, n * 100, 100, true, 1000));
        assert!(ring.bytes() <= 100 * (1000 + PACKET_BYTES));
    }
    assert!(!ring.snapshot().sound[0].is_empty());
}

proptest! {
    /// Never more than the cap; whole groups only, each from its key picture on, and every packet of a
    /// group in order.
    #[test]
    fn whatever_comes_it_is_bounded_and_whole(
        steps in prop::collection::vec((0usize..3, 1i64..400, 0usize..3000, prop::bool::weighted(0.15)), 0..400),
        seconds in 1u64..8,
        most in 2_000u64..200_000,
    ) {
        let mut ring = Ring::new(Limits { span: Duration::from_secs(seconds), bytes: most }, picture_track(), 2);
        let mut at = [0i64; 3];
        let (mut sent, mut full, mut first_key) = (0, false, None);
        for (track, step, size, key) in steps {
            let it = packet(track, at[track], step, key, size);
            at[track] += step;
            if track == 0 && key {
                first_key.get_or_insert(it.pts);
            }
            ring.push(&it);
            sent += 1;
            prop_assert!(ring.bytes() <= most);
            full |= ring.shortened();
            let held = ring.snapshot();
            let groups = held.groups.iter();
            prop_assert!(groups.clone().all(|it| it.packets[0].key && it.packets.iter().skip(1).all(|it| !it.key)));
            let pictures: Vec<_> = groups.flat_map(|it| &it.packets).collect();
            // One after another: nothing is missing between the oldest and the newest.
            prop_assert!(pictures.windows(2).all(|it| end_of(it[0]) == it[1].pts));
            for sound in &held.sound {
                let sound: Vec<_> = sound.iter().collect();
                prop_assert!(sound.windows(2).all(|it| end_of(it[0]) == it[1].pts));
            }
            let packets = pictures.len() + held.sound.iter().map(VecDeque::len).sum::<usize>();
            prop_assert!(packets <= sent);
            let bytes: u64 = pictures.iter().copied().chain(held.sound.iter().flatten()).map(cost).sum();
            prop_assert_eq!(bytes, ring.bytes(), "what is counted is what is held");
        }
        // At most one group longer than it is to be; where memory sufficed, no shorter.
        if let Some(second) = ring.starts().nth(1) {
            let end = ring.end().unwrap();
            prop_assert!(second + Duration::from_secs(seconds) > end);
        }
        if !full && let (Some(first), Some(end)) = (ring.starts().next(), ring.end()) {
            let long_enough = end.nanos_since(first) >= (seconds * 1_000_000_000) as i64;
            prop_assert!(long_enough || Some(first) == first_key, "given up too early");
        }
    }
}
