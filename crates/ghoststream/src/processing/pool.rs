//! The pictures that go out, used again and again.
//!
//! Each keeps what has changed since it was last written, so that only that is converted into it.

use super::ProcessError;
use super::tiles::Tiles;
use crate::av::Picture;
use crate::encode::{InputSpec, PictureMemory};

/// A picture and what it lacks.
pub(super) struct Entry {
    pub(super) picture: Picture,
    /// What is older than the last frame given.
    pub(super) stale: Tiles,
    /// Whether the surroundings of the content were never painted.
    pub(super) blank: bool,
}

/// The pictures of one output. The one written last comes first.
pub(super) struct Pool {
    output: InputSpec,
    memory: Option<PictureMemory>,
    entries: Vec<Entry>,
}

impl Pool {
    /// Pictures kept at most. An encoder that holds more of them makes each further one cost an
    /// allocation and a whole conversion.
    const MOST: usize = 8;

    /// Pictures lie in `memory` as long as there is room.
    pub(super) fn new(output: InputSpec, memory: Option<PictureMemory>) -> Self {
        Self { output, memory, entries: Vec::with_capacity(Self::MOST) }
    }

    /// Adds to what every picture lacks.
    pub(super) fn damage(&mut self, changed: &Tiles) {
        self.entries.iter_mut().for_each(|it| it.stale.merge(changed));
    }

    /// Another geometry: all pictures are to be made anew, as many tiles as `content` has.
    pub(super) fn invalidate(&mut self, content: &Tiles) {
        for entry in &mut self.entries {
            entry.stale.clone_from(content);
            entry.stale.mark_all();
            entry.blank = true;
        }
    }

    /// The picture written last, if nothing has changed since.
    pub(super) fn current(&self) -> Option<&Entry> {
        self.entries.first().filter(|it| !it.blank && it.stale.is_empty())
    }

    /// A picture that may be written and lacks the least; a new one, lacking all, if there is none.
    /// It comes first from now on.
    pub(super) fn take(&mut self, content: &Tiles) -> Result<&mut Entry, ProcessError> {
        let free = (0..self.entries.len())
            .filter(|at| self.entries[*at].picture.is_writable())
            .min_by_key(|at| (self.entries[*at].blank, self.entries[*at].stale.count()));
        let at = match free {
            Some(at) => at,
            None => {
                let picture = self.new_picture()?;
                let mut stale = content.clone();
                stale.mark_all();
                // The one that was written longest ago goes; who holds it keeps its pixels alive.
                self.entries.truncate(Self::MOST - 1);
                self.entries.push(Entry { picture, stale, blank: true });
                self.entries.len() - 1
            }
        };
        self.entries[..=at].rotate_right(1);
        Ok(&mut self.entries[0])
    }

    fn new_picture(&self) -> Result<Picture, ProcessError> {
        if let Some(picture) = self.memory.as_ref().and_then(|it| it.picture(&self.output)) {
            return Ok(picture);
        }
        let InputSpec { format, size, color } = self.output;
        Picture::alloc(format, size, color).map_err(|source| ProcessError::Memory { size, source })
    }
}
