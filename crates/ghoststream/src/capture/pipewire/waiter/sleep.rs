//! How the waiting thread sleeps.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ghoststream_gpu::sync::fence;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Keeping, Until};

/// A wait that cannot be interrupted is made in pieces of this length.
const PIECE: Duration = Duration::from_millis(20);

/// What the thread waits for next, without the locks.
pub(super) struct Sleep {
    until: Option<Until>,
    fences: Vec<Arc<OwnedFd>>,
    deadline: Option<Instant>,
}

impl Sleep {
    pub(super) fn new(first: Option<(Until, Instant)>, keeping: &[Keeping]) -> Self {
        let (until, deadline) = first.unzip();
        let unsignalled = |fence: &&Arc<OwnedFd>| !fence::is_signalled(fence);
        Self {
            until,
            fences: keeping.iter().flat_map(|it| &it.fences).filter(unsignalled).cloned().collect(),
            deadline: deadline.into_iter().chain(keeping.iter().map(|it| it.deadline)).min(),
        }
    }

    /// Until one of them may be there, or `wake` is written to.
    pub(super) fn sleep(&self, wake: &OwnedFd) {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if let Some(Until::Point(timeline, point)) = &self.until {
            // There is no descriptor to poll. A timeline that cannot be asked is as late as one that says no.
            if timeline.wait(*point, left.unwrap_or(PIECE).min(PIECE)).is_err() {
                std::thread::sleep(PIECE);
            }
            return;
        }
        let planes = match &self.until {
            Some(Until::Written(buffer)) => &buffer.planes[..],
            _ => &[],
        };
        let undrawn = planes.iter().map(|plane| plane.fd.as_fd()).filter(|fd| !fence::is_signalled(fd));
        let all = undrawn.chain(self.fences.iter().map(|fence| fence.as_fd())).chain([wake.as_fd()]);
        let mut polled: Vec<PollFd<'_>> = all.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        // A millisecond more, so that it does not wake just before the deadline.
        let most = left.map(|left| left + Duration::from_millis(1));
        let most = most.and_then(|most| Timespec::try_from(most).ok());
        if poll(&mut polled, most.as_ref()).is_ok() {
            // Counts how often it was woken, which is of no interest.
            let _ = rustix::io::read(wake, &mut [0u8; 8]);
        }
    }
}
