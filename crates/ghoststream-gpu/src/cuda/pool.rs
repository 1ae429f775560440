//! Pinned memory, used again and again.

use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Context, CudaError, PinnedBuffer};

/// A bounded number of equally long pieces of pinned memory. Each is allocated when it is first needed;
/// [`PinnedPiece`]s are given back on drop, from any thread, and freed when the pool and all of them are
/// gone.
#[derive(Clone, Debug)]
pub struct PinnedPool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    context: Context,
    length: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free: Vec<PinnedBuffer>,
    /// Pieces that may still be allocated.
    left: usize,
    abandoned: bool,
}

impl PinnedPool {
    /// At most `most` pieces of `length` bytes.
    pub fn new(context: &Context, length: usize, most: usize) -> Self {
        let state = Mutex::new(State { free: Vec::new(), left: most, abandoned: false });
        Self(Arc::new(Shared { context: context.clone(), length, state }))
    }

    /// A piece; `None` while all are taken, and for good once the pool is abandoned. What is in it may be
    /// anything.
    ///
    /// # Errors
    /// No more memory can be pinned, or the driver failed: it is not asked again.
    pub fn take(&self) -> Result<Option<PinnedPiece>, CudaError> {
        let free = {
            let mut state = self.0.state();
            if state.abandoned {
                return Ok(None);
            }
            match state.free.pop() {
                None if state.left == 0 => return Ok(None),
                None => {
                    state.left -= 1;
                    None
                }
                free => free,
            }
        };
        // Without the lock: a driver that hangs must not keep others from giving back and abandoning.
        let buffer = match free {
            Some(buffer) => buffer,
            None => {
                PinnedBuffer::new(&self.0.context, self.0.length).inspect_err(|_| self.0.state().left = 0)?
            }
        };
        Ok(Some(PinnedPiece { pool: Arc::clone(&self.0), buffer: Some(buffer) }))
    }

    /// Calls the driver no more, which hangs: what was allocated stays until the process ends.
    pub fn abandon(&self) {
        self.0.state().abandoned = true;
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let mut state = self.state();
        if state.abandoned {
            state.free.drain(..).for_each(std::mem::forget);
        }
    }
}

/// A piece of a pool, held.
#[derive(Debug)]
pub struct PinnedPiece {
    pool: Arc<Shared>,
    /// Until it is dropped.
    buffer: Option<PinnedBuffer>,
}

impl PinnedPiece {
    /// Its first byte. It is at this place, and no one else's, as long as self lives.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.buffer.as_mut().map_or(ptr::null_mut(), |it| it.bytes_mut().as_mut_ptr())
    }

    /// Bytes.
    pub fn len(&self) -> usize {
        self.buffer.as_ref().map_or(0, |it| it.bytes().len())
    }

    /// Whether it has none, which CUDA never gives.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for PinnedPiece {
    fn drop(&mut self) {
        self.pool.state().free.extend(self.buffer.take());
    }
}
