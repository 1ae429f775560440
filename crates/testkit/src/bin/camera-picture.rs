//! Makes the picture of docs/camera.md: GhostStream's camera in a browser, which has it through the portal.
//!
//! `cargo run -p testkit --bin camera-picture -- [OUT.png]`, docs/camera.png by default.

use std::path::PathBuf;

use anyhow::Result;
use ghoststream::{CaptureConfig, CaptureSource, EncoderConfig, Output, Pipeline, Size};
use testkit::peers::{Browser, Program};
use testkit::portal::{Answer, Script};
use testkit::{Portal, Session};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let path = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("docs/camera.png"), PathBuf::from);
    let path = std::path::absolute(path)?;
    let session = Session::start()?;
    session.enter();
    let _portal = Portal::start(&session, Script { camera: true, ..Script::new(Answer::Refuse) })?;
    let card = CaptureConfig::default().with_source(CaptureSource::TestCard).with_test_card_size(1280, 720);
    let size = EncoderConfig::default().with_resolution(1280, 720);
    let camera = Output::VirtualCamera { name: "GhostStream Camera".to_owned() };
    let pipeline = Pipeline::new(card.with_fps(15), size, camera)?;
    pipeline.start().await?;
    let pictured = Browser::photograph(Program::Chromium, &session, Size::new(960, 600), &path);
    pipeline.stop().await?;
    pictured?;
    println!("{}", path.display());
    Ok(())
}
