//! The parent: starts the child, listens for a bounded time, and leaves nothing behind.

use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::answer::{Activity, Answer, Line, Question};
use super::{ProbeFailure, START, VARIABLE, child};

/// More than any answer: a machine has few GPUs.
const MOST_BYTES: usize = 1 << 20;

/// How long a child that has ended its output may take to end.
const FAREWELL: Duration = Duration::from_millis(200);

/// What was answered, and what goes on on the GPUs.
type Heeded = (Answer, Vec<Activity>);

/// Asks the driver in a child; each of its steps may take `patience`.
pub(super) fn ask(question: Question, patience: Duration) -> Result<Heeded, ProbeFailure> {
    if !child::is_in_executable() {
        let reason = "GhostStream was loaded by a program that it is not part of";
        return Err(ProbeFailure::NotAsked(reason.to_owned()));
    }
    let program = std::env::args_os().next().unwrap_or_else(|| "ghoststream".into());
    let mut command = Command::new("/proc/self/exe");
    // By its own name, which the driver's application profiles go by.
    command.arg0(program).env(VARIABLE, question.word(std::process::id()));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    listen(&mut command, [START, patience])
}

/// Runs a command that speaks as the child does, and hears it out. It may take the first time to its first step,
/// and the second over each.
fn listen(command: &mut Command, [start, patience]: [Duration; 2]) -> Result<Heeded, ProbeFailure> {
    let not_asked = |error: std::io::Error| ProbeFailure::NotAsked(error.to_string());
    let mut child = command.spawn().map_err(not_asked)?;
    let Some(output) = child.stdout.take() else {
        return Err(ProbeFailure::NotAsked("its process has no output".to_owned()));
    };
    let heard = Heard::from(output, [start, patience]);
    let status = bury(child, &heard);
    heard.verdict(status, patience)
}

/// What was heard of the child until it ended, answered or fell silent.
#[derive(Default)]
struct Heard {
    /// What it did last.
    step: Option<String>,
    activity: Vec<Activity>,
    answer: Option<Answer>,
    /// Something that a child does not say.
    nonsense: bool,
    /// It said nothing for too long.
    silent: bool,
}

impl Heard {
    fn from(mut output: ChildStdout, [start, patience]: [Duration; 2]) -> Self {
        let mut heard = Self::default();
        let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
        loop {
            let most = if heard.step.is_some() { patience } else { start };
            if !is_ready(&output, most) {
                heard.silent = true;
                return heard;
            }
            match output.read(&mut chunk) {
                Ok(0) => return heard,
                Ok(count) => bytes.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return heard,
            }
            while let Some(end) = bytes.iter().position(|it| *it == b'\n') {
                let line: Vec<u8> = bytes.drain(..=end).collect();
                heard.take(&line);
            }
            heard.nonsense |= bytes.len() > MOST_BYTES;
            if heard.nonsense || heard.answer.is_some() {
                return heard;
            }
        }
    }

    fn take(&mut self, line: &[u8]) {
        match serde_json::from_slice(line) {
            Ok(Line::Step(step)) => self.step = Some(step),
            Ok(Line::Activity(activity)) => self.activity = activity,
            Ok(Line::Answer(answer)) => self.answer = Some(answer),
            Err(_) => self.nonsense = true,
        }
    }

    fn verdict(self, status: Option<ExitStatus>, limit: Duration) -> Result<Heeded, ProbeFailure> {
        let not_asked = |reason: &str| Err(ProbeFailure::NotAsked(reason.to_owned()));
        match (self.answer, self.step) {
            (Some(answer), _) => Ok((answer, self.activity)),
            _ if self.nonsense => not_asked("this program, started to do so, said something else"),
            (None, None) => not_asked("this program, started to do so, said nothing"),
            (None, Some(step)) if self.silent => Err(ProbeFailure::Hung { step, limit }),
            (None, Some(step)) => Err(ProbeFailure::Crashed { step, how: end(status) }),
        }
    }
}

/// Waits until there is something to read, or the end of it.
fn is_ready(output: &ChildStdout, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        let mut files = [PollFd::from_borrowed_fd(output.as_fd(), PollFlags::IN)];
        match poll(&mut files, Some(&timeout)) {
            Err(Errno::INTR) => {}
            Ok(0) | Err(_) => return false,
            Ok(_) => return true,
        }
    }
}

