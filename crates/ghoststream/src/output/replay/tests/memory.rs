//! What is held beside packets, by the allocator's own count.
#![allow(unsafe_code)]

use crate::AudioCodec::{self, Aac, Opus};
use crate::ReplayOptions;
use crate::internals::ReplayTrial;

/// Bytes that this process has asked for and not given back, with what the allocator adds to each block.
fn in_use() -> u64 {
    // SAFETY: it takes nothing, and answers with numbers.
    let heap = unsafe { libc::mallinfo2() };
    (heap.uordblks + heap.hblkhd) as u64
}

/// What packets of half a minute take, and what is said that they take, for each byte of theirs.
fn taken(kbps: u64, sound: Option<AudioCodec>) -> (f64, f64) {
    const SECONDS: u64 = 30;
    let dir = tempfile::tempdir().unwrap();
    let options = ReplayOptions::new().with_max_bytes(1 << 30);
    let mut trial = ReplayTrial::open(2 * SECONDS as u32, dir.path(), &options, sound).unwrap();
    let before = in_use();
    let bytes = trial.fill(SECONDS, kbps).unwrap();
    let grown = in_use() - before;
    assert!(bytes >= SECONDS * kbps * 124, "{bytes} bytes are not {kbps} kbit/s");
    let of = |held: u64| held as f64 / bytes as f64;
    (of(grown), of(trial.report().held_bytes))
}

#[test]
fn memory_is_105_percent_of_the_packets_at_most_with_and_without_sound() {
    for (kbps, sound) in [(6_000, None), (6_000, Some(Aac)), (6_000, Some(Opus)), (50_000, Some(Aac))] {
        let (grown, said) = taken(kbps, sound);
        println!("{kbps} kbit/s, {sound:?}: {:.2}%, said to be {:.2}%", grown * 100.0, said * 100.0);
        assert!((1.0..=1.05).contains(&grown), "{kbps} kbit/s, {sound:?}: {grown}");
        assert!((grown - said).abs() < 0.01, "{kbps} kbit/s, {sound:?}: {grown}, said to be {said}");
    }
}
