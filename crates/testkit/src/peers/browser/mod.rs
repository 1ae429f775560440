//! A browser, headless: a page that opens the camera with `getUserMedia` and sends back what it sees.
//!
//! It gets the camera as on any desktop: from PipeWire, through the camera portal.

mod program;
mod server;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ghoststream::Size;
pub use program::Program;
use server::{Server, Told};

use crate::Session;
use crate::child::Running;

/// A picture as the page got it from its canvas.
#[derive(Clone, Debug)]
pub struct CanvasPicture {
    /// Pixels across and down.
    pub size: Size,
    /// Red, green, blue, alpha.
    pub rgba: Vec<u8>,
}

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    // The browser goes before the server that it talks to.
    running: Running,
    log: PathBuf,
    server: Server,
}

impl Browser {
    /// Opens the page, in a session with a portal that has cameras. Of the camera it wants `size`, or whatever the
    /// browser takes for usual.
    ///
    /// # Errors
    /// The browser is not installed.
    pub fn start(program: Program, session: &Session, size: Option<Size>) -> Result<Self> {
        Self::open(program, session, size, &[])
    }

    fn open(program: Program, session: &Session, size: Option<Size>, flags: &[String]) -> Result<Self> {
        let server = Server::start(include_str!("page.html"))?;
        let wanted = size.map_or_else(String::new, |it| format!("?width={}&height={}", it.width, it.height));
        let mut command = program.command(session)?;
        command.args(flags).arg(server.url() + &wanted).envs(session.environment());
        let log = session.dir().join("logs/browser");
        let running =
            Running::start(&mut command, &log).with_context(|| format!("{program:?} cannot be started"))?;
        Ok(Self { running, log, server })
    }

    /// Opens the page, and saves what the browser shows of it once it has seen the camera's pictures, as a PNG.
    ///
    /// # Errors
    /// The browser is not installed, ends otherwise or not at all, or the page has seen nothing; what the browser
    /// said is in the message.
    pub fn photograph(program: Program, session: &Session, size: Size, path: &Path) -> Result<()> {
        let flags = [
            format!("--window-size={},{}", size.width, size.height),
            format!("--screenshot={}", path.display()),
        ];
        let mut browser = Self::open(program, session, None, &flags)?;
        let ended = browser.running.wait(Duration::from_secs(90));
        let Told { seen, error, .. } = browser.server.told();
        if ended.is_ok() && seen > 0 && error.is_none() && path.exists() {
            return Ok(());
        }
        let log = std::fs::read_to_string(&browser.log).unwrap_or_default();
        bail!(
            "no picture of the page: it saw {seen} pictures, {error:?}, the browser ended: {ended:?}\n{log}"
        );
    }

    /// Waits until the page has seen so many pictures, and returns the last of them.
    ///
    /// # Errors
    /// It has not within a minute and a half, or cannot open the camera; what the browser said is in the message.
    pub fn wait(&mut self, pictures: usize) -> Result<Vec<CanvasPicture>> {
        let start = Instant::now();
        loop {
            let Told { seen, refused, error, .. } = self.server.told();
            let ended = self.running.wait(Duration::ZERO).is_ok();
            if error.is_none() && !ended && start.elapsed() < Duration::from_secs(90) {
                if seen >= pictures {
                    return Ok(self.server.pictures());
                }
                std::thread::sleep(Duration::from_millis(20));
                continue;
            }
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            bail!(
                "the page saw {seen} pictures of {pictures}, {error:?}; the camera was refused {} times, last with \
                 {:?}; the browser ended: {ended}\n{log}",
                refused.0,
                refused.1,
            );
        }
    }

    /// The names of the cameras that the page was shown.
    pub fn cameras(&self) -> Vec<String> {
        self.server.told().cameras
    }
}
