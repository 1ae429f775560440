//! What the kernel knows of a TCP connection's path.
#![allow(unsafe_code)]

use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::time::Duration;

/// How a connection does (`struct tcp_info`, linux/tcp.h). Totals are over its whole life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Path {
    /// The smoothed round trip time.
    pub(super) rtt: Duration,
    /// Bytes that the other side has, in order or not. What came out of order is counted in whole
    /// segments, so that this may be a little too much until the rest has come.
    pub(super) delivered: u64,
    /// Bytes that the other side has in order and its program may read.
    pub(super) acknowledged: u64,
    /// Bytes that were written and that the other side has not got, sent or not.
    pub(super) undelivered: u64,
    /// Bytes that were sent and not acknowledged in order, in whole segments. There are none while the other side's
    /// program reads nothing and its kernel has no more room.
    pub(super) in_flight: u64,
    /// Bytes a second that got through when more was sent than usual, as the kernel measured it last.
    pub(super) burst_rate: u64,
    pub(super) segments: u64,
    pub(super) retransmitted: u64,
    /// How long ago anything came from the other side.
    pub(super) heard_ago: Duration,
    /// Attempts, one after the other, to send again what was not acknowledged in time.
    pub(super) attempts: u8,
    /// How long the kernel waits for an acknowledgement before the next attempt.
    pub(super) attempt_every: Duration,
    /// Whether nothing that was sent is known to be missing.
    pub(super) is_whole: bool,
}

/// Asks the kernel; `None` where it does not say.
pub(super) fn of(socket: &TcpStream) -> Option<Path> {
    // Eight numbers of one byte each, then numbers of four bytes; from offset 104 on some of eight.
    // Kernels only ever add to its end.
    let mut info = [0u8; 256];
    let mut length = info.len() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes into info and says how many they were.
    let code = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &mut length,
        )
    };
    if code != 0 {
        return None;
    }
    let known = &info[..(length as usize).min(info.len())];
    let u32_at = |at: usize| known.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
    let u64_at = |at: usize| known.get(at..at + 8)?.try_into().ok().map(u64::from_ne_bytes);
    let beyond = u64::from(u32_at(28)?) * u64::from(u32_at(16)?);
    Some(Path {
        rtt: Duration::from_micros(u32_at(68)?.into()),
        retransmitted: u32_at(100)?.into(),
        delivered: u64_at(120)? + beyond,
        acknowledged: u64_at(120)?,
        in_flight: u64::from(u32_at(24)?) * u64::from(u32_at(16)?),
        undelivered: unacknowledged(socket)?.saturating_sub(beyond),
        burst_rate: u64_at(160)?,
        segments: u32_at(136)?.into(),
        heard_ago: Duration::from_millis(u32_at(56)?.into()),
        attempts: *known.get(2)?,
        attempt_every: Duration::from_micros(u32_at(8)?.into()),
        // The states in which something is sent again are the last two (`enum tcp_ca_state`).
        is_whole: *known.get(1)? < 3 && u32_at(36)? == 0,
    })
}

/// Bytes in the send queue (`SIOCOUTQ`, tcp(7), which has the number of `TIOCOUTQ`).
fn unacknowledged(socket: &TcpStream) -> Option<u64> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the kernel writes one int.
    let code = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &mut bytes) };
    if code == 0 { u64::try_from(bytes).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Instant;

    use super::*;

    /// Asks until it is so.
    fn wait_for(socket: &TcpStream, so: impl Fn(&Path) -> bool) -> Path {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let path = of(socket).unwrap();
            if so(&path) {
                return path;
            }
            assert!(Instant::now() < until, "{path:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn what_a_peer_has_not_taken_is_known_and_what_it_has_too() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut theirs, _) = listener.accept().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut written = 0;
        while let Ok(bytes) = ours.write(&[0; 65536]) {
            written += bytes;
        }
        // One byte more is counted, which no program wrote: that which opens the connection.
        let all = |bytes: u64| bytes.abs_diff(written as u64) <= 1;
        let full = wait_for(&ours, |it| all(it.delivered + it.undelivered));
        assert!(full.undelivered > 0 && full.segments > 0, "{full:?}");

        theirs.read_exact(&mut vec![0; written]).unwrap();
        let empty = wait_for(&ours, |it| it.undelivered == 0);
        assert!(all(empty.delivered), "{written}: {empty:?}");
        assert!(empty.rtt > Duration::ZERO && empty.rtt < Duration::from_secs(30), "{empty:?}");
    }
}
