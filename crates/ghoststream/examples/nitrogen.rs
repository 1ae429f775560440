//! What the companion of a voice chat does: the desktop as a camera that the chat's program picks, and, where an address
//! is given, a low-latency stream beside it for those who are to see more: AV1 where the hardware encodes it, else H.264.
//!
//! `cargo run --release --example nitrogen -- [--test-card] [--seconds N] [URL|FILE.mkv]`

use std::error::Error;
use std::time::Duration;

use ghoststream::{
    CaptureConfig, CaptureSource, Codec, Container, EncoderConfig, EncoderPreset, Output, OutputConfig,
    Pipeline, RateControl, Size, probe_encoders,
};

/// What a webcam has: nobody in a chat sees more of it.
const CAMERA: Size = Size::new(1280, 720);
const STREAM: Size = Size::new(1920, 1080);
const FPS: f64 = 30.0;

/// What the command line says.
#[derive(Default)]
struct Wish {
    test_card: bool,
    seconds: Option<u64>,
    beside: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let wish = wish()?;
    let mut capture = CaptureConfig::default().with_fps(30);
    if wish.test_card {
        capture = capture.with_source(CaptureSource::TestCard);
    }
    let pipeline = pipeline(capture, wish.beside.as_deref())?;
    pipeline.start().await?;
    println!("the camera \"Nitrogen\" is there; Ctrl-C ends it");
    let end = async {
        match wish.seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = pipeline.wait() => drop(ended?),
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        () = end => {}
    }
    let report = pipeline.stop().await?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// The camera, and the stream or file beside it.
pub fn pipeline(capture: CaptureConfig, beside: Option<&str>) -> Result<Pipeline, ghoststream::Error> {
    let camera = Output::VirtualCamera { name: "Nitrogen".into() };
    let builder = Pipeline::builder(capture)
        .rendition(EncoderConfig::default().with_resolution(CAMERA.width, CAMERA.height))
        .output(camera);
    let builder = match beside {
        Some(beside) => {
            builder.rendition(stream()).output(OutputConfig::new(output(beside)).with_rendition(1))
        }
        None => builder,
    };
    builder.build()
}

fn wish() -> Result<Wish, Box<dyn Error>> {
    let mut wish = Wish::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--test-card" => wish.test_card = true,
            "--seconds" => wish.seconds = Some(arguments.next().ok_or("--seconds N")?.parse()?),
            _ => wish.beside = Some(argument),
        }
    }
    Ok(wish)
}

/// A stream that comes at once: no picture waits for another.
fn stream() -> EncoderConfig {
    EncoderConfig::default()
        .with_codec(codec())
        .with_resolution(STREAM.width, STREAM.height)
        .with_preset(EncoderPreset::Fastest)
        .with_rate_control(RateControl::Cbr)
        .with_bitrate_kbps(6000)
        .with_gop_seconds(2.0)
        .with_low_latency(true)
}

/// AV1 in software costs more than a chat is worth; in hardware it costs nothing.
fn codec() -> Codec {
    let encoders = probe_encoders(STREAM, FPS);
    let opens = |it: &&ghoststream::EncoderStatus| it.kind == "nvenc" && it.refusal.is_none();
    if encoders.iter().filter(opens).any(|it| it.codec == "av1") { Codec::AV1 } else { Codec::H264 }
}

fn output(beside: &str) -> Output {
    match beside.split_once("://") {
        Some(("srt", _)) => Output::Srt { url: beside.to_owned() },
        Some(_) => Output::Rtmp { url: beside.to_owned() },
        None => Output::File { path: beside.into(), container: Container::Matroska },
    }
}
