//! 3840x2160 at 240 pictures a second: lent from the GPU's memory, made on the GPU, handed over to the emulated
//! encoder, which takes pictures unread since it could not encode so many.

use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use nvenc_emulator::{Installed, Settings};
use serde_json::Value;

use crate::Programs;
use crate::product::Ran;
use crate::report::Report;
use crate::threads::{Shares, watch};

const FPS: u64 = 240;
const SECONDS: u64 = 10;
/// How busy the GPU may be with our work, in percent: what is aimed at.
const BUSY: f64 = 5.0;
/// When the threads' CPU time is taken, in seconds after the start: opening and closing are not of a picture.
const STEADY: Range<u64> = 3..9;
/// Microseconds of CPU a picture, from the frame to submitted work: what is aimed at.
const CPU: f64 = 60.0;

/// Records the test card at this rate, and looks at what was lost.
pub fn runs(report: &mut Report, programs: &Programs, scratch: &Path) -> Result<()> {
    report.part("4K at 240 pictures a second, through the pass and handed over");
    let settings = Settings { real_cuda: true, unread: true, gpu: "rtx-4090".into(), ..Settings::default() };
    let installed = Installed::with_settings(settings)?;
    let fixed = "record --source test-card:gpu --size 3840x2160 --audio none --json --encoder nvenc --codec h264 \
                 --b-frames 0 --processing gpu";
    let mut command = installed.command(programs.bin.join("ghoststream"));
    command
        .args(fixed.split_whitespace())
        .args(["--fps", &FPS.to_string(), "--duration", &SECONDS.to_string(), "--output"])
        .arg(scratch.join("rate.mkv"));
    let load = Load::begin();
    let steady = Duration::from_secs(STEADY.start)..Duration::from_secs(STEADY.end);
    let (ran, shares) = watch(&mut command, steady)?;
    let load = load.and_then(Load::end);
    let said = ran.report();
    let processing = &said["renditions"][0]["processing"];
    let way = processing["way"].as_str().unwrap_or("none").to_owned();
    report.check("pictures are made on the GPU and exported", way.contains("exported"), || {
        format!("{way}: {}", ran.said())
    });
    report.quote(&processing.to_string());
    nothing_is_lost(report, &ran);
    is_hardly_busy(report, processing, load);
    takes_little_cpu(report, &said, &shares);
    Ok(())
}

/// Every frame that came was handed over, from the first to the last.
fn nothing_is_lost(report: &mut Report, ran: &Ran) {
    let said = ran.report();
    let count = |line: &Value, name: &str| line[name].as_u64().unwrap_or(0);
    let [captured, encoded, dropped, skipped] =
        ["captured", "encoded", "dropped", "skipped"].map(|name| count(&said, name));
    let lines = ran.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let by_second = lines.filter(|line| line["type"] == "status").map(|line| {
        let seconds = format!("{:.2}", line["seconds"].as_f64().unwrap_or(f64::NAN));
        let counts = ["captured", "encoded", "dropped"].map(|name| count(&line, name).to_string());
        [seconds].into_iter().chain(counts).collect()
    });
    let head = ["seconds", "captured so far", "handed over", "lost"].map(str::to_owned).to_vec();
    report.table(&[head].into_iter().chain(by_second).collect::<Vec<_>>());
    report.say(&format!(
        "{captured} frames captured, {encoded} handed over, {dropped} lost, {skipped} left out since another came in \
         the same tick."
    ));
    // One may be captured when the recording ends.
    let all = captured >= FPS * SECONDS - 1 && encoded + 1 >= captured;
    report.check("no frame is lost", dropped == 0 && skipped == 0 && all, || ran.said());
}

/// The GPU's own time for our work. What else it does is the test card's: pictures copied up.
fn is_hardly_busy(report: &mut Report, processing: &Value, load: Option<f64>) {
    let pictures = processing["gpu_pictures"].as_f64().unwrap_or(0.0);
    let millis = |which: &str| processing["gpu_time"][which].as_f64().unwrap_or(f64::NAN);
    let busy = |which: &str| millis(which) * 1e-3 * pictures / SECONDS as f64 * 100.0;
    let what = format!(
        "the GPU is busy {:.2}% of the time with what is ours: {pictures} pictures in {SECONDS} s at the median of \
         {:.1} us by its clock, and {:.2}% were each as slow as the 99th percentile",
        busy("p50_ms"),
        millis("p50_ms") * 1e3,
        busy("p99_ms"),
    );
    report.check(&what, pictures > 0.0 && busy("p99_ms") <= BUSY, || format!("more than {BUSY}%"));
    let load = load.map_or_else(|| "tells nothing".to_owned(), |it| format!("says {it:.1}%"));
    report.say(&format!("nvidia-smi {load}, in which the test card's own copies are counted."));
}

/// The kernel's account of the thread that paces frames, makes pictures and hands them on.
fn takes_little_cpu(report: &mut Report, said: &Value, shares: &Shares) {
    let micros = |share: &f64| share * 1e6 / FPS as f64;
    let row = |(name, share): (&String, &f64)| vec![name.clone(), format!("{:.1}", micros(share))];
    let head = vec!["thread".to_owned(), "us of CPU a picture".to_owned()];
    report.table(&[head].into_iter().chain(shares.iter().map(row)).collect::<Vec<_>>());
    let ours = shares.get("gs-picture-0").map_or(f64::NAN, micros);
    report.check(
        &format!(
            "from the frame to the encoder's queue takes {ours:.1} us of CPU a picture, all of gs-picture-0"
        ),
        ours <= CPU,
        || format!("more than {CPU} us"),
    );
    let process = |which: &str| said["latency_process"][which].as_f64().unwrap_or(f64::NAN) * 1e3;
    report.say(&format!(
        "Of that, from the frame to submitted work {:.0} us by the wall clock at the median, {:.0} at the 95th percentile.",
        process("p50_ms"),
        process("p95_ms"),
    ));
    report.say(
        "That thread takes a frame from capture's queue, paces it, has the picture made and hands it to the encoder. \
         The callback that takes a buffer from PipeWire comes before; `bench stages` measures that.",
    );
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
