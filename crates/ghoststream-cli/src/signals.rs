//! Being told to stop, to save, to pause.
//!
//! The first signal ends the recording in an orderly way. A second Ctrl-C within a second ends the
//! process at once: files are whole up to the last second at every moment, so nothing else is lost.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// How soon a second Ctrl-C must follow to end at once.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Who asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// A service manager, or `kill`.
    Terminate,
    /// The terminal was closed.
    HangUp,
}

impl Signal {
    /// 128 and the signal's number, as shells have it.
    pub const fn status(self) -> u8 {
        match self {
            Self::HangUp => 129,
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// What a signal, or a key, asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The end.
    End(Signal),
    /// SIGUSR1: save what the replay buffer holds.
    SaveReplay,
    /// SIGUSR2: pause, or go on.
    Pause,
    /// Set a marker.
    Mark,
    /// The end, which is no failure.
    Stop,
}

/// The signals that a capturing command follows.
#[derive(Debug)]
pub struct Signals {
    receiver: mpsc::Receiver<Event>,
}

impl Signals {
    /// Listens from now on, within a runtime that has a thread to spare for it.
    pub fn listen() -> Result<Self> {
        let open = |kind| signal(kind).context("listening for signals");
        let (mut interrupt, mut terminate) = (open(SignalKind::interrupt())?, open(SignalKind::terminate())?);
        let mut hangup = if ignores_hangup() { None } else { Some(open(SignalKind::hangup())?) };
        let (mut save, mut pause) = (open(SignalKind::user_defined1())?, open(SignalKind::user_defined2())?);
        let (sender, receiver) = mpsc::channel(4);
        tokio::spawn(async move {
            let mut last: Option<Instant> = None;
            loop {
                let got = tokio::select! {
                    _ = interrupt.recv() => Signal::Interrupt,
                    _ = terminate.recv() => Signal::Terminate,
                    () = next(&mut hangup) => Signal::HangUp,
                    _ = save.recv() => {
                        let _ = sender.try_send(Event::SaveReplay);
                        continue;
                    }
                    _ = pause.recv() => {
                        let _ = sender.try_send(Event::Pause);
                        continue;
                    }
                };
                if got == Signal::Interrupt
                    && last.replace(Instant::now()).is_some_and(|it| it.elapsed() < AT_ONCE)
                {
                    end_at_once();
                }
                // A full channel holds signals enough.
                let _ = sender.try_send(Event::End(got));
            }
        });
        Ok(Self { receiver })
    }

    /// The next one.
    pub async fn next(&mut self) -> Event {
        match self.receiver.recv().await {
            Some(event) => event,
            // The task lives as long as the runtime; without it no signal can come.
            None => std::future::pending().await,
        }
    }
}

async fn next(hangup: &mut Option<tokio::signal::unix::Signal>) {
    match hangup {
        Some(hangup) => {
            hangup.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// `nohup` starts programs with SIGHUP ignored, and a handler would take that back.
fn ignores_hangup() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let mask = status.lines().find_map(|it| it.strip_prefix("SigIgn:"));
    mask.and_then(|it| u64::from_str_radix(it.trim(), 16).ok()).is_some_and(|it| it & 1 != 0)
}

/// Ends without unwinding, destructors or `atexit`: encoder threads are still running, and may not
/// meet libraries that are being torn down.
#[allow(unsafe_code)]
fn end_at_once() -> ! {
    // Whoever draws the live line may hold its lock: this goes past it.
    let start = if std::io::stderr().is_terminal() { "\r\x1b[K" } else { "" };
    let _ = writeln!(std::io::stderr(), "{start}ended at once; the file is whole up to the last second");
    // SAFETY: _exit takes no pointers and does not return.
    unsafe { libc::_exit(i32::from(Signal::Interrupt.status())) }
}
