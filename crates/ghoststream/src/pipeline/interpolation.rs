//! Pictures for the ticks between two pictures of a source that is slower than the output.
//!
//! A tick without a picture of its own is held until the source's next picture is there; then the ticks
//! between the two get what is between them. What is held is bounded: a source that rests, such as a
//! desktop on which nothing moves, is repeated as without interpolation.

use std::time::{Duration, Instant};

use ghoststream_interpolation::{Error, Interpolator, PictureMut, PictureRef, Time};

use crate::av::Picture;
use crate::encode::InputSpec;
use crate::stats::Journal;

/// Ticks that are held at most; a source with longer gaps does not move, it changes.
const MOST: usize = 5;

/// After so many pictures in a row that came too late there are no more.
const PATIENCE: u32 = 3;

/// What a tick shows that the source had no picture for.
pub(super) enum Between {
    /// A picture made of those around it.
    Made(Picture),
    /// The picture before once more.
    Repeated,
}

/// The stage of one rendition.
pub(super) struct Interpolation {
    spec: InputSpec,
    interpolator: Interpolator,
    journal: Journal,
    /// The last picture of the source, and its tick.
    before: Option<(i64, Picture)>,
    /// Ticks since then, at most [`MOST`].
    held: Vec<i64>,
    /// Whether the source rests: ticks are no longer held until it moves.
    rests: bool,
    /// Pictures in a row that took longer than there was time.
    late: u32,
}

impl Interpolation {
    /// The stage for pictures like `spec`, if this machine is fast enough for them: between two pictures of
    /// the source it has two ticks' time at least, `period` nanoseconds each. A note says why there is none.
    pub(super) fn open(spec: InputSpec, period: i64, journal: &Journal) -> Option<Self> {
        let estimate = match estimate(spec) {
            Ok(estimate) => estimate,
            Err(error) => {
                journal.note(format!("frames are not interpolated: {error}"));
                return None;
            }
        };
        if estimate.as_nanos() as i64 > 2 * period {
            journal.note(format!(
                "frames are not interpolated: on this machine one of {} takes about {} ms, and there are {} ms \
                 for it; choose a smaller size or a lower rate",
                spec.size,
                estimate.as_millis(),
                2 * period / 1_000_000
            ));
            return None;
        }
        Self::new(spec, journal)
    }

    fn new(spec: InputSpec, journal: &Journal) -> Option<Self> {
        let interpolator = Interpolator::new(spec.format, spec.size).ok()?;
        let (before, held) = (None, Vec::with_capacity(MOST));
        Some(Self { spec, interpolator, journal: journal.clone(), before, held, rests: false, late: 0 })
    }

    /// Takes a tick for which the source has no picture. The answer are the ticks that have waited long
    /// enough and are repeated now, in order.
    pub(super) fn hold(&mut self, tick: i64) -> Vec<i64> {
        let mut held = Vec::new();
        if self.rests || self.before.is_none() || self.held.len() == MOST {
            self.rests = true;
            held.append(&mut self.held);
            held.push(tick);
        } else {
            self.held.push(tick);
        }
        held
    }

    /// Takes the source's next picture. The answer are the ticks before it that were held, in order, and
    /// what they show.
    pub(super) fn advance(&mut self, tick: i64, picture: Picture) -> Vec<(i64, Between)> {
        let held = std::mem::take(&mut self.held);
        let before = self.before.take();
        let rested = std::mem::replace(&mut self.rests, false);
        let shown = match before {
            Some((from, before)) if !rested && !held.is_empty() && self.late < PATIENCE => {
                self.between((from, &before), (tick, &picture), &held)
            }
            _ => held.into_iter().map(|it| (it, Between::Repeated)).collect(),
        };
        self.before = Some((tick, picture));
        shown
    }

    /// The ticks that are held, in order, to be repeated: nothing is interpolated across what comes next, a
    /// pause, a picture that was left out, or the end.
    pub(super) fn interrupt(&mut self) -> Vec<i64> {
        self.before = None;
        std::mem::take(&mut self.held)
    }

