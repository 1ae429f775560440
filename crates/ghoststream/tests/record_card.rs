//! The test card, recorded into every container and judged frame by frame, with its sound.

use std::time::Duration;

use ghoststream::{
    AudioConfig, AudioSource, CaptureConfig, CaptureSource, Codec, Container, EncoderChoice, EncoderConfig,
    EncoderPreset, Output, Pipeline,
};
use testkit::judge::{Verdict, judge};

async fn record(container: Container, codec: Codec) -> Verdict {
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
    assert_eq!(report.dropped, 0, "the machine was too slow for this test");
    assert_eq!(report.encoded, verdict.must_have_video().frames);
    let skew = report.av_skew_ms.unwrap();
    assert!((0.0..=20.0).contains(&skew), "reported skew of {skew} ms");
    assert_eq!(verdict.audio[0].language.as_deref(), Some("eng"));
    verdict
}

#[tokio::test]
async fn matroska() {
    record(Container::Matroska, Codec::H264).await.must_be_clean().must_be_in_sync(5.0);
}

#[tokio::test]
async fn mp4() {
    record(Container::Mp4, Codec::H264).await.must_be_clean().must_be_in_sync(5.0);
}

#[tokio::test]
async fn webm() {
    record(Container::WebM, Codec::AV1).await.must_be_clean().must_be_in_sync(5.0);
}
