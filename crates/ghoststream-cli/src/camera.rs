//! `ghoststream camera`.

use std::process::ExitCode;
use std::sync::Arc;

use ghoststream::{Output, OutputConfig, Pipeline, Settings};

use crate::args::CameraArgs;
use crate::failure::Failure;
use crate::session;

/// Is a camera until it is stopped. It has no sound.
pub fn run(args: &CameraArgs) -> Result<ExitCode, Failure> {
    let resolved = args.capture.resolve_over(defaults()?)?;
    let options = args.capture.session(&resolved);
    let mut output = OutputConfig::new(Output::VirtualCamera { name: args.name.clone() });
    output.v4l2.clone_from(&args.v4l2);
    output.dmabuf = args.dmabuf;
    let pipeline = Arc::new(Pipeline::new(resolved.capture, resolved.encoder, output)?);
    session::run(&pipeline, resolved.duration, &options)
}

/// What a webcam has, where nothing else was asked for.
fn defaults() -> Result<Settings, Failure> {
    let mut settings = Settings::default();
    settings.set("size", &["1280x720"]).map_err(ghoststream::Error::from)?;
    settings.set("fps", &["30"]).map_err(ghoststream::Error::from)?;
    Ok(settings)
}
