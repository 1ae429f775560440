//! What `ctl` takes.

use clap::{Args, Subcommand};

/// Options of `ctl`.
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct CtlArgs {
    #[command(subcommand)]
    pub command: CtlCommand,

    /// Which one, by its process id
    #[arg(long, value_name = "PID", global = true, conflicts_with = "name")]
    pub pid: Option<i32>,

    /// Which one, by what its --control says
    #[arg(long, value_name = "NAME", global = true)]
    pub name: Option<String>,

    /// Print the answer as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub enum CtlCommand {
    /// Show how it goes
    Status,
    /// Stop recording for a while; the outputs show no gap
    Pause,
    /// Go on
    Resume,
    /// Save what the replay buffer holds
    SaveReplay {
        /// Only the last so many seconds
        #[arg(long, value_name = "S")]
        last: Option<f64>,
    },
    /// Begin a chapter, in files that have chapters
    Marker {
        /// Its title
        text: String,
    },
    /// Change the bitrate
    Bitrate {
        /// In thousands of bits a second
        kbps: u32,
        /// Of which rendition: its name in the file of `run`, or its number from 0
        #[arg(long, value_name = "NAME")]
        rendition: Option<String>,
    },
    /// Make the next picture a key frame
    KeyFrame,
    /// Write to one more place: file=PATH, or url=URL key_file=PATH, rendition=NAME, as in a file of `run`
    AddOutput {
        /// What an [output.NAME] table would say
        #[arg(value_name = "KEY=VALUE", required = true)]
        says: Vec<String>,
    },
    /// Make one more rendition, which outputs that are added then can take by its name
    AddRendition {
        /// What it is called
        #[arg(value_name = "NAME")]
        called: String,
        /// What a [rendition.NAME] table would say, such as size=640x360 bitrate=800
        #[arg(value_name = "KEY=VALUE")]
        says: Vec<String>,
    },
    /// Finish an output and leave the others as they are
    RemoveOutput {
        /// Its number, which `outputs` tells, or its name in the file of `run`
        output: String,
    },
    /// List where it writes to
    Outputs,
    /// End it, with every output whole
    Stop,
}
