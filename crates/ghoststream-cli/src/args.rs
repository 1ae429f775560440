//! What can be typed. Nothing is understood here: `capture.rs` turns words into settings, and
//! [`crate::record`] into work.

mod bench;
mod capture;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

pub use bench::BenchArgs;
pub use capture::CaptureArgs;

/// Capture a Linux desktop, encode it, and deliver it to a file.
#[derive(Debug, Parser)]
#[command(
    name = "ghoststream",
    bin_name = "ghoststream",
    version,
    propagate_version = true,
    after_help = "Exit status: 0 done, every output is whole; 1 failed; 2 wrong command line or profile; \
                  3 the share dialog was refused; 130 stopped by Ctrl-C, outputs whole (129, 143: by SIGHUP, SIGTERM).",
    max_term_width = 100,
    args_override_self = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// Log more to standard error: -v what is done, -vv how, -vvv everything
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Record to a file
    Record(RecordArgs),
    /// Stream to an RTMP or SRT server (not built yet)
    Stream(StreamArgs),
    /// Be a camera for other programs (not built yet)
    Camera(CameraArgs),
    /// Keep the last seconds and save them on demand (not built yet)
    Replay(ReplayArgs),
    /// Run what a file describes, several outputs at once (not built yet)
    Run(RunArgs),
    /// Control a running ghoststream (not built yet)
    Ctl(Rest),
    /// Show what this machine can do, what is missing and how to fix it
    Doctor(JsonArgs),
    /// List the presets
    Presets(JsonArgs),
    /// Measure how fast each encoder is on this machine
    Bench(BenchArgs),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// Options of `record`.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// The file; .mkv, .mp4 or .webm decides the format [default: a new .mkv in your Videos directory]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    pub capture: CaptureArgs,
}

/// Options of `stream`.
#[derive(Debug, Args)]
pub struct StreamArgs {
    /// rtmp://, rtmps:// or srt:// and where to
    pub url: String,

    #[command(flatten)]
    pub capture: CaptureArgs,
}

/// Options of `camera`.
#[derive(Debug, Args)]
pub struct CameraArgs {
    /// The name that other programs show
    #[arg(long, value_name = "NAME", default_value = "GhostStream Camera")]
    pub name: String,

    #[command(flatten)]
    pub capture: CaptureArgs,
}

/// Options of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// How much to keep
    #[arg(long, value_name = "N")]
    pub seconds: u32,

    /// Where clips are saved [default: your Videos directory]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,

    #[command(flatten)]
    pub capture: CaptureArgs,
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// What to run
    #[arg(value_name = "FILE.toml", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    #[command(flatten)]
    pub json: JsonArgs,
}

/// The one option of commands that only tell.
#[derive(Clone, Copy, Debug, Args)]
pub struct JsonArgs {
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Whatever follows a command that is not built yet.
#[derive(Debug, Args)]
pub struct Rest {
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub rest: Vec<OsString>,
}

impl Command {
    /// Whether everything it says is to be JSON.
    pub const fn json(&self) -> bool {
        match self {
            Self::Record(it) => it.capture.json,
            Self::Stream(it) => it.capture.json,
            Self::Camera(it) => it.capture.json,
            Self::Replay(it) => it.capture.json,
            Self::Run(it) => it.json.json,
            Self::Doctor(it) | Self::Presets(it) => it.json,
            Self::Bench(it) => it.json,
            Self::Ctl(_) | Self::Completions { .. } | Self::Man => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
