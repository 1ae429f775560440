//! The decoded picture buffer: which pictures a decoder still has, how it would list them for a picture by
//! itself, and what it must be told to list and forget them as planned (8.2.4 and 8.2.5).

use std::sync::Arc;

use crate::{Kind, Picture, Plan};

/// A picture that decoders hold.
#[derive(Clone, Debug)]
struct Held {
    order: u32,
    /// frame_num before it wraps.
    number: u32,
    picture: Arc<Picture>,
    /// Whether plans are done with it. Only a picture that is kept itself can say so in the stream: until
    /// then decoders go on listing it.
    forgotten: bool,
}

/// All that decoders hold.
#[derive(Clone, Debug)]
pub(super) struct Buffer {
    held: Vec<Held>,
    /// The frame_num of the next picture that is not a key picture, before it wraps.
    number: u32,
    /// max_num_ref_frames.
    capacity: usize,
}

/// One reference list of a picture.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    pub(super) pictures: Vec<Arc<Picture>>,
    /// The picNum of each, where decoders would list others.
    pub(super) modification: Option<Vec<i64>>,
}

/// What a kept picture says of those before it: dec_ref_pic_marking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Marking {
    /// The oldest goes where there is no room.
    SlidingWindow,
    /// Those of these picNums go.
    Forget(Vec<i64>),
}

/// Whether decoders hold a picture after it. A key picture cannot be otherwise: IDR pictures have a
/// nal_ref_idc.
pub(super) fn is_reference(plan: &Plan) -> bool {
    plan.kept || plan.kind == Kind::Key
}

impl Buffer {
    pub(super) const fn new(capacity: usize) -> Self {
        Self { held: Vec::new(), number: 0, capacity }
    }

    /// The frame_num of a picture, before it wraps.
    pub(super) fn number(&self, plan: &Plan) -> u32 {
        if plan.kind == Kind::Key { 0 } else { self.number }
    }

    /// Both reference lists of a picture.
    ///
    /// # Panics
    ///
    /// Where the plan refers to a picture that was not kept.
    pub(super) fn lists(&self, plan: &Plan) -> [List; 2] {
        match plan.kind {
            Kind::Key | Kind::Intra => [List::default(), List::default()],
            Kind::P => {
                let mut newest = self.held.clone();
                newest.sort_by_key(|held| std::cmp::Reverse(held.number));
                [self.list(&plan.past, &newest), List::default()]
            }
            Kind::B => {
                let (past, future) = self.by_order(plan.order);
                let first: Vec<Held> = past.iter().chain(&future).cloned().collect();
                let mut second: Vec<Held> = future.into_iter().chain(past).collect();
                let same = first.iter().zip(&second).all(|(a, b)| a.order == b.order);
                if same && second.len() > 1 {
                    second.swap(0, 1);
                }
                // Neither list of a B slice can be empty.
                let or = |one: &Vec<u32>, other: &Vec<u32>| {
                    if one.is_empty() { other.clone() } else { one.clone() }
                };
                let (past, future) = (or(&plan.past, &plan.future), or(&plan.future, &plan.past));
                [self.list(&past, &first), self.list(&future, &second)]
            }
        }
    }

    /// Those shown before a picture and those after it, nearest first.
    fn by_order(&self, order: u32) -> (Vec<Held>, Vec<Held>) {
        let (mut past, mut future): (Vec<Held>, Vec<Held>) =
            self.held.iter().cloned().partition(|held| held.order < order);
        past.sort_by_key(|held| std::cmp::Reverse(held.order));
        future.sort_by_key(|held| held.order);
        (past, future)
    }

    fn list(&self, wanted: &[u32], default: &[Held]) -> List {
        let find = |&order: &u32| self.held.iter().find(|held| held.order == order && !held.forgotten);
        let held: Vec<&Held> = wanted
            .iter()
            .map(|order| find(order).unwrap_or_else(|| panic!("{order} was not kept")))
            .collect();
        let is_default = held.iter().zip(default).all(|(a, b)| a.order == b.order);
        List {
            pictures: held.iter().map(|held| held.picture.clone()).collect(),
            modification: (!is_default).then(|| held.iter().map(|held| i64::from(held.number)).collect()),
        }
    }

    /// What a kept picture that is not a key picture must say.
    pub(super) fn marking(&self, plan: &Plan) -> Marking {
        let done = |held: &&Held| held.forgotten || plan.forget.contains(&held.order);
        let mut forget: Vec<i64> = self.held.iter().filter(done).map(|held| i64::from(held.number)).collect();
        forget.sort_unstable();
        let oldest = self.held.iter().map(|held| i64::from(held.number)).min();
        let slides: Vec<i64> = oldest.into_iter().filter(|_| self.held.len() >= self.capacity).collect();
        if forget == slides { Marking::SlidingWindow } else { Marking::Forget(forget) }
    }

    /// Takes a coded picture.
    ///
    /// # Panics
    ///
    /// Where more pictures are kept than the stream says.
    pub(super) fn commit(&mut self, plan: &Plan, picture: Arc<Picture>) {
        if plan.kind == Kind::Key {
            self.held.clear();
        }
        for held in &mut self.held {
            held.forgotten |= plan.forget.contains(&held.order);
        }
        if !is_reference(plan) {
            return;
        }
        self.held.retain(|held| !held.forgotten);
        let number = self.number(plan);
        self.held.push(Held { order: plan.order, number, picture, forgotten: !plan.kept });
        assert!(self.held.len() <= self.capacity, "more pictures are kept than Stream::kept: {plan:?}");
        self.number = number + 1;
    }
}
