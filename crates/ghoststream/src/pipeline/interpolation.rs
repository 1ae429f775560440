//! Pictures for the ticks between two pictures of a source that is slower than the output.
//!
//! A tick without a picture of its own is held until the source's next picture is there; then the ticks
//! between the two get what is between them. What is held is bounded: a source that rests, such as a
//! desktop on which nothing moves, is repeated as without interpolation. On what a picture is made,
//! a GPU or the CPU, is [`Process`]'s matter.

use std::time::{Duration, Instant};

use ghoststream_interpolation::Time;

use crate::encode::AnyPicture;
use crate::processing::{BetweenError, Process};
use crate::stats::Journal;

/// Ticks that are held at most; a source with longer gaps does not move, it changes.
const MOST: usize = 5;

/// After so many pictures in a row that came too late there are no more.
const PATIENCE: u32 = 3;

/// What a tick shows that the source had no picture for.
pub(super) enum Shown {
    /// A picture made of those around it.
    Made(AnyPicture),
    /// The picture before once more.
    Before,
}

/// The stage of one rendition.
pub(super) struct Interpolation {
    journal: Journal,
    /// The last picture of the source, and its tick.
    before: Option<(i64, AnyPicture)>,
    /// Ticks since then, at most [`MOST`].
    held: Vec<i64>,
    /// Whether the source rests: ticks are no longer held until it moves.
    rests: bool,
    /// What the GPU was given last.
    under_way: Option<UnderWay>,
    /// Pictures in a row that took longer than there was time.
    late: u32,
}

/// Pictures that a GPU makes.
struct UnderWay {
    since: Instant,
    /// From one picture of the source to the next, in nanoseconds.
    interval: i64,
    last: AnyPicture,
}

