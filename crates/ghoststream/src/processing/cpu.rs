//! The CPU way: one pass from the leased buffer into a picture of the pool, a few rows at a time.

use super::geometry::Geometry;
use super::matrix::Levels;
use super::pool::Pool;
use super::reader::Reader;
use super::scaling::Scaling;
use super::source::{Layout, Word};
use super::target::{Kernel, Target};
use super::tiles::Tiles;
use super::{Process, ProcessError, Recipe, pointer, room};
use crate::Rect;
use crate::av::Picture;
use crate::capture::{CapturedFrame, Cursor, Damage};

/// Rows that go through the scratch memory at once; they stay in the second-level cache.
const BAND: u32 = 16;

/// Converts on the calling thread, and only what changed.
pub(super) struct Cpu {
    recipe: Recipe,
    pool: Pool,
    plan: Option<Plan>,
    scratch: Scratch,
    /// Reused from call to call.
    rects: Vec<Rect>,
}

/// What is worked out once for frames of one kind.
struct Plan {
    geometry: Geometry,
    kernel: Kernel,
    /// `None` where every pixel stays as large as it is.
    scaling: Option<Scaling>,
    /// The pointer of the last frame.
    cursor: Option<Cursor>,
    /// What changed between the last two frames. As large as the content.
    changed: Tiles,
}

/// Memory for rows that cannot be converted where they are.
#[derive(Default)]
struct Scratch {
    bytes: Vec<[u8; 4]>,
    words: Vec<Word>,
}

impl Cpu {
    pub(super) fn new(recipe: Recipe) -> Self {
        let pool = Pool::new(recipe.output);
        Self { recipe, pool, plan: None, scratch: Scratch::default(), rects: Vec::new() }
    }
}

impl Process for Cpu {
    fn process(&mut self, frame: &CapturedFrame) -> Result<Picture, ProcessError> {
        let geometry = Geometry::new(frame, &self.recipe)?;
        let known = self.plan.as_ref().is_some_and(|plan| plan.geometry == geometry);
        if !known {
            let plan = Plan::new(geometry, &self.recipe)?;
            self.pool.invalidate(&plan.changed);
            self.plan = Some(plan);
        }
        let Some(plan) = &mut self.plan else { unreachable!("just made") };
        plan.mark(frame);
        self.pool.damage(&plan.changed);
        let shared = |picture: &Picture| {
            picture.share().map_err(|source| ProcessError::Memory { size: picture.size(), source })
        };
        if let Some(entry) = self.pool.current() {
            return shared(&entry.picture);
        }
        let entry = self.pool.take(&plan.changed)?;
        entry.stale.rects(&mut self.rects);
        let output = self.recipe.output;
        if let Some(mut target) = Target::new(&mut entry.picture, output.format) {
            if entry.blank && plan.geometry.content != Rect::of(output.size) {
                target.blacken(Levels::new(output.color.range, output.format.depth()));
            }
            let view = plan.geometry.view;
            let reader = Reader::new(frame, &view);
            for rect in &self.rects {
                plan.convert(&reader, *rect, &mut self.scratch, &mut target);
            }
        }
        entry.blank = false;
        entry.stale.clear();
        shared(&entry.picture)
    }
}

impl Plan {
    fn new(geometry: Geometry, recipe: &Recipe) -> Result<Self, ProcessError> {
        let kernel = Kernel::new(geometry.format, recipe)?;
        let content = geometry.content.size();
        let scaling = geometry.scales().then(|| Scaling::new(geometry.view.size(), content, recipe));
        Ok(Self { geometry, kernel, scaling, cursor: None, changed: Tiles::new(content) })
    }

    /// Works out what changed since the frame before.
    fn mark(&mut self, frame: &CapturedFrame) {
        self.changed.clear();
        match &frame.damage {
            Damage::Full => self.changed.mark_all(),
            Damage::Rects(rects) => {
                rects.iter().for_each(|rect| self.mark_shown(self.geometry.view.shown(*rect)));
            }
        }
        if self.cursor != frame.cursor {
            for cursor in [self.cursor.take(), frame.cursor.clone()].iter().flatten() {
                self.mark_shown(pointer::area(cursor, &self.geometry.view));
            }
            self.cursor.clone_from(&frame.cursor);
        }
    }

    /// Adds what a rectangle of the view has an effect on.
    fn mark_shown(&mut self, rect: Rect) {
        if rect.is_empty() {
            return;
        }
        // Where the source has fewer colour differences than pixels, each is spread over its
        // neighbours.
        let spread = if self.geometry.format.is_yuv() { 3 } else { 0 };
        let rect = grown(rect, spread).intersection(Rect::of(self.geometry.view.size()));
        let rect = self.scaling.as_ref().map_or(rect, |scaling| scaling.touches(rect));
        // A colour difference takes in the column to its left.
        self.changed.mark(grown(rect, 1));
    }

    /// Converts a rectangle of the content.
    fn convert(&mut self, reader: &Reader<'_>, rect: Rect, scratch: &mut Scratch, target: &mut Target<'_>) {
        let content = self.geometry.content;
        if let Some(scaling) = &mut self.scaling {
            scaling.convert(reader, &self.kernel, rect, (content.x, content.y), target);
            return;
        }
        for y in (rect.y..rect.bottom()).step_by(BAND as usize) {
            let band = Rect { y, height: BAND.min(rect.bottom() - y), ..rect };
            let lead = u32::from(band.x > 0);
            let wide = Rect { x: band.x - lead, width: band.width + lead, ..band };
            let place = Rect { x: content.x + band.x, y: content.y + band.y, ..band };
            if let Some((bytes, stride)) = reader.in_place(wide) {
                target.put_band_of_bytes(&self.kernel, place, bytes, stride, lead);
                continue;
            }
            let area = wide.size().area() as usize;
            match reader.layout() {
                Layout::Bytes(order) => {
                    let pixels = room(&mut scratch.bytes, area);
                    reader.bytes(order, wide, pixels);
                    let stride = wide.width as usize * 4;
                    target.put_band_of_bytes(&self.kernel, place, pixels.as_flattened(), stride, lead);
                }
                Layout::Words => {
                    let pixels = room(&mut scratch.words, area);
                    reader.words(wide, pixels);
                    target.put_band_of_words(&self.kernel, place, pixels, lead);
                }
            }
        }
    }
}

/// `rect` with `by` more pixels on every side.
fn grown(rect: Rect, by: u32) -> Rect {
    let (x, y) = (rect.x.saturating_sub(by), rect.y.saturating_sub(by));
    Rect::new(x, y, rect.right() + by - x, rect.bottom() + by - y)
}
