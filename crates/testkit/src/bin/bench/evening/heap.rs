//! What this process has asked of its allocator and not given back: unlike resident memory it does not grow with what
//! the allocator keeps for later.
//!
//! What the allocator itself says ([`in_use_mib`]) has no sizes, and counts what it keeps for each thread as in use. So
//! the C library's functions are defined here once more, which is what its manual says that a program may do: they count
//! and call the originals. Libraries are linked to these too, so that their pictures are among what is counted.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

/// Blocks from this size on are counted by their size, in steps of a page. The evening's pictures are larger, its packets
/// smaller.
pub(super) const LARGE: usize = 256 << 10;
const PAGE: usize = 4 << 10;
/// Smaller ones have a class for each doubling; the last class of all is of everything from 2.25 MiB on.
const SMALL: usize = LARGE.ilog2() as usize;
const CLASSES: usize = SMALL + 512;

static COUNTING: AtomicBool = AtomicBool::new(false);
static HELD: [Class; CLASSES] =
    [const { Class { blocks: AtomicI64::new(0), bytes: AtomicI64::new(0) } }; CLASSES];

/// Blocks of about one size that were asked for and not given back. Those from before counting began may make it negative.
struct Class {
    blocks: AtomicI64,
    bytes: AtomicI64,
}

/// What is held in blocks of some sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Held {
    pub(super) blocks: i64,
    pub(super) mib: f64,
}

/// Counts from here on: other benches are not to be slowed down.
pub(super) fn count() {
    COUNTING.store(true, Relaxed);
}

/// In MiB, over all threads, as the allocator says.
pub(super) fn in_use_mib() -> f64 {
    // SAFETY: it takes nothing, and answers with numbers.
    let heap = unsafe { libc::mallinfo2() };
    mib((heap.uordblks + heap.hblkhd) as i64)
}

/// What is held in blocks below [`LARGE`], and in those from there on.
pub(super) fn held() -> [Held; 2] {
    let of = |classes: &[Class]| {
        let sum =
            |figure: fn(&Class) -> &AtomicI64| classes.iter().map(|it| figure(it).load(Relaxed)).sum::<i64>();
        Held { blocks: sum(|it| &it.blocks), mib: mib(sum(|it| &it.bytes)) }
    };
    let (small, large) = HELD.split_at(SMALL);
    [of(small), of(large)]
}

/// Every size of which blocks are held: from how many KiB on, how many, and their MiB.
pub(super) fn by_size() -> String {
    let held =
        HELD.iter().enumerate().map(|(at, it)| (from(at), it.blocks.load(Relaxed), it.bytes.load(Relaxed)));
    let words = held
        .filter(|it| it.1 != 0)
        .map(|(from, blocks, bytes)| format!("{}: {blocks} of {:.2}", from as f64 / 1024.0, mib(bytes)));
    words.collect::<Vec<_>>().join(", ")
}

fn mib(bytes: i64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// The class of blocks of this size.
const fn class(size: usize) -> usize {
    if size < LARGE {
        return if size == 0 { 0 } else { size.ilog2() as usize };
    }
    let at = SMALL + (size - LARGE) / PAGE;
    if at < CLASSES { at } else { CLASSES - 1 }
}

/// The least size of a class.
const fn from(class: usize) -> usize {
    if class < SMALL { 1 << class } else { LARGE + (class - SMALL) * PAGE }
}

fn add(size: usize, sign: i64) {
    let class = &HELD[class(size)];
    class.blocks.fetch_add(sign, Relaxed);
    class.bytes.fetch_add(sign * size as i64, Relaxed);
}

/// Counts a block that was handed out; hands it on.
fn given(block: *mut c_void) -> *mut c_void {
    if COUNTING.load(Relaxed) && !block.is_null() {
        // SAFETY: the block has just come from the allocator.
        add(unsafe { libc::malloc_usable_size(block) }, 1);
    }
    block
}

/// The size of a block, where it is counted; to be asked for before it is given back.
///
/// # Safety
/// It comes from the allocator, or is null.
unsafe fn counted(block: *mut c_void) -> Option<usize> {
    if !COUNTING.load(Relaxed) || block.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    Some(unsafe { libc::malloc_usable_size(block) })
}

unsafe extern "C" {
    fn __libc_malloc(size: usize) -> *mut c_void;
    fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
    fn __libc_realloc(block: *mut c_void, size: usize) -> *mut c_void;
    fn __libc_memalign(alignment: usize, size: usize) -> *mut c_void;
    fn __libc_free(block: *mut c_void);
}

// What follows takes and hands out what the C library's own does, by the same names and with the same meaning.

#[unsafe(no_mangle)]
extern "C" fn malloc(size: usize) -> *mut c_void {
    // SAFETY: any size may be asked for.
    given(unsafe { __libc_malloc(size) })
}

#[unsafe(no_mangle)]
extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    // SAFETY: any size may be asked for.
    given(unsafe { __libc_calloc(count, size) })
}

