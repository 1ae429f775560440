//! The product over the machine's own libraries.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result};
use serde_json::Value;
use testkit::judge::judge;

use crate::Programs;
use crate::report::Report;

/// The size of what is recorded.
const SIZE: &str = "1280x720";

/// What a program said and how it ended.
pub struct Ran {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(command: &mut Command) -> Result<Self> {
        let Output { status, stdout, stderr } = command
            .output()
            .with_context(|| format!("cannot run {}", command.get_program().to_string_lossy()))?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Self { status: status.code(), stdout: text(stdout), stderr: text(stderr) })
    }

    /// All that it said.
    pub fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The report that a recording printed last.
    pub fn report(&self) -> Value {
        let last = self.stdout.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok());
        last.filter(|line| line["type"] == "report").unwrap_or_default()
    }
}

/// The arguments of a recording of the test card, without its encoder.
pub fn recording(file: &Path, size: &str) -> Vec<String> {
    let fixed = "record --source test-card --fps 30 --duration 5 --overwrite --json --size";
    let changing = [size.to_owned(), "-o".to_owned(), file.display().to_string()];
    fixed.split(' ').map(str::to_owned).chain(changing).collect()
}

/// What `doctor` finds: checked, shown and given back.
pub fn doctor(report: &mut Report, programs: &Programs) -> Result<Value> {
    report.part("doctor, over the machine's own libraries");
    let command = || Command::new(programs.bin.join("ghoststream"));
    let told = Ran::of(command().arg("doctor"))?;
    // The rest is about desktops.
    let ours = |part: &&str| ["Machine", "NVENC", "Encoders"].iter().any(|it| part.starts_with(it));
    report.quote(&told.stdout.split("\n\n").filter(ours).collect::<Vec<_>>().join("\n\n"));
    report.check("doctor ends well", told.status == Some(0), || told.stderr.clone());
    let json = Ran::of(command().args(["doctor", "--json"]))?;
    let found: Value = serde_json::from_str(&json.stdout).unwrap_or_default();
    let nvenc = &found["nvenc"];
    report.check("it finds the GPU through CUDA", nvenc["gpus"][0]["name"].is_string(), || nvenc.to_string());
    report.check("it knows the driver's version", found["nvidia_driver"].is_string(), || found.to_string());
    let gpu = &nvenc["gpus"][0];
    report.check("NVML tells the memory clock under CUDA", gpu["memory_clock"]["max_mhz"].is_u64(), || {
        gpu.to_string()
    });
    report.check(
        "a GPU either encodes something or is said not to",
        gpu["codecs"].as_array().is_some_and(|codecs| codecs.is_empty() != gpu["refusal"].is_null()),
        || gpu.to_string(),
    );
    Ok(found)
}

/// Whether a GPU can encode.
pub fn has_encoder(doctor: &Value) -> bool {
    let gpus = doctor["nvenc"]["gpus"].as_array();
    gpus.is_some_and(|gpus| gpus.iter().any(|gpu| gpu["refusal"].is_null()))
}

/// Without an encoder: asked for by name it is refused clearly, and otherwise replaced.
pub fn is_refused(report: &mut Report, programs: &Programs, scratch: &Path) -> Result<()> {
    report.part("NVIDIA's own libnvidia-encode, on a GPU without an encoder");
    let file = scratch.join("refused.mkv");
    let arguments = recording(&file, SIZE);
    let record = |encoder: &str, arguments: Vec<String>| {
        let mut command = Command::new(programs.bin.join("ghoststream"));
        Ran::of(command.args(arguments).args(["--encoder", encoder, "--codec", "h264"]))
    };
    // In words, as a user reads it.
    let in_words = arguments.iter().filter(|it| *it != "--json").cloned().collect();
    let refused = record("nvenc", in_words)?;
    report.quote(&format!("$ ghoststream record --encoder nvenc …\n{}", refused.said()));
    report.check("asked for by name it fails with status 1", refused.status == Some(1), || {
        format!("status {:?}", refused.status)
    });
    let says_why = refused.said().contains("no encoder") && !refused.said().contains("panicked");
    report.check("and says that the GPU has no encoder", says_why, || refused.said());
    let replaced = record("auto", arguments)?;
    let said = replaced.report();
    let encoder = said["renditions"][0]["encoder"].as_str().unwrap_or("none");
    let is_software = encoder.starts_with("lib");
    report.check("on auto a software encoder records", replaced.status == Some(0) && is_software, || {
        replaced.said()
    });
    let notes: Vec<&str> = said["notes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    report.quote(&format!("$ ghoststream record --encoder auto …\nby {encoder}\n{}", notes.join("\n")));
    let noted = notes.iter().any(|note| note.contains("nvenc is not used"));
    report.check("and the report notes what was refused and why", noted, || said["notes"].to_string());
    is_faultless(report, &file);
    Ok(())
}

/// With an encoder: every codec that it has is recorded.
pub fn records(report: &mut Report, programs: &Programs, scratch: &Path) -> Result<()> {
    report.part("NVIDIA's own encoder");
    for codec in ["h264", "hevc", "av1"] {
        let file = scratch.join(format!("{codec}.mkv"));
        let mut command = Command::new(programs.bin.join("ghoststream"));
        let ran =
            Ran::of(command.args(recording(&file, SIZE)).args(["--encoder", "nvenc", "--codec", codec]))?;
        if ran.status != Some(0) {
            let is_clear = ran.status == Some(1) && ran.said().contains("nvenc");
            report.quote(&ran.said());
            report.check(&format!("{codec} is refused clearly"), is_clear, || ran.said());
            continue;
        }
        let encoder = ran.report()["renditions"][0]["encoder"].to_string();
        report.check(&format!("{codec} is recorded by NVENC"), encoder.contains("nvenc"), || encoder.clone());
        is_faultless(report, &file);
    }
    Ok(())
}

/// The judge finds no fault with a recording.
pub fn is_faultless(report: &mut Report, file: &Path) {
    let (frames, problems) = match judge(file) {
        Ok(verdict) => (verdict.video.as_ref().map_or(0, |video| video.frames), verdict.problems()),
        Err(error) => (0, vec![format!("{error:#}")]),
    };
    report.check(&format!("the judge finds no fault in {frames} pictures"), problems.is_empty(), || {
        problems.join("; ")
    });
}
