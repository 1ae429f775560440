//! Beside wf-recorder and GStreamer on the same headless desktop: CPU per recorded frame, memory,
//! frames lost.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use ashpd::desktop::screencast::{CursorMode, Screencast, SelectSourcesOptions, SourceType};
use ghoststream::Size;
use testkit::child::Usage;
use testkit::desktop::Desktop;
use testkit::judge::judge;

use crate::Plan;
use crate::recorders::{CRF, GOP_FRAMES, pictures, record, run_for};
use crate::table::{Findings, median};

const NAMES: [&str; 3] = ["GhostStream", "wf-recorder", "GStreamer"];

/// What one recording took and gave.
struct Run {
    recorder: usize,
    cpu_ms_per_frame: f64,
    peak_mib: f64,
    frames: u64,
    lost: Option<u64>,
}

pub fn run(plan: Plan) -> Result<Findings> {
    let length = plan.length(10);
    let mut rows = Vec::new();
    let mut conclusion = String::new();
    for content in ["scrolling text", "test card at 60 Hz"] {
        let runs = runs(content, length, plan.rounds)?;
        rows.extend(NAMES.iter().enumerate().map(|(index, name)| row(content, name, index, &runs)));
        let of = |index| median(runs.iter().filter(|it| it.recorder == index).map(|it| it.cpu_ms_per_frame));
        let ratio = of(0) / of(1).min(of(2));
        conclusion +=
            &format!("{content}: GhostStream takes {ratio:.2} of the CPU of the better peer, per frame.\n\n");
    }
    Ok(Findings {
        title: "Beside wf-recorder and GStreamer".into(),
        about: format!(
            "A headless sway desktop of 1920x1080 at 60 Hz, recorded by each in turn, {} rounds of {} s each, to \
             Matroska with x264 ultrafast, CRF {CRF}, a key frame every {GOP_FRAMES} frames, one frame for each that \
             the compositor sends. CPU is user and system time of the whole process, start and end included; medians.",
            plan.rounds,
            length.as_secs()
        ),
        head: vec!["content", "recorder", "CPU ms per frame", "peak MiB", "frames", "card frames lost"],
        rows,
        conclusion,
    })
}

fn row(content: &str, name: &str, index: usize, runs: &[Run]) -> Vec<String> {
    let of = |figure: fn(&Run) -> f64| median(runs.iter().filter(|it| it.recorder == index).map(figure));
    let lost: Vec<f64> =
        runs.iter().filter(|it| it.recorder == index).filter_map(|it| Some(it.lost? as f64)).collect();
    vec![
        content.into(),
        name.into(),
        format!("{:.2}", of(|it| it.cpu_ms_per_frame)),
        format!("{:.0}", of(|it| it.peak_mib)),
        format!("{:.0}", of(|it| it.frames as f64)),
        if lost.is_empty() { "–".into() } else { format!("{:.0}", median(lost)) },
    ]
}

fn runs(content: &str, length: Duration, rounds: usize) -> Result<Vec<Run>> {
    let desktop = Desktop::start(Size::new(1920, 1080))?;
    let is_card = content.starts_with("test card");
    let _content = if is_card {
        let window = std::env::current_exe()?.with_file_name("testcard-window");
        desktop.spawn(&mut Command::new(window))?
    } else {
        desktop.scroll_text()?
    };
    std::thread::sleep(Duration::from_secs(2));
    let mut runs = Vec::new();
    for _ in 0..rounds {
        for (recorder, name) in NAMES.iter().enumerate() {
            let out = desktop.dir().join("out.mkv");
            let _ = std::fs::remove_file(&out);
            let usage = match recorder {
                0 => ours(&desktop, length),
                1 => wf_recorder(&desktop, length),
                _ => gstreamer(&desktop, length),
            };
            let usage = usage.with_context(|| (*name).to_owned())?;
            let frames = pictures(&out).with_context(|| format!("{name}: {}", desktop.logs()))?;
            let lost = if is_card { judge(&out)?.card.map(|it| it.lost) } else { None };
            let cpu_ms_per_frame = usage.cpu_seconds * 1e3 / frames.max(1) as f64;
            eprintln!(
                "{content}: {name}: {cpu_ms_per_frame:.2} ms per frame, {frames} frames, {:.0} MiB, lost {lost:?}",
                usage.peak_mib
            );
            runs.push(Run { recorder, cpu_ms_per_frame, peak_mib: usage.peak_mib, frames, lost });
        }
    }
    Ok(runs)
}

fn ours(desktop: &Desktop, length: Duration) -> Result<Usage> {
    let mut command = record("portal", &desktop.dir().join("out.mkv"), length.as_secs())?;
    command.args(["--audio", "none", "--frame-rate-mode", "variable", "--fps", "60"]);
    desktop.spawn(&mut command)?.finish(None, length + Duration::from_secs(30))
}

fn wf_recorder(desktop: &Desktop, length: Duration) -> Result<Usage> {
    let mut command = Command::new("wf-recorder");
    command.args(["-y", "-f", "/mnt/out.mkv", "-c", "libx264", "-x", "yuv420p"]);
    command.args(["-p", "preset=ultrafast", "-p", &format!("crf={CRF}"), "-p", &format!("g={GOP_FRAMES}")]);
    run_for(desktop.spawn_inside(&mut command)?, length)
}

fn gstreamer(desktop: &Desktop, length: Duration) -> Result<Usage> {
    // The stream lives as long as the portal's session, which ends with the process that opened it.
    let holder = desktop.spawn(Command::new(std::env::current_exe()?).arg(HOLD))?;
    let node = node_of(&desktop.dir().join("logs/bench")).with_context(|| desktop.logs())?;
    let mut command = Command::new("gst-launch-1.0");
    command.args([
        "-q",
        "-e",
        "pipewiresrc",
        &format!("path={node}"),
        "do-timestamp=true",
        "!",
        "videoconvert",
        "!",
    ]);
    command.args(["x264enc", "speed-preset=ultrafast", "pass=qual", &format!("quantizer={CRF}")]);
    command.args([&format!("key-int-max={GOP_FRAMES}"), "!", "matroskamux", "!", "filesink"]);
    command.arg(format!("location={}", desktop.dir().join("out.mkv").display()));
    let usage = run_for(desktop.spawn(&mut command)?, length);
    drop(holder);
    usage
}

/// What this program is told to hold a portal session for GStreamer, which cannot open one.
pub const HOLD: &str = "hold-session";

/// Opens a portal session, prints its node and waits to be ended.
pub fn hold() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (_session, node) = open_session().await?;
        println!("node {node}");
        std::future::pending().await
    })
}

/// The node that a holder printed.
fn node_of(log: &std::path::Path) -> Result<u32> {
    for _ in 0..1000 {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        if let Some(node) = text.lines().find_map(|it| it.strip_prefix("node ")?.parse().ok()) {
            return Ok(node);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    anyhow::bail!("the portal gave no node within 10 s")
}

async fn open_session() -> Result<(impl Sized, u32)> {
    let proxy = Screencast::new().await?;
    let session = proxy.create_session(Default::default()).await?;
    let options = SelectSourcesOptions::default()
        .set_cursor_mode(CursorMode::Embedded)
        .set_sources(Some(SourceType::Monitor.into()));
    proxy.select_sources(&session, options).await?;
    let streams = proxy.start(&session, None, Default::default()).await?.response()?;
    let node = streams.streams().first().context("no stream")?.pipe_wire_node_id();
    Ok(((proxy, session), node))
}
