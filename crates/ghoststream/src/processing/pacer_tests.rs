//! The pacer over sources of many rates, with jitter.

use super::*;

const SECOND: i64 = 1_000_000_000;

/// Offers `times` as they come, polls in between, and returns what was shown: (pts, frame or
/// `None` for a repeat), and how many frames were skipped.
fn run(rate: f64, constant: bool, times: &[i64], end: i64) -> (Vec<(i64, Option<usize>)>, usize) {
    let pacing = Pacing { rate: FrameRate::from_fps(rate), constant, patience: 20_000_000 };
    let mut pacer = Pacer::new(pacing);
    pacer.set_keep_alive(SECOND);
    let mut actions = Vec::new();
    for (index, &time) in times.iter().enumerate() {
        pacer.poll(time, &mut actions);
        pacer.offer(time, index, &mut actions);
    }
    pacer.finish(end, &mut actions);
    let skipped = actions.iter().filter(|it| matches!(it, Action::Skip(_))).count();
    let shown = actions
        .into_iter()
        .filter_map(|it| match it {
            Action::Show { pts, frame } => Some((pts, Some(frame))),
            Action::Repeat { pts } => Some((pts, None)),
            Action::Skip(_) => None,
        })
        .collect();
    (shown, skipped)
}

/// Times of a source of `rate` Hz for `seconds`, each off by up to `jitter`, the same each run.
fn source(rate: f64, seconds: f64, jitter: i64) -> Vec<i64> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..(rate * seconds) as i64)
        .map(|index| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let noise = if jitter == 0 { 0 } else { (state % (2 * jitter as u64)) as i64 - jitter };
            (index as f64 / rate * 1e9) as i64 + if index == 0 { 0 } else { noise }
        })
        .collect()
}

fn repeats(shown: &[(i64, Option<usize>)]) -> usize {
    shown.iter().filter(|(_, frame)| frame.is_none()).count()
}

#[test]
fn sixty_into_sixty_has_no_beat() {
    let (shown, skipped) = run(60.0, true, &source(60.0, 60.0, 6_000_000), 60 * SECOND);
    assert_eq!((repeats(&shown), skipped), (0, 0));
    assert_eq!(shown.len(), 3600);
}

#[test]
fn a_first_frame_that_jittered_far_only_costs_while_the_grid_moves() {
    let mut times = source(60.0, 60.0, 2_000_000);
    for time in times.iter_mut().skip(1) {
        *time += 7_500_000;
    }
    let (shown, skipped) = run(60.0, true, &times, 60 * SECOND);
    assert!(repeats(&shown) + skipped <= 2, "{} repeated, {skipped} skipped", repeats(&shown));
}

#[test]
fn a_source_that_is_slightly_slow_slips_once_a_beat() {
    let (shown, skipped) = run(60.0, true, &source(59.9, 60.0, 3_000_000), 60 * SECOND);
    // 0.1 Hz off for 60 s is six periods.
    assert!((5..=7).contains(&repeats(&shown)), "{}", repeats(&shown));
    assert_eq!(skipped, 0);
}

#[test]
fn a_source_that_is_slightly_fast_skips_once_a_beat() {
    let (shown, skipped) = run(60.0, true, &source(60.1, 60.0, 3_000_000), 60 * SECOND);
    assert!((5..=7).contains(&skipped), "{skipped}");
    assert_eq!(repeats(&shown), 0);
}

#[test]
fn a_hundred_and_forty_four_into_sixty_keeps_a_steady_pattern() {
    let (shown, _) = run(60.0, true, &source(144.0, 30.0, 500_000), 30 * SECOND);
    assert_eq!(repeats(&shown), 0);
    let frames: Vec<usize> = shown.iter().filter_map(|it| it.1).collect();
    for step in frames.windows(2).map(|pair| pair[1] - pair[0]) {
        assert!((2..=3).contains(&step), "a step of {step} frames");
    }
    for five in frames.windows(6).skip(30) {
        assert!((11..=13).contains(&(five[5] - five[0])), "{five:?}");
    }
}

#[test]
fn a_hundred_and_twenty_into_sixty_takes_every_second() {
    let (shown, _) = run(60.0, true, &source(120.0, 30.0, 2_000_000), 30 * SECOND);
    let frames: Vec<usize> = shown.iter().filter_map(|it| it.1).collect();
    let odd = frames.windows(2).filter(|pair| pair[1] - pair[0] != 2).count();
    assert_eq!(odd, 0, "every step is two frames");
}

