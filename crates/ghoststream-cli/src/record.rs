//! `ghoststream record`.

use std::process::ExitCode;
use std::sync::Arc;

use ghoststream::{Container, Output, OutputConfig, Pipeline, Resolved};

use crate::args::RecordArgs;
use crate::failure::Failure;
use crate::session;

/// Records until it is stopped.
pub fn run(args: &RecordArgs) -> Result<ExitCode, Failure> {
    let resolved = args.capture.resolve()?;
    let output = output(args, resolved.overwrite)?;
    let (duration, options) = (resolved.duration, args.capture.session(&resolved));
    let pipeline = pipeline(resolved, output)?;
    session::run(&pipeline, duration, &options)
}

/// One rendition for one output, with every track of sound.
pub fn pipeline(resolved: Resolved, output: OutputConfig) -> Result<Arc<Pipeline>, Failure> {
    let builder = Pipeline::builder(resolved.capture).rendition(resolved.encoder).output(output);
    Ok(Arc::new(resolved.audio.into_iter().fold(builder, ghoststream::PipelineBuilder::audio).build()?))
}

fn output(args: &RecordArgs, overwrite: bool) -> Result<OutputConfig, Failure> {
    let path = match &args.output {
        Some(path) => path.clone(),
        None => ghoststream::default_path(Container::Matroska).map_err(ghoststream::Error::from)?,
    };
    let container = Container::from_extension(&path).ok_or_else(|| {
        let name = path.display();
        Failure::usage(format!("--output {name} is not possible: a name that ends in .mkv, .mp4 or .webm"))
    })?;
    Ok(OutputConfig::new(Output::File { path, container }).with_overwrite(overwrite))
}
