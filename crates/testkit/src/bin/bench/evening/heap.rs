//! What this process has asked of its allocator and not given back: unlike resident memory it does not grow with what
//! the allocator keeps for later.
#![allow(unsafe_code)]

/// In MiB, over all threads.
pub(super) fn in_use_mib() -> f64 {
    // SAFETY: it takes nothing, and answers with numbers.
    let heap = unsafe { libc::mallinfo2() };
    (heap.uordblks + heap.hblkhd) as f64 / f64::from(1 << 20)
}
