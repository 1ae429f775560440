//! The thread that speaks with the portal, so that the caller needs no runtime of ours.

use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::session::{self, Wish};
use super::{Bound, Event, HotkeyError};

type Answer = oneshot::Sender<Result<Vec<Bound>, HotkeyError>>;

/// The thread; dropping it closes the session and joins it.
#[derive(Debug)]
pub(super) struct Thread {
    stop: Option<oneshot::Sender<()>>,
    handle: Option<JoinHandle<()>>,
}

impl Thread {
    /// Binds what is wished, answers once, and then sends events until it is stopped or the keys are lost.
    pub(super) fn start(
        wish: Wish,
        answer: Answer,
        events: mpsc::Sender<Event>,
    ) -> Result<Self, HotkeyError> {
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| HotkeyError::thread(error.to_string()))?;
        let handle = std::thread::Builder::new()
            .name("hotkeys".into())
            .spawn(move || runtime.block_on(serve(wish, answer, events, stopped)))
            .map_err(|error| HotkeyError::thread(error.to_string()))?;
        Ok(Self { stop: Some(stop), handle: Some(handle) })
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(handle) = self.handle.take() {
            let _ = handle.join();
        }
    }
}

async fn serve(wish: Wish, answer: Answer, events: mpsc::Sender<Event>, mut stopped: oneshot::Receiver<()>) {
    let opened = tokio::select! {
        opened = session::open(&wish) => opened,
        // Leaving the bus takes the dialog away.
        _ = &mut stopped => return,
    };
    let mut session = match opened {
        Ok((session, bound)) => {
            // Nobody waits any more: it is stopped as well.
            let _ = answer.send(Ok(bound));
            session
        }
        Err(error) => return drop(answer.send(Err(error))),
    };
    tokio::select! {
        () = session.follow(&events) => {}
        _ = stopped => {}
    }
    session.close().await;
}
