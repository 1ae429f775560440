//! Rows that are worked on by all processors.

use std::num::NonZero;
use std::thread;

/// Below this many elements threads cost more than they save.
const WORTH: usize = 1 << 12;

/// Calls `work` with each row of `all`, `length` elements each, and its number; the last may be shorter.
pub(crate) fn rows<T: Send>(all: &mut [T], length: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    let rows = all.len().div_ceil(length.max(1));
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(8);
    if threads == 1 || all.len() < WORTH {
        all.chunks_mut(length).enumerate().for_each(|(row, it)| work(row, it));
        return;
    }
    let share = rows.div_ceil(threads);
    thread::scope(|scope| {
        for (part, piece) in all.chunks_mut(share * length).enumerate() {
            let work = &work;
            scope.spawn(move || {
                for (row, it) in piece.chunks_mut(length).enumerate() {
                    work(part * share + row, it);
                }
            });
        }
    });
}
