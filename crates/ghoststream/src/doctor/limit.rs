//! Asking what may never answer.

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Runs `work` on a thread of its own and waits for it `limit` at most.
///
/// What does not answer in time is left behind: it holds nothing that anyone waits for, and the
/// doctor is asked by programs that end soon.
pub(super) fn within<T: Send + 'static>(
    limit: Duration,
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name(format!("gs-doctor-{name}"))
        .spawn(move || {
            // The doctor may have stopped waiting.
            let _ = sender.send(work());
        })
        .map_err(|error| format!("a thread could not be started: {error}"))?;
    receiver.recv_timeout(limit).map_err(|error| match error {
        mpsc::RecvTimeoutError::Timeout => format!("{name} did not answer within {limit:?}"),
        mpsc::RecvTimeoutError::Disconnected => format!("asking {name} panicked, which is a bug"),
    })
}

/// The first line that a program prints, if it ends within `limit`; it is ended otherwise.
pub(super) fn first_line(program: &str, argument: &str, limit: Duration) -> Option<String> {
    let deadline = Instant::now() + limit;
    let mut child = Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    loop {
        match child.try_wait() {
            Ok(Some(_)) => break,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
    let output = child.wait_with_output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(str::trim).find(|it| !it.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_answers_is_given_up() {
        let late = within(Duration::from_millis(20), "nobody", std::thread::park);
        assert!(late.unwrap_err().contains("nobody did not answer"));
        assert_eq!(within(Duration::from_secs(10), "somebody", || 5), Ok(5));
        let panicked = within::<()>(Duration::from_secs(10), "x", || panic!("as a test"));
        assert!(panicked.unwrap_err().contains("panicked"));
    }

    #[test]
    fn a_program_tells_its_first_line_or_is_ended() {
        assert_eq!(first_line("echo", "hello", Duration::from_secs(10)).as_deref(), Some("hello"));
        assert_eq!(first_line("sleep", "1000", Duration::from_millis(20)), None);
        assert_eq!(first_line("/nonexistent/program", "", Duration::from_secs(10)), None);
    }
}
