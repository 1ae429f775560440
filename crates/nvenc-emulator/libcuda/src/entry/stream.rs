//! Streams.

use std::ffi::{c_int, c_void};

use crate::argument::{Handle, Host, Out, address};
use crate::call::entries;
use crate::code::{Code, Result};
use crate::state::{Driver, Stream, is_builtin, wait};

/// A `CUstreamCallback`.
pub type StreamCallback = Option<unsafe extern "C" fn(Handle, u32, *mut c_void)>;

/// A `CUhostFn`.
pub type HostFunction = Option<unsafe extern "C" fn(*mut c_void)>;

fn create(out: Out<Handle>, flags: u32) -> Result<Handle> {
    out.check()?;
    let mut driver = Driver::lock();
    let context = driver.current()?;
    // CU_STREAM_NON_BLOCKING is the only flag.
    if flags > 1 {
        return Err(Code::ERROR_INVALID_VALUE);
    }
    let handle = driver.new_handle();
    driver.streams.insert(handle, Stream { context, flags, callback: None });
    out.put(handle)?;
    Ok(handle)
}

/// What a callback is given, which its caller says may be used from another thread.
struct Sent<T>(T);

// SAFETY: whoever gives a callback to a stream guarantees that it may run in a thread of the driver's.
unsafe impl<T> Send for Sent<T> {}

/// Runs a function in a thread of its own once all that was given to the stream before is done.
fn run_after(stream: Handle, function: impl FnOnce() + Send + 'static) -> Result {
    let mut driver = Driver::lock();
    driver.context_of(stream)?;
    if is_builtin(stream) {
        // The default stream waits for all others, and they for it.
        drop(driver);
        wait(stream);
        function();
        return Ok(());
    }
    let known = driver.streams.get_mut(&stream).ok_or(Code::ERROR_INVALID_HANDLE)?;
    let before = known.callback.take();
    let thread = std::thread::Builder::new().name("cuda callback".into()).spawn(move || {
        if let Some(before) = before {
            let _ = before.join();
        }
        function();
    });
    known.callback = Some(thread.map_err(|_| Code::ERROR_OUT_OF_MEMORY)?);
    Ok(())
}

entries! {
    /// Makes a stream.
    fn cuStreamCreate(stream: Out<Handle>, flags: u32) |call| {
        let made = create(stream, flags)?;
        call.field("stream", || address(made.0 as u64));
        Ok(())
    }

    /// Makes a stream; there is one priority only, to which others are clamped.
    fn cuStreamCreateWithPriority(stream: Out<Handle>, flags: u32, _priority: c_int) |call| {
        let made = create(stream, flags)?;
        call.field("stream", || address(made.0 as u64));
        Ok(())
    }

    /// Ends a stream once its work is done.
    fn cuStreamDestroy_v2(stream: Handle) |_call| {
        {
            let driver = Driver::lock();
            driver.current()?;
            if !driver.streams.contains_key(&stream) {
                return Err(Code::ERROR_INVALID_HANDLE);
            }
        }
        wait(stream);
        Driver::lock().streams.remove(&stream);
        Ok(())
    }

    /// Waits for a stream's work.
    fn cuStreamSynchronize(stream: Handle) |_call| {
        Driver::lock().context_of(stream)?;
        wait(stream);
        // The GPU may have been lost by then.
        Driver::lock().current().map(drop)
    }

    /// Whether a stream's work is done.
    fn cuStreamQuery(stream: Handle) |_call| {
        let driver = Driver::lock();
        driver.context_of(stream)?;
        let waited = driver.streams.iter().filter(|(handle, _)| is_builtin(stream) || **handle == stream);
        let mut callbacks = waited.filter_map(|(_, stream)| stream.callback.as_ref());
        if callbacks.any(|callback| !callback.is_finished()) { Err(Code::ERROR_NOT_READY) } else { Ok(()) }
    }

    /// Has later work of a stream wait for an event, which has happened where it was recorded at all.
    fn cuStreamWaitEvent(stream: Handle, event: Handle, flags: u32) |_call| {
        let mut driver = Driver::lock();
        driver.context_of(stream)?;
        driver.event(event)?;
        if flags > 1 { Err(Code::ERROR_INVALID_VALUE) } else { Ok(()) }
    }

    /// A stream's context.
    fn cuStreamGetCtx(stream: Handle, pctx: Out<Handle>) |_call| {
        let driver = Driver::lock();
        let current = driver.current()?;
        match driver.streams.get(&stream) {
            Some(known) => pctx.put(known.context),
            None if is_builtin(stream) => pctx.put(current),
            None => Err(Code::ERROR_INVALID_HANDLE),
        }
    }

    /// A stream's flags.
    fn cuStreamGetFlags(stream: Handle, flags: Out<u32>) |_call| {
        let driver = Driver::lock();
        driver.context_of(stream)?;
        flags.put(driver.streams.get(&stream).map_or(0, |stream| stream.flags))
    }

    /// Calls back once a stream's work is done.
    fn cuStreamAddCallback(stream: Handle, callback: StreamCallback, user_data: Host, flags: u32) |_call| {
        let callback = callback.filter(|_| flags == 0).ok_or(Code::ERROR_INVALID_VALUE)?;
        let sent = Sent((callback, user_data));
        run_after(stream, move || {
            let Sent((callback, user_data)) = { sent };
            // SAFETY: the caller guarantees that the function may be called once, with this, by a thread of
            // the driver's.
            unsafe { callback(stream, Code::SUCCESS.number(), user_data.0) }
        })
    }

    /// Calls a function of the host in a stream's order.
    fn cuLaunchHostFunc(stream: Handle, function: HostFunction, user_data: Host) |_call| {
        let function = function.ok_or(Code::ERROR_INVALID_VALUE)?;
        let sent = Sent((function, user_data));
        run_after(stream, move || {
            let Sent((function, user_data)) = { sent };
            // SAFETY: as in cuStreamAddCallback.
            unsafe { function(user_data.0) }
        })
    }
}
