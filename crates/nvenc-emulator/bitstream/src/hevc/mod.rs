//! HEVC (ITU-T H.265): Main, Main 10 and, for 4:4:4, the format range extensions.
//!
//! One slice a picture, of several tiles that are coded at the same time. Tree blocks of 32x32 are either
//! skipped or four units of 16x16: intra (planar, DC, horizontal, vertical) or inter without motion, one
//! transform each. No filters.
//!
//! ```text
//! Hevc::encode     picture and plan to a NAL unit
//!   Header         slice.rs: what is kept and referred to
//!   Tile           tile.rs: the choice for each unit; block.rs: prediction and residual; syntax.rs: bins
//! ```

mod block;
mod cabac;
mod contexts;
mod intra;
mod layout;
mod motion;
mod parameters;
mod residual;
mod slice;
mod syntax;
mod tile;
mod transform;
mod units;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use self::block::{Exact, Job};
use self::contexts::SliceType;
use self::layout::Layout;
use self::motion::Lists;
use self::slice::Header;
use self::tile::Tile;
use self::transform::Quantizer;
use crate::{Chroma, Coded, Coder, Format, Kind, Picture, Plan, Quality, Stream};

/// SliceQpY of pictures without loss, which only decides where contexts begin.
const EXACT_QUANTIZER: u8 = 12;

/// A writer of one stream.
#[derive(Clone, Debug)]
pub struct Hevc {
    stream: Stream,
    layout: Layout,
    /// The pictures that later ones may refer to: order and samples, before cropping.
    kept: Vec<(u32, Arc<Picture>)>,
}

impl Hevc {
    /// A writer of this stream.
    pub fn new(stream: Stream) -> Self {
        let layout = Layout::new(&stream);
        Self { stream, layout, kept: Vec::new() }
    }

    fn lists(&self, plan: &Plan) -> Lists<'_> {
        let orders = match plan.kind {
            Kind::Key | Kind::Intra => [vec![], vec![]],
            Kind::P => [plan.past.clone(), vec![]],
            // Both lists of a B-frame have pictures, on whichever side those are.
            Kind::B if plan.future.is_empty() => [plan.past.clone(), plan.past.clone()],
            Kind::B if plan.past.is_empty() => [plan.future.clone(), plan.future.clone()],
            Kind::B => [plan.past.clone(), plan.future.clone()],
        };
        let picture = |order: &u32| {
            let kept = self.kept.iter().find(|it| it.0 == *order);
            &*kept.expect("a plan refers to pictures that are kept").1
        };
        Lists { pictures: [0, 1].map(|list| orders[list].iter().map(picture).collect()), orders }
    }

    fn job<'a>(&'a self, source: &'a Picture, plan: &Plan, quality: Quality) -> Job<'a> {
        let (quantizer, exact) = match quality {
            Quality::Exact => {
                assert!(self.stream.exact, "an exact picture in a stream that is not");
                (EXACT_QUANTIZER, Exact::Yes)
            }
            Quality::Quantizer(quantizer) if self.stream.exact => (quantizer.min(51), Exact::No),
            Quality::Quantizer(quantizer) => (quantizer.min(51), Exact::Never),
        };
        let Format { chroma, depth, .. } = self.stream.format;
        let lists = self.lists(plan);
        let slice = match plan.kind {
            Kind::Key | Kind::Intra => SliceType::I,
            Kind::P => SliceType::P,
            Kind::B => SliceType::B,
        };
        let quantizers =
            [false, chroma == Chroma::Yuv420].map(|small| Quantizer::new(quantizer, small, depth));
        // As the reference software weighs bits against differences.
        let worth =
            0.57f64.sqrt() * 2f64.powf((f64::from(quantizer) - 12.0) / 6.0) * f64::from(1 << (depth - 8));
        let bit_cost = if exact == Exact::Yes { 16 } else { (worth * 16.0) as u32 };
        Job { slice, source, lists, quantizer, quantizers, exact, bit_cost }
    }
}

impl Coder for Hevc {
    fn headers(&self) -> Vec<u8> {
        parameters::headers(&self.stream, &self.layout)
    }

    fn encode(&self, picture: &Picture, plan: &Plan, quality: Quality) -> Coded {
        let source = extend(picture, self.layout.coded);
        let job = self.job(&source, plan, quality);
        let tiles = &self.layout.tiles;
        let code = |tile: usize| Tile::code(&job, tiles[tile].clone(), tile + 1 == tiles.len());
        let coded: Vec<(Vec<u8>, Picture)> = std::thread::scope(|scope| {
            let code = &code;
            let others: Vec<_> = (1..tiles.len()).map(|tile| scope.spawn(move || code(tile))).collect();
            let first = code(0);
            let others = others.into_iter().map(|it| it.join().expect("a tile is coded"));
            std::iter::once(first).chain(others).collect()
        });
        let (bytes, bands): (Vec<_>, Vec<_>) = coded.into_iter().unzip();
        let kept: Vec<u32> = match plan.kind {
            Kind::Key => vec![],
            _ => self.kept.iter().map(|it| it.0).collect(),
        };
        let (slice, quantizer, lists) = (job.slice, job.quantizer, &job.lists.orders);
        let header = Header { plan, slice, quantizer, kept: &kept, lists };
        let planes =
            [0, 1, 2].map(|plane| bands.iter().flat_map(|band| &band.planes[plane]).copied().collect());
        let whole = Picture { format: self.layout.coded, planes };
        Coded { bytes: header.unit(&bytes), decoded: crop(&whole, self.stream.format), whole }
    }

    fn commit(&mut self, plan: &Plan, coded: &Coded) {
        if plan.kind == Kind::Key {
            self.kept.clear();
        }
        if plan.kept {
            self.kept.push((plan.order, Arc::new(coded.whole.clone())));
        }
        self.kept.retain(|(order, _)| !plan.forget.contains(order));
    }

    fn show(&self, _: u32) -> Vec<u8> {
        Vec::new()
    }
}

/// The picture in whole units: its last column and row go on.
fn extend(picture: &Picture, coded: Format) -> Cow<'_, Picture> {
    if picture.format == coded {
        return Cow::Borrowed(picture);
    }
    let plane = |plane: usize| {
        let ((width, height), (across, down)) = (picture.format.plane(plane), coded.plane(plane));
        let mut samples = Vec::with_capacity(across * down);
        for y in 0..down {
            let row = &picture.planes[plane][y.min(height - 1) * width..][..width];
            samples.extend_from_slice(row);
            samples.extend(std::iter::repeat_n(row[width - 1], across - width));
        }
        samples
    };
    Cow::Owned(Picture { format: coded, planes: [0, 1, 2].map(plane) })
}

/// What is shown of a picture.
fn crop(whole: &Picture, format: Format) -> Picture {
    let plane = |plane: usize| {
        let ((across, _), (width, height)) = (whole.format.plane(plane), format.plane(plane));
        let rows = whole.planes[plane].chunks_exact(across).take(height);
        rows.map(|row| &row[..width]).collect::<Vec<_>>().concat()
    };
    Picture { format, planes: [0, 1, 2].map(plane) }
}
