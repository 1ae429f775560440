//! One capture, two files: full size with every sound, and small with the desktop's sound alone.
//!
//! `cargo run --release --example two_renditions`

use std::error::Error;
use std::time::Duration;

use ghoststream::{
    AudioConfig, AudioSource, CaptureConfig, Codec, Container, EncoderConfig, Output, OutputConfig, Pipeline,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let full = Output::File { path: "full.mkv".into(), container: Container::Matroska };
    let small = Output::File { path: "small.mp4".into(), container: Container::Mp4 };
    let pipeline = Pipeline::builder(CaptureConfig::default().with_fps(60))
        .rendition(EncoderConfig::default())
        .rendition(EncoderConfig::default().with_codec(Codec::H264).with_resolution(1280, 720))
        .audio(AudioConfig::new(AudioSource::Desktop).with_title("Desktop"))
        .audio(AudioConfig::new(AudioSource::Microphone).with_title("Microphone"))
        .output(OutputConfig::new(full).with_overwrite(true))
        .output(OutputConfig::new(small).with_rendition(1).with_audio_tracks([0]).with_overwrite(true))
        .build()?;
    pipeline.start().await?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let report = pipeline.stop().await?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}
