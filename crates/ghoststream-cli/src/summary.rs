//! The end of a recording, for people.

use std::fmt::Write;

use ghoststream::{CameraReport, LiveReport, OutputReport, ProcessingReport, ReplayReport, Report};

use crate::live::{bytes, clock};

/// A few lines: what was recorded, where, and how well.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    for output in report.outputs.iter().flat_map(|it| std::iter::once(it).chain(&it.continued)) {
        let _ = writeln!(text, "{}", headline(output));
    }
    if report.renditions.is_empty() {
        // A camera alone: nothing was encoded.
        return text.trim_end().to_owned();
    }
    let _ = writeln!(text, "  {}", contents(report));
    for it in report.renditions.iter().map(|it| &it.processing).filter(|it| !it.way.is_empty()) {
        let _ = writeln!(text, "  {}", processing(it));
    }
    let _ = write!(
        text,
        "  {} frames: {} lost, {} repeated, {} left out",
        report.encoded, report.dropped, report.repeated, report.skipped
    );
    if report.interpolated > 0 {
        let _ = write!(text, ", {} interpolated", report.interpolated);
    }
    if report.thinned > 0 {
        let _ = write!(text, ", {} left out for the network", report.thinned);
    }
    if report.corrupt > 0 {
        let _ = write!(text, ", {} corrupt", report.corrupt);
    }
    if let Some(skew) = report.av_skew_ms {
        let _ = write!(text, "; sound within {skew:.1} ms of the picture");
    }
    let total = report.latency_total;
    let _ = write!(
        text,
        "\n  latency {:.1} ms, at most {:.1} ms for 95% and {:.1} ms for 99% of the frames",
        total.p50_ms, total.p95_ms, total.p99_ms
    );
    text
}

fn headline(output: &OutputReport) -> String {
    let name = output.path.as_ref().map_or_else(|| output.name.clone(), |it| it.display().to_string());
    if let Some(live) = &output.live {
        return streamed(output, live);
    }
    if let Some(camera) = &output.camera {
        return watched(output, camera);
    }
    if let Some(replay) = &output.replay {
        return kept(output, replay);
    }
    match &output.error {
        None => {
            let (length, size) = (clock(output.seconds), bytes(output.bytes));
            let early = output.pictures_end_early();
            let early = early.map(|it| format!("; its pictures end at {}", clock(it))).unwrap_or_default();
            format!("recorded {name}: {length}, {size}{early}")
        }
        Some(error) => format!("{name} ended early, {} of it are whole: {error}", clock(output.seconds)),
    }
}

/// How a camera went: who looked, and what they saw.
fn watched(output: &OutputReport, camera: &CameraReport) -> String {
    let mut text = format!("{}: ", output.name);
    let _ = match camera.opened {
        0 => write!(text, "nobody looked"),
        1 => write!(text, "{} pictures sent, {}", camera.shown, bytes(output.bytes)),
        often => {
            write!(text, "{} pictures sent, {}, opened {often} times", camera.shown, bytes(output.bytes))
        }
    };
    if camera.in_dmabufs > 0 {
        let _ = write!(text, "; {} of them in DMA-BUFs", camera.in_dmabufs);
    }
    if camera.dropped > 0 {
        let _ = write!(text, "; {} came too fast", camera.dropped);
    }
    if camera.refused > 0 {
        let _ = write!(text, "; {} times a program and the camera could not agree", camera.refused);
    }
    if let Some(error) = &output.error {
        let _ = write!(text, "; it ended early: {error}");
    }
    text
}

/// How a stream went: where to, how long, and what its viewers missed.
fn streamed(output: &OutputReport, live: &LiveReport) -> String {
    let mut text = format!("streamed to {}: {}, {}", live.peer, clock(output.seconds), bytes(output.bytes));
    if live.connections > 1 || live.seconds_without > 0.0 {
        let _ = write!(text, "; {} connections, {:.1} s without", live.connections, live.seconds_without);
    }
    if live.dropped > 0 {
        let _ = write!(text, "; {} pictures were lost", live.dropped);
    }
    if let Some(followed) = live.adaptation.filter(|it| it.half_rates > 0) {
        let _ = write!(text, "; {:.0} s at half the frame rate", followed.half_rate_seconds);
    }
    match output.error.as_ref() {
        Some(error) => format!("{text}; {error}"),
        None => text,
    }
}

