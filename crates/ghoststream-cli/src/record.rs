//! `ghoststream record`.

use std::process::ExitCode;

use crate::args::RecordArgs;
use crate::failure::Failure;

/// Records until it is stopped.
pub fn run(args: &RecordArgs) -> Result<ExitCode, Failure> {
    args.capture.resolve()?;
    Err(ghoststream::Error::NotBuilt { feature: "recording", instead: "see `ghoststream presets`" }.into())
}
