//! GStreamer and browsers: what they see of the camera, and in which format.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ghoststream::Size;
use testkit::Session;
use testkit::peers::{Browser, Program};

use crate::bars::Rgb;
use crate::{NODE, agreed};

/// Pictures after which the last one counts.
const ENOUGH: usize = 12;

/// `pipewiresrc ! videoconvert`, as the documentation has it; `wish` is the format that it asks for.
pub fn gstreamer(session: &Session, wish: &str, size: Size) -> Result<(Rgb, String)> {
    let Size { width, height } = size;
    let raw = session.dir().join("seen.rgb");
    let mut command = Command::new("gst-launch-1.0");
    command.args(["-v", "pipewiresrc", &format!("target-object={NODE}"), "!"]);
    if wish == "JPEG" {
        command.args([&format!("image/jpeg,width={width},height={height}"), "!", "jpegdec", "!"]);
    } else {
        command.args([&format!("video/x-raw,format={wish},width={width},height={height}"), "!"]);
    }
    command.args(["videoconvert", "!", "video/x-raw,format=RGB", "!", "filesink"]);
    command.args(["buffer-mode=unbuffered", &format!("location={}", raw.display())]);
    let _running = session.spawn(&mut command)?;
    let bytes = width as usize * height as usize * 3;
    let start = Instant::now();
    while std::fs::metadata(&raw).map_or(0, |it| it.len()) < (bytes * ENOUGH) as u64 {
        ensure!(start.elapsed() < Duration::from_secs(60), "no pictures: {}", log(session)?);
        std::thread::sleep(Duration::from_millis(50));
    }
    let said = log(session)?;
    let caps = said.lines().find(|it| it.contains("pipewiresrc0.GstPad:src: caps")).unwrap_or_default();
    let colorimetry = caps.split("colorimetry=").nth(1).unwrap_or("not said").to_owned();
    let how = format!("{}; its colorimetry: {colorimetry}", agreed(session)?);
    let all = std::fs::read(&raw)?;
    let last = all.chunks_exact(bytes).next_back().context("a picture")?;
    Ok((Rgb { size, bytes: last.to_vec() }, how))
}

fn log(session: &Session) -> Result<String> {
    Ok(std::fs::read_to_string(session.dir().join("logs/gst-launch-1.0"))?)
}

/// A page that opens the camera at a size, and reads the pictures from its canvas.
pub fn browser(session: &Session, program: Program, size: Size) -> Result<(Rgb, String)> {
    let mut browser = Browser::start(program, session, Some(size))?;
    let pictures = browser.wait(ENOUGH)?;
    let how = format!("{:?}: {}", browser.cameras(), agreed(session)?);
    let last = pictures.last().context("a picture")?;
    let bytes = last.rgba.as_chunks::<4>().0.iter().flat_map(|&[red, green, blue, _]| [red, green, blue]);
    Ok((Rgb { size: last.size, bytes: bytes.collect() }, how))
}
