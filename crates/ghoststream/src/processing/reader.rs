//! The picture as it is shown, with its pointer, read a rectangle at a time.

use super::light::Light;
use super::pointer;
use super::source::{self, Layout, Word};
use super::weights::Order;
use crate::Rect;
use crate::capture::{CapturedFrame, Cursor};
use ghoststream_picture::View;

/// Reads from one frame.
pub(super) struct Reader<'a> {
    frame: &'a CapturedFrame,
    view: &'a View,
    /// How its colours become the output's.
    light: Option<&'a Light>,
    /// The pointer, and where in the view it is.
    cursor: Option<(&'a Cursor, Rect)>,
}

impl<'a> Reader<'a> {
    /// The pointer is in the output's colours already.
    pub(super) fn new(
        frame: &'a CapturedFrame,
        view: &'a View,
        light: Option<&'a Light>,
        cursor: Option<&'a Cursor>,
    ) -> Self {
        let cursor = cursor.map(|it| (it, pointer::area(it, view)));
        Self { frame, view, light, cursor: cursor.filter(|(_, area)| !area.is_empty()) }
    }

    /// The frame.
    pub(super) const fn frame(&self) -> &'a CapturedFrame {
        self.frame
    }

    /// Where the pointer is; empty where it is out of sight.
    pub(super) fn pointer(&self) -> Rect {
        self.cursor.map_or(Rect::default(), |(_, area)| area)
    }

    /// How its pixels are read.
    pub(super) const fn layout(&self) -> Layout {
        if self.light.is_some() { Layout::Words } else { Layout::of(self.frame.format) }
    }

    /// Rows of the view.
    pub(super) const fn height(&self) -> u32 {
        self.view.size().height
    }

    /// The bytes from the first pixel of `rect` on, and the stride, where they can be taken from the
    /// buffer as they are.
    pub(super) fn in_place(&self, rect: Rect) -> Option<(&'a [u8], usize)> {
        if self.light.is_some() || self.pointer_in(rect).is_some() {
            return None;
        }
        source::in_place(self.frame, self.view, rect.x, rect.y)
    }

    /// Reads a rectangle as [`Layout::Bytes`] of this order.
    pub(super) fn bytes(&self, order: Order, rect: Rect, out: &mut [[u8; 4]]) {
        source::read_bytes(self.frame, self.view, rect, out);
        if let Some(cursor) = self.pointer_in(rect) {
            pointer::draw(cursor, self.view, rect, out, pointer::over_bytes(order));
        }
    }

    /// Reads a rectangle as [`Layout::Words`].
    pub(super) fn words(&self, rect: Rect, out: &mut [Word]) {
        match self.light {
            Some(light) => {
                source::read_codes(self.frame, self.view, rect, out);
                light.convert(out);
            }
            None => source::read_words(self.frame, self.view, rect, out),
        }
        if let Some(cursor) = self.pointer_in(rect) {
            pointer::draw(cursor, self.view, rect, out, pointer::over_words);
        }
    }

    fn pointer_in(&self, rect: Rect) -> Option<&'a Cursor> {
        self.cursor.filter(|(_, area)| !area.intersection(rect).is_empty()).map(|(cursor, _)| cursor)
    }
}
