//! A capturing command while it runs: start, watch, stop, report.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ghoststream::control::{Name, Server};
use ghoststream::{Error, Pipeline, PipelineState, Report};

use crate::failure::Failure;
use crate::hotkeys::{Heard, Keys};
use crate::saves::Saves;
use crate::signals::{Event, Signal, Signals};
use crate::view::View;

/// How long a start that was interrupted may take to give up. What it waits for may be a dialog
/// that nobody answers; there is nothing yet that could be lost.
const GIVE_UP: Duration = Duration::from_millis(500);

/// How a capturing command shows itself and is found.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether everything is told as JSON.
    pub json: bool,
    /// The name by which it is controlled. `None` is the process id.
    pub control: Option<Name>,
    /// Whether the desktop is asked for keys.
    pub hotkeys: bool,
}

/// Why a recording ends.
enum End {
    /// Someone stopped it.
    Signal(Signal),
    /// A key did, or it is as long as it was to be.
    AsWanted,
    /// The source or the outputs ended, or something failed.
    Itself(Box<Result<Report, Error>>),
}

/// Runs a pipeline until it ends and says how it went.
pub fn run(
    pipeline: &Arc<Pipeline>,
    duration: Option<Duration>,
    options: &Options,
) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("gs-cli")
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let mut view = View::new(options.json);
    // Until the end, so that a stop by control is answered.
    let _control = listen(pipeline, options.control.as_ref(), &mut view)?;
    let outcome = runtime.block_on(record(pipeline, duration, options.hotkeys, &mut view));
    view.notes(pipeline);
    view.clear();
    // A start that was given up may still wait for a dialog.
    runtime.shutdown_background();
    outcome
}

/// Lets others control it. Without a place for the socket the recording is none the worse.
fn listen(pipeline: &Arc<Pipeline>, name: Option<&Name>, view: &mut View) -> Result<Option<Server>, Failure> {
    match Server::start(pipeline, name) {
        Ok(server) => Ok(Some(server)),
        // Who gave it a name counts on it.
        Err(error) if name.is_some() => Err(Failure::usage(format!("--control is not possible: {error}"))),
        Err(error) => {
            view.note(&format!("it cannot be controlled by `ghoststream ctl`: {error}"));
            Ok(None)
        }
    }
}

async fn record(
    pipeline: &Pipeline,
    duration: Option<Duration>,
    hotkeys: bool,
    view: &mut View,
) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen()?;
    if let Some(signal) = start(pipeline, &mut signals, view).await? {
        return Ok(ExitCode::from(signal.status()));
    }
    let mut asked = Asked { signals, keys: Keys::ask(hotkeys), saves: Saves::default(), marks: 0 };
    let end = watch(pipeline, duration, &mut asked, view).await;
    let Asked { mut saves, .. } = asked;
    view.update(pipeline);
    let (signal, result) = match end {
        End::Signal(signal) => (Some(signal), pipeline.stop().await),
        End::AsWanted => (None, pipeline.stop().await),
        End::Itself(result) => (None, *result),
    };
    // Ending has waited for them.
    while !saves.are_done() {
        view.saved(saves.next().await);
    }
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
            event = signals.next() => {
                let Event::End(signal) = event else {
                    view.note("nothing is recorded yet");
                    continue;
                };
                // Without a report there is nothing to say; a start that cannot be stopped in time
                // ends with the process.
                let _ = tokio::time::timeout(GIVE_UP, pipeline.stop()).await;
                return Ok(Some(signal));
            }
            _ = tick.tick() => view.update(pipeline),
        }
    }
}

/// Who may ask for something while it runs, and what was begun for them.
struct Asked<'a> {
    signals: Signals,
    keys: Keys,
    saves: Saves<'a>,
    /// Markers that keys have set.
    marks: u32,
}

async fn watch<'a>(
    pipeline: &'a Pipeline,
    duration: Option<Duration>,
    asked: &mut Asked<'a>,
    view: &mut View,
) -> End {
    let mut tick = tokio::time::interval(view.period());
    let ended = pipeline.wait();
    let long_enough = recorded(pipeline, duration);
    tokio::pin!(ended, long_enough);
    loop {
        tokio::select! {
            result = &mut ended => return End::Itself(Box::new(result)),
            event = asked.signals.next() => if let Some(end) = asked.follow(event, pipeline, view) {
                return end;
            },
            heard = asked.keys.next() => match heard {
                Heard::Note(note) => view.note(&note),
                Heard::Event(event) => if let Some(end) = asked.follow(event, pipeline, view) {
                    return end;
                },
            },
            () = &mut long_enough => return End::AsWanted,
            saved = asked.saves.next() => view.saved(saved),
            _ = tick.tick() => view.update(pipeline),
        }
    }
}

impl<'a> Asked<'a> {
    /// Does what was asked for; where that is the end, returns it.
    fn follow(&mut self, event: Event, pipeline: &'a Pipeline, view: &View) -> Option<End> {
        match event {
            Event::End(signal) => return Some(End::Signal(signal)),
            Event::Stop => return Some(End::AsWanted),
            Event::SaveReplay => self.saves.begin(pipeline),
            Event::Pause => pause_or_resume(pipeline, view),
            Event::Mark => {
                self.marks += 1;
                let title = format!("Marker {}", self.marks);
                match pipeline.marker(&title) {
                    Ok(()) => view.note(&format!("marked as {title:?}")),
                    Err(error) => view.note(&error.to_string()),
                }
            }
        }
        None
    }
}

fn pause_or_resume(pipeline: &Pipeline, view: &View) {
    let paused = pipeline.status().state == PipelineState::Paused;
    let (done, told) = if paused { (pipeline.resume(), "resumed") } else { (pipeline.pause(), "paused") };
    match done {
        Ok(()) => view.note(told),
        // It ends at this moment.
        Err(error) => view.note(&error.to_string()),
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
        return Err(Failure::Said { message: error.clone(), usage: false });
    }
    if let (Some(reason), Some(duration)) = (&report.ended, duration) {
        let (had, wanted) = (report.duration_seconds, duration.as_secs_f64());
        let message = format!("only {had:.1} of {wanted} seconds were recorded: {reason}");
        return Err(Failure::Failed(message));
    }
    Ok(ExitCode::from(signal.map_or(0, Signal::status)))
}
