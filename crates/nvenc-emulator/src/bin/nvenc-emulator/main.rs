//! `nvenc-emulator`: shows GPU profiles, and runs programs over the emulated libraries.

mod table;

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use nvenc_emulator::{Installed, Machine, Settings, drivers, gpus};

/// NVIDIA's libcuda and libnvidia-encode, emulated
#[derive(Parser)]
#[command(version, subcommand_negates_reqs = true, arg_required_else_help = true)]
struct Command {
    /// Show what a GPU encodes under a driver
    #[arg(long, value_name = "GPU", num_args = 0..=1, default_missing_value = "rtx-3060")]
    print: Option<String>,

    /// The driver for --print
    #[arg(long, value_name = "BRANCH", default_value_t = 570)]
    driver: u32,

    /// List all GPUs and drivers
    #[arg(long, conflicts_with = "print")]
    list: bool,

    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Run a program over the emulated libraries
    Run(Run),
}

#[derive(Args)]
struct Run {
    /// The GPU to be
    #[arg(long, default_value = "rtx-3060")]
    gpu: String,

    /// The driver to be
    #[arg(long, value_name = "BRANCH", default_value_t = 570)]
    driver: u32,

    /// Append every call to a file, as lines of JSON
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,

    /// What fails, such as session-limit,slow:40@100-200
    #[arg(long, value_name = "LIST")]
    faults: Option<String>,

    /// A file with the same, read again whenever it changes
    #[arg(long, value_name = "FILE")]
    faults_file: Option<PathBuf>,

    /// Code every picture exactly
    #[arg(long)]
    exact: bool,

    /// Count sessions together with other programs that name this directory
    #[arg(long, value_name = "DIRECTORY")]
    sessions: Option<PathBuf>,

    /// Be as slow as the GPU
    #[arg(long)]
    latency: bool,

    /// Let pictures be unread: a grey one comes out, then filler
    #[arg(long)]
    unread: bool,

    /// Emulate the encoder alone, over this machine's own libcuda
    #[arg(long)]
    real_cuda: bool,

    /// The program with its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

fn main() -> ExitCode {
    let command = Command::parse();
    let done = match (command.action, command.print) {
        (Some(Action::Run(wanted)), _) => run(wanted),
        (None, Some(gpu)) => print(&gpu, command.driver),
        (None, None) => {
            list();
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|error| {
        eprintln!("nvenc-emulator: {error}");
        ExitCode::from(2)
    })
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn print(gpu: &str, driver: u32) -> Result<ExitCode> {
    print!("{}", table::of(&Machine::new(gpu, driver)?));
    Ok(ExitCode::SUCCESS)
}

fn list() {
    println!("GPUs:");
    for gpu in gpus() {
        let codecs: Vec<_> = gpu.codecs.keys().map(ToString::to_string).collect();
        let codecs = if codecs.is_empty() { "no encoder".into() } else { codecs.join(", ") };
        println!("  {:<12} {:<30} {codecs}", gpu.id, gpu.name);
    }
    println!("Drivers:");
    for driver in drivers() {
        let (major, minor) = driver.cuda;
        println!("  {:<12} NVENC {}, CUDA {major}.{minor}", driver.branch, driver.nvenc);
    }
}

/// Runs a program and ends as it does: with its status, or with 128 and the number of its signal.
fn run(wanted: Run) -> Result<ExitCode> {
    let installed = Installed::with_settings(Settings {
        uuid: None,
        gpu: wanted.gpu,
        driver: wanted.driver,
        trace: wanted.trace,
        faults: wanted.faults,
        faults_file: wanted.faults_file,
        exact: wanted.exact,
        sessions: wanted.sessions,
        latency: wanted.latency,
        unread: wanted.unread,
        real_cuda: wanted.real_cuda,
    })?;
    let (program, arguments) = wanted.command.split_first().ok_or("no program was named")?;
    let status = installed.command(program).args(arguments).status();
    let status = status.map_err(|error| format!("cannot run {}: {error}", program.to_string_lossy()))?;
    let number = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(ExitCode::from(number as u8))
}