#[test]
fn thirty_into_sixty_shows_each_twice() {
    let (shown, skipped) = run(60.0, true, &source(30.0, 30.0, 3_000_000), 30 * SECOND);
    assert_eq!(skipped, 0);
    let frames: Vec<Option<usize>> = shown.iter().map(|it| it.1).collect();
    for (index, pair) in frames.chunks_exact(2).enumerate() {
        assert_eq!(pair, [Some(index), None]);
    }
}

#[test]
fn a_still_desktop_is_repeated_to_the_end() {
    let (shown, _) = run(60.0, true, &[0], 2 * SECOND);
    assert_eq!(shown.len(), 120);
    assert_eq!(repeats(&shown), 119);
    assert_eq!(shown[119].0, FrameRate::from_fps(60.0).tick_nanos(119));
}

#[test]
fn ticks_are_exact_and_in_order() {
    let (shown, _) = run(59.94, true, &source(60.0, 10.0, 9_000_000), 10 * SECOND);
    for (index, (pts, _)) in shown.iter().enumerate() {
        assert_eq!(*pts, FrameRate::from_fps(59.94).tick_nanos(index as i64));
    }
}

#[test]
fn variable_keeps_each_time_and_the_rate() {
    let times = source(144.0, 10.0, 500_000);
    let (shown, skipped) = run(60.0, false, &times, 10 * SECOND);
    assert!((598..=602).contains(&shown.len()), "{}", shown.len());
    assert_eq!(shown.iter().filter(|it| it.1.is_some()).count() + skipped, times.len());
    for (pts, frame) in shown.iter().filter_map(|it| it.1.map(|frame| (it.0, frame))) {
        assert_eq!(pts, times[frame]);
    }
    let (all, skipped) = run(60.0, false, &source(60.0, 10.0, 4_000_000), 10 * SECOND);
    assert_eq!((all.len(), skipped), (600, 0), "a source at just the rate is taken whole");
}

#[test]
fn sixty_a_second_on_a_faster_grid_are_all_taken() {
    // What moves 60 times a second is shown at the ticks of 16 ms that follow: mostly 16 ms
    // apart, now and then 32 ms.
    let tick = 16_000_000;
    let times: Vec<i64> = source(60.0, 30.0, 0).iter().map(|time| (time + tick - 1) / tick * tick).collect();
    let (shown, skipped) = run(60.0, false, &times, 30 * SECOND);
    assert_eq!((shown.len(), skipped), (1800, 0));
}

#[test]
fn variable_says_how_long_the_last_picture_lasted() {
    let (shown, _) = run(60.0, false, &[0, SECOND / 2], SECOND);
    let last = SECOND - FrameRate::from_fps(60.0).tick_nanos(1);
    assert_eq!(shown, [(0, Some(0)), (SECOND / 2, Some(1)), (last, None)]);
}

#[test]
fn times_that_go_back_do_no_harm() {
    let (shown, _) = run(60.0, true, &[0, 30_000_000, 10_000_000, 50_000_000], 100_000_000);
    assert!(shown.windows(2).all(|pair| pair[0].0 < pair[1].0));
    let (shown, _) = run(60.0, false, &[0, 30_000_000, 10_000_000, 50_000_000], 100_000_000);
    assert!(shown.windows(2).all(|pair| pair[0].0 < pair[1].0));
}

#[test]
fn who_joins_late_begins_at_the_tick_of_the_first_frame() {
    let hour = 3600 * SECOND;
    let pacing = Pacing { rate: FrameRate::from_fps(30.0), constant: true, patience: 20_000_000 };
    let mut pacer = Pacer::new(pacing);
    pacer.begin_late();
    let mut actions = Vec::new();
    for index in 0..30 {
        pacer.offer(hour + 5_000_000 + index * SECOND / 30, index, &mut actions);
    }
    pacer.finish(hour + SECOND, &mut actions);
    let shown: Vec<_> = actions
        .iter()
        .map(|it| match it {
            Action::Show { pts, .. } => *pts,
            other => panic!("{other:?}"),
        })
        .collect();
    let ticks: Vec<_> = (0..30).map(|it| pacing.rate.tick_nanos(108_000 + it)).collect();
    assert_eq!(shown, ticks);
}
