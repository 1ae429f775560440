//! GStreamer's `pipewiresrc`, which looks at a camera as other people's programs do.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::Session;
use crate::child::Running;

/// A pipeline of GStreamer's that takes pictures from a node and records them as Matroska.
#[derive(Debug)]
pub struct GstViewer {
    running: Running,
    path: PathBuf,
    log: PathBuf,
}

impl GstViewer {
    /// Records `frames` pictures of a node, by its id or name: `caps` are what it insists on, such as
    /// `video/x-raw,format=NV12,width=640`. What comes as JPEG is recorded as it is; all else as JPEG of high quality.
    ///
    /// # Errors
    /// GStreamer is not installed.
    pub fn record(session: &Session, node: &str, caps: &str, frames: u64, path: &Path) -> Result<Self> {
        let mut command = Command::new("gst-launch-1.0");
        // It sees cameras by their serial numbers from 0.3.65 on; in a session of its own they equal the ids.
        command.args(["-e", "pipewiresrc", &format!("target-object={node}"), "do-timestamp=false"]);
        command.args([&format!("num-buffers={frames}"), "!", caps, "!"]);
        if !caps.starts_with("image/jpeg") {
            command.args(["videoconvert", "!", "jpegenc", "quality=95", "!"]);
        }
        command.args(["matroskamux", "!", "filesink", &format!("location={}", path.display())]);
        let log = path.with_extension("log");
        command.envs(session.environment());
        let running = Running::start(&mut command, &log)
            .context("gstreamer1.0-tools: scripts/install-packages test")?;
        Ok(Self { running, path: path.to_owned(), log })
    }

    /// Waits until it has its pictures; where they are.
    ///
    /// # Errors
    /// It failed or got none; what it said is in the message.
    pub fn recorded(mut self) -> Result<PathBuf> {
        let ended = self.running.wait(Duration::from_secs(60));
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        let status = ended.with_context(|| said.clone())?;
        ensure!(status.success() && !said.contains("ERROR"), "{status}: {said}");
        Ok(self.path)
    }
}
