//! Events.

use std::time::Instant;

use crate::argument::{Handle, Out, address};
use crate::call::entries;
use crate::code::{Code, Result};
use crate::state::{Driver, Event, wait};

fn record(event: Handle, stream: Handle) -> Result {
    {
        let mut driver = Driver::lock();
        let context = driver.context_of(stream)?;
        // Event and stream must be of one context.
        if driver.event(event)?.context != context {
            return Err(Code::ERROR_INVALID_HANDLE);
        }
    }
    wait(stream);
    Driver::lock().event(event)?.recorded = Some(Instant::now());
    Ok(())
}

fn elapsed(out: Out<f32>, start: Handle, end: Handle) -> Result {
    let mut driver = Driver::lock();
    let (start, end) = (*driver.event(start)?, *driver.event(end)?);
    let timed = (start.recorded, end.recorded, start.timed && end.timed);
    let (Some(started), Some(ended), true) = timed else { return Err(Code::ERROR_INVALID_HANDLE) };
    let seconds = |a: Instant, b: Instant| b.saturating_duration_since(a).as_secs_f32();
    out.put((seconds(started, ended) - seconds(ended, started)) * 1000.0)
}

entries! {
    /// Makes an event.
    fn cuEventCreate(event: Out<Handle>, flags: u32) |call| {
        event.check()?;
        let mut driver = Driver::lock();
        let context = driver.current()?;
        // BLOCKING_SYNC, DISABLE_TIMING, INTERPROCESS.
        if flags & !7 != 0 {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        let handle = driver.new_handle();
        driver.events.insert(handle, Event { context, timed: flags & 2 == 0, recorded: None });
        call.field("event", || address(handle.0 as u64));
        event.put(handle)
    }

    /// Ends an event.
    fn cuEventDestroy_v2(event: Handle) |_call| {
        Driver::lock().events.remove(&event).map(drop).ok_or(Code::ERROR_INVALID_HANDLE)
    }

    /// Marks a place in a stream.
    fn cuEventRecord(event: Handle, stream: Handle) |_call| {
        record(event, stream)
    }

    /// Marks a place in a stream.
    fn cuEventRecordWithFlags(event: Handle, stream: Handle, flags: u32) |_call| {
        if flags > 1 { Err(Code::ERROR_INVALID_VALUE) } else { record(event, stream) }
    }

    /// Waits until an event has happened, which it has at once.
    fn cuEventSynchronize(event: Handle) |_call| {
        Driver::lock().event(event).map(drop)
    }

    /// Whether an event has happened.
    fn cuEventQuery(event: Handle) |_call| {
        Driver::lock().event(event).map(drop)
    }

    /// Milliseconds from one event to another.
    fn cuEventElapsedTime(milliseconds: Out<f32>, start: Handle, end: Handle) |_call| {
        elapsed(milliseconds, start, end)
    }

    /// As the first version.
    fn cuEventElapsedTime_v2(milliseconds: Out<f32>, start: Handle, end: Handle) |_call| {
        elapsed(milliseconds, start, end)
    }
}
