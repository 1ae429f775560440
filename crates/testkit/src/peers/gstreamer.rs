//! GStreamer's `pipewiresrc` and `v4l2src`, which look at a camera as other people's programs do.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::Session;
use crate::child::Running;

/// A pipeline of GStreamer's that takes pictures from a camera and records them as Matroska.
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
        Self::start(command.envs(session.environment()), path)
    }

    /// Records `frames` pictures of a V4L2 device, in the colours that the device says they have.
    ///
    /// # Errors
    /// GStreamer is not installed.
    pub fn record_device(device: &str, caps: &str, frames: u64, path: &Path) -> Result<Self> {
        let mut command = Command::new("gst-launch-1.0");
        command.args(["-e", "v4l2src", &format!("device={device}"), &format!("num-buffers={frames}")]);
        // JPEGs are of BT.601 in the full range, which the encoder takes for granted.
        let jpeg = "video/x-raw,format=I420,colorimetry=1:4:0:0";
        command.args(["!", caps, "!", "videoconvert", "!", jpeg, "!", "jpegenc", "quality=95", "!"]);
        Self::start(command.env("GST_DEBUG", "v4l2src:2").env("GST_DEBUG_NO_COLOR", "1"), path)
    }

    fn start(command: &mut Command, path: &Path) -> Result<Self> {
        command.args(["matroskamux", "!", "filesink", &format!("location={}", path.display())]);
        let log = path.with_extension("log");
        let running =
            Running::start(command, &log).context("gstreamer1.0-tools: scripts/install-packages test")?;
        Ok(Self { running, path: path.to_owned(), log })
    }

    /// Waits until it has its pictures; where they are.
    ///
    /// # Errors
    /// It failed or got none; what it said is in the message.
    pub fn recorded(self) -> Result<PathBuf> {
        Ok(self.recorded_counting()?.0)
    }

    /// The same, and how many pictures of a device it came too late for, of those between its first and its last.
    ///
    /// # Errors
    /// As above.
    pub fn recorded_counting(mut self) -> Result<(PathBuf, u64)> {
        let ended = self.running.wait(Duration::from_secs(180));
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        let status = ended.with_context(|| said.clone())?;
        ensure!(status.success() && !said.contains("ERROR"), "{status}: {said}");
        Ok((self.path, missed(&said)))
    }
}

/// The sum of what `v4l2src` says to be lost. The first of it is what was there before it came.
fn missed(log: &str) -> u64 {
    let counts = log.split("lost frames detected: count = ").skip(2);
    counts.filter_map(|rest| rest.split(' ').next()?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_was_missed_is_added_up() {
        let line =
            |count: u32| format!("WARN v4l2src <v4l2src0> lost frames detected: count = {count} - ts: 0\n");
        let log = [line(299), "Setting pipeline to NULL ...\n".into(), line(3), line(1)].concat();
        assert_eq!((super::missed(&log), super::missed(&line(299)), super::missed("")), (4, 0, 0));
    }
}
