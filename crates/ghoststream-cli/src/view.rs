//! What a capturing command shows: a live line on a terminal, JSON where it was asked for, else
//! nothing but notes.

use std::time::Duration;

use console::Term;
use ghoststream::{Error, Pipeline, Report, SavedReplay, Status};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::{live, print, summary};

/// Shows a pipeline's progress.
#[derive(Debug)]
pub struct View {
    mode: Mode,
    notes_known: usize,
}

#[derive(Debug)]
enum Mode {
    Json,
    Live(ProgressBar),
    Quiet,
}

/// A line of `--json`, told apart by its `type`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Event<'a> {
    Status(&'a Status),
    Note {
        message: &'a str,
    },
    Report(&'a Report),
    /// A clip of a replay buffer is on the disk.
    Saved(&'a SavedReplay),
    /// A replay could not be saved; what is held is held still.
    #[serde(rename = "save-failed")]
    SaveFailed {
        message: &'a str,
    },
}

impl View {
    /// A live line where standard error is a terminal.
    pub fn new(json: bool) -> Self {
        let mode = if json {
            Mode::Json
        } else if Term::stderr().is_term() {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            // A template without parts that could be wrong.
            bar.set_style(
                ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            print::keep_clear_of(&bar);
            Mode::Live(bar)
        } else {
            Mode::Quiet
        };
        Self { mode, notes_known: 0 }
    }

    /// How often to update.
    pub const fn period(&self) -> Duration {
        match self.mode {
            Mode::Live(_) => Duration::from_millis(250),
            Mode::Json | Mode::Quiet => Duration::from_secs(1),
        }
    }

    /// Shows how it goes.
    pub fn update(&mut self, pipeline: &Pipeline) {
        self.notes(pipeline);
        match &self.mode {
            Mode::Json => event(&Event::Status(&pipeline.status())),
            Mode::Live(bar) => {
                let columns = usize::from(Term::stderr().size().1);
                // One column is left free: a line that fills the last one wraps on some terminals.
                bar.set_message(live::line(&pipeline.status(), columns.saturating_sub(1)));
            }
            Mode::Quiet => {}
        }
    }

    /// Shows the notes that were not shown yet.
    pub fn notes(&mut self, pipeline: &Pipeline) {
        let notes = pipeline.notes_since(self.notes_known);
        self.notes_known += notes.len();
        notes.iter().for_each(|it| self.note(it));
    }

    /// Shows a note of the command's own.
    pub fn note(&self, note: &str) {
        match &self.mode {
            Mode::Json => event(&Event::Note { message: note }),
            Mode::Live(_) | Mode::Quiet => print::warn(&format!("note: {note}")),
        }
    }

    /// Tells what came of a save: the clips' paths on standard output, for scripts.
    pub fn saved(&self, saved: Result<Vec<SavedReplay>, Error>) {
        match (&self.mode, saved) {
            (Mode::Json, Ok(clips)) => clips.iter().for_each(|it| event(&Event::Saved(it))),
            (_, Ok(clips)) => clips.iter().for_each(|it| print::line(&it.path.display().to_string())),
            (Mode::Json, Err(error)) => event(&Event::SaveFailed { message: &error.to_string() }),
            (_, Err(error)) => print::warn(&format!("error: {error}")),
        }
    }

    /// Takes the live line away; errors and the summary follow.
    pub fn clear(&self) {
        if let Mode::Live(bar) = &self.mode {
            bar.finish_and_clear();
        }
    }

    /// Shows the end.
    pub fn report(&self, report: &Report) {
        self.clear();
        match &self.mode {
            Mode::Json => event(&Event::Report(report)),
            Mode::Live(_) => print::line(&summary::text(report)),
            Mode::Quiet => {}
        }
    }
}

fn event(event: &Event<'_>) {
    match serde_json::to_string(event) {
        Ok(json) => print::line(&json),
        Err(error) => print::warn(&format!("error: the status cannot be told as JSON: {error}")),
    }
}
