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
mod threads;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use report::Report;

const USAGE: &str = "usage: gpu-check [--report FILE] [--rate]

Checks GhostStream over this machine's own NVIDIA driver.
  --report FILE  writes what was found, in Markdown
  --rate         only how 4K at 240 pictures a second does, which needs no tests beside it";

/// What is run, all of it built together.
struct Programs {
    /// Where this program is, with `ghoststream`.
    bin: PathBuf,
    /// Where the tests' programs are.
    tests: PathBuf,
}

impl Programs {
    fn find(plan: &Plan) -> Result<Self> {
        let bin = std::env::current_exe()?.parent().context("a directory")?.to_owned();
        let tests = bin.with_file_name("tests");
        let needed = [Some(bin.join("ghoststream")), (!plan.rate_alone).then(|| tests.join("driver"))];
        for file in needed.into_iter().flatten() {
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

/// What the command line says.
#[derive(Default)]
struct Plan {
    /// Where the report goes.
    page: Option<PathBuf>,
    rate_alone: bool,
}

fn parse() -> Result<Plan> {
    let mut plan = Plan::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--report" if plan.page.is_none() => plan.page = Some(words.next().context(USAGE)?.into()),
            "--rate" => plan.rate_alone = true,
            _ => bail!("{USAGE}"),
        }
    }
    Ok(plan)
}

fn run(plan: Plan) -> Result<bool> {
    let programs = Programs::find(&plan)?;
    let scratch = tempfile::tempdir()?;
    let mut report = Report::default();
    let doctor = product::doctor(&mut report, &programs)?;
    report.machine = machine::describe(&doctor);
    if !plan.rate_alone {
        if product::has_encoder(&doctor) {
            product::records(&mut report, &programs, scratch.path())?;
        } else {
            product::is_refused(&mut report, &programs, scratch.path())?;
        }
        emulated::records(&mut report, &programs, scratch.path())?;
    }
    rate::runs(&mut report, &programs, scratch.path())?;
    if !plan.rate_alone {
        tests::run(&mut report, &programs)?;
        cuda::measure(&mut report)?;
    }
    if let Some(page) = plan.page {
        std::fs::write(&page, report.page()).with_context(|| format!("writing {}", page.display()))?;
    }
    println!("{}", report.conclusion());
    Ok(report.holds())
}
