//! The hold on a buffer in a GPU's memory, and its end.

use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use ghoststream_gpu::sync::{Timeline, fence};
use ghoststream_gpu::{Acquire, DmaBuf};

use super::returns::Ticket;
use super::waiter::Waits;
use crate::capture::GpuLease;

/// Refusals of buffers, on their way to the thread that negotiates.
pub(super) struct Refusals {
    pending: Mutex<Option<(u64, String)>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Refusals {
    /// `wake` wakes that thread.
    pub(super) fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { pending: Mutex::default(), wake }
    }

    /// Buffers with a modifier cannot be used. The first reason stays.
    pub(super) fn refuse(&self, modifier: u64, why: &str) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.get_or_insert_with(|| (modifier, why.to_owned()));
        drop(pending);
        (self.wake)();
    }

    /// The refusal that was not seen to yet.
    pub(super) fn take(&self) -> Option<(u64, String)> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusals").field("pending", &self.pending).finish_non_exhaustive()
    }
}

/// The promise to signal a point when a picture was read. It is kept on every way out: what is dropped signals.
#[derive(Debug)]
pub(super) struct Release {
    timeline: Arc<dyn Timeline>,
    point: u64,
    kept: bool,
}

impl Release {
    pub(super) fn new(timeline: Arc<dyn Timeline>, point: u64) -> Self {
        Self { timeline, point, kept: false }
    }

    /// Leaves it to a sync file.
    fn leave_to(&mut self, fence: &OwnedFd) -> std::io::Result<()> {
        self.timeline.signal_with(self.point, fence.as_fd())?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = self.timeline.signal(self.point)
        {
            tracing::debug!(%error, "a release point cannot be signalled");
        }
    }
}

/// What is given back when a picture was read.
pub(super) struct Hold {
    _ticket: Ticket,
    release: Option<Release>,
}

impl Hold {
    pub(super) const fn new(ticket: Ticket, release: Option<Release>) -> Self {
        Self { _ticket: ticket, release }
    }
}

/// A buffer in a GPU's memory, lent out. What it holds was drawn already: whoever reads need not wait.
pub(super) struct Lent {
    hold: Option<Hold>,
    buffer: Arc<DmaBuf>,
    /// Whether the buffer itself takes our fences, see [`fence::add_reader`].
    takes_fences: bool,
    /// Those that it could not take, or that a release point waits for.
    fences: Mutex<Vec<OwnedFd>>,
    waits: Arc<Waits>,
    refusals: Arc<Refusals>,
}

impl Lent {
    pub(super) fn new(
        hold: Hold,
        buffer: Arc<DmaBuf>,
        takes_fences: bool,
        waits: &Arc<Waits>,
        refusals: &Arc<Refusals>,
    ) -> Self {
        let (waits, refusals) = (Arc::clone(waits), Arc::clone(refusals));
        Self { hold: Some(hold), buffer, takes_fences, fences: Mutex::default(), waits, refusals }
    }
}

impl GpuLease for Lent {
    fn acquire(&self) -> Result<Acquire, String> {
        Ok(Acquire::Now)
    }

    fn read_until(&self, fence: OwnedFd) {
        if self.takes_fences
            && self
                .buffer
                .planes
                .iter()
                .all(|plane| fence::add_reader(plane.fd.as_fd(), fence.as_fd()).is_ok())
        {
            return;
        }
        let mut fences = self.fences.lock().unwrap_or_else(PoisonError::into_inner);
        // One for each rendition that reads the picture; a timeline's point takes one only.
        match fences.last().map(|last| fence::merge(last.as_fd(), fence.as_fd())) {
            Some(Ok(both)) => *fences = vec![both],
            _ => fences.push(fence),
        }
    }

