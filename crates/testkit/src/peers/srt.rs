//! SRT peers: `srt-live-transmit`, which writes a stream as it comes, called or calling at the same time;
//! `srt-file-transmit`, which takes no live stream; and FFmpeg, which listens or calls.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::child::Running;
use crate::net::{FAR, Path, Side};

/// A UDP port that nobody had a moment ago.
///
/// # Errors
/// There is none.
pub fn free_udp_port() -> Result<u16> {
    Ok(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Who calls while it is called.
const MEETING: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
/// Whom it calls.
const MET: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// `srt-live-transmit`, listening for one caller after the other until it is ended, or for one.
#[derive(Debug)]
pub struct SrtServer {
    dir: tempfile::TempDir,
    port: u16,
    /// Where the URL's host is.
    host: Ipv4Addr,
    program: &'static str,
    /// Where it is told to listen, or whom to call.
    at: String,
    running: Option<Running>,
    begun: usize,
}

impl SrtServer {
    /// Starts it on loopback with these options of its URL: `latency=200&passphrase=…`.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start(options: &str) -> Result<Self> {
        let mut server = Self::new(options, Ipv4Addr::LOCALHOST)?;
        server.go()?;
        Ok(server)
    }

    /// Starts it calling another side that calls it: a rendezvous, with these options.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn meet(options: &str) -> Result<Self> {
        let mut server = Self::new(options, MEETING)?;
        server.at = format!("srt://{MET}:{}?mode=rendezvous&adapter={MEETING}&{options}", server.port);
        server.go()?;
        Ok(server)
    }

    /// Starts `srt-file-transmit` in its place, which transmits in another way.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_for_files() -> Result<Self> {
        let mut server = Self { program: "srt-file-transmit", ..Self::new("", Ipv4Addr::LOCALHOST)? };
        server.go()?;
        Ok(server)
    }

    /// Starts it at the far side of a path.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_beyond(path: &Path, options: &str) -> Result<Self> {
        let mut server = Self::new(options, FAR)?;
        server.go_beyond(path)?;
        Ok(server)
    }

    fn new(options: &str, host: Ipv4Addr) -> Result<Self> {
        let (dir, port) = (tempfile::tempdir()?, free_udp_port()?);
        let at = format!("srt://{host}:{port}?mode=listener&{options}");
        Ok(Self { dir, port, host, program: "srt-live-transmit", at, running: None, begun: 0 })
    }

    /// Starts it again on the same port, after [`kill`](Self::kill); what it gets goes into another file.
    ///
    /// # Errors
    /// It does not start.
    pub fn go(&mut self) -> Result<()> {
        let mut command = self.command();
        self.run(&mut command)
    }

    /// As [`go`](Self::go), at the far side of a path.
    ///
    /// # Errors
    /// It does not start.
    pub fn go_beyond(&mut self, path: &Path) -> Result<()> {
        let mut command = self.command();
        path.place(Side::Far, &mut command)?;
        self.run(&mut command)
    }

    /// Whether it has ended by itself, which it does with its caller.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn ended(&mut self) -> Result<bool> {
        self.running.as_mut().map_or(Ok(false), Running::ended)
    }

    fn command(&self) -> Command {
        if self.program == "srt-file-transmit" {
            let mut command = Command::new(self.program);
            command.args(["-loglevel:error", &self.at]).arg(format!("file://{}", self.dir.path().display()));
            return command;
        }
        let mut command = Command::new("sh");
        // Its own log has standard error; it ends with its first caller.
        command.args(["-c", "out=$1; shift; exec \"$@\" >\"$out\"", "sh"]).arg(self.file(self.begun));
        command.args([self.program, "-a:no", "-loglevel:error", &self.at, "file://con"]);
        command
    }

    fn run(&mut self, command: &mut Command) -> Result<()> {
        self.begun += 1;
        let running = Running::start(command, &self.dir.path().join("log"))?;
        wait_until_open(&running, self.port)?;
        self.running = Some(running);
        Ok(())
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// The URL to call it at.
    pub fn url(&self, options: &str) -> String {
        let meeting = self.host == MEETING;
        let mode = if meeting { format!("mode=rendezvous&adapter={MET}&") } else { String::new() };
        format!("srt://{}:{}?{mode}{options}", self.host, self.port)
    }

    /// What the caller sent, once it has ended the connection.
    ///
    /// # Errors
    /// It has not.
    pub fn received(&mut self) -> Result<PathBuf> {
        if let Some(running) = &mut self.running {
            running.wait(Duration::from_secs(30))?;
        }
        Ok(self.file(self.begun - 1))
    }

    /// What each caller sent, in order.
    pub fn files(&self) -> Vec<PathBuf> {
        (0..self.begun).map(|it| self.file(it)).collect()
    }

    /// Bytes that it has written so far, over all callers.
    pub fn received_bytes(&self) -> u64 {
        self.files().iter().filter_map(|it| it.metadata().ok()).map(|it| it.len()).sum()
    }

    fn file(&self, index: usize) -> PathBuf {
        self.dir.path().join(format!("received-{index}.ts"))
    }
}

/// FFmpeg, which writes one stream to a file as it comes.
#[derive(Debug)]
pub struct SrtFfmpeg {
    dir: tempfile::TempDir,
    port: u16,
    running: Running,
}

impl SrtFfmpeg {
    /// Listens on loopback, with these options of its URL: times in microseconds.
    ///
    /// # Errors
    /// FFmpeg is not there, or has no SRT.
    pub fn listen(options: &str) -> Result<Self> {
        let port = free_udp_port()?;
        let peer = Self::run(port, &format!("mode=listener&{options}"))?;
        wait_until_open(&peer.running, port)?;
        Ok(peer)
    }

    /// Calls a port of loopback for half a minute.
    ///
    /// # Errors
    /// FFmpeg is not there.
    pub fn call(port: u16, options: &str) -> Result<Self> {
        Self::run(port, &format!("mode=caller&connect_timeout=30000&{options}"))
    }

    fn run(port: u16, options: &str) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "warning", "-f", "mpegts", "-i"]);
        command.arg(format!("srt://127.0.0.1:{port}?{options}"));
        command.args(["-map", "0", "-c", "copy"]).arg(dir.path().join("received.mkv"));
        let running = Running::start(&mut command, &dir.path().join("log"))?;
        Ok(Self { dir, port, running })
    }

    /// The URL to call it at.
    pub fn url(&self, options: &str) -> String {
        format!("srt://127.0.0.1:{}?{options}", self.port)
    }

    /// Ends it at once.
    pub fn kill(self) {}

    /// What it received, once the stream has ended.
    ///
    /// # Errors
    /// It does not end.
    pub fn received(&mut self) -> Result<PathBuf> {
        let status = self.running.wait(Duration::from_secs(30))?;
        let path = self.dir.path().join("received.mkv");
        if !path.exists() {
            bail!("{status}: {}", self.log()?);
        }
        Ok(path)
    }

    /// What it has said.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.dir.path().join("log"))?)
    }
}

/// Waits until the program, wherever it is, has a socket at the port: the kernel's table says so.
fn wait_until_open(running: &Running, port: u16) -> Result<()> {
    let (table, wanted) = (format!("/proc/{}/net/udp", running.id()), format!(":{port:04X} 00000000:0000"));
    let start = Instant::now();
    while !std::fs::read_to_string(&table)?.contains(&wanted) {
        if start.elapsed() > Duration::from_secs(30) {
            bail!("nobody came to listen at UDP port {port}; are srt-tools installed?");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
