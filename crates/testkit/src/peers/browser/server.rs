//! The server of the page: it serves one text, and takes what the page posts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ghoststream::Size;

use super::CanvasPicture;

/// Pictures that are kept, the newest.
const KEPT: usize = 16;
/// Pictures after which the page counts as loaded, and how long that may take.
const LOADED: usize = 8;
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of a body at most.
const MOST: usize = 64 << 20;

/// What the page said so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) cameras: Vec<String>,
    pub(super) seen: usize,
    /// How often the page was refused the camera, and how it was told last.
    pub(super) refused: (usize, String),
    pub(super) error: Option<String>,
}

#[derive(Debug, Default)]
struct Shared {
    told: Mutex<Told>,
    pictures: Mutex<Vec<CanvasPicture>>,
    stop: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(page: &'static str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        let served = Arc::clone(&shared);
        let body = move || {
            // A thread each: browsers open connections that they may never use.
            std::thread::scope(|scope| {
                for stream in listener.incoming().flatten() {
                    if served.stop.load(Ordering::Acquire) {
                        return;
                    }
                    let served = &served;
                    scope.spawn(move || serve(stream, page, served));
                }
            });
        };
        let thread = std::thread::Builder::new().name("page".into()).spawn(body)?;
        Ok(Self { address, shared, thread: Some(thread) })
    }

    /// `localhost` rather than an address: browsers hand cameras to secure places only.
    pub(super) fn url(&self) -> String {
        format!("http://localhost:{}/", self.address.port())
    }

    pub(super) fn told(&self) -> Told {
        lock(&self.shared.told).clone()
    }

    pub(super) fn pictures(&self) -> Vec<CanvasPicture> {
        lock(&self.shared.pictures).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(stream: TcpStream, page: &str, shared: &Shared) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, path) =
        (words.next().unwrap_or_default().to_owned(), words.next().context("a path")?.to_owned());
    let mut length = 0;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? <= 2 {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse::<usize>()?.min(MOST);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let path = path.split('?').next().unwrap_or_default();
    let answer = match (method.as_str(), path) {
        ("GET", "/") => page,
        ("GET", "/seen") => {
            wait_for_pictures(shared);
            ""
        }
        ("POST", path) => {
            take(path, body, shared);
            ""
        }
        _ => "",
    };
    let mut stream = reader.into_inner();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
        answer.len()
    )?;
    Ok(())
}

fn wait_for_pictures(shared: &Shared) {
    let start = Instant::now();
    while lock(&shared.told).seen < LOADED
        && start.elapsed() < PATIENCE
        && !shared.stop.load(Ordering::Acquire)
    {
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn take(path: &str, body: Vec<u8>, shared: &Shared) {
    let text = || String::from_utf8_lossy(&body).into_owned();
    let mut parts = path.trim_start_matches('/').split('/');
    match parts.next() {
        Some("cameras") => lock(&shared.told).cameras = text().lines().map(str::to_owned).collect(),
        Some("refused") => {
            let refused = &mut lock(&shared.told).refused;
            *refused = (refused.0 + 1, text());
        }
        Some("error") => lock(&shared.told).error = Some(text()),
        Some("frame") => {
            let mut side = || parts.next().and_then(|it| it.parse::<u32>().ok()).unwrap_or(0);
            let size = Size::new(side(), side());
            let mut pictures = lock(&shared.pictures);
            if pictures.len() == KEPT {
                pictures.remove(0);
            }
            pictures.push(CanvasPicture { size, rgba: body });
            lock(&shared.told).seen += 1;
        }
        _ => {}
    }
}