impl Interpolation {
    /// The stage, if `process` is fast enough for it: between two pictures of the source it has two ticks' time
    /// at least, `period` nanoseconds each. A note says why there is none.
    pub(super) fn open(process: &mut dyn Process, period: i64, journal: &Journal) -> Option<Self> {
        let limit = Duration::from_nanos(2 * period.unsigned_abs());
        if let Err(error) = process.get_ready_between(limit) {
            journal.note(format!("frames are not interpolated: {error}"));
            return None;
        }
        let (before, held) = (None, Vec::with_capacity(MOST));
        Some(Self { journal: journal.clone(), before, held, rests: false, under_way: None, late: 0 })
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
    pub(super) fn advance(
        &mut self,
        tick: i64,
        picture: AnyPicture,
        process: &mut dyn Process,
    ) -> Vec<(i64, Shown)> {
        let held = std::mem::take(&mut self.held);
        let before = self.before.take();
        let rested = std::mem::replace(&mut self.rests, false);
        self.look_back();
        let shown = match before {
            Some((from, before)) if !rested && !held.is_empty() && self.late < PATIENCE => {
                self.between((from, &before), (tick, &picture), &held, process)
            }
            _ => held.into_iter().map(|it| (it, Shown::Before)).collect(),
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
        (from, before): (i64, &AnyPicture),
        (to, after): (i64, &AnyPicture),
        held: &[i64],
        process: &mut dyn Process,
    ) -> Vec<(i64, Shown)> {
        let (begin, interval) = (Instant::now(), to - from);
        let share = |tick: &i64| Time::new((tick - from) as f64 / interval.max(1) as f64);
        let times: Vec<Time> = held.iter().map(share).collect();
        match process.between([before, after], &times) {
            Ok(pictures) => {
                self.keep_time(begin, interval, pictures.last());
                held.iter().copied().zip(pictures.into_iter().map(Shown::Made)).collect()
            }
            Err(error) => {
                self.refused(&error);
                held.iter().map(|it| (*it, Shown::Before)).collect()
            }
        }
    }

    fn refused(&mut self, error: &BetweenError) {
        if error.is_for_good() {
            self.late = PATIENCE;
            self.journal.note(format!("frames are no longer interpolated: {error}; they are repeated"));
        } else {
            self.journal
                .once("interpolation", || format!("some frames are repeated, not interpolated: {error}"));
        }
    }

    /// What was made is there, or is seen to when the source's next picture comes: a GPU works beside us.
    fn keep_time(&mut self, since: Instant, interval: i64, last: Option<&AnyPicture>) {
        match last.and_then(|it| it.share().ok()).filter(|it| !it.is_settled()) {
            Some(last) => self.under_way = Some(UnderWay { since, interval, last }),
            None => self.took(since.elapsed(), interval),
        }
    }

    /// Sees whether what the GPU was given is there by now.
    fn look_back(&mut self) {
        if let Some(it) = self.under_way.take() {
            let in_time = it.last.is_settled();
            self.took(if in_time { Duration::ZERO } else { it.since.elapsed() }, it.interval);
        }
    }

    /// Gives up when it is too slow several times in a row: the source's own pictures must not wait.
    fn took(&mut self, time: Duration, interval: i64) {
        if time.as_nanos() as i64 <= interval {
            self.late = 0;
            return;
        }
        self.late += 1;
        if self.late == PATIENCE {
            self.journal.note(format!(
                "frames are no longer interpolated: {} ms were taken for {} ms of pictures; they are repeated",
                time.as_millis(),
                interval / 1_000_000,
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::av::Picture;
    use crate::encode::InputSpec;
    use crate::processing::{Recipe, ToneMapping};
    use crate::{Color, PixelFormat, Scaler, Size};

    const TICK: i64 = 16_666_667;

    fn spec() -> InputSpec {
        InputSpec { format: PixelFormat::Nv12, size: Size::new(96, 64), color: Color::default() }
    }

    /// A texture that moves by eight pixels a picture.
    fn picture(index: usize) -> AnyPicture {
        let InputSpec { format, size, color } = spec();
        let mut picture = Picture::alloc(format, size, color).unwrap();
        for (bytes, stride) in picture.planes_mut().unwrap() {
            for (at, byte) in bytes.iter_mut().enumerate() {
                let (x, y) = (at % stride + 200 - 8 * index, at / stride);
                *byte = (60 + (x / 5 * 53 + y / 4 * 31 + x / 5 * (y / 4) * 7) % 120) as u8;
            }
        }
        picture.into()
    }

    /// The stage, its notes, and the CPU that makes its pictures.
    fn stage() -> (Interpolation, Journal, Box<dyn Process>) {
        let tone = ToneMapping::default();
        let recipe = Recipe { output: spec(), region: None, scaler: Scaler::Lanczos, tone };
        let (journal, mut process) = (Journal::default(), crate::processing::open(recipe));
        // However slow this machine is.
        let stage = Interpolation::open(&mut *process, i64::MAX / 4, &journal);
        (stage.unwrap(), journal, process)
    }

    fn luma(picture: &AnyPicture) -> Vec<u8> {
        let AnyPicture::Memory(picture) = picture else { panic!("the CPU made it") };
        let (bytes, stride) = picture.plane(0);
        bytes.chunks(stride).flat_map(|row| row[..96].to_vec()).collect()
    }

    #[test]
    fn a_tick_between_two_pictures_shows_neither() {
        let (mut stage, _, mut process) = stage();
        assert!(stage.advance(0, picture(0), &mut *process).is_empty());
        assert!(stage.hold(TICK).is_empty(), "it waits for the next picture");
        let shown = stage.advance(2 * TICK, picture(1), &mut *process);
        let [(tick, Shown::Made(made))] = &shown[..] else { panic!("one picture is made") };
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
        let (mut stage, _, mut process) = stage();
        stage.advance(0, picture(0), &mut *process);
        let ticks: Vec<i64> = (1..20).map(|it| it * TICK).collect();
        let repeated: Vec<i64> = ticks.iter().flat_map(|it| stage.hold(*it)).collect();
        assert_eq!(repeated, ticks, "every tick, in order");
        assert!(stage.advance(20 * TICK, picture(1), &mut *process).is_empty(), "nothing is left to fill");
        assert!(stage.hold(21 * TICK).is_empty(), "ticks are held again");
        assert!(matches!(stage.advance(22 * TICK, picture(2), &mut *process)[..], [(_, Shown::Made(_))]));
    }

    #[test]
    fn nothing_is_made_across_an_interruption() {
        let (mut stage, _, mut process) = stage();
        stage.advance(0, picture(0), &mut *process);
        stage.hold(TICK);
        assert_eq!(stage.interrupt(), [TICK]);
        assert_eq!(stage.hold(2 * TICK), [2 * TICK]);
        assert!(stage.advance(3 * TICK, picture(1), &mut *process).is_empty());
    }

    #[test]
    fn who_is_late_three_times_gives_up_and_says_so() {
        let (mut stage, journal, mut process) = stage();
        stage.advance(0, picture(0), &mut *process);
        for _ in 0..PATIENCE {
            stage.took(Duration::from_millis(40), 33_000_000);
        }
        stage.hold(TICK);
        assert!(matches!(stage.advance(2 * TICK, picture(1), &mut *process)[..], [(TICK, Shown::Before)]));
        assert!(journal.notes()[0].contains("no longer interpolated"), "{:?}", journal.notes());
    }

    #[test]
    fn who_is_too_slow_from_the_beginning_says_so() {
        let (_, journal, mut process) = stage();
        assert!(Interpolation::open(&mut *process, 1, &journal).is_none());
        assert!(journal.notes()[0].contains("choose a smaller size"), "{:?}", journal.notes());
    }
}
