//! What can be proven on a machine with an NVIDIA GPU and CUDA, whether the GPU has an encoder or not.
//!
//! `scripts/gpu-check` starts it, with everything that it needs beside it. It says what it found as it
//! goes, writes a page in Markdown, and fails where something that must hold does not.

mod cuda;
mod emulated;
mod machine;
mod product;
mod rate;
mod report;
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use report::Report;

const USAGE: &str = "usage: gpu-check [--report FILE]

Checks GhostStream over this machine's own NVIDIA driver.
  --report FILE  writes what was found, in Markdown";

/// What is run, all of it built together.
struct Programs {
    /// Where this program is, with `ghoststream`.
    bin: PathBuf,
    /// Where the tests' programs are.
    tests: PathBuf,
}

impl Programs {
    fn find() -> Result<Self> {
        let bin = std::env::current_exe()?.parent().context("a directory")?.to_owned();
        let tests = bin.with_file_name("tests");
        for file in [bin.join("ghoststream"), tests.join("driver")] {
            if !file.is_file() {
                bail!("{} is missing; gather everything by scripts/gpu-bundle", file.display());
            }
        }
        Ok(Self { bin, tests })
    }
}

fn main() -> ExitCode {
    match parse().and_then(run) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("gpu-check: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Where the report goes.
fn parse() -> Result<Option<PathBuf>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Ok(None),
        ["--report", file] => Ok(Some(file.into())),
        _ => bail!("{USAGE}"),
    }
}

fn run(page: Option<PathBuf>) -> Result<bool> {
    let programs = Programs::find()?;
    let scratch = tempfile::tempdir()?;
    let mut report = Report::default();
    let doctor = product::doctor(&mut report, &programs)?;
    report.machine = machine::describe(&doctor);
    if product::has_encoder(&doctor) {
        product::records(&mut report, &programs, scratch.path())?;
    } else {
        product::is_refused(&mut report, &programs, scratch.path())?;
    }
    emulated::records(&mut report, &programs, scratch.path())?;
    rate::runs(&mut report, &programs, scratch.path())?;
    tests::run(&mut report, &programs)?;
    cuda::measure(&mut report)?;
    if let Some(page) = page {
        std::fs::write(&page, report.page()).with_context(|| format!("writing {}", page.display()))?;
    }
    println!("{}", report.conclusion());
    Ok(report.holds())
}