    fn between(
        &mut self,
        (from, before): (i64, &Picture),
        (to, after): (i64, &Picture),
        held: &[i64],
    ) -> Vec<(i64, Between)> {
        let begin = Instant::now();
        let made = self.make((from, before), (to, after), held);
        self.keep_time(begin.elapsed(), to - from);
        match made {
            Ok(pictures) => held.iter().copied().zip(pictures.into_iter().map(Between::Made)).collect(),
            Err(reason) => {
                self.journal.once("interpolation", || format!("frames are not interpolated: {reason}"));
                held.iter().map(|it| (*it, Between::Repeated)).collect()
            }
        }
    }

    fn make(
        &mut self,
        (from, before): (i64, &Picture),
        (to, after): (i64, &Picture),
        held: &[i64],
    ) -> Result<Vec<Picture>, String> {
        let InputSpec { format, size, color } = self.spec;
        let (before, after) = (planes(before), planes(after));
        let reason = |error: Error| error.to_string();
        let before = PictureRef::new(format, size, before).map_err(reason)?;
        let after = PictureRef::new(format, size, after).map_err(reason)?;
        let motion = self.interpolator.between(&before, &after).map_err(reason)?;
        let one = |tick: i64| {
            let mut picture = Picture::alloc(format, size, color).map_err(|it| it.to_string())?;
            let planes = picture.planes_mut().ok_or("a new picture is shared")?;
            let mut out = PictureMut::new(format, size, planes).map_err(reason)?;
            let share = (tick - from) as f64 / (to - from).max(1) as f64;
            motion.at(Time::new(share), &mut out).map_err(reason)?;
            Ok(picture)
        };
        held.iter().map(|tick| one(*tick)).collect()
    }

    /// Gives up when it is too slow several times in a row: the source's own pictures must not wait.
    fn keep_time(&mut self, taken: Duration, interval: i64) {
        if taken.as_nanos() as i64 <= interval {
            self.late = 0;
            return;
        }
        self.late += 1;
        if self.late == PATIENCE {
            self.journal.note(format!(
                "frames are no longer interpolated: {} ms were taken for {} ms of pictures of {}; they are repeated",
                taken.as_millis(),
                interval / 1_000_000,
                self.spec.size
            ));
        }
    }
}

fn planes(picture: &Picture) -> [(&[u8], usize); 3] {
    [0, 1, 2].map(|plane| picture.plane(plane))
}

