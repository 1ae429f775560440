//! Control of a pipeline that runs, by other processes of the same user.
//!
//! [`Server::start`] lets a pipeline be found and controlled: `ghoststream ctl`, [`Client`], or anything else
//! that writes lines of JSON to the socket in `$XDG_RUNTIME_DIR/ghoststream/`. Every command of
//! `ghoststream` that captures does so. `docs/control.md` has the protocol.
//!
//! ```no_run
//! use std::sync::Arc;
//! use ghoststream::control::{Client, Directory, Request, Server};
//! # use ghoststream::Pipeline;
//!
//! # fn control(pipeline: Pipeline) -> Result<(), Box<dyn std::error::Error>> {
//! let pipeline = Arc::new(pipeline);
//! let server = Server::start(&pipeline, None)?; // until it is dropped
//!
//! // Elsewhere:
//! for instance in Directory::of_user()?.running()? {
//!     let status = Client::connect(&instance.path)?.request(&Request::Status)?;
//!     println!("{}: {} seconds", instance.name, status["status"]["seconds"]);
//! }
//! # Ok(())
//! # }
//! ```

mod handler;

use std::path::Path;
use std::sync::Arc;

pub use ghoststream_control::{
    Client, ClientError, Code, Directory, DirectoryError, Instance, Name, OutputTable, Refusal, Request,
    ServerError, VERSION, Which,
};

use crate::Pipeline;

/// Lets a pipeline be controlled until it is dropped.
///
/// One thread serves up to 64 clients, of this user alone. Lines are bounded, a client that does not read is
/// left, and nothing that any of them does makes the pipeline wait.
#[derive(Debug)]
pub struct Server {
    inner: ghoststream_control::Server,
}

impl Server {
    /// Listens in the user's runtime directory, by a name or by the process id. The pipeline need not have
    /// been started; the server does not keep it alive.
    ///
    /// # Errors
    /// There is no runtime directory, the name is taken, or the socket cannot be made.
    pub fn start(pipeline: &Arc<Pipeline>, name: Option<&Name>) -> Result<Self, ServerError> {
        Self::start_in(&Directory::of_user()?, pipeline, name)
    }

    /// The same in another directory.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_in(
        directory: &Directory,
        pipeline: &Arc<Pipeline>,
        name: Option<&Name>,
    ) -> Result<Self, ServerError> {
        let handler = handler::PipelineHandler::new(pipeline);
        Ok(Self { inner: ghoststream_control::Server::start(directory, name, handler)? })
    }

    /// By what it is found.
    pub fn name(&self) -> &str {
        self.inner.name()
    }

    /// The socket.
    pub fn path(&self) -> &Path {
        self.inner.path()
    }
}
