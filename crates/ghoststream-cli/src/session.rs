//! A capturing command while it runs: start, watch, stop, report.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use ghoststream::{Error, Pipeline, Report};

use crate::failure::Failure;
use crate::signals::{Signal, Signals};
use crate::view::View;

/// How long a start that was interrupted may take to give up. What it waits for may be a dialog
/// that nobody answers; there is nothing yet that could be lost.
const GIVE_UP: Duration = Duration::from_millis(500);

/// Why a recording ends.
enum End {
    /// Someone stopped it.
    Signal(Signal),
    /// It is as long as it was to be.
    Duration,
    /// The source or the outputs ended, or something failed.
    Itself(Box<Result<Report, Error>>),
}

/// Runs a pipeline until it ends and says how it went.
pub fn run(pipeline: &Pipeline, duration: Option<Duration>, json: bool) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("gs-cli")
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let mut view = View::new(json);
    let outcome = runtime.block_on(record(pipeline, duration, &mut view));
    view.notes(pipeline);
    view.clear();
    // A start that was given up may still wait for a dialog.
    runtime.shutdown_background();
    outcome
}

async fn record(
    pipeline: &Pipeline,
    duration: Option<Duration>,
    view: &mut View,
) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen()?;
    if let Some(signal) = start(pipeline, &mut signals, view).await? {
        return Ok(ExitCode::from(signal.status()));
    }
    let end = watch(pipeline, duration, &mut signals, view).await;
    view.update(pipeline);
    let (signal, result) = match end {
        End::Signal(signal) => (Some(signal), pipeline.stop().await),
        End::Duration => (None, pipeline.stop().await),
        End::Itself(result) => (None, *result),
    };
    view.notes(pipeline);
    match result {
        Ok(report) => {
            view.report(&report);
            verdict(&report, signal, duration)
        }
        Err(error) => {
            if let Some(report) = pipeline.report() {
                view.report(&report);
            }
            Err(error.into())
        }
    }
}

/// Starts; a signal meanwhile ends the attempt and is returned.
async fn start(
    pipeline: &Pipeline,
    signals: &mut Signals,
    view: &mut View,
) -> Result<Option<Signal>, Failure> {
    let mut tick = tokio::time::interval(view.period());
    let started = pipeline.start();
    tokio::pin!(started);
    loop {
        tokio::select! {
            result = &mut started => {
                result?;
                return Ok(None);
            }
            signal = signals.next() => {
                // Without a report there is nothing to say; a start that cannot be stopped in time
                // ends with the process.
                let _ = tokio::time::timeout(GIVE_UP, pipeline.stop()).await;
                return Ok(Some(signal));
            }
            _ = tick.tick() => view.update(pipeline),
        }
    }
}

async fn watch(
    pipeline: &Pipeline,
    duration: Option<Duration>,
    signals: &mut Signals,
    view: &mut View,
) -> End {
    let mut tick = tokio::time::interval(view.period());
    let ended = pipeline.wait();
    let long_enough = recorded(pipeline, duration);
    tokio::pin!(ended, long_enough);
    loop {
        tokio::select! {
            result = &mut ended => return End::Itself(Box::new(result)),
            signal = signals.next() => return End::Signal(signal),
            () = &mut long_enough => return End::Duration,
            _ = tick.tick() => view.update(pipeline),
        }
    }
}

/// Resolves when so much is recorded; pauses do not count.
async fn recorded(pipeline: &Pipeline, duration: Option<Duration>) {
    let Some(duration) = duration else { return std::future::pending().await };
    loop {
        let left = duration.as_secs_f64() - pipeline.status().seconds;
        if left <= 0.0 {
            return;
        }
        tokio::time::sleep(Duration::from_secs_f64(left.clamp(0.005, 3600.0))).await;
    }
}

/// Whether the job was done.
fn verdict(report: &Report, signal: Option<Signal>, duration: Option<Duration>) -> Result<ExitCode, Failure> {
    if let Some(error) = report.outputs.iter().find_map(|it| it.error.as_ref()) {
        return Err(Failure::Failed(error.clone()));
    }
    if let (Some(reason), Some(duration)) = (&report.ended, duration) {
        let (had, wanted) = (report.duration_seconds, duration.as_secs_f64());
        let message = format!("only {had:.1} of {wanted} seconds were recorded: {reason}");
        return Err(Failure::Failed(message));
    }
    Ok(ExitCode::from(signal.map_or(0, Signal::status)))
}