/// # Safety
/// The block comes from the allocator and is not used any more, unless null is returned for a size that is not zero.
#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: the caller's promise.
    let (before, moved) = unsafe { (counted(block), __libc_realloc(block, size)) };
    if let Some(before) = before.filter(|_| !moved.is_null() || size == 0) {
        add(before, -1);
    }
    given(moved)
}

/// # Safety
/// The block comes from the allocator and is not used any more, or is null.
#[unsafe(no_mangle)]
unsafe extern "C" fn free(block: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(size) = counted(block) {
            add(size, -1);
        }
        __libc_free(block);
    }
}

#[unsafe(no_mangle)]
extern "C" fn memalign(alignment: usize, size: usize) -> *mut c_void {
    // SAFETY: it answers with null to what is no alignment.
    given(unsafe { __libc_memalign(alignment, size) })
}

#[unsafe(no_mangle)]
extern "C" fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void {
    memalign(alignment, size)
}

/// # Safety
/// There is room for a pointer at `block`.
#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(block: *mut *mut c_void, alignment: usize, size: usize) -> c_int {
    if !alignment.is_power_of_two() || !alignment.is_multiple_of(size_of::<*mut c_void>()) {
        return libc::EINVAL;
    }
    let found = memalign(alignment, size);
    if found.is_null() {
        return libc::ENOMEM;
    }
    // SAFETY: the caller's promise.
    unsafe { block.write(found) };
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of the class of a size; each test has a size of its own.
    fn blocks(size: usize) -> i64 {
        HELD[class(size)].blocks.load(Relaxed)
    }

    #[test]
    fn large_blocks_are_counted_until_they_are_given_back() {
        count();
        let mut bytes: Vec<u8> = Vec::with_capacity(1_000_000);
        assert_eq!(blocks(1_000_000), 1);
        bytes.reserve_exact(1_500_000);
        assert_eq!((blocks(1_000_000), blocks(1_500_000)), (0, 1), "one that grew has another size");
        let [_, with] = held();
        drop(bytes);
        let [_, without] = held();
        assert_eq!(blocks(1_500_000), 0);
        assert_eq!(with.blocks - without.blocks, 1);
        assert!((with.mib - without.mib - 1.43).abs() < 0.01, "{with:?} {without:?}");
    }

    #[test]
    fn what_libraries_ask_for_is_counted_too() {
        count();
        let picture = ffmpeg_next::frame::Video::new(ffmpeg_next::format::Pixel::GRAY8, 1280, 1280);
        let [_, with] = held();
        drop(picture);
        let [_, without] = held();
        assert_eq!(with.blocks - without.blocks, 1);
        assert!(with.mib - without.mib > 1.5, "{with:?} {without:?}");
    }

    #[test]
    fn every_size_has_a_class_that_begins_at_most_there() {
        for size in (0..4 << 20).step_by(8).chain([usize::MAX]) {
            let class = class(size);
            assert!(class < CLASSES && from(class) <= size.max(1), "{size}");
            assert!(class + 1 == CLASSES || size < from(class + 1), "{size}");
        }
    }
}
