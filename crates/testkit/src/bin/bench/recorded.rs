//! What is recorded where a bench is about something else: the test card, by x264 at its fastest.

use ghoststream::{CaptureConfig, CaptureSource, Codec, EncoderChoice, EncoderConfig, EncoderPreset};

/// The test card at this size and rate.
pub fn card((width, height): (u32, u32), fps: f64) -> CaptureConfig {
    CaptureConfig::default()
        .with_source(CaptureSource::TestCard)
        .with_test_card_size(width, height)
        .with_fps(fps)
}

/// H.264 by x264, as fast as it gets.
pub fn x264() -> EncoderConfig {
    EncoderConfig::default()
        .with_codec(Codec::H264)
        .with_encoder(EncoderChoice::Software)
        .with_preset(EncoderPreset::Fastest)
}
