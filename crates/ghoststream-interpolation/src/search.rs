//! Where each block of one picture is in the other.
//!
//! From the smallest level to the largest. On each, a block first takes the best of what its parents
//! found; then, a few times, the best of its own vector, those of its neighbours, rest, and small steps
//! from its own, where a vector unlike the neighbours' costs something. Each time all blocks read what was
//! there before: the result does not depend on an order, and a GPU finds the same.

use crate::field::{AROUND, Field, Grid, Motion};
use crate::parallel;
use crate::pyramid::{Level, Pyramid};
use crate::vector::Vector;
use crate::window::{AREA, NEVER, Window, difference, window};

/// What each quarter of a pixel costs by which a vector differs from a neighbour's.
const SMOOTHNESS: u32 = 3;
/// Beyond this many quarters it costs no more: it may be the edge of something that moves.
const SMOOTH_UNTIL: u32 = 12;
/// Pixels around rest that are searched on the smallest level.
const REACH: i32 = 7;
/// On this level, or the smallest, what has found no match is searched for farther away: a pointer is
/// too small to be seen on those above.
const WIDE_LEVEL: usize = 2;
/// How far, in pixels of that level.
const WIDE_REACH: i32 = 14;
/// What counts as no match there.
const LOST: u32 = AREA * 8;

/// How far, in blocks of the largest level, what is still lost is looked for among what is lost there.
const LOST_REACH: i32 = 20;
/// That is done where at most one block in so many is lost.
const FEW: usize = 16;

/// One picture's level and the other's.
#[derive(Clone, Copy)]
struct Pair<'a> {
    from: &'a Level,
    to: &'a Level,
}

impl<'a> Pair<'a> {
    const fn both(first: &'a Level, second: &'a Level) -> [Self; 2] {
        [Self { from: first, to: second }, Self { from: second, to: first }]
    }

    fn cost(&self, here: &Window, column: i32, row: i32, vector: Vector) -> u32 {
        window(self.to, column, row, vector).map_or(NEVER, |there| difference(here, &there))
    }

    fn here(&self, column: i32, row: i32) -> Window {
        window(self.from, column, row, Vector::ZERO).unwrap_or_default()
    }
}

/// The vectors from each picture to the other, on the largest level.
pub(crate) fn search([first, second]: &[Pyramid; 2]) -> [Field; 2] {
    let top = first.levels.len() - 1;
    let mut fields = [Field::default(), Field::default()];
    for level in (0..=top).rev() {
        let pairs = Pair::both(&first.levels[level], &second.levels[level]);
        let step = |fields: [Field; 2], work: &dyn Fn(Pair<'_>, &Field) -> Field| {
            [work(pairs[0], &fields[0]), work(pairs[1], &fields[1])]
        };
        fields = if level == top {
            step(fields, &|pair, _| around_rest(pair))
        } else {
            step(fields, &from_parents)
        };
        fields = step(fields, &|pair, field| refined(pair, field, 4, 1));
        if level == WIDE_LEVEL.min(top) {
            fields = step(fields, &wide);
        }
        if level == 0 && fields.iter().all(has_few_lost) {
            fields =
                [among_lost(pairs[0], &fields[0], &fields[1]), among_lost(pairs[1], &fields[1], &fields[0])];
        }
        fields = step(fields, &|pair, field| refined(pair, field, 4, 2));
        if level == 0 {
            fields = step(fields, &|pair, field| refined(pair, field, 2, 1));
            fields = step(fields, &|pair, field| refined(pair, field, 1, 1));
        }
    }
    fields
}

/// Makes a field block by block.
fn each(pair: Pair<'_>, motion: impl Fn(i32, i32) -> Motion + Sync) -> Field {
    let mut field = Grid::new(pair.from.blocks());
    let columns = field.columns as usize;
    parallel::rows(&mut field.cells, columns, |row, cells| {
        for (column, cell) in cells.iter_mut().enumerate() {
            *cell = motion(column as i32, row as i32);
        }
    });
    field
}

/// The best of all whole pixels around rest.
fn around_rest(pair: Pair<'_>) -> Field {
    each(pair, |column, row| {
        let here = pair.here(column, row);
        let mut best = Motion { vector: Vector::ZERO, cost: pair.cost(&here, column, row, Vector::ZERO) };
        let mut least = best.cost;
        for vector in square(REACH) {
            let cost = pair.cost(&here, column, row, vector);
            let energy = cost + vector.steps(Vector::ZERO);
            if energy < least {
                (best, least) = (Motion { vector, cost }, energy);
            }
        }
        best
    })
}

/// The best of what the blocks around found on the level above.
fn from_parents(pair: Pair<'_>, parents: &Field) -> Field {
    each(pair, |column, row| {
        let here = pair.here(column, row);
        let mut best = Motion { vector: Vector::ZERO, cost: pair.cost(&here, column, row, Vector::ZERO) };
        for (right, down) in [(0, 0)].into_iter().chain(AROUND) {
            let Some(parent) = parents.get(column / 2 + right, row / 2 + down) else { continue };
            let vector = parent.vector.finer();
            let cost = pair.cost(&here, column, row, vector);
            if cost < best.cost {
                best = Motion { vector, cost };
            }
        }
        best
    })
}

