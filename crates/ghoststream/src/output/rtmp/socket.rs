//! A TCP connection that never blocks: its options, waiting for it, and what its errors mean.
#![allow(unsafe_code)]

use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::output::live::{LinkError, LinkFault};

/// linux/tcp.h; libc does not have it for every system.
const TCP_NOTSENT_LOWAT: libc::c_int = 25;
/// Bytes that the kernel may hold without having sent them. A jam is then seen in our own queue,
/// where something can be done about it, and not in a buffer of megabytes.
const NOT_SENT: libc::c_int = 64 << 10;

/// Sets what every connection here has.
pub(super) fn prepare(socket: TcpStream) -> io::Result<TcpStream> {
    socket.set_nodelay(true)?;
    // An old kernel may not know it; then a jam is seen later.
    let _ = set(&socket, TCP_NOTSENT_LOWAT, NOT_SENT);
    Ok(socket)
}

/// Ends a connection at once, unsent bytes and all: the other side is told by a reset.
pub(super) fn reset(socket: TcpStream) {
    // Where it cannot be set it is closed as usual.
    let _ = rustix::net::sockopt::set_socket_linger(&socket, Some(Duration::ZERO));
}

/// Waits until one of the events has come, or the time is over.
pub(super) fn wait(socket: impl AsFd, events: PollFlags, most: Duration) -> io::Result<PollFlags> {
    let mut polled = [PollFd::new(&socket, events)];
    match poll(&mut polled, Some(&timespec(most))) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(polled[0].revents()),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn timespec(time: Duration) -> Timespec {
    Timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos()) }
}

/// What becomes of an error of the socket.
pub(super) fn unreachable(error: &io::Error) -> LinkError {
    let (fault, text) = match error.kind() {
        ErrorKind::ConnectionRefused => (
            LinkFault::Unreachable,
            "nobody listens there: is the server running, and the port right?".to_owned(),
        ),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            (LinkFault::Unreachable, format!("the network does not lead there ({error})"))
        }
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => {
            (LinkFault::Closed, "it closed the connection".to_owned())
        }
        ErrorKind::TimedOut => (LinkFault::Timeout, "it does not answer any more".to_owned()),
        _ => (LinkFault::Closed, format!("the connection failed: {error}")),
    };
    LinkError::new(fault, text)
}

/// Lets the kernel wait a second at most, the least that it takes, before it sends again what is not acknowledged.
/// It knows how to from Linux 6.15 on.
pub(super) fn bound_retransmissions(socket: &TcpStream) -> io::Result<()> {
    const TCP_RTO_MAX_MS: libc::c_int = 44;
    set(socket, TCP_RTO_MAX_MS, 1000)
}

/// Ends the connection when what was sent is not acknowledged for so long; `None` leaves that to the kernel.
pub(super) fn set_user_timeout(socket: &TcpStream, time: Option<Duration>) -> io::Result<()> {
    let milliseconds = time.map_or(0, |it| it.as_millis().max(1));
    set(socket, libc::TCP_USER_TIMEOUT, libc::c_int::try_from(milliseconds).unwrap_or(libc::c_int::MAX))
}

fn set(socket: &TcpStream, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let (pointer, size) = ((&raw const value).cast(), size_of_val(&value) as libc::socklen_t);
    // SAFETY: the kernel reads one int.
    let code = unsafe { libc::setsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, option, pointer, size) };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
