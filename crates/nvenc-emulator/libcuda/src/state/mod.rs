//! What the driver keeps: contexts, memory, streams and events, behind one lock.

mod context;
mod external;
mod memory;
mod stream;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nvenc_emulator::{Kind, Loss};

use crate::argument::Handle;
use crate::call::{emulator, fault};
use crate::code::{Code, Result};

pub(crate) use context::{Context, check_flags, stack};
pub(crate) use external::External;
pub(crate) use memory::{Allocation, DEVICE_SPACE, Origin, Space, pitch_of};
pub(crate) use stream::{Event, Stream, is_builtin, wait};

/// The number of the only GPU.
pub(crate) const DEVICE: i32 = 0;

/// All that is kept.
#[derive(Debug)]
pub(crate) struct Driver {
    initialized: bool,
    gone: bool,
    made: usize,
    pub(crate) primary: context::Primary,
    pub(crate) contexts: BTreeMap<Handle, Context>,
    pub(crate) memory: Space,
    pub(crate) streams: BTreeMap<Handle, Stream>,
    pub(crate) events: BTreeMap<Handle, Event>,
    pub(crate) externals: BTreeMap<Handle, External>,
}

static DRIVER: Mutex<Driver> = Mutex::new(Driver::new());

impl Driver {
    const fn new() -> Self {
        Self {
            initialized: false,
            gone: false,
            made: 0,
            primary: context::Primary::new(),
            contexts: BTreeMap::new(),
            memory: Space::new(),
            streams: BTreeMap::new(),
            events: BTreeMap::new(),
            externals: BTreeMap::new(),
        }
    }

    /// This process's. A panic while it was held has left no half-made entry: each is made in one step.
    pub(crate) fn lock() -> MutexGuard<'static, Self> {
        DRIVER.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `cuInit`: finds the GPU, where the driver knows it.
    pub(crate) fn initialize(&mut self) -> Result {
        let emulator = emulator()?;
        if self.gone || !emulator.machine.is_supported() || fault(emulator.faults.has(Kind::NoLibcuda))? {
            return Err(Code::ERROR_NO_DEVICE);
        }
        self.memory.set_total(emulator.machine.gpu.memory_mib << 20);
        self.initialized = true;
        Ok(())
    }

    /// Fails before `cuInit`.
    pub(crate) fn check_initialized(&self) -> Result {
        if self.initialized { Ok(()) } else { Err(Code::ERROR_NOT_INITIALIZED) }
    }

    /// Fails where the GPU is gone.
    pub(crate) fn check_present(&self) -> Result {
        if self.gone { Err(Code::ERROR_UNKNOWN) } else { Ok(()) }
    }

    /// Loses the GPU: every context is dead from now on, and where it is gone no new one is made.
    pub(crate) fn lose(&mut self, loss: Loss) {
        self.gone |= loss == Loss::Gone;
        for context in self.contexts.values_mut() {
            context.lost = true;
        }
    }

    /// A handle that was never given out before: one that is used after its end is always found out.
    ///
    /// It is no address that a processor can follow.
    pub(crate) fn new_handle(&mut self) -> Handle {
        self.made += 1;
        Handle(0x0002_0000_0000_0000 + self.made * 0x100)
    }
}

/// Fails for any other device than the only one.
pub(crate) fn check_device(device: i32) -> Result {
    if device == DEVICE { Ok(()) } else { Err(Code::ERROR_INVALID_DEVICE) }
}
