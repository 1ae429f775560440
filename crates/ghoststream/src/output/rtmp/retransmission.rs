//! Keeps the kernel's attempts to send again close together.
//!
//! TCP waits twice as long before each further attempt, so that a path that was silent for two seconds may be whole
//! for two more before anything is tried on it. Kernels from 6.15 on let a program say how long is the longest
//! ([`socket::bound_retransmissions`]). Older ones wait no longer than what is left of `TCP_USER_TIMEOUT`, counted
//! from the first attempt, and end the connection when that is over (tcp(7)); so it is moved ahead of them for as long
//! as the path is silent.

use std::net::TcpStream;
use std::time::Duration;

use super::path::Path;
use super::socket;
use crate::Timestamp;

/// Looks after one connection.
#[derive(Debug)]
pub(super) struct Retransmission {
    /// When nothing was missing for the last time: the first attempt came later.
    whole: Timestamp,
    /// When it was looked for the last time.
    looked: Timestamp,
    /// Whether the kernel was told a time.
    told: bool,
    by: Bound,
}

/// Who keeps the attempts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Kernel,
    Us,
}

impl Retransmission {
    /// The longest between two attempts. A thread that is kept from looking for as long loses the connection.
    const WITHIN: Duration = Duration::from_millis(900);
    /// Attempts that the kernel makes by itself are left alone while they are closer together than this: the wait
    /// after the next is twice as long.
    const CLOSE: Duration = Duration::from_millis(350);
    /// How often it is looked.
    pub(super) const LOOK: Duration = Duration::from_millis(20);

    pub(super) fn of(socket: &TcpStream) -> Self {
        Self::new(if socket::bound_retransmissions(socket).is_ok() { Bound::Kernel } else { Bound::Us })
    }

    fn new(by: Bound) -> Self {
        let now = Timestamp::now();
        Self { whole: now, looked: now, told: false, by }
    }

    /// Called at least every hundred milliseconds.
    pub(super) fn look(&mut self, socket: &TcpStream, now: Timestamp) {
        if self.by == Bound::Kernel || now.since(self.looked) < Self::LOOK {
            return;
        }
        self.looked = now;
        let timeout = super::path::of(socket).and_then(|path| self.timeout(now, &path));
        if timeout.is_some() || self.told {
            // Where it cannot be set, the kernel's own times hold.
            let _ = socket::set_user_timeout(socket, timeout);
            self.told = timeout.is_some();
        }
    }

    /// What the kernel is to be told.
    fn timeout(&mut self, now: Timestamp, path: &Path) -> Option<Duration> {
        if path.is_whole {
            self.whole = now;
        }
        let far_apart = path.attempts > 0 && path.attempt_every > Self::CLOSE;
        far_apart.then(|| now.since(self.whole) + Self::WITHIN)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use testkit::net::{self, Conditions, FAR, Side};

    use super::*;
    use crate::output::rtmp::path;

    const MS: Duration = Duration::from_millis(1);

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_nanos(milliseconds * 1_000_000)
    }

    fn silent(attempts: u8, attempt_every: u32) -> Path {
        Path { attempts, attempt_every: MS * attempt_every, ..Path::default() }
    }

    #[test]
    fn the_kernel_is_told_a_time_only_while_its_attempts_are_far_apart_and_always_a_later_one() {
        let whole = Path { is_whole: true, attempt_every: MS * 400, ..Path::default() };
        let mut it = Retransmission::new(Bound::Us);
        assert_eq!(it.timeout(at(1_000), &whole), None);
        assert_eq!(it.timeout(at(1_200), &silent(0, 200)), None);
        // The first attempt is at 1200 at the earliest, when all was not whole any more.
        assert_eq!(it.timeout(at(1_220), &silent(1, 300)), None);
        assert_eq!(it.timeout(at(1_600), &silent(2, 600)), Some(MS * 600 + Retransmission::WITHIN));
        assert_eq!(it.timeout(at(3_600), &silent(5, 4_800)), Some(MS * 2_600 + Retransmission::WITHIN));
        assert_eq!(it.timeout(at(3_700), &whole), None);
        assert_eq!(it.timeout(at(9_000), &silent(1, 400)), Some(MS * 5_300 + Retransmission::WITHIN));
    }

    /// What became of a connection over a path that was silent for six and a half seconds.
    #[derive(Debug)]
    struct Silence {
        attempts: u8,
        /// Whether what was sent meanwhile arrived over it afterwards.
        lived: bool,
        /// The longest that this machine kept the test from looking.
        held_up: Duration,
    }

    fn silence(watched: impl FnOnce(&TcpStream) -> Option<Retransmission>) -> Silence {
        let net = net::Path::new(Conditions::default().with_delay(MS * 10), 1).unwrap();
        let listener = net.on(Side::Far, || TcpListener::bind((FAR, 0)).unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let ours = net.on(Side::Near, || TcpStream::connect(address).unwrap()).unwrap();
        let mut theirs = listener.accept().unwrap().0;
        theirs.set_nonblocking(true).unwrap();
        let (mut watch, mut held_up, mut arrived) = (watched(&ours), Duration::ZERO, 0);
        let mut look_until = |over: &dyn Fn(usize, Duration) -> bool| {
            let began = Timestamp::now();
            let mut last = began;
            while !over(arrived, last.since(began)) && ours.peer_addr().is_ok() {
                std::thread::sleep(MS * 10);
                let now = Timestamp::now();
                held_up = held_up.max(now.since(last));
                last = now;
                watch.iter_mut().for_each(|it| it.look(&ours, now));
                arrived += theirs.read(&mut [0; 4096]).unwrap_or(0);
            }
            arrived
        };
        (&ours).write_all(&[0; 1000]).unwrap();
        look_until(&|arrived, _| arrived == 1000);
        net.cut();
        (&ours).write_all(&[0; 1000]).unwrap();
        look_until(&|_, since| since > MS * 6500);
        let attempts = path::of(&ours).map_or(0, |it| it.attempts);
        net.mend();
        let arrived = look_until(&|arrived, since| arrived == 2000 || since > MS * 30_000);
        Silence { attempts, lived: arrived == 2000, held_up }
    }

    /// One in which this machine kept nobody from looking: it would say nothing of the kernel.
    fn undisturbed(watched: fn(&TcpStream) -> Option<Retransmission>) -> Silence {
        let tries = (0..10).map(|_| silence(watched)).inspect(|it| println!("{it:?}"));
        tries
            .into_iter()
            .find(|it| it.held_up < Retransmission::WITHIN / 3)
            .expect("a machine that is not so busy")
    }

    /// After 0.2, 0.7 and 1.5 s come 3.2 and 6.5 s by themselves.
    #[test]
    fn what_is_not_acknowledged_is_sent_again_at_least_once_a_second() {
        let of = |watched| std::thread::spawn(move || undisturbed(watched));
        let alone = of(|_| None);
        let newest = of(|socket| Some(Retransmission::of(socket)));
        let by_us = of(|_| Some(Retransmission::new(Bound::Us)));
        let [alone, newest, by_us] = [alone, newest, by_us].map(|it| it.join().unwrap());
        assert!(alone.lived && alone.attempts <= 5, "{alone:?}");
        assert!(newest.lived && newest.attempts >= 6, "{newest:?}");
        assert!(by_us.lived && by_us.attempts >= 6, "{by_us:?}");
    }
}
