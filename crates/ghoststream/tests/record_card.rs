//! The test card, recorded into every container and judged frame by frame, with its sound.

use std::time::Duration;

use ghoststream::{
    AudioConfig, AudioSource, CaptureConfig, CaptureSource, Codec, Container, EncoderChoice, EncoderConfig,
    EncoderPreset, Output, Pipeline,
};
use testkit::judge::judge;

async fn record(container: Container, codec: Codec) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(format!("card.{container}"));
    let capture = CaptureConfig::default()
        .with_source(CaptureSource::TestCard)
        .with_test_card_size(640, 360)
        .with_fps(30);
    let encoder = EncoderConfig::default()
        .with_codec(codec)
        .with_encoder(EncoderChoice::Software)
        .with_preset(EncoderPreset::Fastest)
        // Enough for every picture's blocks to be read, the last ones of SVT-AV1 4 too.
        .with_bitrate_kbps(5000);
    let pipeline = Pipeline::builder(capture)
        .rendition(encoder)
        .audio(AudioConfig::new(AudioSource::TestCard).with_language("eng").with_title("Beep"))
        .output(Output::File { path: path.clone(), container })
        .build()
        .unwrap();
    pipeline.start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let report = pipeline.stop().await.unwrap();
    let verdict = judge(&path).unwrap();
    println!("{verdict}\n{report:#?}");
    // A busy machine misses some, which the report then owns up to.
    verdict.must_be_clean_but_for(report.dropped + report.skipped, report.repeated).must_be_in_sync(5.0);
    assert_eq!(report.encoded, verdict.must_have_video().frames);
    let missed = report.dropped + report.skipped + report.repeated;
    assert!(missed < report.encoded / 4, "the machine was too slow for this test");
    let skew = report.av_skew_ms.unwrap();
    assert!((0.0..=20.0).contains(&skew), "reported skew of {skew} ms");
    assert_eq!(verdict.audio[0].language.as_deref(), Some("eng"));
}

#[tokio::test]
async fn matroska() {
    record(Container::Matroska, Codec::H264).await;
}

#[tokio::test]
async fn mp4() {
    record(Container::Mp4, Codec::H264).await;
}

#[tokio::test]
async fn webm() {
    record(Container::WebM, Codec::AV1).await;
}
