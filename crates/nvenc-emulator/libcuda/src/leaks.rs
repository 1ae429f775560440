//! What was never given back, told at the end of the process.

use nvenc_emulator::Library;
use serde_json::Value;

use crate::argument::address;
use crate::call::emulator;
use crate::state::Driver;

/// Has what is left over written to the trace when the process ends.
pub(crate) fn watch() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // SAFETY: the function is of this library, which is never unloaded (build.rs).
        unsafe { libc::atexit(report) };
    });
}

extern "C" fn report() {
    let Ok(emulator) = emulator() else { return };
    let driver = Driver::lock();
    let leak = |kind: &'static str, handle: u64, size: Option<u64>| {
        let mut call = emulator.trace.call(Library::Cuda, "leak");
        call.field("kind", || kind);
        call.field("handle", || address(handle));
        call.field("size", || size.map_or(Value::Null, Value::from));
        call.end("");
    };
    // The primary context of a process that never gave it back is torn down by the driver as a matter of
    // course; so is what the runtime made in it. All others are the program's own.
    for context in driver.contexts.keys().filter(|context| driver.primary.handle != Some(**context)) {
        leak("context", context.0 as u64, None);
    }
    for allocation in driver.memory.live() {
        leak("memory", allocation.address, Some(allocation.size));
    }
    for (kind, handles) in [
        ("stream", driver.streams.keys().collect::<Vec<_>>()),
        ("event", driver.events.keys().collect()),
        ("external memory", driver.externals.keys().collect()),
    ] {
        for handle in handles {
            leak(kind, handle.0 as u64, None);
        }
    }
}
