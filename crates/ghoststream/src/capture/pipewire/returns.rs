//! What is out of a stream's buffers, and what came back.
//!
//! Lent at most are all buffers but three: one that the producer draws into, one that arrives, and one
//! on its way back, which takes a cycle each. Streams with few buffers are topped up with copies, see
//! [`Returns::budget`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::mapping::Mapping;
use crate::Timestamp;
use crate::capture::Lease;
use crate::idle::Idle;

/// Buffers that are never lent.
const KEPT_BACK: usize = 3;

/// Frames that may be out at a time even where buffers are few: what the queue, the pacer and the
/// conversion hold together.
const LEAST_OUT: usize = 6;

/// What is out, and what came back. Shared with every frame that is out; never locked for long.
#[derive(Debug, Default)]
pub(super) struct Returns {
    state: Mutex<Out>,
}

#[derive(Debug, Default)]
struct Out {
    /// Buffers that the stream has now.
    buffers: usize,
    lent: usize,
    copies: usize,
    /// Slots to hand back to PipeWire. Holds no more than were lent.
    back: Vec<u64>,
    /// Memory of copies that were dropped. What has not been needed for a minute is given back.
    spare: Idle<Vec<u8>>,
}

impl Returns {
    /// Tells how many buffers the stream has.
    pub(super) fn set_buffers(&self, buffers: usize) {
        self.lock().buffers = buffers;
    }

    /// The slots that came back since the last call.
    pub(super) fn take(&self, now: Timestamp) -> Vec<u64> {
        let mut state = self.lock();
        let back = std::mem::take(&mut state.back);
        let unneeded = state.spare.unneeded(now);
        // Who brings a frame back does not wait until the memory is gone.
        drop(state);
        drop(unneeded);
        back
    }

    /// Lends a buffer that cannot be copied, if not too many are out: one in any case.
    pub(super) fn borrow_one(self: &Arc<Self>, id: u64) -> Option<Ticket> {
        if let Some(ticket) = self.borrow(id) {
            return Some(ticket);
        }
        let mut state = self.lock();
        if state.lent > 0 {
            return None;
        }
        state.lent += 1;
        Some(Ticket { id, returns: Arc::clone(self) })
    }

    /// Lends a buffer, if not too many are out.
    pub(super) fn borrow(self: &Arc<Self>, id: u64) -> Option<Ticket> {
        let mut state = self.lock();
        if state.lent >= state.buffers.saturating_sub(KEPT_BACK) {
            return None;
        }
        state.lent += 1;
        Some(Ticket { id, returns: Arc::clone(self) })
    }

    /// How many frames may be out, lent and copied together: the lease cap, and [`LEAST_OUT`] at
    /// least.
    const fn budget(state: &Out) -> usize {
        let cap = state.buffers.saturating_sub(KEPT_BACK);
        if cap > LEAST_OUT { cap } else { LEAST_OUT }
    }

    /// Memory for a copy, if not too many frames are out.
    pub(super) fn blank(self: &Arc<Self>, capacity: usize) -> Option<Copied> {
        let mut state = self.lock();
        if state.lent + state.copies >= Self::budget(&state) {
            return None;
        }
        state.copies += 1;
        let mut bytes = state.spare.take().unwrap_or_default();
        drop(state);
        bytes.clear();
        bytes.reserve_exact(capacity);
        Some(Copied { bytes, returns: Arc::clone(self) })
    }

    /// Takes back the memory of a copy.
    fn keep(&self, bytes: Vec<u8>, now: Timestamp) {
        let mut state = self.lock();
        state.copies -= 1;
        if state.spare.len() < 2 {
            state.spare.put(bytes, now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Out> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The claim on a PipeWire buffer; dropping it gives the buffer back.
#[derive(Debug)]
pub(super) struct Ticket {
    id: u64,
    returns: Arc<Returns>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.returns.lock();
        state.lent -= 1;
        state.back.push(self.id);
    }
}

/// A lent buffer.
#[derive(Debug)]
pub(super) struct Lent {
    mapping: Arc<Mapping>,
    _ticket: Ticket,
}

impl Lent {
    /// Of a buffer whose memory is all in one mapping.
    pub(super) const fn new(mapping: Arc<Mapping>, ticket: Ticket) -> Self {
        Self { mapping, _ticket: ticket }
    }
}

impl Lease for Lent {
    fn bytes(&self) -> &[u8] {
        self.mapping.bytes()
    }
}

/// A copied picture. Its memory is used again.
#[derive(Debug)]
pub(super) struct Copied {
    pub(super) bytes: Vec<u8>,
    returns: Arc<Returns>,
}

impl Lease for Copied {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        self.returns.keep(std::mem::take(&mut self.bytes), Timestamp::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_buffers_are_always_kept_back() {
        let returns = Arc::new(Returns::default());
        returns.set_buffers(8);
        let tickets: Vec<_> = (0..10).map_while(|id| returns.borrow(id)).collect();
        assert_eq!(tickets.len(), 5);
        let copy = returns.blank(1);
        assert!(copy.is_some() && returns.blank(1).is_none(), "one copy, then enough are out");
        drop(tickets);
        assert_eq!(returns.take(Timestamp::now()), [0, 1, 2, 3, 4]);
        assert!(returns.take(Timestamp::now()).is_empty());
        assert!(returns.borrow(0).is_some());
    }

    #[test]
    fn what_cannot_be_copied_is_lent_once_even_where_buffers_are_few() {
        let returns = Arc::new(Returns::default());
        returns.set_buffers(2);
        let ticket = returns.borrow_one(0);
        assert!(ticket.is_some() && returns.borrow_one(1).is_none());
        drop(ticket);
        assert!(returns.borrow_one(1).is_some());
        returns.set_buffers(5);
        let tickets: Vec<_> = (0..10).map_while(|id| returns.borrow_one(id)).collect();
        assert_eq!(tickets.len(), 2);
    }

    #[test]
    fn memory_of_copies_is_used_again_and_given_back_after_a_minute() {
        let returns = Arc::new(Returns::default());
        let at = |second: i64| Timestamp::from_nanos(second * 1_000_000_000);
        let (first, second) = (vec![1; 4], vec![2; 4]);
        let kept = second.as_ptr();
        returns.lock().copies = 2;
        returns.keep(first, at(0));
        returns.keep(second, at(1));
        let spare = || returns.lock().spare.len();
        for (now, left) in [(60, 2), (61, 1), (61, 1)] {
            assert!(returns.take(at(now)).is_empty());
            assert_eq!(spare(), left, "after {now} s");
        }
        let again = returns.blank(4).expect("nothing is out");
        assert_eq!((again.bytes.as_ptr(), spare()), (kept, 0));
    }

    #[test]
    fn few_buffers_are_topped_up_with_copies() {
        for (buffers, lent) in [(1, 0), (2, 0), (3, 0), (4, 1), (6, 3)] {
            let returns = Arc::new(Returns::default());
            returns.set_buffers(buffers);
            let tickets: Vec<_> = (0..10).map_while(|id| returns.borrow(id)).collect();
            let copies: Vec<_> = (0..10).map_while(|_| returns.blank(4)).collect();
            assert_eq!((tickets.len(), copies.len()), (lent, LEAST_OUT - lent));
            drop(copies);
            assert!(returns.blank(4).is_some());
        }
    }
}
