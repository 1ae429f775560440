//! Saving what replay buffers hold.

use std::sync::Arc;
use std::time::Duration;

use super::Pipeline;
use crate::output::replay::Wish;
use crate::output::{OutputError, Remote};
use crate::{Error, SavedReplay, Timestamp};

impl Pipeline {
    /// Saves the last of what every replay buffer holds, or as much as it was asked to keep, as a clip
    /// of its own. Resolves when the clips are whole and on the disk; they have their names only then.
    ///
    /// A clip begins at a picture at or before the time that is asked for, in Matroska at the key
    /// picture before that; where less is held, it has all of it. What was captured before the call is
    /// waited for. Nothing else waits: capture and the other outputs go on, saves may overlap, and what
    /// is held stays, also when a save fails. A [`marker`](Self::marker) that lies in a clip is a chapter
    /// of it.
    ///
    /// # Errors
    /// The pipeline is not running or has no replay buffer, `last` is zero, or a clip could not be
    /// written. Of several buffers the others are saved all the same; the report tells.
    pub async fn save_replay(&self, last: Option<Duration>) -> Result<Vec<SavedReplay>, Error> {
        self.running()?;
        let outputs = self.shared.outputs.all();
        let running = outputs.iter().filter(|it| it.report().is_none());
        let buffers: Vec<_> = running
            .filter_map(|it| match it.remote() {
                Remote::Replay(buffer) => Some(buffer),
                _ => None,
            })
            .collect();
        if buffers.is_empty() {
            return Err(Error::State("no output is a replay buffer; add one"));
        }
        // Nothing is captured within a pause, so that nothing need be waited for.
        let until = self.shared.timeline.map(Timestamp::now());
        let wish = Wish { last, until, markers: self.shared.markers.since(0) };
        // All begin before the first is waited for.
        let answers: Vec<_> = buffers.into_iter().map(|it| Arc::clone(it).save(wish.clone())).collect();
        let (mut saved, mut failed) = (Vec::new(), None);
        for answer in answers {
            let result = match answer {
                Ok(answer) => answer.await.unwrap_or_else(|_| Err(OutputError::panicked("gs-replay-save"))),
                Err(error) => Err(error),
            };
            match result {
                Ok(clips) => saved.extend(clips),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(saved), |error| Err(error.into()))
    }
}