/// What was saved of a replay buffer, and what was not.
fn kept(output: &OutputReport, replay: &ReplayReport) -> String {
    let clips = if replay.clips == 1 { "clip" } else { "clips" };
    let (number, length, size) = (replay.clips, clock(replay.seconds), bytes(replay.bytes));
    let mut text = format!("{}: {number} {clips} saved, {length}, {size}", output.name);
    if replay.failed > 0 {
        let _ = write!(text, "; {} could not be", replay.failed);
    }
    match replay.last_failure.as_ref().or(output.error.as_ref()) {
        Some(error) => format!("{text}: {error}"),
        None => text,
    }
}

/// Who made the pictures, why, and what went wrong.
fn processing(report: &ProcessingReport) -> String {
    let mut text = format!("pictures by the {}: {}", report.way, report.reason);
    if report.gpu_pictures > 0 {
        let time = report.gpu_time;
        let _ = write!(
            text,
            "; {:.2} ms of the GPU's time each, at most {:.2} ms for 99% of them",
            time.p50_ms, time.p99_ms
        );
    }
    if !report.motion.is_empty() {
        let _ = write!(text, "; between them by {}", report.motion);
    }
    if report.failures > 0 {
        let times =
            if report.failures == 1 { "once".to_owned() } else { format!("{} times", report.failures) };
        let _ = write!(text, "; the GPU failed {times}");
    }
    if report.gpu_pictures > 0 && report.gpu_pictures < report.pictures {
        let _ = write!(text, "; the CPU made {} of them", report.pictures - report.gpu_pictures);
    }
    text
}

fn contents(report: &Report) -> String {
    let picture = report
        .renditions
        .iter()
        .map(|it| format!("{} by {}, {}x{} at {} fps", it.codec, it.encoder, it.width, it.height, it.fps));
    let sound = report.audio.iter().map(|it| format!("{} of {}", it.codec, it.source));
    let all: Vec<_> = picture.chain(sound).collect();
    all.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_tells_what_was_saved_and_what_was_not() {
        let mut output = OutputReport::default();
        output.name = "replay of 30 s in /v".to_owned();
        let mut replay = ReplayReport::default();
        (replay.clips, replay.seconds, replay.bytes) = (2, 60.0, 45_600_000);
        assert_eq!(kept(&output, &replay), "replay of 30 s in /v: 2 clips saved, 0:01:00, 45.6 MB");
        (replay.clips, replay.failed, replay.last_failure) = (1, 1, Some("/v is full".to_owned()));
        assert!(
            kept(&output, &replay).ends_with("1 clip saved, 0:01:00, 45.6 MB; 1 could not be: /v is full")
        );
    }

    #[test]
    fn a_file_whose_pictures_end_before_its_sound_says_so() {
        let mut output = OutputReport::default();
        output.name = "/v/late.mp4".to_owned();
        (output.seconds, output.bytes, output.picture_seconds) = (124.6, 2_000_000, Some(124.5));
        assert_eq!(headline(&output), "recorded /v/late.mp4: 0:02:04, 2.0 MB");
        output.picture_seconds = Some(1.2);
        assert_eq!(headline(&output), "recorded /v/late.mp4: 0:02:04, 2.0 MB; its pictures end at 0:00:01");
    }

    #[test]
    fn a_camera_alone_tells_who_looked_and_no_frames() {
        let mut output = OutputReport::default();
        output.name = "camera \"Desk\"".to_owned();
        output.camera = Some(CameraReport::default());
        let mut report = Report::default();
        report.outputs = vec![output];
        assert_eq!(text(&report), "camera \"Desk\": nobody looked");
    }

    #[test]
    fn who_made_the_pictures_is_told_with_what_went_wrong() {
        let mut report = ProcessingReport::default();
        report.way = "CPU (AVX2)".to_owned();
        report.reason = "there is no GPU".to_owned();
        report.pictures = 100;
        assert_eq!(processing(&report), "pictures by the CPU (AVX2): there is no GPU");
        report.way = "GPU (NVIDIA A), exported to the encoder".to_owned();
        report.reason = "as asked".to_owned();
        (report.gpu_pictures, report.failures) = (90, 1);
        (report.gpu_time.p50_ms, report.gpu_time.p99_ms) = (0.123, 0.5);
        let told = "pictures by the GPU (NVIDIA A), exported to the encoder: as asked; 0.12 ms of the GPU's time each, \
                    at most 0.50 ms for 99% of them; the GPU failed once; the CPU made 10 of them";
        assert_eq!(processing(&report), told);
        report.failures = 0;
        report.motion = "block search, measured: 1.20 ms a picture, 2.25 ms by optical flow".to_owned();
        let told = "at most 0.50 ms for 99% of them; between them by block search, measured: 1.20 ms a picture, \
                    2.25 ms by optical flow; the CPU made 10 of them";
        assert!(processing(&report).ends_with(told), "{}", processing(&report));
    }
}
