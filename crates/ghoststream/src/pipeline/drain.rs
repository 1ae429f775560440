//! Ending: in the order of the data flow, so that everything captured is written or counted.

use super::lock;
use super::shared::Shared;
use super::start::Running;
use crate::stats::{AudioReport, OutputReport, RenditionReport, Report};
use crate::{Error, Timestamp, audio};

/// Why a pipeline ends.
#[derive(Debug)]
pub(super) struct End {
    /// What was captured until then belongs to it.
    pub(super) at: Timestamp,
    /// In words, when nobody asked it to.
    pub(super) reason: Option<String>,
    /// When it failed.
    pub(super) error: Option<Error>,
}

/// Empties the pipeline, stage by stage, and reports. Returns the failure that ended it, if any.
pub(super) fn drain(running: Running, shared: &Shared, end: End) -> (Report, Option<Error>) {
    let Running { capture, sink, audio, .. } = running;
    // Nothing is added any more; GPUs that are open for it are closed.
    *lock(&shared.pictures) = None;
    shared.renditions.close();
    let source = capture.description();
    drop(capture);
    sink.end_all("stopped", end.at);
    // Whoever waits for recording to go on waits no longer; a pause that nobody ended stays out.
    shared.timeline.resume(Timestamp::now());
    // Sound is emptied beside the picture: an output that interleaves them may wait for either.
    let sound = std::thread::spawn(move || audio::stop_all(audio, end.at));
    let mut error = end.error;
    let reports = shared.renditions.join(&mut error);
    let audio = sound.join().unwrap_or_default();
    let outputs = shared.outputs.join();
    tracing::debug!(%source, ?error, "drained");
    (report(shared, end.reason, reports, audio, outputs), error)
}

fn report(
    shared: &Shared,
    ended: Option<String>,
    renditions: Vec<RenditionReport>,
    audio: Vec<AudioReport>,
    outputs: Vec<OutputReport>,
) -> Report {
    let counters = &shared.counters;
    let latency = &counters.latency;
    Report {
        duration_seconds: counters.shown_until.get() as f64 / 1e9,
        captured: counters.captured.get(),
        encoded: counters.encoded(),
        dropped: counters.dropped(),
        skipped: counters.skipped.get(),
        thinned: counters.thinned.get(),
        repeated: counters.repeated.get(),
        interpolated: counters.interpolated.get(),
        corrupt: counters.corrupt.get(),
        sync: counters.sync.get(),
        bytes: counters.bytes.get(),
        av_skew_ms: audio.iter().map(|it| it.max_skew_ms).reduce(f64::max),
        latency_pace: latency.pace.percentiles(),
        latency_process: latency.process.percentiles(),
        latency_encode: latency.encode.percentiles(),
        latency_write: latency.write.percentiles(),
        latency_total: latency.total.percentiles(),
        renditions,
        audio,
        outputs,
        ended,
        notes: shared.journal.notes(),
    }
}
