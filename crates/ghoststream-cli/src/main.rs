//! The `ghoststream` command: flags and glue. The work is in the library.

mod answer;
mod args;
mod bench;
mod camera;
mod ctl;
mod desktop_file;
mod doctor;
mod failure;
mod hotkeys;
mod key;
mod live;
mod presets;
mod print;
mod quiet;
mod record;
mod replay;
mod run;
mod saves;
mod session;
mod shell;
mod signals;
mod stream;
mod summary;
mod view;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    quiet::encoders();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    log(cli.verbose);
    let json = cli.command.json();
    match run(cli.command) {
        Ok(status) => status,
        Err(failure) => failure.exit(json),
    }
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Record(args) => return record::run(&args),
        Command::Presets(args) => presets::list(args.json),
        Command::Doctor(args) => doctor::run(args.json)?,
        Command::Bench(args) => bench::run(&args)?,
        Command::Completions { shell } => shell::completions(shell),
        Command::Man => shell::manual()?,
        Command::DesktopFile => desktop_file::run()?,
        Command::Stream(args) => return stream::run(&args),
        Command::Camera(args) => return camera::run(&args),
        Command::Replay(args) => return replay::run(&args),
        Command::Run(args) => return run::run(&args),
        Command::Ctl(args) => ctl::run(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Help and version are answers; anything else is a mistake, told as JSON where JSON was asked for.
fn refuse(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|it| it == "--json") {
        let text = error.to_string();
        let message = text.trim_start_matches("error: ").lines().next().unwrap_or_default();
        return Failure::usage(message).exit(true);
    }
    let text = error.to_string();
    let clean = print::without_secrets(&text);
    // Help repeats nothing that was typed, and shows what URLs look like.
    if clean == text || !error.use_stderr() {
        // With colours where there is a terminal.
        let _ = error.print();
    } else {
        print::warn(clean.trim_end());
    }
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

/// `GHOSTSTREAM_LOG` takes tracing's filters and beats `-v`.
fn log(verbose: u8) {
    use tracing_subscriber::EnvFilter;
    // What other crates warn of is of no use to anyone who does not look for a bug.
    let filter = match verbose {
        0 => "error,ghoststream=warn",
        1 => "error,ghoststream=info",
        2 => "warn,ghoststream=debug",
        _ => "debug,ghoststream=trace",
    };
    let filter = EnvFilter::try_from_env("GHOSTSTREAM_LOG").unwrap_or_else(|_| EnvFilter::new(filter));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| print::Log).with_ansi(colours).init();
}
