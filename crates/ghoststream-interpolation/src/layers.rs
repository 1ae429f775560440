//! Which blocks are seen in both pictures, and how those move that are covered in one.
//!
//! A block *matches* where it looks the same in the other picture, and the block there points back to it.
//! One that does not is taken to be covered by something in front of it, and to belong to what is behind:
//! it gets the vector of a neighbour, best one that leads to where something else is seen.

use crate::field::{AROUND, Field, Grid};
use crate::parallel;
use crate::vector::Vector;
use crate::window::{AREA, BLOCK};

/// The largest difference at which windows look the same.
const SAME: u32 = AREA * 10;
/// How far, in quarters of a pixel, the way back may miss the beginning.
const RETURN: u32 = 4;
/// Vectors farther apart than this belong to different things.
pub(crate) const APART: u32 = 8;
/// At these distances a neighbour is looked for, in blocks.
const DISTANCES: [i32; 8] = [1, 2, 3, 4, 6, 8, 12, 16];

/// What is known of a block's motion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing: its vector is a guess.
    #[default]
    Unknown,
    /// It is seen in both pictures.
    Matched,
    /// It is covered in the other picture.
    Covered,
}

/// A block's motion, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Block {
    pub(crate) vector: Vector,
    pub(crate) state: State,
    /// How many of 25 places around it move alike. Of two things that could both be seen at a place, the
    /// one with less company is in front: a pointer, a line of text, a letter over a landscape.
    pub(crate) company: u32,
    pub(crate) cost: u32,
}

/// The blocks of one picture.
pub(crate) type Layers = Grid<Block>;

impl Layers {
    /// Whether a place can show something that moves by `vector`: it lies in the picture, and nothing
    /// else is known to be there. `vector` is that of this picture's own direction.
    pub(crate) fn allows(&self, at: Option<usize>, vector: Vector) -> bool {
        at.is_some_and(|at| {
            let block = self.cells[at];
            block.state != State::Matched || block.vector.distance(vector) <= APART
        })
    }

    /// How many of the blocks are matched.
    pub(crate) fn matched(&self) -> usize {
        self.cells.iter().filter(|it| it.state == State::Matched).count()
    }
}

/// Both directions: the blocks of the first picture with vectors to the second, and the reverse.
pub(crate) fn layers(forward: &Field, backward: &Field) -> [Layers; 2] {
    let known = [matched(forward, backward), matched(backward, forward)];
    [covered(&known[0], &known[1]), covered(&known[1], &known[0])]
}

fn each<T: Clone + Default + Send>(like: (i32, i32), make: impl Fn(i32, i32) -> T + Sync) -> Grid<T> {
    let mut grid = Grid::new(like);
    let columns = like.0 as usize;
    parallel::rows(&mut grid.cells, columns, |row, cells| {
        for (column, cell) in cells.iter_mut().enumerate() {
            *cell = make(column as i32, row as i32);
        }
    });
    grid
}

fn matched(there: &Field, back: &Field) -> Layers {
    each((there.columns, there.rows), |column, row| {
        let motion = there.cells[(row * there.columns + column) as usize];
        let returned = there
            .index_moved(column, row, motion.vector)
            .is_some_and(|at| (-back.cells[at].vector).distance(motion.vector) <= RETURN);
        let state = if returned && motion.cost <= SAME { State::Matched } else { State::Unknown };
        Block {
            vector: motion.vector,
            state,
            company: company(there, column, row, motion.vector),
            cost: motion.cost,
        }
    })
}

fn company(field: &Field, column: i32, row: i32, vector: Vector) -> u32 {
    let mut count = 0;
    for down in -2..=2 {
        for right in -2..=2 {
            let other = field.get(column + right * BLOCK, row + down * BLOCK);
            count += u32::from(other.is_some_and(|it| it.vector.distance(vector) <= APART));
        }
    }
    count
}

/// Gives vectors to blocks that are not seen in the other picture.
fn covered(own: &Layers, other: &Layers) -> Layers {
    each((own.columns, own.rows), |column, row| {
        let block = own.cells[(row * own.columns + column) as usize];
        if block.state == State::Matched { block } else { behind(own, other, column, row).unwrap_or(block) }
    })
}

/// What a block would be that is covered: like the nearest neighbour that is matched and whose vector
/// leads to where something else is, or out of the picture; of several equally near ones that with the most
/// company. Without such a neighbour, like any.
fn behind(own: &Layers, other: &Layers, column: i32, row: i32) -> Option<Block> {
    let mut any: Option<Block> = None;
    for distance in DISTANCES {
        let mut best: Option<Block> = None;
        for (right, down) in AROUND {
            let Some(&it) = own.get(column + right * distance, row + down * distance) else { continue };
            if it.state != State::Matched {
                continue;
            }
            if any.is_none() {
                any = Some(it);
            }
            let hides = !other.allows(own.index_moved(column, row, it.vector), -it.vector);
            if hides && best.is_none_or(|best| it.company > best.company) {
                best = Some(it);
            }
        }
        if let Some(best) = best {
            return Some(Block { state: State::Covered, ..best });
        }
    }
    any.map(|it| Block { state: State::Covered, ..it })
}
