//! AV1 Main and High profile (AV1 Bitstream & Decoding Process Specification, version 1.0.0 with errata 1).
//!
//! One block size and one transform of it, prediction from the same place of other pictures or from beside the
//! block, default probabilities that adapt within each tile, no filters. Pictures are cut into tiles that are
//! coded by as many threads as the machine has.
//!
//! ```text
//! Coder      headers, slots, plans to reference names        mod.rs sequence.rs slots.rs level.rs obu.rs
//!   frame    one picture's header, and its tiles              frame.rs tiles.rs
//!     tile   partition, what is written of blocks             tile.rs modes.rs coefficients.rs
//!       block  prediction and residual                        block.rs planes.rs residual.rs transform.rs
//!         symbols  arithmetic coding                          symbols.rs cdfs.rs tables/
//! ```

mod block;
mod cdfs;
mod coefficients;
mod frame;
mod level;
mod modes;
mod obu;
mod planes;
mod residual;
mod sequence;
mod slots;
mod symbols;
mod tables;
mod tile;
mod tiles;
mod transform;

#[cfg(test)]
mod tests;

use frame::Header;
use modes::{BWDREF, LAST};
use slots::Slots;
use tile::Source;
use tiles::Tiles;

use crate::{BitWriter, Coded, Coder, Kind, Picture, Plan, Quality, Stream};

/// The AV1 writer.
///
/// A hidden picture must be shown before the pictures that are kept after it was forgotten take its slot.
#[derive(Clone, Debug)]
pub struct Av1 {
    stream: Stream,
    tiles: Tiles,
    slots: Slots,
}

/// The reference names that a plan's pictures of one direction get, nearest first.
const PAST: usize = 4;
const FUTURE: usize = 3;

impl Av1 {
    /// A writer of this stream.
    ///
    /// # Panics
    ///
    /// Where a side is 0 or more than 65536.
    pub fn new(stream: Stream) -> Self {
        let format = stream.format;
        assert!((1..=65536).contains(&format.width) && (1..=65536).contains(&format.height), "{format:?}");
        Self { tiles: Tiles::new(format), stream, slots: Slots::default() }
    }

    /// The names, slots and pictures that a plan refers to.
    fn references(&self, plan: &Plan) -> Vec<(u8, u8, &Picture)> {
        let named = |orders: &[u32], first: u8, most: usize| {
            let names: Vec<(u8, u32)> = (first..).zip(orders.iter().copied()).take(most).collect();
            names
        };
        let past = named(&plan.past, LAST, PAST);
        let future = named(&plan.future, BWDREF, FUTURE);
        let kept = past.into_iter().chain(future).map(|(name, order)| {
            let (slot, picture) = self.slots.find(order).expect("plans refer to pictures that are kept");
            (name, slot, picture)
        });
        kept.collect()
    }

    /// The size at which pixels of this stream's shape are square, where that is not the pictures' own.
    fn render_size(&self) -> Option<(usize, usize)> {
        let (wide, high) = self.stream.sample_aspect_ratio;
        let (wide, high) = (usize::from(wide), usize::from(high));
        let (width, height) = (self.stream.format.width, self.stream.format.height);
        if wide == high || wide == 0 || high == 0 {
            return None;
        }
        let size = if wide > high { (width * wide / high, height) } else { (width, height * high / wide) };
        let fits = (1..=65536).contains(&size.0) && (1..=65536).contains(&size.1);
        fits.then_some(size)
    }
}

impl Coder for Av1 {
    fn headers(&self) -> Vec<u8> {
        obu::unit(obu::Type::SequenceHeader, &sequence::header(&self.stream))
    }

    fn encode(&self, picture: &Picture, plan: &Plan, quality: Quality) -> Coded {
        let intra = matches!(plan.kind, Kind::Key | Kind::Intra);
        let references = if intra { Vec::new() } else { self.references(plan) };
        let nearest = |name: u8| references.iter().any(|reference| reference.0 == name);
        let compound = nearest(LAST) && nearest(BWDREF);
        let quantizer = match quality {
            Quality::Exact => 0,
            Quality::Quantizer(quantizer) => quantizer.max(1),
        };
        let header = Header {
            refresh: self.slots.refresh(plan),
            references: slots_by_name(&references),
            compound,
            quantizer,
            render: self.render_size(),
        };
        let mut bits = BitWriter::new();
        frame::write_header(&mut bits, plan, &header, &self.tiles);
        let source = Source {
            picture,
            references: references.into_iter().map(|(name, _, picture)| (name, picture)).collect(),
            pair: compound.then_some((LAST, BWDREF)),
            quantizer,
            intra,
        };
        let (tiles, decoded) = frame::encode_tiles(&source, &self.tiles);
        let mut payload = bits.finish();
        payload.extend_from_slice(&tiles);
        let whole = Picture { format: picture.format, planes: Default::default() };
        Coded { bytes: obu::unit(obu::Type::Frame, &payload), decoded, whole }
    }

    fn commit(&mut self, plan: &Plan, coded: &Coded) {
        self.slots.update(plan, &coded.decoded);
    }

    fn show(&self, order: u32) -> Vec<u8> {
        let (slot, _) = self.slots.find(order).expect("hidden pictures are kept until they are shown");
        obu::unit(obu::Type::FrameHeader, &frame::show(slot))
    }
}

/// The slot of each reference name. Names that no picture has stand for one that another has: a decoder wants
/// all of them to be there.
fn slots_by_name(references: &[(u8, u8, &Picture)]) -> [u8; 7] {
    let any = references.first().map_or(0, |reference| reference.1);
    let mut slots = [any; 7];
    for &(name, slot, _) in references {
        slots[usize::from(name - LAST)] = slot;
    }
    slots
}
