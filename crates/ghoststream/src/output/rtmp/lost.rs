//! What becomes of a connection that was lost, and the one that was there before it was given up.

use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::socket;

/// How long a server is without its word at most.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// A connection that was lost, kept until the next is there.
///
/// Where a path was cut, its server still takes it for alive and the key for in use. Whatever is said to
/// it meanwhile is lost as well; so it is reset when there is a path again, before the key is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Lost(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    lost: Option<TcpStream>,
    /// Connected, and nothing was said yet.
    next: Option<TcpStream>,
}

impl Lost {
    pub(super) fn keep(&self, socket: TcpStream, next: Option<TcpStream>) {
        // A kernel that sends again once a second would end it after a quarter of a minute, and nobody could reset it
        // any more; where the time cannot be set that is so.
        let _ = socket::set_user_timeout(&socket, Some(KEPT));
        *self.kept() = Kept { lost: Some(socket), next };
    }

    /// Whether there is a connection that can take its place at once.
    pub(super) fn has_next(&self) -> bool {
        self.kept().next.is_some()
    }

    pub(super) fn take_next(&self) -> Option<TcpStream> {
        self.kept().next.take()
    }

    /// Tells the server, which may have noticed itself.
    pub(super) fn reset(&self) {
        if let Some(socket) = self.kept().lost.take() {
            socket::reset(socket);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read, Write};
    use std::net::TcpListener;

    use testkit::net::{self, Conditions, FAR, Side};

    use super::*;

    /// However little time the kernel had been given while the connection was used.
    #[test]
    fn a_server_is_told_by_a_reset_though_the_path_was_silent_for_long() {
        let net = net::Path::new(Conditions::default(), 1).unwrap();
        let listener = net.on(Side::Far, || TcpListener::bind((FAR, 0)).unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let mut ours = net.on(Side::Near, || TcpStream::connect(address).unwrap()).unwrap();
        let mut theirs = listener.accept().unwrap().0;
        net.cut();
        ours.write_all(&[0; 1000]).unwrap();
        socket::set_user_timeout(&ours, Some(Duration::from_millis(1000))).unwrap();
        let lost = Lost::default();
        lost.keep(ours, None);
        std::thread::sleep(Duration::from_secs(3));
        net.mend();
        lost.reset();
        theirs.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let told = loop {
            match theirs.read(&mut [0; 4096]) {
                Ok(1..) => {}
                other => break other.map_err(|it| it.kind()),
            }
        };
        assert_eq!(told, Err(ErrorKind::ConnectionReset));
    }
}
