//! What becomes of the offer of a GPU's memory when buffers in it cannot be had or used.
//!
//! Each refusal takes one step down: without that modifier, then linear buffers only, then shared memory. There
//! is no step up again: a source that changes its mind would otherwise be asked forever.

use ghoststream_gpu::{IMPLICIT, Imports, LINEAR};

use super::format::VideoFormat;

/// How often a source may hand out what is not offered any more before it is believed to mean it.
const LEFT_OVER: u32 = 5;

/// What is offered of a GPU's memory, and how it shrinks.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    /// Nothing left: shared memory.
    imports: Option<Imports>,
    refusals: u32,
    /// How often the source handed out what is not offered any more.
    left_over: u32,
}

impl Ladder {
    /// Offers all of it.
    pub(super) fn new(imports: Option<Imports>) -> Self {
        Self { imports: imports.filter(|imports| !imports.is_empty()), refusals: 0, left_over: 0 }
    }

    /// What is offered now.
    pub(super) const fn imports(&self) -> Option<&Imports> {
        self.imports.as_ref()
    }

    /// The planes of memory of pictures in an agreed format; `None` for memory that the CPU reads.
    ///
    /// # Errors
    /// The modifier was not offered, in words.
    pub(super) fn planes(&self, format: &VideoFormat) -> Result<Option<u32>, String> {
        let Some(modifier) = format.modifier else { return Ok(None) };
        let Some(imports) = &self.imports else {
            return Err("its pictures are in GPU memory, which was not asked for".into());
        };
        match imports.planes(format.format, modifier) {
            Some(planes) => Ok(Some(planes)),
            None => Err(format!(
                "its {:?} pictures have modifier {modifier:#x}, which was not offered",
                format.format
            )),
        }
    }

    /// The first modifier of a source's choice that can be imported.
    pub(super) fn choose(&self, format: &VideoFormat, choice: &[u64]) -> Option<u64> {
        let imports = self.imports.as_ref()?;
        let usable = |modifier: &&u64| imports.planes(format.format, **modifier).is_some();
        // Tiled buffers are what a GPU reads fastest, and what a driver means by "implicit" may not be.
        let tiled = choice.iter().find(|it| usable(it) && ![LINEAR, IMPLICIT].contains(*it));
        tiled.or_else(|| choice.iter().find(usable)).copied()
    }

    /// Whether to ask once more of a source that hands out what is not offered. PipeWire leaves the format of a link
    /// that broke on a source that never ran, and gives it to the next link, whatever that offers.
    pub(super) const fn forgives(&mut self) -> bool {
        if self.refusals == 0 || self.left_over == LEFT_OVER {
            return false;
        }
        self.left_over += 1;
        true
    }

    /// Buffers came: the next format that is left over is another link's.
    pub(super) const fn agreed(&mut self) {
        self.left_over = 0;
    }

    /// Takes a step down, since buffers with a modifier cannot be had or used; returns what is asked for
    /// from now on, in words. `None` when nothing of it was offered any more.
    pub(super) fn step(&mut self, modifier: u64) -> Option<&'static str> {
        let mut left = self.imports.take()?;
        self.refusals += 1;
        if self.refusals == 1 {
            left.retain(|it| it != modifier);
            if !left.is_empty() {
                self.imports = Some(left);
                return Some("asking for other buffers of the GPU");
            }
        } else if modifier != LINEAR && self.refusals == 2 {
            left.retain(|it| it == LINEAR);
            if !left.is_empty() {
                self.imports = Some(left);
                return Some("asking for linear buffers of the GPU");
            }
        }
        Some("asking for shared memory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Color, ColorRange, ColorSpace, PixelFormat, Size};
    use ghoststream_gpu::Modifier;

    fn ladder(modifiers: &[u64]) -> Ladder {
        let modifiers = modifiers.iter().map(|&modifier| Modifier { modifier, planes: 1 }).collect();
        Ladder::new(Some(Imports::new(vec![(PixelFormat::Bgrx, modifiers)])))
    }

    fn format(modifier: Option<u64>) -> VideoFormat {
        VideoFormat {
            format: PixelFormat::Bgrx,
            size: Size::new(64, 64),
            color: Color::new(ColorSpace::Bt709, ColorRange::Full),
            framerate: (0, 1),
            modifier,
        }
    }

    fn offered(ladder: &Ladder) -> Vec<u64> {
        ladder.imports().map_or(vec![], |it| it.formats[0].1.iter().map(|it| it.modifier).collect())
    }

    #[test]
    fn each_refusal_is_a_step_down_and_three_are_the_end() {
        let mut ladder = ladder(&[7, 8, LINEAR]);
        assert_eq!(offered(&ladder), [7, 8, LINEAR]);
        assert!(ladder.step(7).unwrap().contains("other buffers"));
        assert_eq!(offered(&ladder), [8, LINEAR]);
        assert!(ladder.step(8).unwrap().contains("linear"));
        assert_eq!(offered(&ladder), [LINEAR]);
        assert!(ladder.step(LINEAR).unwrap().contains("shared memory"));
        assert!(offered(&ladder).is_empty());
        assert_eq!(ladder.step(LINEAR), None);
    }

    #[test]
    fn steps_that_offer_nothing_are_left_out() {
        assert!(ladder(&[LINEAR]).step(LINEAR).unwrap().contains("shared memory"));
        let mut tiled = ladder(&[7, 8]);
        tiled.step(7);
        assert!(tiled.step(8).unwrap().contains("shared memory"));
        let mut linear_first = ladder(&[7, 8, LINEAR]);
        linear_first.step(LINEAR);
        assert!(linear_first.step(7).unwrap().contains("shared memory"), "it was refused before");
        assert_eq!(Ladder::new(None).step(7), None);
        assert!(Ladder::new(Some(Imports::new(vec![]))).imports().is_none());
    }

    #[test]
    fn only_what_is_offered_is_taken() {
        let mut ladder = ladder(&[7, LINEAR]);
        assert_eq!(ladder.planes(&format(None)), Ok(None));
        assert_eq!(ladder.planes(&format(Some(7))), Ok(Some(1)));
        assert!(ladder.planes(&format(Some(9))).unwrap_err().contains("not offered"));
        ladder.step(7);
        assert!(ladder.planes(&format(Some(7))).is_err());
        ladder.step(LINEAR);
        assert!(ladder.planes(&format(Some(LINEAR))).unwrap_err().contains("not asked for"));
    }

    #[test]
    fn what_is_left_of_a_link_that_broke_is_borne_a_few_times() {
        let mut ladder = ladder(&[LINEAR]);
        assert!(!ladder.forgives(), "nothing broke yet");
        ladder.step(LINEAR);
        for _ in 0..LEFT_OVER {
            assert!(ladder.forgives());
        }
        assert!(!ladder.forgives(), "it means it");
    }

    #[test]
    fn of_a_choice_the_first_tiled_one_is_taken() {
        let ladder = ladder(&[LINEAR, IMPLICIT, 7, 8]);
        assert_eq!(ladder.choose(&format(None), &[LINEAR, 9, 8, 7]), Some(8));
        assert_eq!(ladder.choose(&format(None), &[9, LINEAR]), Some(LINEAR));
        assert_eq!(ladder.choose(&format(None), &[9]), None);
    }
}
