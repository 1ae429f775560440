//! How often Rust asks for memory. What a driver takes by itself is its own.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's memory, counted for each thread.
pub struct Counted;

thread_local! {
    static REQUESTS: Cell<u64> = const { Cell::new(0) };
}

/// How often this thread has asked so far.
pub fn requests() -> u64 {
    REQUESTS.get()
}

fn count() {
    // A thread that is ending has no counter any more, and nobody who would read it.
    let _ = REQUESTS.try_with(|it| it.set(it.get() + 1));
}

// SAFETY: everything is the system allocator's; to count takes no memory.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are those that the system's allocator wants.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }
}
