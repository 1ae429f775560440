//! Replays that are being saved while the session goes on.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use ghoststream::{Error, Pipeline, SavedReplay};

/// What came of a save.
type Saved = Result<Vec<SavedReplay>, Error>;

/// Saves that are not done. Each begins at once; they may overlap.
#[derive(Default)]
pub struct Saves<'a>(Vec<Pin<Box<dyn Future<Output = Saved> + 'a>>>);

impl<'a> Saves<'a> {
    /// Begins one, of all that is held.
    pub fn begin(&mut self, pipeline: &'a Pipeline) {
        self.0.push(Box::pin(pipeline.save_replay(None)));
    }

    /// What came of the next that is done; pending while there is none.
    pub async fn next(&mut self) -> Saved {
        poll_fn(|context| {
            let ready = self.0.iter_mut().enumerate().find_map(|(at, it)| match it.as_mut().poll(context) {
                Poll::Ready(saved) => Some((at, saved)),
                Poll::Pending => None,
            });
            let Some((at, saved)) = ready else { return Poll::Pending };
            drop(self.0.swap_remove(at));
            Poll::Ready(saved)
        })
        .await
    }

    /// Whether none is left.
    pub fn are_done(&self) -> bool {
        self.0.is_empty()
    }
}
