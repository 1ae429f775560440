//! Times: that each picture keeps its own.

use super::*;
use crate::FrameRateMode;

fn job(row: &str, codec: Codec) -> Job<'_> {
    let config = config().with_codec(codec).with_bitrate_kbps(800).with_preset(crate::EncoderPreset::Fastest);
    Job { row: Some(row), ..Job::new(config, 40) }
}

#[test]
fn fractional_rates_and_high_ones_keep_every_time() {
    for fps in [23.976, 59.94, 144.0, 240.0, 1.0, 12.5] {
        let run = Job { fps, ..job("libx264", Codec::H264) }.run();
        run.check(30.0);
        let wanted = Duration::from_secs_f64(1.0 / fps);
        assert!(
            run.packets.iter().all(|it| it.duration.abs_diff(wanted) < Duration::from_micros(40)),
            "{fps}"
        );
    }
}

#[test]
fn a_variable_rate_keeps_every_time_in_every_encoder() {
    for (row, codec) in ROWS {
        let mut job = job(row, codec);
        job.config = job.config.with_frame_rate_mode(FrameRateMode::Variable);
        // Now regular, now early, now long after: up to two within a tick.
        let gaps = [33_333_333i64, 20_000_000, 1_500_000_017, 33_000_001, 16_000_000, 17_000_003];
        let run = job.run_at(|index| MediaTime::from_nanos((0..index).map(|it| gaps[it % gaps.len()]).sum()));
        run.check(30.0);
        assert!(run.packets.iter().all(|it| it.duration.is_zero()), "how long each is shown is not known");
    }
}

#[test]
fn ticks_that_were_left_out_leave_a_gap_and_nothing_else() {
    for (row, codec) in ROWS {
        let job = job(row, codec);
        job.run_at(|index| job.time(if index < 13 { index } else { index + 29 })).check(30.0);
    }
}

#[test]
fn a_start_that_is_not_at_zero_keeps_its_times() {
    for (row, codec) in ROWS {
        let job = job(row, codec);
        job.run_at(|index| job.time(index).offset(12_345_678_901)).check(30.0);
    }
}

#[test]
fn one_picture_alone_comes_back() {
    for (row, codec) in ROWS {
        Job { pictures: 1, ..job(row, codec) }.run().check(30.0);
    }
}

#[test]
fn no_picture_at_all_is_no_error() {
    for (row, codec) in ROWS {
        assert_eq!(Job { pictures: 0, ..job(row, codec) }.run().packets.len(), 0);
    }
}
