//! The eight slots that a decoder keeps pictures in.

use crate::{Kind, Picture, Plan};

/// A picture that is kept.
#[derive(Clone, Debug)]
struct Kept {
    order: u32,
    picture: Picture,
    /// Whether a later plan may refer to it. One that is forgotten can still be shown until its slot is taken.
    needed: bool,
    /// Its place among all that were kept.
    age: u64,
}

/// The slots, in the decoder's order.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots {
    kept: [Option<Kept>; 8],
    count: u64,
}

impl Slots {
    /// The slot of a picture, and the picture.
    pub(super) fn find(&self, order: u32) -> Option<(u8, &Picture)> {
        let found = self.kept.iter().zip(0..).filter_map(|(kept, slot)| Some((slot, kept.as_ref()?)));
        found
            .filter(|(_, kept)| kept.order == order)
            .max_by_key(|(_, kept)| kept.age)
            .map(|(slot, kept)| (slot, &kept.picture))
    }

    /// The slots that a decoder is to put a picture of this plan into, a bit each.
    pub(super) fn refresh(&self, plan: &Plan) -> u8 {
        match plan.kind {
            Kind::Key => 0xff,
            // A hidden picture needs a slot too: it is shown from there.
            _ if plan.kept || !plan.shown => 1 << self.free(plan),
            _ => 0,
        }
    }

    /// The slot that is empty, or else whose picture was kept first of those that nothing refers to any more.
    fn free(&self, plan: &Plan) -> usize {
        let age = |slot: &usize| match &self.kept[*slot] {
            None => (false, 0),
            Some(kept) => (kept.needed && !plan.forget.contains(&kept.order), kept.age),
        };
        (0..8).min_by_key(age).unwrap_or(0)
    }

    /// Does to the slots what a decoder does after a picture.
    pub(super) fn update(&mut self, plan: &Plan, picture: &Picture) {
        let refresh = self.refresh(plan);
        for kept in self.kept.iter_mut().flatten() {
            kept.needed &= !plan.forget.contains(&kept.order);
        }
        if plan.kind == Kind::Key {
            self.kept = Default::default();
        }
        if refresh != 0 {
            // A key picture is in all slots, and needs one.
            let slot = refresh.trailing_zeros() as usize;
            self.count += 1;
            let kept =
                Kept { order: plan.order, picture: picture.clone(), needed: plan.kept, age: self.count };
            self.kept[slot] = Some(kept);
        }
    }
}