/// Ends the child. Its exit status, where it ended by itself.
///
/// A child that hangs within the kernel cannot be killed before it gets out of there, and the driver
/// may take its time to give back what an answered one held: a thread waits for those.
fn bury(mut child: Child, heard: &Heard) -> Option<ExitStatus> {
    let by_itself = heard.answer.is_none() && !heard.silent && !heard.nonsense;
    let deadline = Instant::now() + FAREWELL;
    while by_itself && Instant::now() < deadline {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) => std::thread::sleep(Duration::from_millis(2)),
            // The program has seen to it already, as one that ignores SIGCHLD does.
            Err(_) => return None,
        }
    }
    // It fails for a child that is gone, which is as well.
    let _ = child.kill();
    let wait = move || child.wait();
    // Should there be no thread, the child stays a zombie until this process ends.
    let _ = std::thread::Builder::new().name("gs-nvenc-reaper".into()).spawn(wait);
    None
}

/// How a process ended, in words.
fn end(status: Option<ExitStatus>) -> String {
    let Some(status) = status else { return "its end could not be told".to_owned() };
    let Some(signal) = status.signal() else {
        return format!("it ended the process with status {}", status.code().unwrap_or(-1));
    };
    let name = match signal {
        libc::SIGSEGV => " SIGSEGV",
        libc::SIGABRT => " SIGABRT",
        libc::SIGBUS => " SIGBUS",
        libc::SIGILL => " SIGILL",
        libc::SIGFPE => " SIGFPE",
        libc::SIGKILL => " SIGKILL",
        _ => "",
    };
    format!("signal {signal}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a child that does what this script says.
    fn heard(script: &str, patience: Duration) -> Result<Answer, ProbeFailure> {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        listen(&mut command, [patience; 2]).map(|(answer, _)| answer)
    }

    const LONG: Duration = Duration::from_secs(60);
    const STEP: &str = r#"echo '{"step":"cuInit"}';"#;

    #[test]
    fn an_answer_is_taken_whatever_comes_after_it() {
        let answer = heard(&format!(r#"{STEP} echo '{{"answer":"busy"}}'; sleep 100"#), LONG);
        assert_eq!(answer, Ok(Answer::Busy));
    }

    #[test]
    fn a_crash_is_told_with_what_was_asked_and_the_signal() {
        let crashed = heard(&format!("{STEP} kill -SEGV $$"), LONG).unwrap_err();
        assert_eq!(crashed.to_string(), "the NVIDIA driver crashed in cuInit (signal 11 SIGSEGV)");
        let left = heard(&format!("{STEP} exit 7"), LONG).unwrap_err();
        assert_eq!(
            left.to_string(),
            "the NVIDIA driver crashed in cuInit (it ended the process with status 7)"
        );
        assert!(left.unmet().unwrap().remedy.is_some());
    }

    #[test]
    fn a_hang_is_told_from_a_crash() {
        let hung = heard(&format!("{STEP} exec sleep 1000"), Duration::from_millis(50)).unwrap_err();
        let step = "cuInit".to_owned();
        assert_eq!(hung, ProbeFailure::Hung { step, limit: Duration::from_millis(50) });
    }

    #[test]
    fn a_program_that_does_something_else_tells_nothing_about_the_driver() {
        let scripts =
            ["echo hello", "exit 0", "kill -SEGV $$", "head -c 3000000 /dev/zero", "echo '{\"step\":1}'"];
        for script in scripts {
            let failure = heard(script, LONG).unwrap_err();
            assert!(matches!(failure, ProbeFailure::NotAsked(_)), "{script}: {failure:?}");
            assert_eq!(failure.unmet(), None, "only trying can tell");
        }
        let silent = heard("exec sleep 1000", Duration::from_millis(50)).unwrap_err();
        assert!(matches!(silent, ProbeFailure::NotAsked(_)), "{silent:?}");
    }

    #[test]
    fn this_program_is_its_own_probe() {
        let answer = ask(Question::Abilities, LONG);
        assert!(!matches!(answer, Err(ProbeFailure::NotAsked(_))), "{answer:?}");
    }
}
