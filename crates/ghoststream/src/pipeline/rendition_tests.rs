//! When pictures end, however late the thread is that makes them.

use super::super::channel::channel;
use super::*;
use crate::capture::{CpuBuffer, Memory, Plane};
use crate::encode::InputSpec;
use crate::processing::{Recipe, ToneMapping};
use crate::{Color, PixelFormat, Rect, Scaler, Size, Transform};

const SECOND: i64 = 1_000_000_000;
const SIZE: Size = Size::new(16, 16);

fn frame(pts: Timestamp) -> CapturedFrame {
    let planes = [Plane { offset: 0, stride: 64 }];
    let memory = CpuBuffer::new(Arc::new(vec![0u8; 64 * 16]), PixelFormat::Bgrx, SIZE, &planes).unwrap();
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

/// When pictures are shown, in seconds, of a source of 2 Hz whose frames the thread gets ten seconds late: frames
/// at `captured` seconds, a pause where there is one, the end after three seconds.
fn shown(captured: &[f64], mode: FrameRateMode, pause: Option<f64>) -> Vec<f64> {
    let begin = Timestamp::now().offset(-10 * SECOND);
    let at = |seconds: f64| begin.offset((seconds * 1e9) as i64);
    let timeline = Timeline::new();
    timeline.start(begin);
    if let Some(from) = pause {
        timeline.pause(at(from));
    }
    let queue = FrameQueue::new(Arc::default());
    captured.iter().for_each(|it| queue.push(frame(at(*it))));
    queue.end("stopped", at(3.0));
    timeline.resume(Timestamp::now());

    let input = InputSpec { format: PixelFormat::I420, size: SIZE, color: Color::default() };
    let tone = ToneMapping::default();
    let process =
        crate::processing::open(Recipe { output: input, region: None, scaler: Scaler::Nearest, tone });
    let (frames, received) = channel(input, false);
    let config = EncoderConfig::default().with_frame_rate_mode(mode);
    let clocks = (timeline.clone(), Arc::default());
    let rendition = Rendition::new(pacing(&config, 2.0, false), process, None, frames, clocks);
    let first = frame(begin);
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| rendition.show_all(first, &queue)).join().expect("it does not panic")
    });
    assert!(ended.is_ok_and(|it| it == ("stopped".to_owned(), at(3.0))));
    std::iter::from_fn(|| received.try_next()).map(|it| it.frame.pts.as_secs_f64()).collect()
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
