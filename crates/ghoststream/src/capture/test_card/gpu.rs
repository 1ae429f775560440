//! Frames of the card in a GPU's memory: drawn by a device of its own, as a compositor's are.
//!
//! What moves is drawn over the frame before in plain memory and copied to the next sheet; this thread waits
//! for the copy, so that what is lent can be read at once.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ghoststream_gpu::Acquire;
use ghoststream_gpu::drawing::{DrawingError, Easel, Sheet};
use ghoststream_gpu::sync::fence;

use super::BUFFERS;
use crate::capture::{GpuBuffer, GpuLease, Memory};
use crate::test_card::{Card, Stamp};
use crate::{PixelFormat, Size};

/// The sheets, and what they are drawn with.
pub(super) struct Sheets {
    easel: Easel,
    /// Which frame is on the easel, over which the next is drawn.
    drawn: Option<Stamp>,
    back: Arc<Back>,
}

/// Where sheets come back to.
struct Back(Mutex<State>);

struct State {
    idle: VecDeque<Idle>,
    /// Why nobody takes them.
    refused: Option<String>,
}

/// A sheet that is not lent out.
struct Idle {
    sheet: Sheet,
    /// What is on it.
    shown: Option<Stamp>,
    /// Signals when it was read.
    read: Option<OwnedFd>,
}

impl Idle {
    fn is_read(&self) -> bool {
        self.read.as_ref().is_none_or(fence::is_signalled)
    }
}

impl Sheets {
    /// All sheets at once, so that none is made on the way.
    pub(super) fn new(uuid: [u8; 16], size: Size) -> Result<Self, DrawingError> {
        let easel = Easel::open(uuid, PixelFormat::Bgrx, size)?;
        let blank = |sheet| Idle { sheet, shown: None, read: None };
        let idle = (0..BUFFERS).map(|_| easel.sheet().map(blank)).collect::<Result<_, _>>()?;
        let back = Arc::new(Back(Mutex::new(State { idle, refused: None })));
        Ok(Self { easel, drawn: None, back })
    }

    /// Draws a frame; nothing when every sheet is lent out.
    ///
    /// # Errors
    /// Why there will be no more.
    pub(super) fn draw(&mut self, card: &Card, stamp: Stamp) -> Result<Option<Memory>, String> {
        let Some(mut idle) = self.back.take()? else { return Ok(None) };
        let (bytes, stride) = self.easel.bytes();
        let painted = match self.drawn {
            None => card.paint(bytes, stride, stamp),
            Some(before) => card.advance(bytes, stride, before, stamp),
        };
        painted.map_err(|error| error.to_string())?;
        self.drawn = Some(stamp);
        let changed = idle.shown.map(|before| card.damage(before, stamp)).unwrap_or_default();
        self.easel.show(&mut idle.sheet, &changed).map_err(|error| error.to_string())?;
        (idle.shown, idle.read) = (Some(stamp), None);
        let buffer = Arc::clone(idle.sheet.buffer());
        let lent = Lent { idle: Mutex::new(Some(idle)), back: Arc::clone(&self.back) };
        Ok(Some(Memory::Gpu(GpuBuffer { buffer, lease: Arc::new(lent) })))
    }
}

impl Back {
    /// The sheet that has been back for longest, if it is not read any more.
    fn take(&self) -> Result<Option<Idle>, String> {
        let mut state = self.lock();
        match &state.refused {
            Some(why) => Err(why.clone()),
            None if state.idle.front().is_some_and(Idle::is_read) => Ok(state.idle.pop_front()),
            None => Ok(None),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sheet on loan; goes back when it is dropped.
struct Lent {
    /// There until it goes back.
    idle: Mutex<Option<Idle>>,
    back: Arc<Back>,
}

impl Lent {
    fn idle(&self) -> MutexGuard<'_, Option<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GpuLease for Lent {
    fn acquire(&self) -> Result<Acquire, String> {
        Ok(Acquire::Now)
    }

    fn read_until(&self, fence: OwnedFd) {
        if let Some(idle) = &mut *self.idle() {
            // Of two readers the later one counts; where the kernel cannot join them the newer is kept.
            let joined = idle.read.take().and_then(|it| fence::merge(it.as_fd(), fence.as_fd()).ok());
            idle.read = Some(joined.unwrap_or(fence));
        }
    }

    fn refuse(&self, why: &str) {
        self.back.lock().refused.get_or_insert_with(|| why.to_owned());
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let idle = self.idle().take();
        self.back.lock().idle.extend(idle);
    }
}
