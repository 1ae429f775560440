//! What a user should know.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// What a user should know and would otherwise not see: fallbacks, refusals, sources that vanish.
///
/// Each note is kept for the report; showing them is the caller's business.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    inner: Arc<Mutex<JournalState>>,
}

#[derive(Debug, Default)]
struct JournalState {
    notes: Vec<String>,
    said: BTreeSet<&'static str>,
    left_out: u64,
}

impl Journal {
    /// Notes kept at most; what comes after is counted.
    const MOST: usize = 1000;

    /// Adds a note.
    pub fn note(&self, text: impl Into<String>) {
        let text = text.into();
        tracing::debug!(note = %text);
        let mut state = self.lock();
        if state.notes.len() < Self::MOST {
            state.notes.push(text);
        } else {
            state.left_out += 1;
        }
    }

    /// Adds a note the first time that `topic` comes up.
    pub fn once(&self, topic: &'static str, text: impl FnOnce() -> String) {
        if self.lock().said.insert(topic) {
            self.note(text());
        }
    }

    /// Adds a note unless the very same one was added before: several renditions may have the same to tell.
    pub fn note_once(&self, text: impl Into<String>) {
        let text = text.into();
        let told = self.lock().notes.contains(&text);
        if !told {
            self.note(text);
        }
    }

    /// All notes so far, in order.
    pub fn notes(&self) -> Vec<String> {
        self.since(0)
    }

    /// Number of notes.
    pub fn count(&self) -> usize {
        self.lock().notes.len()
    }

    /// The notes after the first `known` ones.
    pub fn since(&self, known: usize) -> Vec<String> {
        let state = self.lock();
        let mut notes = state.notes.get(known..).unwrap_or_default().to_vec();
        if state.left_out > 0 && known <= Self::MOST {
            notes.push(format!("{} further notes were left out", state.left_out));
        }
        notes
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, JournalState> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_says_a_topic_once() {
        let journal = Journal::default();
        journal.once("x", || "first".into());
        journal.once("x", || "second".into());
        assert_eq!(journal.notes(), ["first"]);
    }

    #[test]
    fn the_same_note_of_several_renditions_is_told_once() {
        let journal = Journal::default();
        journal.note_once("x is not used");
        journal.note_once("y is not used");
        journal.note_once("x is not used");
        assert_eq!(journal.notes(), ["x is not used", "y is not used"]);
    }
}
