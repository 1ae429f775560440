//! Running the real binary.
#![allow(dead_code)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The command in an environment where nothing is found: no session, no configuration. Its control socket is
/// below the home.
pub fn ghoststream(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ghoststream"));
    command.env_clear().env("HOME", home).env("XDG_RUNTIME_DIR", home);
    command.env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    command
}

/// The options of a small test card that software encodes, which two busy cores keep up with.
pub const SMALL: [&str; 12] = [
    "--source",
    "test-card",
    "--size",
    "320x180",
    "--fps",
    "30",
    "--encoder",
    "software",
    "--encoder-preset",
    "fastest",
    "--codec",
    "h264",
];

/// A home, and the recordings in it.
#[derive(Debug)]
pub struct Place {
    pub dir: tempfile::TempDir,
}

impl Place {
    pub fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// What came of a command.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Standard output as one JSON object a line.
    pub fn json(&self) -> Vec<serde_json::Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        // Whatever a test is about: no key, no passphrase.
        for bytes in [&output.stdout, &output.stderr] {
            let told = testkit::secrets::line_with_one(std::str::from_utf8(bytes).expect("text"));
            assert_eq!(told.map(str::len), None, "a secret was told; its line is not repeated here");
        }
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// Runs the command with an empty home, which may hold a profile file of this text.
pub fn run<S: AsRef<OsStr>>(arguments: &[S], config: Option<&str>) -> Ran {
    let home = tempfile::tempdir().unwrap();
    if let Some(text) = config {
        let dir = home.path().join(".config/ghoststream");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("config.toml"), text).unwrap();
    }
    bounded(ghoststream(home.path()).args(arguments))
}

/// Runs a command to its end, which is an error after a minute.
pub fn bounded(command: &mut Command) -> Ran {
    Background::start(command).wait()
}

/// A command that runs beside the test, and is ended with it.
#[derive(Debug)]
pub struct Background {
    id: u32,
    output: mpsc::Receiver<std::io::Result<Output>>,
    running: bool,
}

impl Background {
    pub fn start(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let id = child.id();
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || sender.send(child.wait_with_output()));
        Self { id, output, running: true }
    }

    /// Sends a signal by its name, such as `INT`.
    pub fn signal(&self, name: &str) {
        let script = format!("kill -{name} {}", self.id);
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success(), "{script}");
    }

    /// Whether it has not ended.
    pub fn runs(&self) -> bool {
        Path::new(&format!("/proc/{}", self.id)).exists()
    }

    /// Waits for its end, a minute at most.
    pub fn wait(mut self) -> Ran {
        let output = self.output.recv_timeout(Duration::from_secs(60)).expect("it ended within a minute");
        self.running = false;
        output.unwrap().into()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Only while it was not waited for is the id still its own.
        if self.running && self.output.try_recv().is_err() {
            self.signal("KILL");
        }
    }
}

/// Waits until `done`, a minute at most.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} did not happen within a minute");
        std::thread::sleep(Duration::from_millis(10));
    }
}
