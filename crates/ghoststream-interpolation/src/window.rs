//! How alike two places are.
//!
//! A block is four by four pixels; the window that stands for it is eight by eight, with the block in its
//! middle. Places are compared by the sum of absolute differences, less three quarters of what is a
//! common difference of brightness, so that a fade or a shadow does not hide what moves.

use crate::pyramid::Level;
use crate::vector::Vector;

/// Pixels along a block.
pub(crate) const BLOCK: i32 = 4;
/// Pixels along a window.
pub(crate) const WINDOW: i32 = 8;
/// Pixels in a window.
pub(crate) const AREA: u32 = (WINDOW * WINDOW) as u32;
/// How far a window reaches beyond its block.
const MARGIN: i32 = (WINDOW - BLOCK) / 2;

/// A difference that no two windows have.
pub(crate) const NEVER: u32 = 1 << 20;

/// The pixels of a window.
pub(crate) type Window = [[u8; SIDE]; SIDE];
const SIDE: usize = WINDOW as usize;

/// The window of the block in this column and row, moved by `vector`; `None` where it leaves the level's
/// border. Between pixels it is interpolated linearly.
#[inline]
pub(crate) fn window(level: &Level, column: i32, row: i32, vector: Vector) -> Option<Window> {
    let (x, y) = (column * BLOCK - MARGIN + (vector.x >> 2), row * BLOCK - MARGIN + (vector.y >> 2));
    let (right, down) = (vector.x as u32 & 3, vector.y as u32 & 3);
    if !level.holds(x, y, WINDOW + 1) {
        return None;
    }
    let mut window = Window::default();
    if right == 0 && down == 0 {
        for (line, out) in (y..).zip(&mut window) {
            out.copy_from_slice(&level.row(x, line)[..WINDOW as usize]);
        }
        return Some(window);
    }
    let weights =
        [(4 - right) * (4 - down), right * (4 - down), (4 - right) * down, right * down].map(|it| it as u16);
    for (line, out) in (y..).zip(&mut window) {
        let (top, bottom) = (&level.row(x, line)[..9], &level.row(x, line + 1)[..9]);
        for (at, out) in out.iter_mut().enumerate() {
            let above = u16::from(top[at]) * weights[0] + u16::from(top[at + 1]) * weights[1];
            let below = u16::from(bottom[at]) * weights[2] + u16::from(bottom[at + 1]) * weights[3];
            *out = ((above + below + 8) >> 4) as u8;
        }
    }
    Some(window)
}

/// How different two windows are.
#[inline(always)]
pub(crate) fn difference(a: &Window, b: &Window) -> u32 {
    // Three sums of fixed length rather than one loop: each becomes an instruction for many pixels.
    let (mut absolute, mut ours, mut theirs) = (0u32, 0u32, 0u32);
    for at in 0..SIDE {
        for (a, b) in a[at].iter().zip(&b[at]) {
            absolute += u32::from(a.abs_diff(*b));
        }
    }
    for at in 0..SIDE {
        ours += a[at].iter().map(|it| u32::from(*it)).sum::<u32>();
        theirs += b[at].iter().map(|it| u32::from(*it)).sum::<u32>();
    }
    let sum = ours.abs_diff(theirs);
    absolute - sum * 3 / 4
}

/// Whether the blocks in the middle of two windows are equal.
pub(crate) fn same_block(a: &Window, b: &Window) -> bool {
    let middle = MARGIN as usize..(MARGIN + BLOCK) as usize;
    a[middle.clone()].iter().zip(&b[middle.clone()]).all(|(a, b)| a[middle.clone()] == b[middle.clone()])
}

/// How much is in a window: the differences between pixels side by side. A flat place matches any other
/// like it, so that a match there proves little.
pub(crate) fn activity(window: &Window) -> u32 {
    let along = |row: &[u8; 8]| row.windows(2).map(|it| u32::from(it[0].abs_diff(it[1]))).sum::<u32>();
    let across = window
        .windows(2)
        .map(|rows| rows[0].iter().zip(&rows[1]).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>());
    window.iter().map(along).sum::<u32>() + across.sum::<u32>()
}
