//! When pictures end, however late the thread is that makes them.

use super::super::channel::channel;
use super::*;
use crate::capture::{CpuBuffer, Memory, Plane};
use crate::encode::InputSpec;
use crate::processing::{Recipe, ToneMapping};
use crate::{Color, PixelFormat, Rect, Scaler, Size, Transform};

const SECOND: i64 = 1_000_000_000;
const SIZE: Size = Size::new(16, 16);

/// A frame that is as bright as this everywhere.
fn frame(pts: Timestamp, bright: u8) -> CapturedFrame {
    let planes = [Plane { offset: 0, stride: 64 }];
    let memory = CpuBuffer::new(Arc::new(vec![bright; 64 * 16]), PixelFormat::Bgrx, SIZE, &planes).unwrap();
    CapturedFrame {
        stream: 0,
        sequence: 0,
        pts,
        arrived: pts,
        size: SIZE,
        format: PixelFormat::Bgrx,
        color: Color::default(),
        crop: Rect::of(SIZE),
        transform: Transform::default(),
        damage: Damage::Full,
        cursor: None,
        hdr: None,
        memory: Memory::Cpu(memory),
    }
}

/// What comes out of the thread, and what it counts.
type CameOut = (Vec<Job>, Arc<Counters>);

/// What comes of a source of 2 Hz whose frames the thread gets ten seconds late: frames at `captured` seconds, each
/// brighter than the one before, a pause where there is one, the end after three seconds.
fn came_out(captured: &[f64], mode: FrameRateMode, pause: Option<f64>, half_rate: bool) -> CameOut {
    let begin = Timestamp::now().offset(-10 * SECOND);
    let at = |seconds: f64| begin.offset((seconds * 1e9) as i64);
    let timeline = Timeline::new();
    timeline.start(begin);
    if let Some(from) = pause {
        timeline.pause(at(from));
    }
    let queue = FrameQueue::new(Arc::default());
    for (captured, bright) in captured.iter().zip((0..=u8::MAX).step_by(STEP.into()).skip(1)) {
        queue.push(frame(at(*captured), bright));
    }
    queue.end("stopped", at(3.0));
    timeline.resume(Timestamp::now());

    let input = InputSpec { format: PixelFormat::I420, size: SIZE, color: Color::default() };
    let tone = ToneMapping::default();
    let process =
        crate::processing::open(Recipe { output: input, region: None, scaler: Scaler::Nearest, tone });
    let (frames, received) = channel(input, false);
    received.ask_half_rate(half_rate);
    let counters = Arc::<Counters>::default();
    let config = EncoderConfig::default().with_frame_rate_mode(mode);
    let clocks = (timeline.clone(), Arc::clone(&counters));
    let rendition = Rendition::new(pacing(&config, 2.0, false), process, None, frames, clocks);
    let first = frame(begin, 0);
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| rendition.show_all(first, &queue)).join().expect("it does not panic")
    });
    assert!(ended.is_ok_and(|it| it == ("stopped".to_owned(), at(3.0))));
    (std::iter::from_fn(|| received.try_next()).collect(), counters)
}

/// By how much each captured frame is brighter than the one before.
const STEP: u8 = 40;

/// When pictures are shown of all that, in seconds.
fn shown(captured: &[f64], mode: FrameRateMode, pause: Option<f64>) -> Vec<f64> {
    let (jobs, _) = came_out(captured, mode, pause, false);
    jobs.iter().map(|it| it.frame.pts.as_secs_f64()).collect()
}

#[test]
fn nothing_is_shown_of_the_time_after_the_end() {
    let captured = [0.5, 1.0, 1.5];
    let until_the_end = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5];
    assert_eq!(shown(&captured, FrameRateMode::Constant, None), until_the_end);
    assert_eq!(shown(&captured, FrameRateMode::Variable, None), [0.0, 0.5, 1.0, 1.5, 2.5]);
}

#[test]
fn what_was_seen_in_a_pause_that_nobody_ended_is_not_shown() {
    let captured = [0.5, 1.0, 1.5, 2.0];
    assert_eq!(shown(&captured, FrameRateMode::Constant, Some(1.2)), [0.0, 0.5, 1.0]);
    assert_eq!(shown(&captured, FrameRateMode::Variable, Some(1.2)), [0.0, 0.5, 1.0]);
}

/// Nothing is lost by it but smoothness: what a picture showed that was left out is in the next one.
#[test]
fn at_half_the_rate_every_second_tick_is_left_out_and_nothing_that_was_seen() {
    // The last frame comes at a tick that is left out, and nothing moves any more.
    for (mode, times) in
        [(FrameRateMode::Constant, [0.0, 1.0, 2.0]), (FrameRateMode::Variable, [0.0, 1.0, 2.5])]
    {
        let (jobs, counters) = came_out(&[0.5, 1.0, 1.5], mode, None, true);
        assert!(jobs.iter().all(|it| it.half_rate));
        let shown: Vec<_> = jobs.iter().map(|it| it.frame.pts.as_secs_f64()).collect();
        assert_eq!(shown, times, "{mode}");
        let frames: Vec<_> = jobs.into_iter().map(captured_frame).collect();
        assert_eq!(frames, [0, 2, 3], "{mode}");
        let left_out = if mode == FrameRateMode::Constant { 3 } else { 2 };
        assert_eq!((counters.thinned.get(), counters.dropped()), (left_out, 0), "{mode}");
    }
}

/// Which of the captured frames a picture shows.
fn captured_frame(job: Job) -> u8 {
    let picture = job.frame.picture.into_memory().expect("it is in memory");
    // Limited range: black is 16, and 219 steps are 255 of the screen's.
    let bright = (f64::from(picture.plane(0).0[0]) - 16.0) * 255.0 / 219.0;
    (bright / f64::from(STEP)).round() as u8
}
