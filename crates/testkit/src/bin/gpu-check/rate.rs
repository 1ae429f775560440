//! 3840x2160 at 240 pictures a second: captured, made on the GPU, handed over to the emulated encoder, which
//! takes pictures unread since it could not encode so many. The test card's frames come in shared memory: what
//! limits it is the copy of 33 MB a frame into staging memory, by one thread.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use nvenc_emulator::{Installed, Settings};

use crate::Programs;
use crate::product::Ran;
use crate::report::Report;

const FPS: u64 = 240;
const SECONDS: u64 = 10;
/// How busy the GPU may be, in percent: what is aimed at.
const BUSY: f64 = 5.0;

/// Records the test card at this rate, and looks at what was lost.
pub fn runs(report: &mut Report, programs: &Programs, scratch: &Path) -> Result<()> {
    report.part("4K at 240 pictures a second, through the pass and handed over");
    let settings = Settings { real_cuda: true, unread: true, gpu: "rtx-4090".into(), ..Settings::default() };
    let installed = Installed::with_settings(settings)?;
    let file = scratch.join("rate.mkv");
    let mut command = installed.command(programs.bin.join("ghoststream"));
    command
        .args([
            "record",
            "--source",
            "test-card",
            "--test-card-size",
            "3840x2160",
            "--audio",
            "none",
            "--json",
        ])
        .args(["--fps", &FPS.to_string(), "--duration", &SECONDS.to_string()])
        .args(["--encoder", "nvenc", "--codec", "h264", "--low-latency", "--processing", "gpu", "--output"])
        .arg(&file);
    let load = Load::begin();
    let ran = Ran::of(&mut command)?;
    let busy = load.and_then(Load::end);
    let said = ran.report();
    let way = said["renditions"][0]["processing"]["way"].as_str().unwrap_or("none").to_owned();
    report.check("pictures are made on the GPU and exported", way.contains("exported"), || {
        format!("{way}: {}", ran.said())
    });
    let count = |name: &str| said[name].as_u64().unwrap_or(0);
    let [captured, encoded, dropped] = ["captured", "encoded", "dropped"].map(count);
    let percentile = |stage: &str, which: &str| said[stage][which].as_f64().unwrap_or(f64::NAN) * 1e3;
    report.say(&format!(
        "{captured} frames captured, {encoded} handed over, {dropped} lost. From the frame to submitted work {:.0} us by \
         median and {:.0} at the 95th percentile.",
        percentile("latency_process", "p50_ms"),
        percentile("latency_process", "p95_ms"),
    ));
    report.quote(&said["renditions"][0]["processing"].to_string());
    let enough = FPS * (SECONDS - 1);
    report.check("no frame is lost", dropped == 0 && encoded >= enough, || ran.said());
    match busy {
        Some(busy) => {
            report.check(&format!("the GPU is busy {busy:.1}% of the time"), busy <= BUSY, || {
                format!("more than {BUSY}%")
            });
        }
        None => report.say("How busy the GPU was is not known: nvidia-smi does not tell."),
    }
    Ok(())
}

/// `nvidia-smi`, asked four times a second how busy the GPU is.
struct Load(std::process::Child);

impl Load {
    fn begin() -> Option<Self> {
        let mut command = Command::new("nvidia-smi");
        command.args(["--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "250"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok().map(Self)
    }

    /// The mean, without the first second and the last, when programs begin and end.
    fn end(mut self) -> Option<f64> {
        self.0.kill().ok()?;
        let output = self.0.wait_with_output().context("its output").ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let samples: Vec<f64> = text.lines().filter_map(|line| line.trim().parse().ok()).collect();
        let inner = samples.get(4..samples.len().checked_sub(4)?)?;
        (!inner.is_empty()).then(|| inner.iter().sum::<f64>() / inner.len() as f64)
    }
}