    fn refuse(&self, why: &str) {
        self.refusals.refuse(self.buffer.modifier, why);
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let fences = std::mem::take(&mut *self.fences.lock().unwrap_or_else(PoisonError::into_inner));
        let Some(mut hold) = self.hold.take() else { return };
        if fences.is_empty() {
            return;
        }
        if let (Some(release), [fence]) = (&mut hold.release, &fences[..])
            && release.leave_to(fence).is_ok()
        {
            return;
        }
        self.waits.keep(fences, Box::new(hold));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::FrameSink;
    use crate::capture::pipewire::returns::Returns;
    use crate::capture::pipewire::waiter::Waiter;
    use crate::stats::{Counters, Journal};
    use crate::{PixelFormat, Size};
    use ghoststream_gpu::{DmaBufPlane, LINEAR};
    use std::os::fd::BorrowedFd;
    use std::time::Duration;

    /// What a timeline was told.
    #[derive(Debug, Default)]
    struct Told {
        signalled: Mutex<Vec<u64>>,
        left_to_fences: Mutex<Vec<u64>>,
        takes_fences: bool,
    }

    impl Timeline for Told {
        fn wait(&self, _: u64, _: Duration) -> std::io::Result<bool> {
            Ok(true)
        }

        fn signal(&self, point: u64) -> std::io::Result<()> {
            self.signalled.lock().unwrap().push(point);
            Ok(())
        }

        fn signal_with(&self, point: u64, _: BorrowedFd<'_>) -> std::io::Result<()> {
            if !self.takes_fences {
                return Err(std::io::ErrorKind::Unsupported.into());
            }
            self.left_to_fences.lock().unwrap().push(point);
            Ok(())
        }
    }

    struct Bench {
        timeline: Arc<Told>,
        returns: Arc<Returns>,
        refusals: Arc<Refusals>,
        waiter: Waiter,
    }

    fn bench(takes_fences: bool) -> Bench {
        let returns = Arc::new(Returns::default());
        returns.set_buffers(8);
        let sink = FrameSink::new(Arc::new(Counters::default()), Journal::default());
        Bench {
            timeline: Arc::new(Told { takes_fences, ..Told::default() }),
            returns,
            refusals: Arc::new(Refusals::new(Arc::new(|| {}))),
            waiter: Waiter::start(sink).unwrap(),
        }
    }

    impl Bench {
        fn lend(&self) -> Lent {
            let (fd, _) = rustix::pipe::pipe().unwrap();
            let plane = DmaBufPlane { fd, offset: 0, stride: 4 };
            let buffer = Arc::new(DmaBuf::new(PixelFormat::Bgrx, Size::new(1, 1), LINEAR, vec![plane]));
            let release = Release::new(Arc::clone(&self.timeline) as Arc<dyn Timeline>, 7);
            let hold = Hold::new(self.returns.borrow(3).unwrap(), Some(release));
            Lent::new(hold, buffer, false, self.waiter.waits(), &self.refusals)
        }

        fn given_back(&self) -> bool {
            !self.returns.take(crate::Timestamp::now()).is_empty()
        }
    }

    #[test]
    fn a_picture_that_nobody_read_signals_its_release_at_once() {
        let bench = bench(true);
        drop(bench.lend());
        assert_eq!(*bench.timeline.signalled.lock().unwrap(), [7]);
        assert!(bench.timeline.left_to_fences.lock().unwrap().is_empty());
        assert!(bench.given_back());
    }

    #[test]
    fn a_release_is_left_to_the_fence_of_who_read() {
        let bench = bench(true);
        let lent = bench.lend();
        let (fence, _signal) = rustix::pipe::pipe().unwrap();
        lent.read_until(fence);
        drop(lent);
        assert!(bench.timeline.signalled.lock().unwrap().is_empty(), "it is being read");
        assert_eq!(*bench.timeline.left_to_fences.lock().unwrap(), [7]);
        assert!(bench.given_back(), "its producer waits for the point");
    }

    #[test]
    fn a_fence_that_the_timeline_does_not_take_is_waited_for() {
        let bench = bench(false);
        let lent = bench.lend();
        let (fence, signal) = rustix::pipe::pipe().unwrap();
        lent.read_until(fence);
        drop(lent);
        assert!(!bench.given_back() && bench.timeline.signalled.lock().unwrap().is_empty());
        rustix::io::write(&signal, b"!").unwrap();
        while !bench.given_back() {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(*bench.timeline.signalled.lock().unwrap(), [7]);
    }

    #[test]
    fn of_refusals_the_first_reason_stays() {
        let bench = bench(true);
        let lent = bench.lend();
        lent.refuse("one");
        lent.refuse("two");
        assert_eq!(bench.refusals.take(), Some((LINEAR, "one".into())));
        assert_eq!(bench.refusals.take(), None);
    }
}
