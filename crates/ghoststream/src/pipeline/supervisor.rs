//! The thread that opens a pipeline, watches over it and drains it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::builder::Plan;
use super::drain::{End, drain};
use super::encoder::Feeds;
use super::shared::{Command, Shared, thread};
use super::start::{Running, open};
use super::{PipelineState, lock, renditions};
use crate::{Error, Timestamp};

/// Starts the supervisor. What became of the start goes to `started`.
pub(super) fn spawn(
    plan: Plan,
    shared: Arc<Shared>,
    started: oneshot::Sender<Result<(), Error>>,
) -> Result<JoinHandle<()>, Error> {
    let (sender, commands) = channel();
    *lock(&shared.commands) = Some(sender.clone());
    shared.state.send_replace(PipelineState::Starting);
    thread("gs-pipeline", move || supervise(&plan, &shared, &sender, &commands, started))
}

fn supervise(
    plan: &Plan,
    shared: &Arc<Shared>,
    sender: &Sender<Command>,
    commands: &Receiver<Command>,
    started: oneshot::Sender<Result<(), Error>>,
) {
    let mut running = match open(plan, shared, sender) {
        Ok(running) => running,
        Err(error) => {
            *lock(&shared.feeds) = Feeds::default();
            shared.renditions.abandon();
            shared.outputs.abandon();
            shared.end(None, None);
            // Whoever called start may have gone.
            let _ = started.send(Err(error));
            return;
        }
    };
    let mut started = Some(started);
    let end = watch_over(&mut running, shared, commands, &mut started);
    shared.state.send_replace(PipelineState::Stopping);
    let (report, error) = drain(running, shared, end);
    match (started, error) {
        // It ended before it ran: the caller of start gets the error, and there is no run to report.
        (Some(started), Some(error)) => {
            shared.end(None, None);
            let _ = started.send(Err(error));
        }
        (Some(started), None) => {
            shared.end(Some(report), None);
            let _ = started.send(Err(Error::State("it was stopped before the first picture was written")));
        }
        (None, error) => shared.end(Some(report), error),
    }
}

/// Waits until there is a reason to end. Answers the caller of start once every output has a picture.
fn watch_over(
    running: &mut Running,
    shared: &Arc<Shared>,
    commands: &Receiver<Command>,
    started: &mut Option<oneshot::Sender<Result<(), Error>>>,
) -> End {
    let failed = |error| End { at: Timestamp::now(), reason: None, error: Some(error) };
    loop {
        let Ok(command) = commands.recv() else {
            return End { at: Timestamp::now(), reason: None, error: None };
        };
        match command {
            Command::Stop(at) => return End { at, reason: None, error: None },
            Command::SourceEnded(reason, at) => {
                shared.journal.note(format!("the source ended: {reason}"));
                return End { at, reason: Some(reason), error: None };
            }
            Command::SourceGone(id, reason) => shared.journal.note(format!(
                "the source ended: {reason}; output {id} shows a still card until it is stopped"
            )),
            Command::RenditionFailed(error) => return failed(error),
            Command::OutputFailed(id, error) => {
                if started.is_some() || !shared.outputs.any_alive() {
                    return failed(error);
                }
                shared.journal.note(format!("output {id} ended, the others go on: {error}"));
                close_unused(shared);
            }
            Command::OutputGone => {
                if started.is_none() && !shared.outputs.any_alive() {
                    return failed(Error::State("the last output failed while another was being added"));
                }
                close_unused(shared);
            }
            Command::OutputStarted(id) => running.waiting_for.retain(|it| *it != id),
        }
        if running.waiting_for.is_empty()
            && let Some(started) = started.take()
        {
            shared.state.send_replace(PipelineState::Running);
            if started.send(Ok(())).is_err() {
                // The caller of start gave up on it.
                return End { at: Timestamp::now(), reason: Some("start was cancelled".into()), error: None };
            }
        }
    }
}

/// Closes encoders that nobody needs any more, beside everything else.
fn close_unused(shared: &Arc<Shared>) {
    let ours = Arc::clone(shared);
    // Without a thread for it they run on, and are closed with the next, or at the end.
    if let Err(error) = shared.outputs.help("gs-close-rendition", move || renditions::close_unused(&ours)) {
        shared.journal.note(format!("an encoder that nobody needs any more runs on: {error}"));
    }
}
