//! Which part of the source goes to which part of the output.

use super::{ProcessError, Recipe};
use crate::capture::CapturedFrame;
use crate::{Color, PixelFormat, Rect, Size};
use ghoststream_picture::{View, fit, only_trims};

/// All that, while it stays the same, lets old pictures be repaired rather than made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    stream: usize,
    size: Size,
    pub(super) format: PixelFormat,
    pub(super) color: Color,
    pub(super) view: View,
    /// Where in the output the picture is, black around it. Even, except at an odd output's edges.
    pub(super) content: Rect,
}

impl Geometry {
    pub(super) fn new(frame: &CapturedFrame, recipe: &Recipe) -> Result<Self, ProcessError> {
        let view = View::new(frame.crop.intersection(Rect::of(frame.size)), frame.transform, recipe.region)
            .map_err(ProcessError::Region)?;
        let content = fit(view.size(), recipe.output.size);
        let view = if only_trims(view.size(), content.size()) { view.cut(content.size()) } else { view };
        let CapturedFrame { stream, size, format, color, .. } = *frame;
        Ok(Self { stream, size, format, color, view, content })
    }

    /// Whether the picture changes its size on the way.
    pub(super) fn scales(&self) -> bool {
        self.view.size() != self.content.size()
    }
}
