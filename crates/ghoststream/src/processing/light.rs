//! Where the source's colours are not the output's: HDR to SDR and back, and other primaries.
//!
//! Pixels are converted as they are read, so that the pointer is drawn, and the picture scaled, in the
//! colours that come out.

use std::sync::Arc;

use ghoststream_picture::peak::{self, PeakDetector};
use ghoststream_picture::{Conversion, Tone, ToneTables, View};

use super::source::{self, Word};
use super::{Recipe, ToneMapping, avx2};
use crate::capture::{CapturedFrame, Cursor, CursorBitmap};
use crate::{Color, ColorRange, ColorSpace, PixelFormat, Rect, Timestamp};

/// What a pointer's colours mean.
const POINTER: Color = Color::new(ColorSpace::Bt709, ColorRange::Full);

/// How a source's colours become the output's, and how bright the source gets.
pub(super) struct Light {
    colors: (Color, Color),
    tone: Tone,
    /// The peak, where it was said beforehand.
    said: Option<f64>,
    maps_tones: bool,
    tables: ToneTables,
    detector: PeakDetector,
    /// When the brightest pixel was last looked for.
    looked: Option<Timestamp>,
}

impl Light {
    /// Nanoseconds between looks at the brightest pixel.
    const INTERVAL: i64 = 100_000_000;
    /// Rows, and pixels of a row, of which one is looked at. What is smaller is no reason to make the
    /// whole picture darker.
    const ROWS: u32 = 16;
    const COLUMNS: usize = 4;

    /// `None` where code values mean the same on both sides.
    pub(super) fn new(format: PixelFormat, color: Color, recipe: &Recipe) -> Option<Self> {
        let tone = tone(recipe.tone);
        let colors = (color, recipe.output.color);
        let conversion = Conversion::new(colors.0, colors.1, tone)?;
        Some(Self {
            colors,
            tone,
            said: recipe.tone.peak,
            maps_tones: conversion.maps_tones(),
            tables: ToneTables::new(&conversion, format),
            detector: PeakDetector::new(tone.white),
            looked: None,
        })
    }

    /// Converts pixels, in the words of [`source::read_codes`].
    pub(super) fn convert(&self, pixels: &mut [Word]) {
        avx2::vectorised(
            #[inline(always)]
            || self.tables.convert(pixels),
        );
    }

    /// Follows the peak of the source: what was said, else what it says itself, else what is seen. Tells whether pixels that stay
    /// the same come out differently from now on.
    pub(super) fn follow(&mut self, frame: &CapturedFrame, view: &View) -> bool {
        if !self.maps_tones {
            return false;
        }
        let stated = self.said.or_else(|| frame.hdr.as_ref().and_then(peak::stated));
        let peak = stated.unwrap_or_else(|| self.seen(frame, view));
        if peak == self.tone.peak {
            return false;
        }
        self.tone.peak = peak;
        if let Some(conversion) = Conversion::new(self.colors.0, self.colors.1, self.tone) {
            self.tables.retune(&conversion);
        }
        true
    }

    /// The peak, in cd/m², by what can be seen.
    fn seen(&mut self, frame: &CapturedFrame, view: &View) -> f64 {
        let since = self.looked.map(|it| frame.pts.as_nanos().saturating_sub(it.as_nanos()));
        if since.is_some_and(|it| (0..Self::INTERVAL).contains(&it)) {
            return self.detector.peak();
        }
        self.looked = Some(frame.pts);
        let size = view.size();
        let mut row = vec![Word::default(); size.width as usize];
        let mut brightest = 0.0f32;
        for y in (0..size.height).step_by(Self::ROWS as usize) {
            source::read_codes(frame, view, Rect::new(0, y, size.width, 1), &mut row);
            brightest = brightest.max(self.tables.brightest(row.iter().step_by(Self::COLUMNS).copied()));
        }
        self.detector.observe(f64::from(brightest), since.unwrap_or(0) as f64 / 1e9)
    }
}

/// The pointer in the output's colours; the same white as the desktop's in HDR.
pub(super) struct PointerLight {
    /// `None` where there is nothing to be done.
    conversion: Option<Conversion>,
    /// The bitmap that was converted last, and what came of it.
    last: Option<[Arc<CursorBitmap>; 2]>,
}

impl PointerLight {
    pub(super) fn new(recipe: &Recipe) -> Self {
        Self { conversion: Conversion::new(POINTER, recipe.output.color, tone(recipe.tone)), last: None }
    }

    pub(super) fn convert(&mut self, cursor: &Cursor) -> Cursor {
        let Some(conversion) = self.conversion else { return cursor.clone() };
        let made = match &self.last {
            Some([from, to]) if Arc::ptr_eq(from, &cursor.bitmap) => to.clone(),
            _ => Arc::new(converted(&conversion, &cursor.bitmap)),
        };
        self.last = Some([cursor.bitmap.clone(), made.clone()]);
        Cursor { bitmap: made, ..cursor.clone() }
    }
}

fn converted(conversion: &Conversion, bitmap: &CursorBitmap) -> CursorBitmap {
    let pixel = |&[r, g, b, alpha]: &[u8; 4]| {
        let share = f64::from(alpha) / 255.0;
        let straight = [r, g, b].map(|it| f64::from(it) / 255.0 / share.max(1.0 / 255.0));
        let [r, g, b] = conversion.apply(straight).map(|it| (it * share * 255.0).round() as u8);
        [r, g, b, alpha]
    };
    let rgba = bitmap.rgba.as_chunks().0.iter().flat_map(pixel).collect();
    CursorBitmap { size: bitmap.size, rgba }
}

/// Before anything is known of the peak.
fn tone(mapping: ToneMapping) -> Tone {
    Tone { curve: mapping.curve, white: mapping.white, ..Tone::default() }
}
