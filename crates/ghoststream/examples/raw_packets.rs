//! Takes encoded packets from a pipeline and writes an H.264 elementary stream, five seconds of it:
//! `cargo run --release --example raw_packets -- desktop.h264`, then `ffplay desktop.h264`.
//!
//! With `test-card` as a second argument it takes the test card, which needs no desktop.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ghoststream::{
    CaptureConfig, CaptureSource, Codec, EncoderConfig, MediaTime, Output, OutputId, Pipeline,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path: PathBuf = arguments.next().ok_or("which file?")?.into();
    let source: CaptureSource = arguments.next().map_or(Ok(CaptureSource::Portal), |it| it.parse())?;
    let capture = CaptureConfig::default().with_source(source).with_fps(60);
    let packets = write(&path, capture, Duration::from_secs(5)).await?;
    println!("{packets} packets in {}", path.display());
    Ok(())
}

/// Writes so much of the source's picture, and says how many packets that were.
pub async fn write(path: &Path, capture: CaptureConfig, length: Duration) -> Result<u64, Box<dyn Error>> {
    let encoder = EncoderConfig::default().with_codec(Codec::H264);
    let pipeline = Pipeline::new(capture, encoder, Output::Packets)?;
    pipeline.start().await?;

    let mut stream = pipeline.packets(OutputId::new(0))?;
    let mut file = std::fs::File::create(path)?;
    // Parameter sets: a decoder needs them before the first picture, and these packets may not repeat them.
    file.write_all(&stream.tracks()[0].extradata)?;
    let end = MediaTime::ZERO + length;
    let mut packets = 0;
    while let Some(packet) = stream.next().await {
        if packet.dts() >= end {
            break;
        }
        // Another encoder may take over from one that fails.
        packet.begins().map_or(Ok(()), |track| file.write_all(&track.extradata))?;
        file.write_all(packet.data())?;
        packets += 1;
    }
    pipeline.stop().await?;
    Ok(packets)
}
