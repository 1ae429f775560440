//! The programs that are measured, told to record the same thing in the same way.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testkit::child::{Running, Usage};

/// x264's settings, the same for all.
pub const CRF: &str = "23";
pub const GOP_FRAMES: &str = "120";
pub const GOP_SECONDS: &str = "2";

/// The command built beside this bench.
pub fn ghoststream() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("ghoststream");
    ensure!(
        path.is_file(),
        "build it first: cargo build --release -p ghoststream-cli ({} is missing)",
        path.display()
    );
    Ok(path)
}

/// The out-of-process producer built beside this bench.
pub fn producer() -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("producer"))
}

/// GhostStream, recording `source` with x264 ultrafast.
pub fn record(source: &str, out: &Path, seconds: u64) -> Result<Command> {
    let mut command = Command::new(ghoststream()?);
    command
        .args(["record", "--source", source, "--codec", "h264", "--encoder", "software"])
        .args([
            "--encoder-preset",
            "fastest",
            "--rate-control",
            "crf",
            "--quality",
            CRF,
            "--gop",
            GOP_SECONDS,
        ])
        .args(["--overwrite", "--json", "--duration", &seconds.to_string()])
        .arg("-o")
        .arg(out);
    Ok(command)
}

/// Lets a program run for `length`, ends it with SIGINT and says what it took.
pub fn run_for(running: Running, length: Duration) -> Result<Usage> {
    std::thread::sleep(length);
    running.finish(Some(libc::SIGINT), Duration::from_secs(30))
}

/// The number of pictures in a file.
pub fn pictures(path: &Path) -> Result<u64> {
    let args = [
        "-v",
        "error",
        "-select_streams",
        "v:0",
        "-count_packets",
        "-show_entries",
        "stream=nb_read_packets",
    ];
    let output = Command::new("ffprobe").args(args).args(["-of", "csv=p=0"]).arg(path).output()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().trim_end_matches(',').to_owned();
    text.parse().with_context(|| format!("{} cannot be read: {text}", path.display()))
}

/// The last JSON line of a kind that a program printed.
pub fn last_json(log: &Path, kind: &str) -> Result<serde_json::Value> {
    let text = std::fs::read_to_string(log)?;
    let of_kind =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).ok().filter(|it| it["type"] == kind);
    text.lines().rev().find_map(of_kind).with_context(|| format!("no {kind} in what was printed:\n{text}"))
}
