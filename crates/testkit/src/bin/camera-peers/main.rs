//! Which programs see the camera, in which format, and whether its colours arrive.
//!
//! `cargo run -p testkit --bin camera-peers -- [--out DIR] [--obs ROOT] [PROGRAM…]`, all of `gstreamer`, `chromium`,
//! `firefox` by default, and `obs` where a root file system is named that has it, and PipeWire (`scripts/camera-peers`). Each gets a
//! camera that shows the test card, at two sizes; what it saw is saved as a PNG, and a line of a Markdown table says
//! what became of the card's colour bars.

mod bars;
mod obs;
mod peers;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use bars::{Found, Rgb};
use ghoststream::{CaptureConfig, CaptureSource, EncoderConfig, Output, Pipeline, Size};
use testkit::peers::Program;
use testkit::portal::{Answer, Script};
use testkit::{Portal, Session};

const SIZES: [Size; 2] = [Size::new(640, 480), Size::new(1280, 720)];
const NAME: &str = "GhostStream Camera";
const NODE: &str = "ghoststream-camera.ghoststream-camera";

struct Args {
    out: PathBuf,
    obs: Option<PathBuf>,
    programs: Vec<String>,
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Args> {
    let mut args = Args { out: "target/camera-peers".into(), obs: None, programs: Vec::new() };
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a directory"));
        match word.as_str() {
            "--out" => args.out = value()?.into(),
            "--obs" => args.obs = Some(value()?.into()),
            "gstreamer" | "chromium" | "firefox" | "obs" => args.programs.push(word),
            _ => bail!("usage: camera-peers [--out DIR] [--obs ROOT] [gstreamer|chromium|firefox|obs]…"),
        }
    }
    if args.programs.is_empty() {
        args.programs = ["gstreamer", "chromium", "firefox"].map(str::to_owned).into();
        args.programs.extend(args.obs.is_some().then(|| "obs".to_owned()));
    }
    Ok(args)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let args = parse(std::env::args().skip(1))?;
    std::fs::create_dir_all(&args.out)?;
    println!("| program | asked | what was agreed on | colours | worst error |\n|---|---|---|---|---|");
    for program in &args.programs {
        for size in SIZES {
            let wishes: &[&str] = match program.as_str() {
                "gstreamer" => &["NV12", "I420", "YUY2", "BGRx", "JPEG"],
                "obs" => &["YUY2", "NV12"],
                _ => &["any"],
            };
            for wish in wishes {
                match look(&args, program, wish, size).await {
                    Ok(line) => println!("{line}"),
                    Err(error) => println!("| {program} | {wish} {size} | {error:#} | | |"),
                }
            }
        }
    }
    Ok(())
}

/// One program looks at a camera of its own; a line of the table.
async fn look(args: &Args, program: &str, wish: &str, size: Size) -> Result<String> {
    let root = args.obs.as_deref().filter(|_| program == "obs");
    let (session, _pipewire) = match root {
        Some(root) => obs::session(root).map(|(session, running)| (session, Some(running)))?,
        None => (Session::start()?, None),
    };
    session.enter();
    let _portal = Portal::start(&session, Script { camera: true, ..Script::new(Answer::Refuse) })?;
    let card = CaptureConfig::default().with_source(CaptureSource::TestCard);
    let card = card.with_test_card_size(size.width, size.height).with_fps(15);
    let encoder = EncoderConfig::default().with_resolution(size.width, size.height);
    let pipeline = Pipeline::new(card, encoder, Output::VirtualCamera { name: NAME.to_owned() })?;
    pipeline.start().await?;
    let seen = match program {
        "gstreamer" => peers::gstreamer(&session, wish, size),
        "chromium" => peers::browser(&session, Program::Chromium, size),
        "firefox" => peers::browser(&session, Program::Firefox, size),
        _ => {
            // `SPA_VIDEO_FORMAT_*`.
            let format = if wish == "NV12" { 23 } else { 4 };
            let display = args.out.join(format!("obs-{wish}-{}-display.png", size.height));
            obs::obs(&session, root.context("where is OBS? --obs ROOT")?, format, size, &display)
        }
    };
    pipeline.stop().await?;
    let (picture, agreed) = seen?;
    save(&picture, &args.out.join(format!("{program}-{wish}-{}.png", size.height)))?;
    let Found { bars, way, off, error } = Found::in_picture(&picture);
    let yellow = bars[1];
    Ok(format!(
        "| {program} | {wish} {size} | {agreed}, seen as {} | {way} (within {off:.0}), yellow is {yellow:?} | {error:.0} |",
        picture.size
    ))
}

/// The format of the camera's node while somebody looks, as PipeWire lists it: a line that names a property, then its
/// value, or several of which the first is the one.
fn agreed(session: &Session) -> Result<String> {
    let listed =
        Command::new("pw-cli").args(["enum-params", NODE, "Format"]).envs(session.environment()).output()?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let value = |key: &str| {
        let after = listed.split_once(&format!(":{key} ("))?.1;
        let line = after.lines().skip(1).map(str::trim).find(|it| !it.starts_with("Choice"))?;
        let line = line.strip_suffix(')').unwrap_or(line);
        line.rsplit([':', ' ']).next().map(str::to_owned)
    };
    let size = value("size").context("nobody looks at the camera")?;
    let what = value("format").or_else(|| value("mediaSubtype")).unwrap_or_default();
    Ok(format!("{what} {size} at {}", value("framerate").unwrap_or_default()))
}

fn save(picture: &Rgb, path: &Path) -> Result<()> {
    let Size { width, height } = picture.size;
    image::save_buffer(path, &picture.bytes, width, height, image::ExtendedColorType::Rgb8)?;
    Ok(())
}
