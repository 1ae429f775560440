//! Listening, on one thread.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::connection::{self, Connection};
use crate::seats::Seats;
use crate::{Code, Directory, DirectoryError, Name, Refusal, Request};

/// Clients at once.
pub(crate) const MOST_CLIENTS: usize = 64;
/// For how long a client must have been silent before it makes room for another.
pub(crate) const IDLE: Duration = Duration::from_secs(10);
/// How long those who are being served at the end are waited for.
const GRACE: Duration = Duration::from_secs(2);

/// Who does what is asked for.
pub trait Handler: Send + Sync + 'static {
    /// Does it. The answer is an object; what it holds is added to within a version, never changed.
    ///
    /// It runs on the server's own thread beside all other clients, and must not block it.
    ///
    /// # Errors
    /// Why it was not done.
    fn handle(&self, request: Request) -> impl Future<Output = Result<Value, Refusal>> + Send;
}

/// Why nothing listens.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// There is no socket.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The thread did not start.
    #[error("the control thread could not be started: {0}")]
    Thread(io::Error),
}

/// Listens at a socket until it is dropped, which takes the socket away.
///
/// One thread serves up to 64 clients, of this user alone; a further one gets the place of a client
/// that has said nothing for ten seconds, or is told that there is none. A line may have 64 KiB; a longer one
/// is answered and the connection closed. Each client has one request in work, and its next line is read
/// when it has taken the answer; who does not take it within five seconds is left.
#[derive(Debug)]
pub struct Server {
    name: String,
    path: PathBuf,
    closing: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens, by a name or by the process id.
    ///
    /// # Errors
    /// The directory cannot be used, the name is taken, or the thread cannot be started.
    pub fn start(
        directory: &Directory,
        name: Option<&Name>,
        handler: impl Handler,
    ) -> Result<Self, ServerError> {
        let (listener, path) = directory.listen(name)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let closing = watch::Sender::new(false);
        let mut server = Self { name, path, closing, thread: None };
        let closed = server.closing.subscribe();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(ServerError::Thread)?;
        let listener = {
            let _within = runtime.enter();
            UnixListener::from_std(listener).map_err(ServerError::Thread)?
        };
        let serve = move || runtime.block_on(accept(listener, Arc::new(handler), closed));
        let thread = std::thread::Builder::new().name("gs-control".to_owned()).spawn(serve);
        server.thread = Some(thread.map_err(ServerError::Thread)?);
        Ok(server)
    }

    /// By what it is found.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The socket.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // First, so that nobody comes any more.
        let _ = std::fs::remove_file(&self.path);
        self.closing.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A panic was printed when it happened.
            let _ = thread.join();
        }
    }
}

async fn accept<H: Handler>(listener: UnixListener, handler: Arc<H>, closing: watch::Receiver<bool>) {
    let mut closed = closing.clone();
    let (seats, mut clients) = (Seats::default(), JoinSet::new());
    loop {
        tokio::select! {
            // The sender lives as long as the server.
            _ = closed.wait_for(|it| *it) => break,
            Some(_) = clients.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    if let Some(connection) = admit(stream, &seats) {
                        clients.spawn(connection.serve(Arc::clone(&handler), closing.clone()));
                    }
                }
                Err(error) => {
                    // Out of descriptors, say: those that are served go on meanwhile.
                    tracing::warn!(%error, "a control client was not let in");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }
    drop(listener);
    let all = async { while clients.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, all).await;
}

/// Gives a client its place, or tells it why there is none.
fn admit(stream: UnixStream, seats: &Seats) -> Option<Connection> {
    let own = rustix::process::geteuid().as_raw();
    let refusal = match stream.peer_cred() {
        Ok(peer) if peer.uid() == own => match seats.take() {
            Some(seat) => return Some(Connection::new(stream, seat)),
            None => Refusal::new(
                Code::Busy,
                format!("{MOST_CLIENTS} clients are connected, which is the most: try again later"),
            ),
        },
        Ok(_) => Refusal::new(Code::NotAllowed, "only the user who started this may control it"),
        Err(error) => Refusal::new(Code::NotAllowed, format!("the kernel does not say who you are: {error}")),
    };
    tracing::debug!(%refusal, "a control client was sent away");
    connection::tell_now(&stream, refusal);
    None
}
