//! The producer as a process of its own, captured across processes.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ghoststream::internals::{Counters, FrameSink, Journal, Taken, open_capture};
use ghoststream::test_card::{Luma, read};
use ghoststream::{CaptureConfig, CaptureSource};
use testkit::Session;

#[test]
fn the_test_card_crosses_processes_at_240_hz() {
    let session = Session::start().unwrap();
    session.enter();
    let mut command = Command::new(env!("CARGO_BIN_EXE_producer"));
    command.args(["--name", "card", "--size", "1280x720", "--fps", "240", "--frames", "480"]);
    let mut producer = session.spawn(&mut command).unwrap();

    let counters = Arc::new(Counters::default());
    let sink = FrameSink::new(Arc::clone(&counters), Journal::default());
    let queue = sink.subscribe(0);
    let config = CaptureConfig::default().with_source(CaptureSource::Node("card".into())).with_fps(240);
    let started = std::time::Instant::now();
    let _capture = loop {
        match open_capture(&config, sink.clone(), None) {
            Ok(capture) => break capture,
            Err(error) => assert!(started.elapsed() < Duration::from_secs(20), "{error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let (mut seen, mut last) = (0u64, None);
    loop {
        match queue.take(Duration::from_secs(20)) {
            Taken::Frame(frame) => {
                let buffer = frame.memory.cpu().expect("memory of the CPU");
                let (bytes, stride) = buffer.plane(0);
                let row = |y: usize| bytes[y * stride..][..1280 * 4].chunks_exact(4).map(|pixel| pixel[1]);
                let green: Vec<u8> = (0..720).flat_map(row).collect();
                let luma = Luma { bytes: &green, stride: 1280, size: frame.size };
                let stamp = read(luma).expect("every frame is a whole card").stamp;
                assert_eq!(stamp.time, frame.pts, "the card says when it was made");
                assert!(last.is_none_or(|last| stamp.frame > last), "{last:?}, then {stamp:?}");
                last = Some(stamp.frame);
                seen += 1;
            }
            Taken::Ended(_) => break,
            Taken::Timeout => panic!("neither a frame nor the end came"),
        }
    }
    producer.wait(Duration::from_secs(20)).unwrap();
    let dropped = counters.dropped_capture.get();
    assert_eq!(counters.corrupt.get(), 0);
    assert_eq!(seen + dropped, counters.captured.get(), "each frame is taken or counted as dropped");
    assert!(seen > 0);
}
