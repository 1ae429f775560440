//! Contexts, and which of them is current: each thread has a stack of its own.

use std::cell::RefCell;

use super::Driver;
use crate::argument::Handle;
use crate::code::{Code, Result};

/// A context.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    /// As it was created.
    pub(crate) flags: u32,
    /// Whether the GPU was lost under it.
    pub(crate) lost: bool,
}

/// The device's own context, shared by all who retain it.
#[derive(Debug)]
pub(crate) struct Primary {
    pub(crate) handle: Option<Handle>,
    pub(crate) retained: u32,
    pub(crate) flags: u32,
}

impl Primary {
    pub(super) const fn new() -> Self {
        Self { handle: None, retained: 0, flags: 0 }
    }
}

thread_local! {
    static STACK: RefCell<Vec<Handle>> = const { RefCell::new(Vec::new()) };
}

/// This thread's stack of contexts.
pub(crate) mod stack {
    use super::{Handle, STACK};

    /// The topmost.
    pub(crate) fn top() -> Option<Handle> {
        STACK.with_borrow(|stack| stack.last().copied())
    }

    /// Puts one on top.
    pub(crate) fn push(context: Handle) {
        STACK.with_borrow_mut(|stack| stack.push(context));
    }

    /// Takes the topmost off.
    pub(crate) fn pop() -> Option<Handle> {
        STACK.with_borrow_mut(Vec::pop)
    }
}

/// Fails for flags that no context has: scheduling is in the low three bits, then host mapping and local
/// memory.
pub(crate) fn check_flags(flags: u32) -> Result {
    let known = flags & !0xff == 0 && matches!(flags & 7, 0 | 1 | 2 | 4);
    if known { Ok(()) } else { Err(Code::ERROR_INVALID_VALUE) }
}

impl Driver {
    /// Makes a context.
    pub(crate) fn create_context(&mut self, flags: u32) -> Result<Handle> {
        self.check_present()?;
        check_flags(flags)?;
        let handle = self.new_handle();
        self.contexts.insert(handle, Context { flags, lost: false });
        Ok(handle)
    }

    /// Ends a context, with all that was made in it.
    pub(crate) fn destroy_context(&mut self, handle: Handle) -> Result {
        self.contexts.remove(&handle).ok_or(Code::ERROR_INVALID_CONTEXT)?;
        self.memory.forget_context(handle);
        self.streams.retain(|_, stream| stream.context != handle);
        self.events.retain(|_, event| event.context != handle);
        Ok(())
    }

    /// Retains the primary context, which is made by the first who does.
    pub(crate) fn retain_primary(&mut self) -> Result<Handle> {
        let handle = match self.primary.handle {
            Some(handle) if !self.contexts.get(&handle).is_none_or(|context| context.lost) => handle,
            Some(_) => return Err(Code::ERROR_LAUNCH_FAILED),
            None => self.create_context(self.primary.flags)?,
        };
        self.primary.handle = Some(handle);
        self.primary.retained += 1;
        Ok(handle)
    }

    /// Releases the primary context, which ends with the last who does.
    pub(crate) fn release_primary(&mut self) -> Result {
        if self.primary.retained == 0 {
            return Err(Code::ERROR_INVALID_CONTEXT);
        }
        self.primary.retained -= 1;
        if self.primary.retained == 0 { self.reset_primary() } else { Ok(()) }
    }

    /// Ends the primary context, whoever retains it.
    pub(crate) fn reset_primary(&mut self) -> Result {
        self.primary.retained = 0;
        match self.primary.handle.take() {
            Some(handle) => self.destroy_context(handle),
            None => Ok(()),
        }
    }

    /// A context that lives.
    pub(crate) fn live(&self, handle: Handle) -> Result<Context> {
        match self.contexts.get(&handle) {
            None => Err(Code::ERROR_INVALID_CONTEXT),
            Some(context) if context.lost => Err(Code::ERROR_LAUNCH_FAILED),
            Some(context) => Ok(*context),
        }
    }

    /// This thread's current context, which lives.
    pub(crate) fn current(&self) -> Result<Handle> {
        let handle = stack::top().ok_or(Code::ERROR_INVALID_CONTEXT)?;
        match self.contexts.get(&handle) {
            None => Err(Code::ERROR_CONTEXT_IS_DESTROYED),
            Some(context) if context.lost => Err(Code::ERROR_LAUNCH_FAILED),
            Some(_) => Ok(handle),
        }
    }
}
