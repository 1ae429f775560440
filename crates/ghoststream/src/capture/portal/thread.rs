//! The thread that speaks with the portal.
//!
//! It owns a runtime of its own, so that the library needs none of its caller's. Requests for a
//! session come in through a channel, one at a time; between them it holds the session open and
//! waits for the portal to close it. It ends when the last [`Requests`] is dropped or when the
//! [`PortalThread`] is, whichever comes first.

use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::session::{self, Opened, Session, Wish};
use super::{LOOK, error};
use crate::CaptureError;
use crate::capture::{CaptureEvent, FrameSink};

/// A request for a session.
pub(super) struct Request {
    /// Where the session goes.
    pub(super) reply: SyncSender<Result<Opened, CaptureError>>,
    /// Resolves when nobody waits for the reply any more.
    pub(super) abandoned: oneshot::Receiver<()>,
}

/// Asks the thread for sessions.
#[derive(Clone)]
pub(super) struct Requests(mpsc::Sender<Request>);

/// The thread; dropping it closes the session and joins it.
pub(super) struct PortalThread {
    requests: Option<Requests>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Requests {
    /// Opens a session, in the place of the one that may be open. Blocks until the user has
    /// answered, or until `called_off` says so.
    pub(super) fn open(&self, called_off: &dyn Fn() -> bool) -> Result<Opened, CaptureError> {
        let (reply, answer) = sync_channel(1);
        let (_waiting, abandoned) = oneshot::channel();
        // One request at a time: capture asks from one thread, and waits for the answer.
        self.0.try_send(Request { reply, abandoned }).map_err(|_| gone())?;
        wait(&answer, called_off)
    }
}

fn wait(
    answer: &Receiver<Result<Opened, CaptureError>>,
    called_off: &dyn Fn() -> bool,
) -> Result<Opened, CaptureError> {
    loop {
        match answer.recv_timeout(LOOK) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Timeout) if called_off() => {
                return Err(CaptureError::Ended("it was stopped before the portal answered".into()));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(gone()),
        }
    }
}

fn gone() -> CaptureError {
    error::portal("the thread that speaks with it ended")
}

impl PortalThread {
    /// Starts the thread; it says nothing to the portal yet.
    pub(super) fn start(wish: Wish, sink: FrameSink) -> Result<Self, CaptureError> {
        let (sender, requests) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| CaptureError::Io { what: "starting the portal's runtime", source })?;
        let thread = std::thread::Builder::new()
            .name("portal".into())
            .spawn(move || runtime.block_on(serve(requests, stopped, &wish, &sink)))
            .map_err(|source| CaptureError::Io { what: "starting the portal's thread", source })?;
        Ok(Self { requests: Some(Requests(sender)), stop: Some(stop), thread: Some(thread) })
    }

    /// Asks it for sessions.
    pub(super) fn requests(&self) -> Requests {
        // Some until the thread is dropped.
        self.requests.clone().unwrap_or_else(|| Requests(mpsc::channel(1).0))
    }
}

impl Drop for PortalThread {
    fn drop(&mut self) {
        self.requests = None;
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// An open session, and our end of its PipeWire connection for hanging up.
struct Held {
    session: Session,
    remote: Option<OwnedFd>,
}

/// Answers requests and holds the session they opened, until it is told to stop.
async fn serve(
    mut requests: mpsc::Receiver<Request>,
    mut stopped: oneshot::Receiver<()>,
    wish: &Wish,
    sink: &FrameSink,
) {
    let mut held: Option<Held> = None;
    loop {
        tokio::select! {
            () = closed(&mut held) => {
                if let Some(held) = held.take() {
                    lost(wish, sink, &held);
                }
            }
            request = requests.recv() => {
                let Some(request) = request else { break };
                close(held.take()).await;
                held = tokio::select! {
                    opened = answer(request, wish) => opened,
                    // Dropping the request leaves the bus, which takes the dialog away.
                    _ = &mut stopped => break,
                };
            }
            _ = &mut stopped => break,
        }
    }
    close(held).await;
}

async fn answer(request: Request, wish: &Wish) -> Option<Held> {
    let opened = tokio::select! {
        opened = session::open(wish) => opened,
        _ = request.abandoned => return None,
    };
    let (answer, held) = match opened {
        Ok((session, opened)) => {
            let remote = opened.remote.try_clone().ok();
            (Ok(opened), Some(Held { session, remote }))
        }
        Err(error) => (Err(error), None),
    };
    // Where nobody takes the answer any more, the session ends here.
    request.reply.send(answer).ok().and(held)
}

async fn closed(held: &mut Option<Held>) {
    match held {
        Some(held) => held.session.closed().await,
        None => std::future::pending().await,
    }
}

async fn close(held: Option<Held>) {
    if let Some(held) = held {
        held.session.close().await;
    }
}

/// The portal closed the session. PipeWire may well go on sending, though the user has said "stop
/// sharing": our connection is hung up, which is also how capture learns that it has to look for
/// the source again.
fn lost(wish: &Wish, sink: &FrameSink, held: &Held) {
    if wish.resume {
        sink.journal().note("the portal closed the session; it is asked for another");
    } else {
        for stream in 0..held.session.streams() {
            sink.event(stream, CaptureEvent::Ended("the portal closed the session".into()));
        }
    }
    if let Some(remote) = &held.remote {
        let _ = rustix::net::shutdown(remote, rustix::net::Shutdown::Both);
    }
}
