//! A recording whose sound is exchanged while it runs: the microphone as it is, until a denoiser's node is there.
//!
//! `cargo run --release --example ghostwave -- NODE`, with the name or the number of any PipeWire node that has
//! sound, such as GhostWave's. With `test-card` as a second argument it takes the test card's picture, which needs no
//! desktop.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use ghoststream::{
    AudioSource, CaptureConfig, CaptureSource, Container, EncoderConfig, Output, OutputConfig, Pipeline,
    Report,
};

/// What GhostWave is to a recording: a node with clean sound.
#[derive(Debug)]
pub struct GhostWave {
    pub node: String,
}

impl GhostWave {
    pub fn output_node(&self) -> &str {
        &self.node
    }
}

/// Records for so long with the sound of `before`, and for as long with that of `audio`: one file, one track.
pub async fn record(
    capture: CaptureConfig,
    before: AudioSource,
    audio: &GhostWave,
    path: &Path,
    each: Duration,
) -> Result<Report, ghoststream::Error> {
    let file = Output::File { path: path.to_owned(), container: Container::Matroska };
    let file = OutputConfig::new(file).with_overwrite(true);
    let video = Pipeline::new(capture, EncoderConfig::default(), file)?;
    video.set_audio_source(before)?;
    video.start().await?;
    tokio::time::sleep(each).await;
    // The track goes on; what lies between the two sources is silence.
    video.set_audio_source(audio.output_node())?;
    tokio::time::sleep(each).await;
    video.stop().await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let node = arguments.next().ok_or("which node? `pw-cli ls Node` lists them")?;
    let source: CaptureSource = arguments.next().map_or(Ok(CaptureSource::Portal), |it| it.parse())?;
    let capture = CaptureConfig::default().with_source(source).with_fps(60);
    let audio = GhostWave { node };
    let path = Path::new("ghostwave.mkv");
    let report = record(capture, AudioSource::Microphone, &audio, path, Duration::from_secs(10)).await?;
    report.notes.iter().for_each(|it| println!("{it}"));
    Ok(())
}
