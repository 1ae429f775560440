//! A path that carries only so much, in front of a server.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::net::sockopt;

/// Hands what comes to a port on to another, no faster than it is told. What it does not read stays
/// with the sender, for it buffers next to nothing itself.
#[derive(Debug)]
pub struct Throttle {
    port: u16,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    to: u16,
    bytes_a_second: AtomicU64,
    ended: AtomicBool,
}

impl Throttle {
    const TICK: Duration = Duration::from_millis(5);

    /// In front of a port of loopback; it carries all there is.
    ///
    /// # Errors
    /// There is no port or no thread left.
    pub fn before(to: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        // Taken over by accepted sockets; later it would be without effect on their windows.
        sockopt::set_socket_recv_buffer_size(&listener, 32 << 10)?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let state = State { to, bytes_a_second: AtomicU64::new(u64::MAX), ended: AtomicBool::new(false) };
        let state = Arc::new(state);
        let ours = Arc::clone(&state);
        let accept = move || ours.accept(&listener);
        let thread = Some(std::thread::Builder::new().name("throttle".into()).spawn(accept)?);
        Ok(Self { port, state, thread })
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Carries so many kilobits a second from now on, on each connection.
    pub fn carry(&self, kbps: u32) {
        self.state.bytes_a_second.store(u64::from(kbps) * 125, Ordering::Relaxed);
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic there was printed there.
            let _ = thread.join();
        }
    }
}

impl State {
    fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    fn accept(&self, listener: &TcpListener) {
        std::thread::scope(|scope| {
            while !self.ended() {
                match listener.accept() {
                    Ok((near, _)) => {
                        scope.spawn(move || self.join(near));
                    }
                    Err(_) => std::thread::sleep(Self::PAUSE),
                }
            }
        });
    }

    const PAUSE: Duration = Duration::from_millis(10);

    /// Two ends of a connection, until one of them is gone.
    fn join(&self, near: TcpStream) {
        let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.to)) else { return };
        for socket in [&near, &far] {
            // Set on sockets that are open it does not fail.
            let _ = socket.set_nonblocking(false);
            let _ = socket.set_read_timeout(Some(Throttle::TICK));
        }
        std::thread::scope(|scope| {
            scope.spawn(|| self.pump(&near, &far, true));
            self.pump(&far, &near, false);
        });
    }

    fn pump(&self, mut from: &TcpStream, mut to: &TcpStream, limited: bool) {
        let mut buffer = vec![0; 16 << 10];
        let (mut allowed, mut since) = (0.0, Instant::now());
        while !self.ended() {
            let rate = self.bytes_a_second.load(Ordering::Relaxed) as f64;
            allowed = (allowed + rate * since.elapsed().as_secs_f64()).min(rate / 20.0);
            since = Instant::now();
            let most = if limited { buffer.len().min(allowed as usize) } else { buffer.len() };
            if most == 0 {
                std::thread::sleep(Throttle::TICK);
                continue;
            }
            match from.read(&mut buffer[..most]) {
                Ok(0) => break,
                Ok(read) => {
                    allowed -= read as f64;
                    if to.write_all(&buffer[..read]).is_err() {
                        break;
                    }
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => break,
            }
        }
        // The other side may be gone already.
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }
}
