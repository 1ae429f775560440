//! Contexts.

use std::ffi::c_int;

use crate::argument::{Handle, Out, address};
use crate::call::entries;
use crate::code::Code;
use crate::state::{DEVICE, Driver, check_device, check_flags, stack, wait};

/// The stream that waits for all others.
const ALL_STREAMS: Handle = Handle(0);

entries! {
    /// Makes a context and puts it on this thread's stack.
    fn cuCtxCreate_v2(pctx: Out<Handle>, flags: u32, dev: c_int) |call| {
        check_device(dev)?;
        pctx.check()?;
        let context = Driver::lock().create_context(flags)?;
        call.field("context", || address(context.0 as u64));
        stack::push(context);
        pctx.put(context)
    }

    /// Ends a context with all that is in it.
    fn cuCtxDestroy_v2(ctx: Handle) |_call| {
        if ctx == Handle(0) {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        let mut driver = Driver::lock();
        // The primary context is released, never destroyed.
        if driver.primary.handle == Some(ctx) {
            return Err(Code::ERROR_INVALID_CONTEXT);
        }
        driver.destroy_context(ctx)?;
        if stack::top() == Some(ctx) {
            stack::pop();
        }
        Ok(())
    }

    /// Puts a context on this thread's stack.
    fn cuCtxPushCurrent_v2(ctx: Handle) |_call| {
        if ctx == Handle(0) {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        Driver::lock().live(ctx)?;
        stack::push(ctx);
        Ok(())
    }

    /// Takes the topmost context off this thread's stack.
    fn cuCtxPopCurrent_v2(pctx: Out<Handle>) |call| {
        let context = stack::pop().ok_or(Code::ERROR_INVALID_CONTEXT)?;
        call.field("context", || address(context.0 as u64));
        pctx.put_if_wanted(context);
        Ok(())
    }

    /// Replaces the topmost context of this thread's stack; null takes it off.
    fn cuCtxSetCurrent(ctx: Handle) |_call| {
        if ctx != Handle(0) {
            Driver::lock().live(ctx)?;
        }
        stack::pop();
        if ctx != Handle(0) {
            stack::push(ctx);
        }
        Ok(())
    }

    /// This thread's current context, or null.
    fn cuCtxGetCurrent(pctx: Out<Handle>) |call| {
        let context = stack::top().unwrap_or(Handle(0));
        call.field("context", || address(context.0 as u64));
        pctx.put(context)
    }

    /// The current context's device.
    fn cuCtxGetDevice(device: Out<c_int>) |_call| {
        Driver::lock().current()?;
        device.put(DEVICE)
    }

    /// The version of the interface that a context was made by; null is the current one.
    fn cuCtxGetApiVersion(ctx: Handle, version: Out<u32>) |_call| {
        let driver = Driver::lock();
        if ctx == Handle(0) { driver.current()? } else { driver.live(ctx).map(|_| ctx)? };
        // That of cuCtxCreate_v2.
        version.put(3020)
    }

    /// The current context's flags.
    fn cuCtxGetFlags(flags: Out<u32>) |_call| {
        let driver = Driver::lock();
        let context = driver.live(driver.current()?)?;
        flags.put(context.flags)
    }

    /// Waits for all work of the current context.
    fn cuCtxSynchronize() |_call| {
        Driver::lock().current()?;
        wait(ALL_STREAMS);
        Driver::lock().current().map(drop)
    }

    /// Limits kernels, of which there are none.
    fn cuCtxSetLimit(limit: u32, _value: usize) |_call| {
        Driver::lock().current()?;
        if limit <= 6 { Ok(()) } else { Err(Code::ERROR_INVALID_VALUE) }
    }

    /// The priorities that streams can have: one.
    fn cuCtxGetStreamPriorityRange(least: Out<c_int>, greatest: Out<c_int>) |_call| {
        Driver::lock().current()?;
        least.put_if_wanted(0);
        greatest.put_if_wanted(0);
        Ok(())
    }

    /// Retains the device's own context, which becomes current for nobody by that.
    fn cuDevicePrimaryCtxRetain(pctx: Out<Handle>, dev: c_int) |call| {
        check_device(dev)?;
        pctx.check()?;
        let context = Driver::lock().retain_primary()?;
        call.field("context", || address(context.0 as u64));
        pctx.put(context)
    }

    /// Releases the device's own context.
    fn cuDevicePrimaryCtxRelease(dev: c_int) |_call| {
        check_device(dev)?;
        Driver::lock().release_primary()
    }

    /// As the first version.
    fn cuDevicePrimaryCtxRelease_v2(dev: c_int) |_call| {
        check_device(dev)?;
        Driver::lock().release_primary()
    }

    /// Sets the flags of the device's own context, before it is made.
    fn cuDevicePrimaryCtxSetFlags(dev: c_int, flags: u32) |_call| {
        check_device(dev)?;
        let mut driver = Driver::lock();
        check_flags(flags)?;
        if driver.primary.handle.is_some() {
            return Err(Code::ERROR_PRIMARY_CONTEXT_ACTIVE);
        }
        driver.primary.flags = flags;
        Ok(())
    }

    /// Sets the flags of the device's own context, at any time.
    fn cuDevicePrimaryCtxSetFlags_v2(dev: c_int, flags: u32) |_call| {
        check_device(dev)?;
        check_flags(flags)?;
        Driver::lock().primary.flags = flags;
        Ok(())
    }

    /// The flags of the device's own context, and whether it is there.
    fn cuDevicePrimaryCtxGetState(dev: c_int, flags: Out<u32>, active: Out<c_int>) |_call| {
        check_device(dev)?;
        let driver = Driver::lock();
        flags.put(driver.primary.flags)?;
        active.put(driver.primary.handle.is_some().into())
    }

    /// Ends the device's own context, whoever retains it.
    fn cuDevicePrimaryCtxReset(dev: c_int) |_call| {
        check_device(dev)?;
        Driver::lock().reset_primary()
    }

    /// As the first version.
    fn cuDevicePrimaryCtxReset_v2(dev: c_int) |_call| {
        check_device(dev)?;
        Driver::lock().reset_primary()
    }
}
