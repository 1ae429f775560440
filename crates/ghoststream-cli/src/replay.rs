//! `ghoststream replay`.

use std::process::ExitCode;

use ghoststream::{ByteSize, ConfigError, Container, Error, Output, OutputConfig, ReplayOptions};

use crate::args::ReplayArgs;
use crate::failure::Failure;
use crate::record::pipeline;
use crate::session;

/// Keeps the last seconds until it is stopped; saves them when SIGUSR1 comes.
pub fn run(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    let resolved = args.capture.resolve()?;
    let (duration, options) = (resolved.duration, args.capture.session(&resolved));
    let pipeline = pipeline(resolved, output(args)?)?;
    session::run(&pipeline, duration, &options)
}

fn output(args: &ReplayArgs) -> Result<OutputConfig, Failure> {
    let directory = match &args.dir {
        Some(directory) => directory.clone(),
        None => ghoststream::default_directory().map_err(Error::from)?,
    };
    let mut options = ReplayOptions::new();
    if let Some(word) = &args.container {
        let found = Container::ALL.iter().find(|it| it.word() == word);
        options = options.with_container(*found.ok_or_else(|| Failure::usage("no such container"))?);
    }
    if let Some(text) = &args.max_size {
        options = options.with_max_bytes(bytes("--max-size", text)?);
    }
    if let (Some(directory), Some(text)) = (&args.disk_dir, &args.disk_size) {
        options = options.with_disk(directory, bytes("--disk-size", text)?);
    }
    let output = Output::Replay { seconds: args.seconds, directory };
    Ok(OutputConfig::new(output).with_replay(options))
}

/// An option's size.
fn bytes(option: &str, text: &str) -> Result<u64, Failure> {
    let wrong =
        |error: ConfigError| Failure::usage(format!("{option} {text} is not possible: {}", error.allowed));
    Ok(text.parse::<ByteSize>().map_err(wrong)?.0)
}
