//! What streams are sent to, for real: servers of others, on ports of loopback.

mod browser;
mod enhanced;
mod gstreamer;
mod rtmp;
mod srt;
mod tap;
mod throttle;
mod tls;

pub use browser::{Browser, CanvasPicture, Program};
pub use enhanced::elementary;
pub use gstreamer::GstViewer;
pub use rtmp::{Nginx, RtmpListener};
pub use srt::{SrtFfmpeg, SrtServer, free_udp_port};
pub use tap::{Heard, Tap};
pub use throttle::Throttle;
pub use tls::{Authority, Certificate, TlsFront};

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// A TCP port that nobody listened at a moment ago.
///
/// # Errors
/// There is none.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Waits until somebody listens.
fn wait_for_port(address: Ipv4Addr, port: u16) -> Result<()> {
    let start = Instant::now();
    while TcpStream::connect((address, port)).is_err() {
        if start.elapsed() > Duration::from_secs(30) {
            bail!("nobody came to listen at port {port}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
