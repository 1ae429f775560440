use super::*;
use crate::audio::simulate::{Card, Observed};

const CHUNK: usize = 480;

/// A click of a millisecond at each whole second of true time, as the card's converter hears it.
fn hear(block: &Observed, next: Timestamp, start: Timestamp) -> Vec<f32> {
    let length = next.nanos_since(block.truth) as f64 / f64::from(block.frames);
    let from = block.truth.nanos_since(start) as f64;
    let sample = |frame: u32| {
        let seconds = (from + length * f64::from(frame)) / 1e9;
        let off = (seconds - seconds.round()) * 1000.0;
        (-off * off * 8.0).exp() as f32
    };
    (0..block.frames).flat_map(|frame| [sample(frame); CHANNELS]).collect()
}

fn header(block: &Observed) -> Header {
    Header { position: block.position, time: block.time, fresh: false }
}

/// Runs a card through an aligner and returns how far each click is from its second, in ms.
fn clicks(mut card: Card, seconds: f64, hole: std::ops::Range<f64>) -> (Vec<f64>, Aligner) {
    let mut aligner = Aligner::new();
    let mut out = Vec::new();
    let start = card.start();
    let mut block = card.next();
    while card.elapsed() < seconds {
        let next = card.next();
        let at = block.truth.nanos_since(start) as f64 / 1e9;
        if !hole.contains(&at) {
            aligner.push(header(&block), &hear(&block, next.truth, start));
        }
        block = next;
        loop {
            let at = start.offset((out.len() / CHANNELS) as i64 * 1_000_000_000 / i64::from(RATE));
            if aligner.ready_until().is_none_or(|ready| at.offset(10_000_000) > ready) {
                break;
            }
            aligner.pull(at, CHUNK, &mut out);
        }
    }
    (peaks(&out), aligner)
}

/// The distance of each click from the nearest second, in milliseconds.
fn peaks(out: &[f32]) -> Vec<f64> {
    let left: Vec<f32> = out.iter().step_by(CHANNELS).copied().collect();
    let loud = |at: usize| left[at] > 0.6 && left[at] >= left[at - 1] && left[at] > left[at + 1];
    let second = f64::from(RATE);
    (1..left.len().saturating_sub(1))
        .filter(|&at| loud(at))
        .map(|at| ((at as f64 + second / 2.0).rem_euclid(second) - second / 2.0) / second * 1e3)
        .collect()
}

#[test]
fn clicks_stay_on_the_second() {
    for ppm in [-200.0, 200.0] {
        let (offsets, aligner) = clicks(Card::new(ppm).with_jitter_ms(2.0), 30.0, 0.0..0.0);
        assert_eq!(offsets.len(), 29, "{ppm} ppm");
        let worst = offsets.iter().fold(0.0_f64, |worst, it| worst.max(it.abs()));
        assert!(worst < 2.5, "{ppm} ppm: {offsets:?}");
        assert!(aligner.quality().silence < 100, "only what the first capture time was late");
        assert!(aligner.quality().max_skew < 5e-3);
    }
}

#[test]
fn a_hole_is_silence_of_its_length() {
    let (offsets, aligner) = clicks(Card::new(150.0).with_jitter_ms(1.0), 20.0, 7.5..9.6);
    assert_eq!(offsets.len(), 17, "the clicks at 8 and 9 are lost: {offsets:?}");
    assert!(offsets.iter().all(|it| it.abs() < 2.0), "{offsets:?}");
    let silence = aligner.quality().silence as f64 / f64::from(RATE);
    assert!((silence - 2.1).abs() < 0.05, "{silence}");
}

/// Two hours: where each chunk is read from, against when that was captured in truth.
fn worst_skew(mut card: Card, seconds: f64) -> (f64, f64) {
    let mut aligner = Aligner::new();
    let start = card.start();
    let mut at = start;
    let mut worst = 0.0_f64;
    let mut block = card.next();
    let silence = vec![0.0; block.frames as usize * CHANNELS];
    while card.elapsed() < seconds {
        let next = card.next();
        aligner.push(header(&block), &silence);
        let length = next.truth.nanos_since(block.truth) as f64 / f64::from(block.frames);
        while at.offset(10_000_000) < aligner.ready_until().unwrap_or(at) {
            let span = aligner.advance(at, CHUNK).unwrap();
            let truth = block.truth.offset(((span.from - block.position as f64) * length) as i64);
            worst = worst.max(at.nanos_since(truth).abs() as f64 / 1e6);
            at = at.offset(10_000_000);
            aligner.forget(span.from as i64);
        }
        block = next;
    }
    (worst, aligner.quality().max_skew * 1e3)
}

#[test]
fn two_hours_of_a_clock_that_is_off_stay_within_5_ms() {
    for (ppm, wander) in [(200.0, 0.0), (-200.0, 0.0), (180.0, 20.0)] {
        let card = Card::new(ppm).with_wander_ppm(wander).with_jitter_ms(3.0);
        let (worst, reported) = worst_skew(card, 7200.0);
        assert!(worst < 5.0, "{ppm} ppm: {worst} ms");
        assert!((worst - reported).abs() < 3.0, "{worst} ms, but {reported} ms reported");
    }
}

#[test]
fn another_device_goes_on_in_its_place() {
    let mut aligner = Aligner::new();
    let start = Timestamp::from_nanos(1_000_000_000);
    let second = |count: i64| start.offset(count * 1_000_000_000);
    let ones = vec![1.0; RATE as usize * CHANNELS];
    aligner.push(Header { position: 500, time: second(0), fresh: true }, &ones);
    // The next one counts from elsewhere, and comes two seconds later.
    aligner.push(Header { position: 7, time: second(3), fresh: true }, &ones);
    let mut out = Vec::new();
    aligner.pull(second(0), 4 * RATE as usize, &mut out);
    let level = |seconds: f64| out[(seconds * f64::from(RATE)) as usize * CHANNELS];
    let near = |value: f32, to: f32| (value - to).abs() < 0.01;
    assert!(near(level(0.5), 1.0) && near(level(1.5), 0.0) && near(level(2.9), 0.0) && near(level(3.5), 1.0));
}

#[test]
fn a_late_start_is_silence_and_the_past_is_not_written_twice() {
    let mut aligner = Aligner::new();
    let start = Timestamp::from_nanos(0);
    let mut out = Vec::new();
    aligner.pull(start, 4800, &mut out);
    assert!(out.iter().all(|it| *it == 0.0));
    aligner.push(
        Header { position: 0, time: start.offset(50_000_000), fresh: true },
        &vec![1.0; 19200 * CHANNELS],
    );
    aligner.pull(start.offset(100_000_000), 4800, &mut out);
    assert_eq!(out.len(), 9600 * CHANNELS);
    assert!((out[7200 * CHANNELS] - 1.0).abs() < 1e-3);
    assert_eq!(aligner.quality().silence, 4800);
}
