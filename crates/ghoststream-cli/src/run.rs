//! `ghoststream run`.

use std::process::ExitCode;
use std::sync::Arc;

use ghoststream::RunFile;

use crate::args::RunArgs;
use crate::failure::Failure;
use crate::{print, session};

/// Runs what a file describes until it is stopped.
pub fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let file = RunFile::read(&args.file)?;
    for warning in &file.warnings {
        print::warn(&format!("warning: {warning}"));
    }
    let duration = file.duration;
    // What was typed counts.
    let hotkeys = args.hotkeys.or(file.hotkeys).unwrap_or(false);
    let pipeline = Arc::new(file.pipeline()?);
    let options = session::Options { json: args.json, control: args.control.clone(), hotkeys };
    session::run(&pipeline, duration, &options)
}
