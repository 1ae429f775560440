//! The thread that carries packets from one device to the other.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Way;
use crate::shaper::Shaper;

/// What the thread shares with the test.
#[derive(Debug)]
pub(crate) struct Wire {
    ways: [Mutex<Shaper>; 2],
    stopped: AtomicBool,
}

impl Wire {
    pub(crate) fn new(up: Shaper, down: Shaper) -> Self {
        Self { ways: [Mutex::new(up), Mutex::new(down)], stopped: AtomicBool::new(false) }
    }

    pub(crate) fn way(&self, way: Way) -> MutexGuard<'_, Shaper> {
        self.ways[way as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Carries packets until it is stopped.
    pub(crate) fn pump(&self, near: &File, far: &File) {
        /// The longest that nothing is looked at: conditions may have changed.
        const TICK: Duration = Duration::from_millis(5);
        while !self.stopped.load(Ordering::Relaxed) {
            let next = [(Way::Up, near, far), (Way::Down, far, near)].map(|(way, from, to)| {
                let mut shaper = self.way(way);
                take(from, &mut shaper);
                give(to, &mut shaper);
                shaper.next()
            });
            let now = Instant::now();
            let patience = next.into_iter().flatten().min().map(|at| at.saturating_duration_since(now));
            wait(near, far, patience.unwrap_or(TICK).min(TICK));
        }
    }
}

/// All that has left a side. It is IPv4 only: what kernels say to each other over IPv6 by themselves
/// would be lost and counted in the place of a test's packets.
fn take(mut device: &File, shaper: &mut Shaper) {
    let mut packet = [0; 1 << 16];
    // Whoever sends without an end must not keep the other direction waiting.
    for _ in 0..64 {
        match device.read(&mut packet) {
            Ok(0) | Err(_) => return,
            Ok(length) if packet[0] >> 4 == 4 => shaper.offer(Instant::now(), packet[..length].to_vec()),
            Ok(_) => {}
        }
    }
}

/// All that arrives at a side.
fn give(mut device: &File, shaper: &mut Shaper) {
    while let Some(packet) = shaper.arrived(Instant::now()) {
        // A device that takes no packet loses it, as a network does.
        let _ = device.write(&packet);
    }
}

/// Until a packet has come, or the time is over.
fn wait(near: &File, far: &File, patience: Duration) {
    let poll = |file: &File| libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let mut polled = [poll(near), poll(far)];
    let timeout = libc::timespec { tv_sec: 0, tv_nsec: patience.as_nanos() as libc::c_long };
    // SAFETY: both live through the call; the patience is less than a second. An interruption is as good as time.
    unsafe { libc::ppoll(polled.as_mut_ptr(), 2, &timeout, std::ptr::null()) };
}
