//! What each block of the picture between shows.
//!
//! The vectors that arrive at a block or beside it, and those of the pictures at its place, are compared:
//! a vector leads back to a place in the first picture and on to one in the second. Where both can be what
//! moves so, they must look alike; where one of the places shows something else, only the other counts.

use crate::field::{AROUND, Grid};
use crate::layers::Layers;
use crate::parallel;
use crate::project::{Arrivals, done, undone};
use crate::pyramid::Level;
use crate::vector::{Time, Vector};
use crate::window::{AREA, NEVER, activity, difference, same_block, window};

/// What it costs to be seen in one picture only.
const ONE_SIDED: u32 = AREA * 5;
/// What it costs that something else is known to be at both places.
const DENIED: u32 = AREA * 14;
/// What each place around that moves alike costs, see [`Block::company`](crate::layers::Block).
const COMPANY: u32 = 4;
/// The most that a busy window is worth.
const BUSY: u32 = 96;
/// What rest is worth.
const REST: u32 = 16;

/// What a block shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// How it moves from the first picture to the second.
    pub(crate) vector: Vector,
    /// In which of them it is seen. Never in none.
    pub(crate) seen: Seen,
}

/// In which pictures something is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Seen {
    #[default]
    Both,
    First,
    Second,
}

/// Both pictures and what is known of their blocks.
pub(crate) struct Known<'a> {
    pub(crate) levels: [&'a Level; 2],
    pub(crate) layers: &'a [Layers; 2],
}

/// Chooses for every block at this time.
pub(crate) fn choose(known: &Known<'_>, time: Time) -> Grid<Choice> {
    let [first, second] = known.layers;
    let arrivals =
        [Arrivals::new(first, |it| done(it, time)), Arrivals::new(second, |it| undone_from(it, time))];
    let mut choices = Grid::new((first.columns, first.rows));
    let columns = choices.columns as usize;
    parallel::rows(&mut choices.cells, columns, |row, cells| {
        for (column, cell) in cells.iter_mut().enumerate() {
            *cell = known.best(&arrivals, (column as i32, row as i32), time);
        }
    });
    choices
}

/// The way of a block of the second picture, by its own vector, which leads to the first.
fn undone_from(vector: Vector, time: Time) -> Vector {
    -undone(-vector, time)
}

impl Known<'_> {
    fn best(&self, arrivals: &[Arrivals; 2], (column, row): (i32, i32), time: Time) -> Choice {
        let [first, second] = self.layers;
        let here = (row * first.columns + column) as usize;
        let mut best = Choice::default();
        let mut least = u32::MAX;
        let mut tried = Tried::default();
        let mut consider = |vector: Vector| {
            if tried.is_new(vector) {
                let (cost, seen) = self.cost((column, row), vector, time);
                if cost < least {
                    (best, least) = (Choice { vector, seen }, cost);
                }
            }
        };
        consider(Vector::ZERO);
        consider(first.cells[here].vector);
        consider(-second.cells[here].vector);
        for (right, down) in [(0, 0)].into_iter().chain(AROUND) {
            let (column, row) = (column + right, row + down);
            arrivals[0].vector(first, column, row).into_iter().for_each(&mut consider);
            arrivals[1].vector(second, column, row).into_iter().for_each(|it| consider(-it));
        }
        best
    }

    /// How unlikely it is that a block shows what moves by `vector`, and where that is seen.
    fn cost(&self, (column, row): (i32, i32), vector: Vector, time: Time) -> (u32, Seen) {
        let [first, second] = self.layers;
        let (back, on) = (-done(vector, time), undone(vector, time));
        let places = [first.index_moved(column, row, back), second.index_moved(column, row, on)];
        let allowed = [first.allows(places[0], vector), second.allows(places[1], -vector)];
        let windows = [window(self.levels[0], column, row, back), window(self.levels[1], column, row, on)];
        let company = match (allowed[0], places) {
            (true, [Some(at), _]) => first.cells[at].company,
            (_, [_, Some(at)]) => second.cells[at].company,
            _ => 0,
        };
        let (unlike, seen) = match (allowed, &windows) {
            // What is the same in both pictures is at rest, whatever moves beside it.
            (_, [Some(a), Some(b)]) if vector == Vector::ZERO && same_block(a, b) => (0, Seen::Both),
            ([true, true], [Some(a), Some(b)]) => (difference(a, b), Seen::Both),
            ([true, _], [Some(_), _]) => (ONE_SIDED, Seen::First),
            ([_, true], [_, Some(_)]) => (ONE_SIDED, Seen::Second),
            (_, [Some(a), Some(b)]) => (difference(a, b) + DENIED, Seen::Both),
            _ => return (NEVER, Seen::Both),
        };
        let busy = windows.iter().flatten().next().map_or(0, |it| (activity(it) / 8).min(BUSY));
        let rest = if vector == Vector::ZERO { REST } else { 0 };
        (unlike + company * COMPANY + BUSY + REST - busy - rest, seen)
    }
}

/// Vectors that were looked at; most candidates are the same.
#[derive(Default)]
struct Tried {
    last: [Vector; 4],
    count: usize,
}

impl Tried {
    fn is_new(&mut self, vector: Vector) -> bool {
        let known = self.count.min(self.last.len());
        if self.last[..known].contains(&vector) {
            return false;
        }
        self.last[self.count % self.last.len()] = vector;
        self.count += 1;
        true
    }
}
