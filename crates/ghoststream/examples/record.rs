//! Records the desktop for five seconds: `cargo run --release --example record -- desktop.mkv`.
//!
//! With `test-card` as a second argument it records the test card, which needs no desktop.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use ghoststream::{CaptureConfig, CaptureSource, Container, EncoderConfig, Output, Pipeline};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path: PathBuf = arguments.next().ok_or("which file?")?.into();
    let source: CaptureSource = arguments.next().map_or(Ok(CaptureSource::Portal), |it| it.parse())?;
    let container = Container::from_extension(&path).ok_or("a name that ends in .mkv, .mp4 or .webm")?;

    let capture = CaptureConfig::default().with_source(source).with_fps(60);
    let pipeline = Pipeline::new(capture, EncoderConfig::default(), Output::File { path, container })?;
    pipeline.start().await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let report = pipeline.stop().await?;

    for note in &report.notes {
        println!("note: {note}");
    }
    println!("{} frames, {} dropped, {:.1} s", report.encoded, report.dropped, report.duration_seconds);
    Ok(())
}
