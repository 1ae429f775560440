//! The CPU way: one pass from the leased buffer into a picture of the pool, a few rows at a time.

use super::deep::WordRows;
use super::geometry::Geometry;
use super::matrix::Levels;
use super::pool::Pool;
use super::source::{self, Layout, Word};
use super::strip::Rows;
use super::target::{Kernel, Target};
use super::tiles::Tiles;
use super::{Process, ProcessError, Recipe, pointer};
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
            for rect in &self.rects {
                plan.convert(frame, *rect, &mut self.scratch, &mut target)?;
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
        if geometry.scales() {
            return Err(ProcessError::Convert {
                from: geometry.format,
                to: recipe.output.format,
                reason: "scaling is not built yet".into(),
            });
        }
        let changed = Tiles::new(geometry.content.size());
        Ok(Self { geometry, kernel, cursor: None, changed })
    }

    /// Works out what changed since the frame before.
    fn mark(&mut self, frame: &CapturedFrame) {
        self.changed.clear();
        match &frame.damage {
            Damage::Full => self.changed.mark_all(),
            Damage::Rects(rects) => {
                rects.iter().for_each(|rect| self.mark_shown(self.geometry.view.shown(*rect)))
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
        // A colour difference takes in the column to its left; and where the source has fewer of
        // them than pixels, each is spread over its neighbours.
        let reach = if self.geometry.format.is_yuv() { 4 } else { 1 };
        self.changed.mark(grown(rect, reach));
    }

    /// Converts a rectangle of the content.
    fn convert(
        &self,
        frame: &CapturedFrame,
        rect: Rect,
        scratch: &mut Scratch,
        target: &mut Target<'_>,
    ) -> Result<(), ProcessError> {
        let view = &self.geometry.view;
        let cursor = frame.cursor.as_ref();
        for y in (rect.y..rect.bottom()).step_by(BAND as usize) {
            let band = Rect { y, height: BAND.min(rect.bottom() - y), ..rect };
            let lead = u32::from(band.x > 0);
            let wide = Rect { x: band.x - lead, width: band.width + lead, ..band };
            let drawn = cursor.filter(|it| !pointer::area(it, view).intersection(wide).is_empty());
            if drawn.is_none()
                && let Some((bytes, stride)) = source::in_place(frame, view, wide.x, wide.y)
            {
                self.put_bytes(target, band, bytes, stride, lead);
                continue;
            }
            let area = wide.size().area() as usize;
            match Layout::of(frame.format) {
                Layout::Bytes(order) => {
                    let pixels = room(&mut scratch.bytes, area);
                    source::read_bytes(frame, view, wide, pixels);
                    if let Some(cursor) = drawn {
                        pointer::draw(cursor, view, wide, pixels, pointer::over_bytes(order));
                    }
                    self.put_bytes(target, band, pixels.as_flattened(), wide.width as usize * 4, lead);
                }
                Layout::Words => {
                    let pixels = room(&mut scratch.words, area);
                    source::read_words(frame, view, wide, pixels)?;
                    if let Some(cursor) = drawn {
                        pointer::draw(cursor, view, wide, pixels, pointer::over_words);
                    }
                    self.put_words(target, band, pixels, lead);
                }
            }
        }
        Ok(())
    }

    /// Converts a band of four-byte pixels, two rows at a time.
    fn put_bytes(&self, target: &mut Target<'_>, band: Rect, bytes: &[u8], stride: usize, lead: u32) {
        let length = (band.width + lead) as usize * 4;
        for (y, height) in pairs(band.height) {
            let row = |y: u32| &bytes[y as usize * stride..][..length];
            let rows = Rows { top: row(y), bottom: row(y + height - 1), lead: lead as usize };
            target.put_bytes(&self.kernel, self.placed(band, y, height), rows);
        }
    }

    /// The same for words.
    fn put_words(&self, target: &mut Target<'_>, band: Rect, pixels: &[Word], lead: u32) {
        let length = (band.width + lead) as usize;
        for (y, height) in pairs(band.height) {
            let row = |y: u32| &pixels[y as usize * length..][..length];
            let rows = WordRows { top: row(y), bottom: row(y + height - 1), lead: lead as usize };
            target.put_words(&self.kernel, self.placed(band, y, height), rows);
        }
    }

    /// Where in the output `height` rows of a band, from its row `y` on, are.
    fn placed(&self, band: Rect, y: u32, height: u32) -> Rect {
        let content = self.geometry.content;
        Rect::new(content.x + band.x, content.y + band.y + y, band.width, height)
    }
}

/// The first row and the number of rows of each pair; the last may be alone.
fn pairs(height: u32) -> impl Iterator<Item = (u32, u32)> {
    (0..height).step_by(2).map(move |y| (y, (height - y).min(2)))
}

/// `rect` with `by` more pixels on every side.
fn grown(rect: Rect, by: u32) -> Rect {
    let (x, y) = (rect.x.saturating_sub(by), rect.y.saturating_sub(by));
    Rect::new(x, y, rect.right() + by - x, rect.bottom() + by - y)
}

/// The first `length` elements, more being added where there are not as many.
fn room<T: Copy + Default>(memory: &mut Vec<T>, length: usize) -> &mut [T] {
    if memory.len() < length {
        memory.resize(length, T::default());
    }
    &mut memory[..length]
}
