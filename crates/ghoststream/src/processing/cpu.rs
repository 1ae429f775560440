//! The CPU way: one pass from the leased buffer into a picture of the pool, a few rows at a time.

use std::time::Duration;

use super::between::Between;
use super::geometry::Geometry;
use super::light::{Light, PointerLight};
use super::mapped::Mappings;
use super::pool::Pool;
use super::reader::Reader;
use super::scaling::Scaling;
use super::source::{Layout, Word};
use super::target::{Kernel, Target};
use super::tiles::Tiles;
use super::{BetweenError, Process, ProcessError, Recipe, pointer, room, ycbcr};
use crate::av::Picture;
use crate::capture::{CapturedFrame, Cursor, Damage};
use crate::encode::{AnyPicture, PictureMemory};
use crate::{Rect, Timestamp};
use ghoststream_interpolation::Time;
use ghoststream_picture::matrix::Levels;

/// Rows that go through the scratch memory at once; they stay in the second-level cache.
const BAND: u32 = 16;

/// Pixels around a change that a 4:2:0 or 4:2:2 source changes with it.
const SPREAD: u32 = 3;

/// Converts on the calling thread, and only what changed.
pub(super) struct Cpu {
    recipe: Recipe,
    pool: Pool,
    plan: Option<Plan>,
    mappings: Mappings,
    scratch: Scratch,
    /// For pictures between two others.
    between: Option<Between>,
    /// Reused from call to call.
    rects: Vec<Rect>,
}

/// What is worked out once for frames of one kind.
struct Plan {
    geometry: Geometry,
    kernel: Kernel,
    /// `None` where every pixel stays as large as it is.
    scaling: Option<Scaling>,
    /// Whether luma and chroma stay what they are, but for the pointer.
    carries_over: bool,
    /// `None` where the source's colours are the output's.
    light: Option<Light>,
    /// The pointer of the last frame.
    cursor: Option<Cursor>,
    /// The same in the output's colours.
    pointer: PointerLight,
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
    pub(super) fn new(recipe: Recipe, memory: Option<PictureMemory>) -> Self {
        let pool = Pool::new(recipe.output, memory);
        let (mappings, scratch) = (Mappings::default(), Scratch::default());
        Self { recipe, pool, plan: None, mappings, scratch, between: None, rects: Vec::new() }
    }
}

/// The widest instructions that it uses on this machine.
pub(super) fn instructions() -> &'static str {
    if super::avx512::is_used() {
        "AVX-512"
    } else if cfg!(target_arch = "x86_64") && std::arch::is_x86_feature_detected!("avx2") {
        "AVX2"
    } else {
        "no vectors"
    }
}

impl Process for Cpu {
    fn process(&mut self, frame: &CapturedFrame) -> Result<AnyPicture, ProcessError> {
        let mapped = self.mappings.read(frame).inspect_err(|_| {
            // What changed in it is not known to the next one.
            self.plan = None;
        })?;
        let frame = mapped.as_ref().unwrap_or(frame);
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
            let shared = picture.share().map(AnyPicture::Memory);
            shared.map_err(|source| ProcessError::Memory { size: picture.size(), source })
        };
        if let Some(entry) = self.pool.current() {
            return shared(&entry.picture);
        }
        let entry = self.pool.take(&plan.changed, Timestamp::now())?;
        entry.stale.rects(&mut self.rects);
        let output = self.recipe.output;
        if let Some(mut target) = Target::new(&mut entry.picture, output.format) {
            if entry.blank && plan.geometry.content != Rect::of(output.size) {
                target.blacken(Levels::new(output.color.range, output.format.depth()));
            }
            let cursor = frame.cursor.as_ref().map(|it| plan.pointer.convert(it));
            let Plan { geometry, kernel, scaling, light, carries_over, .. } = plan;
            let work = Work { geometry, kernel, carries_over: *carries_over };
            let reader = Reader::new(frame, &geometry.view, light.as_ref(), cursor.as_ref());
            for rect in &self.rects {
                work.convert(&reader, *rect, scaling.as_mut(), &mut self.scratch, &mut target);
            }
        }
        entry.blank = false;
        entry.stale.clear();
        shared(&entry.picture)
    }

    fn get_ready_between(&mut self, limit: Duration) -> Result<(), BetweenError> {
        self.between = Some(Between::open(self.recipe.output, limit)?);
        Ok(())
    }

    fn between(&mut self, pair: [&AnyPicture; 2], times: &[Time]) -> Result<Vec<AnyPicture>, BetweenError> {
        let Some(between) = &mut self.between else {
            return Err(BetweenError::Gone("nobody said that they are wanted".to_owned()));
        };
        let size = self.recipe.output.size;
        // Where a GPU made them that is no longer used, they are copied back.
        let in_memory = |it: &AnyPicture| {
            let shared = it.share().map_err(|source| BetweenError::Memory { size, source })?;
            shared.into_memory().map_err(|absent| BetweenError::Gone(absent.to_string()))
        };
        let [before, after] = pair.map(in_memory);
        let made = between.make([&before?, &after?], times)?;
        Ok(made.into_iter().map(AnyPicture::Memory).collect())
    }
}

