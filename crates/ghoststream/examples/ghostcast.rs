//! A recording, a replay buffer and a stream of one capture: the file and the clips have the desktop and the microphone
//! apart, the stream their mix.
//!
//! `cargo run --release --example ghostcast -- rtmp://live.example/app/STREAM_KEY`
//!
//! With `test-card` as a second argument it takes the test card and its beep, which need no desktop.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use ghoststream::{
    AudioConfig, AudioSource, CaptureConfig, CaptureSource, Codec, Container, EncoderConfig, Output,
    OutputConfig, Pipeline, RateControl, Report,
};

/// The best that there is for the file and the clips, and what servers take for the stream: each a rendition of its own.
pub fn pipeline(
    capture: CaptureConfig,
    sounds: [AudioSource; 2],
    (path, clips): (&Path, &Path),
    url: &str,
) -> Result<Pipeline, ghoststream::Error> {
    let live = EncoderConfig::default()
        .with_codec(Codec::H264)
        .with_resolution(1280, 720)
        .with_rate_control(RateControl::Cbr)
        .with_bitrate_kbps(4500)
        .with_gop_seconds(2.0);
    let file = Output::File { path: path.to_owned(), container: Container::Matroska };
    // What is encoded for the file is kept for the clips as well: it is the same packets.
    let replay = Output::Replay { seconds: 30, directory: clips.to_owned() };
    let builder = Pipeline::builder(capture)
        .rendition(EncoderConfig::default())
        .rendition(live)
        .output(OutputConfig::new(file).with_overwrite(true))
        .output(OutputConfig::new(replay))
        .output(OutputConfig::new(Output::Rtmp { url: url.to_owned() }).with_rendition(1));
    sounds.into_iter().fold(builder, |it, sound| it.audio(AudioConfig::new(sound))).build()
}

/// What became of each output.
pub fn told(report: &Report) -> Vec<String> {
    let how = |error: &Option<String>| error.clone().unwrap_or_else(|| "whole".to_owned());
    report.outputs.iter().map(|it| format!("{}: {:.1} s, {}", it.name, it.seconds, how(&it.error))).collect()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("where to? rtmp://SERVER/APP/STREAM_KEY")?;
    let source: CaptureSource = arguments.next().map_or(Ok(CaptureSource::Portal), |it| it.parse())?;
    let sounds = match source {
        CaptureSource::TestCard => [AudioSource::TestCard, AudioSource::TestCard],
        _ => [AudioSource::Desktop, AudioSource::Microphone],
    };
    let capture = CaptureConfig::default().with_source(source).with_fps(60);
    let cast = pipeline(capture, sounds, (Path::new("ghostcast.mkv"), Path::new("clips")), &url)?;
    cast.start().await?;
    tokio::time::sleep(Duration::from_secs(30)).await;
    // A marker is a chapter of the recording, and of each clip that it lies in.
    cast.marker("the end is near")?;
    let clips = cast.save_replay(Some(Duration::from_secs(10))).await?;
    clips.iter().for_each(|it| println!("{}: {:.1} s", it.path.display(), it.seconds));
    let report = cast.stop().await?;
    told(&report).iter().for_each(|it| println!("{it}"));
    Ok(())
}
