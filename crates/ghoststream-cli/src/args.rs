//! What can be typed. Nothing is understood here: `capture.rs` turns words into settings, and
//! [`crate::record`] into work.

mod bench;
mod capture;
mod ctl;

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueHint};
use ghoststream::control::Name;

pub use bench::BenchArgs;
pub use capture::CaptureArgs;
pub use ctl::{CtlArgs, CtlCommand};

/// Capture a Linux desktop, encode it, and deliver it to files, live servers, cameras and a replay buffer.
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
    /// Stream to an RTMP server or an SRT peer
    Stream(StreamArgs),
    /// Be a camera for other programs
    Camera(CameraArgs),
    /// Keep the last seconds and save them when asked to
    Replay(ReplayArgs),
    /// Run what a file describes, several outputs at once
    Run(RunArgs),
    /// Control a running ghoststream
    Ctl(CtlArgs),
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
    /// Print the desktop entry by which desktops know this program and its hotkeys
    DesktopFile,
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
    /// twitch, youtube, kick; or rtmp:// or rtmps://, the server, the application and the stream key; or srt://SERVER:PORT
    /// and options
    #[arg(value_name = "SERVICE|URL")]
    pub url: String,

    /// A file that holds the stream key, or SRT's passphrase, and that only you can read [default for a service: the
    /// variable GHOSTSTREAM_STREAM_KEY]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub key_file: Option<PathBuf>,

    /// An environment variable that holds the stream key, or SRT's passphrase
    #[arg(long, value_name = "VARIABLE", conflicts_with = "key_file")]
    pub key_env: Option<String>,

    #[command(flatten)]
    pub capture: CaptureArgs,
}

/// Options of `camera`.
#[derive(Debug, Args)]
pub struct CameraArgs {
    /// The name that other programs show
    #[arg(long, value_name = "NAME", default_value = "GhostStream Camera")]
    pub name: String,

    /// Write to this V4L2 device, such as v4l2loopback's, in place of being a PipeWire camera
    #[arg(long, value_name = "/dev/videoN", value_hint = ValueHint::FilePath)]
    pub v4l2: Option<PathBuf>,

    /// Hand pictures out in DMA-BUFs to programs that take them; others should use a camera without
    #[arg(long, conflicts_with = "v4l2")]
    pub dmabuf: bool,

    #[command(flatten)]
    pub capture: CaptureArgs,
}

/// Options of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// How much to keep, 1 to 86400 seconds
    #[arg(long, value_name = "N")]
    pub seconds: u32,

    /// Where clips are saved [default: your Videos directory]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,

    /// What clips are saved in: mp4 begins a clip anywhere, the others at a key frame [default: mp4]
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(["mp4", "mkv", "webm"]))]
    pub container: Option<String>,

    /// The most memory that it may take, such as 800M or 2G [default: by the bitrate]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub max_size: Option<String>,

    /// Where to keep what memory has no room for, for hours: a directory on a disk; nothing of it is left at the end
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "disk_size")]
    pub disk_dir: Option<PathBuf>,

    /// The most room that it may take there, such as 20G
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, requires = "disk_dir")]
    pub disk_size: Option<String>,

    #[command(flatten)]
    pub capture: CaptureArgs,
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// What to run
    #[arg(value_name = "FILE.toml", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// The name by which `ghoststream ctl` finds it [default: its process id]
    #[arg(long, value_name = "NAME")]
    pub control: Option<Name>,

    /// Ask the desktop for keys that save the replay, pause, set a marker and stop, wherever you are [default: as
    /// the file says]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          hide_possible_values = true)]
    pub hotkeys: Option<bool>,

    /// Print one JSON object a second and a last one with the report
    #[arg(long)]
    pub json: bool,
}

/// The one option of commands that only tell.
#[derive(Clone, Copy, Debug, Args)]
pub struct JsonArgs {
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

impl Command {
    /// Whether everything it says is to be JSON.
    pub const fn json(&self) -> bool {
        match self {
            Self::Record(it) => it.capture.json,
            Self::Stream(it) => it.capture.json,
            Self::Camera(it) => it.capture.json,
            Self::Replay(it) => it.capture.json,
            Self::Run(it) => it.json,
            Self::Doctor(it) | Self::Presets(it) => it.json,
            Self::Bench(it) => it.json,
            Self::Ctl(it) => it.json,
            Self::Completions { .. } | Self::Man | Self::DesktopFile => false,
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
