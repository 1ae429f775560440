//! Where nothing is scaled: which pipeline makes a picture.

use ghoststream_picture::{Rect, Size, View};

use super::Frame;
use super::kinds::{Kinds, Unscaled};
use crate::vulkan::{Device, Layout, Pipeline, VulkanError};

/// The pipelines that scale nothing, each made when a picture first needs it.
#[derive(Debug, Default)]
pub(super) struct Converters(Vec<Converter>);

#[derive(Debug)]
struct Converter {
    kinds: Kinds,
    plain: bool,
    pipeline: Pipeline,
    /// Pixels that a workgroup makes, across and down.
    pixels: (u32, u32),
}

impl Converters {
    /// The index of the one for such pictures, made unless it is there.
    ///
    /// Where only the pointer keeps a picture from being plain, the pipelines with and without it are made
    /// together, so that a pointer that comes or goes later waits for no compiler.
    pub(super) fn prepare(
        &mut self,
        device: &Device,
        layout: &Layout,
        kinds: Kinds,
        fills: bool,
        pointed: bool,
    ) -> Result<usize, VulkanError> {
        let any = self.find_or_make(device, layout, kinds, false)?;
        if !fills || !kinds.has_plain() {
            return Ok(any);
        }
        let plain = self.find_or_make(device, layout, kinds, true)?;
        Ok(if pointed { any } else { plain })
    }

    /// A pipeline that was prepared, and the pixels that a workgroup of it makes, across and down.
    pub(super) fn get(&self, index: usize) -> (&Pipeline, (u32, u32)) {
        let Converter { pipeline, pixels, .. } = &self.0[index];
        (pipeline, *pixels)
    }

    fn find_or_make(
        &mut self,
        device: &Device,
        layout: &Layout,
        kinds: Kinds,
        plain: bool,
    ) -> Result<usize, VulkanError> {
        if let Some(index) = self.0.iter().position(|it| it.kinds == kinds && it.plain == plain) {
            return Ok(index);
        }
        let Unscaled { code, group, pixels } = kinds.unscaled(device.physical().abilities.subgroup);
        let mut constants = Kinds { group, ..kinds }.constants().to_vec();
        constants.push(u32::from(plain));
        let pipeline = Pipeline::new(layout, code, &constants)?;
        self.0.push(Converter { kinds, plain, pipeline, pixels });
        Ok(self.0.len() - 1)
    }
}

/// Whether what is shown fills an output of this size, in whole blocks of the shaders, and begins at the left
/// edge of the buffer: nothing is missing beside or below any block.
pub(super) fn fills(view: &View, content: Rect, size: Size) -> bool {
    content == Rect::of(size)
        && view.upright_origin().is_some_and(|(left, _)| left == 0)
        && size.width.is_multiple_of(8)
        && size.height.is_multiple_of(2)
}

/// Whether the pointer is over any pixel of the buffer.
pub(super) fn is_pointed(frame: &Frame<'_>) -> bool {
    let reaches = |place: i32, length: u32, end: u32| {
        i64::from(place) < i64::from(end) && i64::from(place) + i64::from(length) > 0
    };
    frame.pointer.as_ref().is_some_and(|it| {
        !it.size.is_empty()
            && reaches(it.place.0, it.size.width, frame.size.width)
            && reaches(it.place.1, it.size.height, frame.size.height)
    })
}
