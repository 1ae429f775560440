//! Says what a recording holds, and shows it on one page.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use testkit::judge::{Options, Verdict, judge_with};
use testkit::sheet;

const USAGE: &str = "usage: look FILE [--sheet PNG] [--json] [--step N] [--pauses]

Prints what was recorded and, where it is the test card, what is wrong with it.
  --sheet PNG  writes pictures spread over the recording
  --json       prints all of the verdict as JSON
  --step N     card frames to one recorded frame, where the rates differ
  --pauses     the recording was paused";

/// The command line.
#[derive(Default)]
struct Args {
    file: PathBuf,
    sheet: Option<PathBuf>,
    json: bool,
    options: Options,
}

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)) {
        Ok(None) => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Some(args)) => match run(&args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error, 1),
        },
        Err(error) => fail(&error.context(USAGE), 2),
    }
}

fn fail(error: &anyhow::Error, status: u8) -> ExitCode {
    eprintln!("look: {error:#}");
    ExitCode::from(status)
}

/// `None` where help is asked for.
fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Args>> {
    let mut args = Args::default();
    while let Some(word) = words.next() {
        let mut value = |what| words.next().with_context(|| format!("{word} needs {what}"));
        match word.as_str() {
            "--sheet" => args.sheet = Some(value("a file name")?.into()),
            "--json" => args.json = true,
            "--pauses" => args.options.pauses = true,
            "--step" => {
                let step = value("a number")?.parse().ok().filter(|it| (0.001..=1000.0).contains(it));
                args.options.step = step.context("--step takes a number from 0.001 to 1000")?;
            }
            "-h" | "--help" => return Ok(None),
            option if option.starts_with('-') => bail!("{option} is no option"),
            file if args.file.as_os_str().is_empty() => args.file = file.into(),
            more => bail!("one file at a time: {more} is the second"),
        }
    }
    if args.file.as_os_str().is_empty() {
        bail!("which file?");
    }
    Ok(Some(args))
}

fn run(args: &Args) -> Result<()> {
    let verdict = judge_with(&args.file, &args.options)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&verdict)?);
    } else {
        print!("{verdict}");
        print!("{}", conclusion(&verdict));
    }
    if let Some(png) = &args.sheet {
        let lines: Vec<String> = verdict.to_string().lines().skip(1).map(str::to_owned).collect();
        sheet::write(&args.file, &title(&args.file, &verdict), &lines, png)?;
        if !args.json {
            println!("  sheet  {}", png.display());
        }
    }
    Ok(())
}

fn title(file: &Path, verdict: &Verdict) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let (megabytes, seconds) = (verdict.bytes as f64 / 1e6, verdict.content_seconds);
    format!("{name}   {seconds:.2} s   {megabytes:.2} MB")
}

fn conclusion(verdict: &Verdict) -> String {
    if verdict.card.is_none() {
        return "  not the test card: lost frames and A/V skew cannot be read from the pictures\n".to_owned();
    }
    let problems = verdict.problems();
    if problems.is_empty() {
        return "  faultless\n".to_owned();
    }
    problems.iter().map(|it| format!("  fault  {it}\n")).collect()
}
