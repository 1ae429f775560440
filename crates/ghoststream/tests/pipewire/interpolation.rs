//! A source that is slower than the output, recorded with pictures made between its own.

use std::time::Duration;

use ghoststream::{
    CaptureConfig, CaptureSource, Codec, Container, EncoderChoice, EncoderConfig, EncoderPreset, Interpolate,
    Output, Pipeline, Size,
};
use testkit::judge::judge;
use testkit::producer::Producer;

use crate::rig::session;

/// Slow, so that a busy machine without optimisation has time for each picture.
const SOURCE_FPS: f64 = 2.0;

#[test]
fn pictures_are_made_between_those_of_a_slower_source_and_none_of_those_is_lost() {
    let _session = session();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.mkv");
    let producer = Producer::test_card("slow", Size::new(320, 180), SOURCE_FPS).unwrap();
    let capture = CaptureConfig::default()
        .with_source(CaptureSource::Node(producer.name().to_owned()))
        .with_fps(2 * SOURCE_FPS as u32);
    let encoder = EncoderConfig::default()
        .with_codec(Codec::H264)
        .with_encoder(EncoderChoice::Software)
        .with_preset(EncoderPreset::Fastest)
        .with_interpolate(Interpolate::On);
    let output = Output::File { path: path.clone(), container: Container::Matroska };
    let pipeline = Pipeline::new(capture, encoder, output).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let report = runtime.block_on(async {
        pipeline.start().await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        pipeline.stop().await.unwrap()
    });
    assert!(report.interpolated >= 5, "{report:?}");
    assert_eq!(report.dropped, 0, "{report:?}");

    let verdict = judge(&path).unwrap();
    let card = verdict.card.as_ref().expect("the card is seen");
    assert_eq!((card.lost, card.out_of_order), (0, 0), "{verdict}");
    assert!(card.read >= 7, "{verdict}");
    // What was made between shows the stamp of neither, or that of one of them.
    assert!(card.unreadable + card.repeated >= report.interpolated, "{verdict}");
}
