//! The test card, an encoder that any machine runs, and what else almost every recording of a test needs.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::path::Path;
use std::time::{Duration, Instant};

use ghoststream::{
    CaptureConfig, CaptureSource, Codec, Container, EncoderChoice, EncoderConfig, EncoderPreset, Output,
    RateControl,
};

/// The card at 640x360, 30 frames a second.
pub fn card() -> CaptureConfig {
    CaptureConfig::default().with_source(CaptureSource::TestCard).with_test_card_size(640, 360).with_fps(30)
}

/// The same at 320x180, where nobody looks at its details.
pub fn small_card() -> CaptureConfig {
    card().with_test_card_size(320, 180)
}

/// H.264 by the processor, at its fastest.
pub fn fast() -> EncoderConfig {
    EncoderConfig::default()
        .with_codec(Codec::H264)
        .with_encoder(EncoderChoice::Software)
        .with_preset(EncoderPreset::Fastest)
}

/// The same as servers want it: a constant bitrate and a key frame each second.
pub fn streamed(codec: Codec) -> EncoderConfig {
    fast().with_codec(codec).with_rate_control(RateControl::Cbr).with_gop_seconds(1.0).with_bitrate_kbps(3000)
}

/// A Matroska file.
pub fn mkv(path: &Path) -> Output {
    Output::File { path: path.to_owned(), container: Container::Matroska }
}

/// Waits until it is so.
pub async fn until(what: &str, so: impl Fn() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(60), "it did not come to that: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
