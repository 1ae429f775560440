//! The pictures that go out, used again and again.
//!
//! Each keeps what has changed since it was last written, so that only that is converted into it. One that has not been
//! needed for a minute is given back; if it lies in memory of the encoder's, to that.

use super::ProcessError;
use super::tiles::Tiles;
use crate::Timestamp;
use crate::av::Picture;
use crate::encode::{InputSpec, PictureMemory};
use crate::idle::is_unneeded;

/// A picture and what it lacks.
pub(super) struct Entry {
    pub(super) picture: Picture,
    /// What is older than the last frame given.
    pub(super) stale: Tiles,
    /// Whether the surroundings of the content were never painted.
    pub(super) blank: bool,
    /// When it was written, or was seen to be held by others.
    used: Timestamp,
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
    pub(super) fn take(&mut self, content: &Tiles, now: Timestamp) -> Result<&mut Entry, ProcessError> {
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
                self.entries.push(Entry { picture, stale, blank: true, used: now });
                self.entries.len() - 1
            }
        };
        self.entries[..=at].rotate_right(1);
        self.entries[0].used = now;
        self.give_back(now);
        Ok(&mut self.entries[0])
    }

    /// Lets one picture go that nothing has needed for long. What is not held is written in the order in which it was
    /// written last, so that the same ones are left over again and again.
    fn give_back(&mut self, now: Timestamp) {
        for entry in self.entries.iter_mut().filter(|it| !it.picture.is_writable()) {
            entry.used = now;
        }
        if let Some(at) = self.entries.iter().rposition(|it| is_unneeded(it.used, now)) {
            self.entries.remove(at);
        }
    }

    fn new_picture(&self) -> Result<Picture, ProcessError> {
        if let Some(picture) = self.memory.as_ref().and_then(|it| it.picture(&self.output)) {
            return Ok(picture);
        }
        let InputSpec { format, size, color } = self.output;
        Picture::alloc(format, size, color).map_err(|source| ProcessError::Memory { size, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Color, PixelFormat, Size};

    const SIZE: Size = Size::new(64, 64);

    fn pool() -> Pool {
        Pool::new(InputSpec { format: PixelFormat::Nv12, size: SIZE, color: Color::default() }, None)
    }

    /// At 60 pictures a second.
    fn at(tick: i64) -> Timestamp {
        Timestamp::from_nanos(tick * 1_000_000_000 / 60)
    }

    /// A whole picture, held, and whether it was made for this.
    fn written(pool: &mut Pool, now: Timestamp) -> (Picture, bool) {
        let mut changed = Tiles::new(SIZE);
        changed.mark_all();
        pool.damage(&changed);
        let entry = pool.take(&changed, now).expect("there is memory");
        entry.stale.clear();
        (entry.picture.share().expect("there is memory"), std::mem::replace(&mut entry.blank, false))
    }

    #[test]
    fn pictures_of_a_stall_are_given_back_after_a_minute_one_at_a_time() {
        let mut pool = pool();
        let stalled: Vec<_> = (0..Pool::MOST).map(|_| written(&mut pool, at(0))).collect();
        assert!(stalled.iter().all(|it| it.1));
        drop(stalled);
        let mut held = None;
        for tick in 1..60 * 120 {
            let (picture, made) = written(&mut pool, at(tick));
            assert!(!made, "tick {tick}");
            held = Some(picture);
            // What was written at first was used again at the first two ticks.
            let gone = (tick - 60 * 60).clamp(0, Pool::MOST as i64 - 2) as usize;
            assert_eq!(pool.entries.len(), Pool::MOST - gone, "tick {tick}");
        }
        assert!(held.is_some_and(|it| !it.is_writable()), "the one that is shown is in the pool");
    }

    #[test]
    fn a_picture_that_is_needed_once_a_second_is_kept() {
        let mut pool = pool();
        let (mut held, mut made) = (Vec::new(), 0);
        for tick in 0..60 * 180 {
            // The encoder holds one, and four once a second.
            held.truncate(if tick % 60 < 4 { 3 } else { 1 });
            let (picture, new) = written(&mut pool, at(tick));
            held.insert(0, picture);
            made += usize::from(new);
        }
        assert_eq!((made, pool.entries.len()), (4, 4), "as many as are needed are made, once");
    }

    #[test]
    fn what_others_hold_is_neither_given_back_nor_made_anew() {
        let mut pool = pool();
        let long: Vec<_> = (0..3).map(|_| written(&mut pool, at(0)).0).collect();
        for tick in 1..60 * 120 {
            drop(written(&mut pool, at(tick)));
        }
        let places: Vec<_> = pool.entries.iter().map(|it| it.picture.plane(0).0.as_ptr()).collect();
        assert_eq!(places.len(), 4);
        assert!(long.iter().all(|it| places.contains(&it.plane(0).0.as_ptr())));
        drop(long);
        let next: Vec<_> = (0..4).map(|_| written(&mut pool, at(60 * 121))).collect();
        assert!(next.iter().all(|it| !it.1), "they are used again: they were in use a moment ago");
    }
}
