//! Listens in on what is published to an RTMP server: each message, and when its last byte arrived.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Result;
use ghoststream::Timestamp;

/// A message of sound (8), pictures (9) or anything else.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Its type (RTMP 1.0, section 7.1).
    pub kind: u8,
    /// Its time in milliseconds.
    pub time: u32,
    /// What it holds.
    pub body: Vec<u8>,
    /// When it was there.
    pub arrived: Timestamp,
}

/// Stands before a server on loopback, hands on everything, and keeps what was published.
#[derive(Debug)]
pub struct Tap {
    port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Tap {
    /// Starts it before the server at `port`.
    ///
    /// # Errors
    /// There is no port left.
    pub fn start(port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let ours = listener.local_addr()?.port();
        let (heard, stopped) = (Arc::<Mutex<Vec<Heard>>>::default(), Arc::<AtomicBool>::default());
        let (keep, stop) = (Arc::clone(&heard), Arc::clone(&stopped));
        let serve = move || {
            while !stop.load(Ordering::Relaxed) {
                match listener.accept() {
                    // A connection that ends is no error here: its test sees what it heard.
                    Ok((client, _)) => drop(listen_in(&client, port, &keep, &stop)),
                    Err(_) => thread::sleep(Duration::from_millis(5)),
                }
            }
        };
        let thread = thread::Builder::new().name("gs-tap".into()).spawn(serve)?;
        Ok(Self { port: ours, heard, stopped, thread: Some(thread) })
    }

    /// The URL of a stream of the application `live`.
    pub fn url(&self, key: &str) -> String {
        format!("rtmp://127.0.0.1:{}/live/{key}", self.port)
    }

    /// What was published so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic there was printed; there is nothing else to tell.
            let _ = thread.join();
        }
    }
}

/// One connection, until either side ends it.
fn listen_in(client: &TcpStream, port: u16, heard: &Mutex<Vec<Heard>>, stop: &AtomicBool) -> Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    for socket in [client, &server] {
        socket.set_nonblocking(false)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    }
    thread::scope(|scope| {
        let back = thread::Builder::new().name("gs-tap-back".into());
        back.spawn_scoped(scope, || carry(&server, client, stop, |_| {}))?;
        let mut chunks = Chunks::new();
        carry(client, &server, stop, |bytes| {
            chunks.input(bytes);
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.extend(std::iter::from_fn(|| chunks.next(Timestamp::now())));
        });
        Ok(())
    })
}

fn carry(mut from: &TcpStream, mut to: &TcpStream, stop: &AtomicBool, mut look: impl FnMut(&[u8])) {
    let mut buffer = [0; 64 << 10];
    while !stop.load(Ordering::Relaxed) {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                look(&buffer[..length]);
                if to.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    // The other direction ends with this one.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// Puts messages together, of chunk streams below 64 (RTMP 1.0, section 5.3).
#[derive(Debug)]
struct Chunks {
    /// What has come and is not taken; first the handshake.
    waiting: Vec<u8>,
    /// Bytes of the handshake that are still to come.
    greeting: usize,
    size: usize,
    streams: BTreeMap<u8, Partial>,
}

#[derive(Clone, Debug, Default)]
struct Partial {
    kind: u8,
    time: u32,
    length: usize,
    extended: bool,
    body: Vec<u8>,
}

impl Chunks {
    const fn new() -> Self {
        Self { waiting: Vec::new(), greeting: 1 + 2 * 1536, size: 128, streams: BTreeMap::new() }
    }

    fn input(&mut self, bytes: &[u8]) {
        let skip = self.greeting.min(bytes.len());
        self.greeting -= skip;
        self.waiting.extend(&bytes[skip..]);
    }

    /// The next whole message.
    fn next(&mut self, now: Timestamp) -> Option<Heard> {
        loop {
            let (taken, whole) = self.chunk()?;
            self.waiting.drain(..taken);
            let Some(Partial { kind, time, body, .. }) = whole else { continue };
            if kind == 1 {
                self.size = u32::from_be_bytes(*body.first_chunk()?) as usize;
            }
            return Some(Heard { kind, time, body, arrived: now });
        }
    }

    /// How long the next chunk is, and the message that it ends; `None` where it is not all there.
    fn chunk(&mut self) -> Option<(usize, Option<Partial>)> {
        let bytes = &self.waiting;
        let (format, id) = (bytes.first()? >> 6, bytes[0] & 0x3F);
        let mut partial = self.streams.get(&id).cloned().unwrap_or_default();
        let number = |at: usize, count: usize| {
            Some(bytes.get(at..at + count)?.iter().fold(0u32, |all, byte| all << 8 | u32::from(*byte)))
        };
        let mut at = 1 + [11, 7, 3, 0][usize::from(format)];
        if format < 3 {
            partial.time = number(1, 3)?;
            partial.extended = partial.time == 0xFF_FFFF;
        }
        if format < 2 {
            partial.length = number(4, 3)? as usize;
            partial.kind = *bytes.get(7)?;
        }
        if partial.extended {
            partial.time = number(at, 4)?;
            at += 4;
        }
        let length = (partial.length - partial.body.len()).min(self.size);
        partial.body.extend(bytes.get(at..at + length)?);
        let whole = partial.body.len() == partial.length;
        let message = whole.then(|| partial.clone());
        if whole {
            partial.body.clear();
        }
        self.streams.insert(id, partial);
        Some((at + length, message))
    }
}