/// About how long a picture takes on this machine, by a small one in which everything moves.
fn estimate(spec: InputSpec) -> Result<Duration, Error> {
    let size = crate::Size::new(160, 96);
    let format = spec.format;
    let planes = |shift: usize| {
        [0, 1, 2].map(|plane| {
            if plane >= format.planes() {
                return (Vec::new(), 0);
            }
            let (row, rows) = format.plane_layout(plane, size);
            let value = |at: usize| ((at % row + shift) / 8 * 37 + at / row / 8 * 59) as u8;
            ((0..row * rows).map(value).collect::<Vec<u8>>(), row)
        })
    };
    let (first, second, mut third) = (planes(0), planes(4), planes(0));
    let first = PictureRef::new(format, size, first.each_ref().map(|it| (&it.0[..], it.1)))?;
    let second = PictureRef::new(format, size, second.each_ref().map(|it| (&it.0[..], it.1)))?;
    let mut interpolator = Interpolator::new(format, size)?;
    let begin = Instant::now();
    let mut out = PictureMut::new(format, size, third.each_mut().map(|it| (&mut it.0[..], it.1)))?;
    interpolator.between(&first, &second)?.at(Time::HALF, &mut out)?;
    let scale = spec.size.area() as f64 / size.area() as f64;
    Interpolator::new(format, spec.size)?;
    Ok(begin.elapsed().mul_f64(scale))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Color, PixelFormat, Size};

    const TICK: i64 = 16_666_667;

    fn spec() -> InputSpec {
        InputSpec { format: PixelFormat::Nv12, size: Size::new(96, 64), color: Color::default() }
    }

    /// A texture that moves by eight pixels a picture.
    fn picture(index: usize) -> Picture {
        let InputSpec { format, size, color } = spec();
        let mut picture = Picture::alloc(format, size, color).unwrap();
        for (bytes, stride) in picture.planes_mut().unwrap() {
            for (at, byte) in bytes.iter_mut().enumerate() {
                let (x, y) = (at % stride + 200 - 8 * index, at / stride);
                *byte = (60 + (x / 5 * 53 + y / 4 * 31 + x / 5 * (y / 4) * 7) % 120) as u8;
            }
        }
        picture
    }

    fn stage() -> (Interpolation, Journal) {
        let journal = Journal::default();
        (Interpolation::new(spec(), &journal).unwrap(), journal)
    }

    fn luma(picture: &Picture) -> Vec<u8> {
        let (bytes, stride) = picture.plane(0);
        bytes.chunks(stride).flat_map(|row| row[..96].to_vec()).collect()
    }

    #[test]
    fn a_tick_between_two_pictures_shows_neither() {
        let (mut stage, _) = stage();
        assert!(stage.advance(0, picture(0)).is_empty());
        assert!(stage.hold(TICK).is_empty(), "it waits for the next picture");
        let shown = stage.advance(2 * TICK, picture(1));
        let [(tick, Between::Made(made))] = &shown[..] else { panic!("one picture is made") };
        assert_eq!(*tick, TICK);
        let (before, made, after) = (luma(&picture(0)), luma(made), luma(&picture(1)));
        assert!(made != before && made != after);
        // The truth is four pixels from each.
        let wrong = (8..56)
            .flat_map(|y| (16..80).map(move |x| y * 96 + x))
            .filter(|at| made[*at].abs_diff(before[*at - 4]) > 2)
            .count();
        assert!(wrong < 60, "{wrong} of 3072 pixels are not half way");
    }

    #[test]
    fn a_source_that_rests_is_repeated_and_moves_on() {
        let (mut stage, _) = stage();
        stage.advance(0, picture(0));
        let ticks: Vec<i64> = (1..20).map(|it| it * TICK).collect();
        let repeated: Vec<i64> = ticks.iter().flat_map(|it| stage.hold(*it)).collect();
        assert_eq!(repeated, ticks, "every tick, in order");
        assert!(stage.advance(20 * TICK, picture(1)).is_empty(), "nothing is left to fill");
        assert!(stage.hold(21 * TICK).is_empty(), "ticks are held again");
        assert!(matches!(stage.advance(22 * TICK, picture(2))[..], [(_, Between::Made(_))]));
    }

    #[test]
    fn nothing_is_made_across_an_interruption() {
        let (mut stage, _) = stage();
        stage.advance(0, picture(0));
        stage.hold(TICK);
        assert_eq!(stage.interrupt(), [TICK]);
        assert_eq!(stage.hold(2 * TICK), [2 * TICK]);
        assert!(stage.advance(3 * TICK, picture(1)).is_empty());
    }

    #[test]
    fn who_is_late_three_times_gives_up_and_says_so() {
        let (mut stage, journal) = stage();
        stage.advance(0, picture(0));
        for _ in 0..PATIENCE {
            stage.keep_time(Duration::from_millis(40), 33_000_000);
        }
        stage.hold(TICK);
        assert!(matches!(stage.advance(2 * TICK, picture(1))[..], [(TICK, Between::Repeated)]));
        assert!(journal.notes()[0].contains("no longer interpolated"), "{:?}", journal.notes());
    }

    #[test]
    fn what_is_too_large_for_the_machine_is_said_and_left() {
        let journal = Journal::default();
        let huge = InputSpec { size: Size::new(8192, 8192), ..spec() };
        assert!(Interpolation::open(huge, 1_000_000, &journal).is_none());
        assert!(journal.notes()[0].contains("choose a smaller size"), "{:?}", journal.notes());
        let packed = InputSpec { format: PixelFormat::Bgrx, ..spec() };
        assert!(Interpolation::open(packed, TICK, &journal).is_none());
        assert!(journal.notes()[1].contains("planar YUV"), "{:?}", journal.notes());
    }
}
