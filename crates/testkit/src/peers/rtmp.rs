//! RTMP servers: nginx with its RTMP module, which records what it gets, and FFmpeg, which listens for
//! one stream.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{free_port, wait_for_port};
use crate::child::Running;
use crate::net::{self, Side};
use crate::secrets::STREAM_KEY;

/// nginx with the application `live`, which records each stream that is published into a file of its
/// own, and the application `closed`, where nobody may publish. On a port of loopback, or at the far end
/// of a path.
#[derive(Debug)]
pub struct Nginx {
    dir: tempfile::TempDir,
    address: Ipv4Addr,
    port: u16,
    path: Option<Arc<net::Path>>,
    running: Option<Running>,
}

impl Nginx {
    /// Below which nginx and its modules are: installed, or where `scripts/install-packages` unpacks them.
    const ROOTS: [&str; 2] = ["", concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/servers")];

    /// Starts it.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start() -> Result<Self> {
        Self::begin(Ipv4Addr::LOCALHOST, free_port()?, None)
    }

    /// Starts it at the far end of a path.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start_beyond(path: &Arc<net::Path>) -> Result<Self> {
        Self::begin(net::FAR, 1935, Some(Arc::clone(path)))
    }

    fn begin(address: Ipv4Addr, port: u16, path: Option<Arc<net::Path>>) -> Result<Self> {
        let mut nginx = Self { dir: tempfile::tempdir()?, address, port, path, running: None };
        std::fs::create_dir(nginx.recordings())?;
        nginx.go()?;
        Ok(nginx)
    }

    /// Starts it again on the same port, after [`kill`](Self::kill).
    ///
    /// # Errors
    /// It does not start.
    pub fn go(&mut self) -> Result<()> {
        let module = |root: &str| format!("{root}/usr/lib/nginx/modules/ngx_rtmp_module.so");
        let root = Self::ROOTS.into_iter().find(|root| Path::new(&module(root)).exists());
        let root = root.context("nginx's RTMP module is missing: scripts/install-packages test")?;
        let dir = self.dir.path();
        let config = format!(
            "daemon off; master_process off; error_log {0}/error.log info; pid {0}/pid;\n\
             load_module {2};\n\
             events {{ worker_connections 64; }}\n\
             rtmp {{ access_log off; server {{ listen {3}:{1}; ping 1s; ping_timeout 2s;\n\
             application live {{ live on; record all; record_path {0}/recordings; record_unique on; record_suffix .flv; }}\n\
             application closed {{ live on; deny publish all; }}\n\
             }} }}\n",
            dir.display(),
            self.port,
            module(root),
            self.address,
        );
        let path = dir.join("nginx.conf");
        std::fs::write(&path, config)?;
        let mut command = Command::new(format!("{root}/usr/sbin/nginx"));
        command.arg("-p").arg(dir).arg("-c").arg(&path);
        if let Some(path) = &self.path {
            path.place(Side::Far, &mut command)?;
        }
        self.running = Some(Running::start(&mut command, &dir.join("log"))?);
        match &self.path {
            Some(path) => path.on(Side::Far, || wait_for_port(self.address, self.port))?,
            None => wait_for_port(self.address, self.port),
        }
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// The URL of a stream.
    pub fn url(&self, key: &str) -> String {
        self.url_of("live", key)
    }

    /// The URL of a stream of another application.
    pub fn url_of(&self, application: &str, key: &str) -> String {
        format!("rtmp://{}:{}/{application}/{key}", self.address, self.port)
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What it recorded, in the order in which it was begun.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn recorded(&self) -> Result<Vec<PathBuf>> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(self.recordings())? {
            let entry = entry?;
            all.push((entry.metadata()?.created()?, entry.path()));
        }
        all.sort();
        // By names that do not tell the key, which nginx puts into its own.
        let unnamed = |(n, (_, path)): (usize, (_, PathBuf))| {
            let link = self.dir.path().join(format!("recording-{n}.flv"));
            if !link.exists() {
                std::fs::hard_link(path, &link)?;
            }
            Ok(link)
        };
        all.into_iter().enumerate().map(unnamed).collect()
    }

    /// Stops it from doing anything, without a word to anybody.
    pub fn freeze(&self) {
        self.signal(libc::SIGSTOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(libc::SIGCONT);
    }

    /// Bytes of what it has recorded so far, over all streams.
    pub fn received(&self) -> u64 {
        let files = std::fs::read_dir(self.recordings()).into_iter().flatten().flatten();
        files.filter_map(|it| it.metadata().ok()).map(|it| it.len()).sum()
    }

    fn signal(&self, signal: i32) {
        if let Some(running) = &self.running {
            running.signal(signal);
        }
    }

    /// All that it logged.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.dir.path().join("error.log"))?)
    }

    fn recordings(&self) -> PathBuf {
        self.dir.path().join("recordings")
    }
}

/// FFmpeg listening for one stream, which it writes to a file as it comes.
#[derive(Debug)]
pub struct RtmpListener {
    dir: tempfile::TempDir,
    port: u16,
    running: Running,
}

impl RtmpListener {
    /// Starts it.
    ///
    /// # Errors
    /// FFmpeg is not there.
    pub fn start() -> Result<Self> {
        let (dir, port) = (tempfile::tempdir()?, free_port()?);
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "warning", "-listen", "1", "-f", "flv", "-i"]);
        command.arg(format!("rtmp://127.0.0.1:{port}/live/{STREAM_KEY}"));
        command.args(["-map", "0", "-c", "copy"]).arg(dir.path().join("received.mkv"));
        let running = Running::start(&mut command, &dir.path().join("log"))?;
        let listener = Self { dir, port, running };
        listener.wait_until_it_listens()?;
        Ok(listener)
    }

    /// FFmpeg's version: the first two numbers.
    ///
    /// # Errors
    /// It does not say.
    pub fn version(&self) -> Result<(u32, u32)> {
        let output = Command::new("ffmpeg").arg("-version").output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.split_whitespace().nth(2).context("no version")?;
        let mut numbers = version.split(|it: char| !it.is_ascii_digit()).filter_map(|it| it.parse().ok());
        let (major, minor) = (numbers.next(), numbers.next());
        Ok((major.with_context(|| format!("{version} is no version"))?, minor.unwrap_or(0)))
    }

    /// The URL of its stream.
    pub fn url(&self) -> String {
        format!("rtmp://127.0.0.1:{}/live/{STREAM_KEY}", self.port)
    }

    /// What it received, once the stream has ended.
    ///
    /// # Errors
    /// It does not end.
    pub fn received(&mut self) -> Result<PathBuf> {
        let status = self.running.wait(Duration::from_secs(20))?;
        let path = self.dir.path().join("received.mkv");
        if !path.exists() {
            bail!("{status}: {}", std::fs::read_to_string(self.dir.path().join("log"))?);
        }
        Ok(path)
    }

    /// It takes one connection only, so that trying would use it up: the kernel's table says whether it listens.
    fn wait_until_it_listens(&self) -> Result<()> {
        let wanted = format!("0100007F:{:04X} 00000000:0000 0A", self.port);
        for _ in 0..3000 {
            if std::fs::read_to_string("/proc/net/tcp")?.contains(&wanted) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("ffmpeg does not listen: {}", std::fs::read_to_string(self.dir.path().join("log"))?)
    }
}
