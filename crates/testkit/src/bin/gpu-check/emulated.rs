//! The emulated encoder over the machine's own `libcuda`: real device memory on the way into it.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use nvenc_emulator::{Installed, Settings};
use serde_json::Value;

use crate::Programs;
use crate::product::{Ran, is_faultless, recording};
use crate::report::Report;

/// What the emulated encoder keeps up with.
const SIZE: &str = "640x360";

/// libavcodec's wrapper registers no more addresses.
const MOST: usize = 64;

/// Records the test card through CUDA frames, and looks at what the encoder was asked.
pub fn records(report: &mut Report, programs: &Programs, scratch: &Path) -> Result<()> {
    report.part("The emulated encoder over real CUDA");
    for codec in ["h264", "hevc"] {
        let trace = scratch.join(format!("{codec}.jsonl"));
        let trace_to = Some(trace.clone());
        // Exact, so that the judge measures the way there and not the emulated encoder's quality.
        let settings = Settings { real_cuda: true, trace: trace_to, exact: true, ..Settings::default() };
        let installed = Installed::with_settings(settings)?;
        let file = scratch.join(format!("emulated-{codec}.mkv"));
        let mut command = installed.command(programs.bin.join("ghoststream"));
        let ran =
            Ran::of(command.args(recording(&file, SIZE)).args(["--encoder", "nvenc", "--codec", codec]))?;
        let encoder = ran.report()["renditions"][0]["encoder"].as_str().unwrap_or("none").to_owned();
        report.check(&format!("{codec} is recorded"), encoder == format!("{codec}_nvenc"), || {
            format!("by {encoder}: {}", ran.said())
        });
        if ran.status == Some(0) {
            is_faultless(report, &file);
            let text = std::fs::read_to_string(&trace)?;
            asked(report, &text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?);
        }
    }
    Ok(())
}

/// Our own device memory, each address registered once, and nothing copied by the wrapper.
fn asked(report: &mut Report, calls: &[Value]) {
    let of = |name: &str| calls.iter().filter(|call| call["call"] == name).collect::<Vec<_>>();
    report.check(
        "no call went to an emulated libcuda",
        calls.iter().all(|it| it["library"] != "cuda"),
        || "the trace has some".into(),
    );
    let registered = of("NvEncRegisterResource");
    let addresses: BTreeSet<String> =
        registered.iter().map(|call| call["resourceToRegister"].to_string()).collect();
    let (count, pictures) = (registered.len(), of("NvEncMapInputResource").len());
    let once = count == addresses.len() && (1..=MOST).contains(&count) && pictures > count;
    report.check(
        &format!("{pictures} pictures lay at {count} addresses, registered once each"),
        once,
        || format!("{} different ones: {addresses:?}", addresses.len()),
    );
    let copied = of("NvEncLockInputBuffer").len();
    report.check("the wrapper copied none of them", copied == 0, || format!("{copied}"));
    let fine = |call: &&Value| {
        let result = call["result"].as_str();
        matches!(result, Some("NV_ENC_SUCCESS" | "NV_ENC_ERR_NEED_MORE_INPUT"))
    };
    let failed = calls.iter().filter(|call| call["library"] == "nvenc" && !fine(call));
    let failed: Vec<_> = failed.map(|call| format!("{} gives {}", call["call"], call["result"])).collect();
    report.check("every call succeeded", failed.is_empty(), || failed.join(", "));
}
