//! Slices: the header of each picture, and the pictures that it keeps and refers to.

use super::contexts::SliceType;
use super::parameters::{INITIAL_QUANTIZER, ORDER_BITS};
use crate::bits::nal;
use crate::{BitWriter, Kind, Plan};

/// NAL unit types of table 7-1.
const TRAIL_N: u8 = 0;
const TRAIL_R: u8 = 1;
const IDR_N_LP: u8 = 20;

/// What a picture's slice header says.
pub(super) struct Header<'a> {
    pub(super) plan: &'a Plan,
    pub(super) slice: SliceType,
    pub(super) quantizer: u8,
    /// The pictures that are kept, by order.
    pub(super) kept: &'a [u32],
    /// The reference picture lists, by order.
    pub(super) lists: &'a [Vec<u32>; 2],
}

impl Header<'_> {
    /// The picture: one slice of these tiles.
    pub(super) fn unit(&self, tiles: &[Vec<u8>]) -> Vec<u8> {
        let kind = match self.plan.kind {
            Kind::Key => IDR_N_LP,
            _ if self.plan.kept => TRAIL_R,
            _ => TRAIL_N,
        };
        let mut bits = BitWriter::new();
        self.write(&mut bits);
        if tiles.len() > 1 {
            write_entry_points(&mut bits, tiles);
        }
        bits.trailing();
        for tile in tiles {
            bits.bytes(tile);
        }
        nal(&[kind << 1, 1], &bits.finish())
    }

    fn write(&self, bits: &mut BitWriter) {
        bits.flag(true);
        if self.plan.kind == Kind::Key {
            bits.flag(false);
        }
        bits.ue(0);
        bits.ue(2 - self.slice as u32);
        if self.plan.kind != Kind::Key {
            bits.put(self.plan.order & ((1 << ORDER_BITS) - 1), ORDER_BITS);
            bits.flag(false);
            self.write_kept(bits);
        }
        if self.slice != SliceType::I {
            self.write_lists(bits);
            bits.ue(0); // Five merge candidates.
        }
        bits.se(i32::from(self.quantizer) - i32::from(INITIAL_QUANTIZER));
    }

    /// Kept pictures before this one and after it, nearest first: the order of a list that is not modified.
    fn near(&self) -> [Vec<u32>; 2] {
        let order = self.plan.order;
        let mut before: Vec<u32> = self.kept.iter().copied().filter(|&it| it < order).collect();
        let mut after: Vec<u32> = self.kept.iter().copied().filter(|&it| it > order).collect();
        before.sort_unstable_by(|a, b| b.cmp(a));
        after.sort_unstable();
        [before, after]
    }

    fn is_used(&self, order: u32) -> bool {
        self.lists.iter().flatten().any(|&it| it == order)
    }

    /// st_ref_pic_set: every picture that is kept, referred to now or later.
    fn write_kept(&self, bits: &mut BitWriter) {
        let near = self.near();
        bits.ue(near[0].len() as u32);
        bits.ue(near[1].len() as u32);
        for orders in near {
            let mut last = self.plan.order;
            for order in orders {
                bits.ue(order.abs_diff(last) - 1);
                bits.flag(self.is_used(order));
                last = order;
            }
        }
    }

    /// The sizes of the lists, and their entries where they are not the first ones by distance.
    fn write_lists(&self, bits: &mut BitWriter) {
        let lists = if self.slice == SliceType::B { &self.lists[..] } else { &self.lists[..1] };
        let active = lists.iter().any(|list| list.len() > 1);
        bits.flag(active);
        if active {
            lists.iter().for_each(|list| bits.ue(list.len() as u32 - 1));
        }
        let [before, after] = self.near().map(|orders| orders.into_iter().filter(|&it| self.is_used(it)));
        let (before, after): (Vec<_>, Vec<_>) = (before.collect(), after.collect());
        let total = before.len() + after.len();
        if total > 1 {
            let initial = [[&before[..], &after].concat(), [&after[..], &before].concat()];
            for (list, initial) in lists.iter().zip(&initial) {
                let modified = !initial.iter().cycle().zip(list).all(|(a, b)| a == b);
                bits.flag(modified);
                for order in list.iter().filter(|_| modified) {
                    let entry = initial.iter().position(|it| it == order).expect("what is used is kept");
                    bits.put(entry as u32, total.next_power_of_two().ilog2());
                }
            }
        }
        if self.slice == SliceType::B {
            bits.flag(false); // Vectors of the second list are told, as those of the first one.
        }
    }
}

/// Where each tile but the first begins: the sizes of those before, with emulation prevention.
fn write_entry_points(bits: &mut BitWriter, tiles: &[Vec<u8>]) {
    // The header and each tile end in a byte that is not zero: what precedes a tile changes nothing in it.
    let empty = nal(&[], &[]).len();
    let sizes: Vec<u32> =
        tiles[..tiles.len() - 1].iter().map(|tile| (nal(&[], tile).len() - empty) as u32).collect();
    let length =
        sizes.iter().map(|size| (size - 1).checked_ilog2().map_or(1, |log2| log2 + 1)).max().unwrap_or(1);
    bits.ue(sizes.len() as u32);
    bits.ue(length - 1);
    for size in sizes {
        bits.put(size - 1, length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_points_count_what_emulation_prevention_adds() {
        let mut bits = BitWriter::new();
        let tiles = [vec![9, 0, 0, 1, 0, 0, 0x80], vec![7; 3], vec![5; 40]];
        write_entry_points(&mut bits, &tiles);
        // Two of them, of three bits each: 8 - 1 and 3 - 1.
        let mut expected = BitWriter::new();
        expected.ue(2);
        expected.ue(3 - 1);
        expected.put(7, 3);
        expected.put(2, 3);
        assert_eq!(bits.finish(), expected.finish());
    }
}