/// The best of a block's own vector, its neighbours' at distance `reach`, rest, and its own with `step`
/// quarters of a pixel added in each direction.
fn refined(pair: Pair<'_>, field: &Field, step: i32, reach: i32) -> Field {
    each(pair, |column, row| {
        let mut seeker = Seeker::new(pair, field, column, row);
        let own = seeker.best.vector;
        for (right, down) in AROUND {
            if let Some(it) = field.get(column + right * reach, row + down * reach) {
                seeker.consider(it.vector);
            }
        }
        seeker.consider(Vector::ZERO);
        for (right, down) in AROUND {
            seeker.consider(own + Vector::new(right * step, down * step));
        }
        seeker.best
    })
}

/// Looks farther for blocks that match nowhere.
fn wide(pair: Pair<'_>, field: &Field) -> Field {
    each_lost(pair, field, |seeker| square(WIDE_REACH).for_each(|vector| seeker.consider(vector)))
}

/// Whether so few blocks match nowhere that each can be compared with those of the other picture.
fn has_few_lost(field: &Field) -> bool {
    field.cells.iter().filter(|it| it.cost >= LOST).count() <= field.cells.len() / FEW
}

/// Compares blocks that match nowhere with the places around where blocks of the other picture do so: what
/// is smaller than a window of the levels above, such as a pointer, leaves one such place and comes to
/// another.
fn among_lost(pair: Pair<'_>, field: &Field, other: &Field) -> Field {
    each_lost(pair, field, |seeker| {
        for (right, down) in places(LOST_REACH) {
            let there = other.get(seeker.column + right, seeker.row + down);
            if there.is_none_or(|it| it.cost < LOST) {
                continue;
            }
            for (x, y) in (0..16).map(|it| (it % 4, it / 4)) {
                seeker.consider(Vector::new((right * 4 + x - 2) * 4, (down * 4 + y - 2) * 4));
            }
        }
    })
}

/// Looks again for the blocks that match nowhere; the others stay as they are.
fn each_lost(pair: Pair<'_>, field: &Field, seek: impl Fn(&mut Seeker<'_>) + Sync) -> Field {
    each(pair, |column, row| {
        let own = field.cells[(row * field.columns + column) as usize];
        if own.cost < LOST {
            return own;
        }
        let mut seeker = Seeker::new(pair, field, column, row);
        seek(&mut seeker);
        seeker.best
    })
}

/// A block that tries vectors, beginning with its own, and keeps the best.
struct Seeker<'a> {
    pair: Pair<'a>,
    column: i32,
    row: i32,
    here: Window,
    beside: Beside,
    best: Motion,
    /// What the best costs, with what it costs to be unlike those beside.
    least: u32,
}

impl<'a> Seeker<'a> {
    #[inline(always)]
    fn new(pair: Pair<'a>, field: &Field, column: i32, row: i32) -> Self {
        let best = field.cells[(row * field.columns + column) as usize];
        let beside = Beside::new(field, column, row);
        let least = best.cost + beside.unlike(best.vector);
        Self { pair, column, row, here: pair.here(column, row), beside, best, least }
    }

    /// Takes a vector if it is better than the best so far. Of equals the first stays.
    #[inline(always)]
    fn consider(&mut self, vector: Vector) {
        let rough = self.beside.unlike(vector);
        // Equal vectors need no second look; nor does what is too rough already.
        if vector == self.best.vector || rough >= self.least {
            return;
        }
        let cost = self.pair.cost(&self.here, self.column, self.row, vector);
        if cost + rough < self.least {
            (self.best, self.least) = (Motion { vector, cost }, cost + rough);
        }
    }
}

/// All places up to `reach` away, row by row.
fn places(reach: i32) -> impl Iterator<Item = (i32, i32)> {
    (-reach..=reach).flat_map(move |y| (-reach..=reach).map(move |x| (x, y)))
}

/// All whole pixels up to `reach` away, row by row.
fn square(reach: i32) -> impl Iterator<Item = Vector> {
    places(reach).map(|(x, y)| Vector::new(x * 4, y * 4))
}

/// The vectors of the up to four blocks beside one.
struct Beside {
    vectors: [Vector; 4],
    count: usize,
}

impl Beside {
    fn new(field: &Field, column: i32, row: i32) -> Self {
        let mut beside = Self { vectors: [Vector::ZERO; 4], count: 0 };
        for (right, down) in &AROUND[..4] {
            if let Some(it) = field.get(column + right, row + down) {
                beside.vectors[beside.count] = it.vector;
                beside.count += 1;
            }
        }
        beside
    }

    /// What it costs to be unlike them.
    #[inline(always)]
    fn unlike(&self, vector: Vector) -> u32 {
        let mut cost = 0;
        for beside in &self.vectors[..self.count] {
            cost += vector.steps(*beside).min(SMOOTH_UNTIL) * SMOOTHNESS;
        }
        cost
    }
}