impl Plan {
    fn new(geometry: Geometry, recipe: &Recipe) -> Result<Self, ProcessError> {
        let light = Light::new(geometry.format, geometry.color, recipe);
        let layout = if light.is_some() { Layout::Words } else { Layout::of(geometry.format) };
        let kernel = Kernel::new(geometry.format, layout, recipe)?;
        let content = geometry.content.size();
        let scaling = geometry.scales().then(|| Scaling::new(geometry.view.size(), content, recipe));
        let Geometry { format, color, view, .. } = geometry;
        let carries_over = scaling.is_none() && ycbcr::carries_over(format, color, &view, &recipe.output);
        let changed = Tiles::new(content);
        let pointer = PointerLight::new(recipe);
        Ok(Self { geometry, kernel, scaling, carries_over, light, cursor: None, pointer, changed })
    }

    /// Works out what changed since the frame before.
    fn mark(&mut self, frame: &CapturedFrame) {
        self.changed.clear();
        if self.light.as_mut().is_some_and(|it| it.follow(frame, &self.geometry.view)) {
            self.changed.mark_all();
        }
        match &frame.damage {
            Damage::Full => self.changed.mark_all(),
            Damage::Rects(rects) => {
                // Where the source has fewer colour differences than pixels, each is spread over its
                // neighbours, those across the edge of the view included.
                let spread = if self.geometry.format.is_yuv() { SPREAD } else { 0 };
                let changed = rects.iter().filter(|it| !it.is_empty()).map(|it| grown(*it, spread));
                changed.for_each(|rect| self.mark_shown(self.geometry.view.shown(rect)));
            }
        }
        if self.cursor != frame.cursor {
            for cursor in [self.cursor.take(), frame.cursor.clone()].iter().flatten() {
                // Around it, colour differences are made anew.
                let area = pointer::area(cursor, &self.geometry.view);
                self.mark_shown(if area.is_empty() { area } else { grown(area, SPREAD) });
            }
            self.cursor.clone_from(&frame.cursor);
        }
    }

    /// Adds what a rectangle of the view has an effect on.
    fn mark_shown(&mut self, rect: Rect) {
        if rect.is_empty() {
            return;
        }
        let rect = rect.intersection(Rect::of(self.geometry.view.size()));
        let rect = self.scaling.as_ref().map_or(rect, |scaling| scaling.touches(rect));
        // A colour difference takes in the column to its left.
        self.changed.mark(grown(rect, 1));
    }
}

/// What stays the same while a picture is made.
struct Work<'a> {
    geometry: &'a Geometry,
    kernel: &'a Kernel,
    carries_over: bool,
}

impl Work<'_> {
    /// Converts a rectangle of the content.
    fn convert(
        &self,
        reader: &Reader<'_>,
        rect: Rect,
        scaling: Option<&mut Scaling>,
        scratch: &mut Scratch,
        target: &mut Target<'_>,
    ) {
        let content = self.geometry.content;
        if let Some(scaling) = scaling {
            scaling.convert(reader, self.kernel, rect, (content.x, content.y), target);
        } else if self.carries_over {
            let place = (content.x + rect.x, content.y + rect.y);
            ycbcr::carry_over(reader.frame(), &self.geometry.view, rect, place, target);
            // The pointer is RGB. What is done twice depends on where it is alone, not on `rect`.
            let pointer = even(grown(reader.pointer(), 2)).intersection(rect);
            if !reader.pointer().is_empty() && !pointer.is_empty() {
                self.convert_colours(reader, pointer, scratch, target);
            }
        } else {
            self.convert_colours(reader, rect, scratch, target);
        }
    }

    /// Converts a rectangle of the content, whose place is even, from RGB.
    fn convert_colours(
        &self,
        reader: &Reader<'_>,
        rect: Rect,
        scratch: &mut Scratch,
        target: &mut Target<'_>,
    ) {
        let content = self.geometry.content;
        for y in (rect.y..rect.bottom()).step_by(BAND as usize) {
            let band = Rect { y, height: BAND.min(rect.bottom() - y), ..rect };
            let lead = u32::from(band.x > 0);
            let wide = Rect { x: band.x - lead, width: band.width + lead, ..band };
            let place = Rect { x: content.x + band.x, y: content.y + band.y, ..band };
            if let Some((bytes, stride)) = reader.in_place(wide) {
                target.put_band_of_bytes(self.kernel, place, bytes, stride, lead);
                continue;
            }
            let area = wide.size().area() as usize;
            match reader.layout() {
                Layout::Bytes(order) => {
                    let pixels = room(&mut scratch.bytes, area);
                    reader.bytes(order, wide, pixels);
                    let stride = wide.width as usize * 4;
                    target.put_band_of_bytes(self.kernel, place, pixels.as_flattened(), stride, lead);
                }
                Layout::Words => {
                    let pixels = room(&mut scratch.words, area);
                    reader.words(wide, pixels);
                    target.put_band_of_words(self.kernel, place, pixels, lead);
                }
            }
        }
    }
}

/// The smallest rectangle around `rect` whose edges are even.
fn even(rect: Rect) -> Rect {
    let (x, y) = (rect.x & !1, rect.y & !1);
    let length = |from: u32, to: u32| (to - from).next_multiple_of(2);
    Rect::new(x, y, length(x, rect.right()), length(y, rect.bottom()))
}

/// `rect` with `by` more pixels on every side.
fn grown(rect: Rect, by: u32) -> Rect {
    let (x, y) = (rect.x.saturating_sub(by), rect.y.saturating_sub(by));
    let (right, bottom) = (rect.right().saturating_add(by), rect.bottom().saturating_add(by));
    Rect::new(x, y, right - x, bottom - y)
}
