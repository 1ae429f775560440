//! Who takes over from an encoder that failed.
//!
//! The same encoder is opened again first: a driver that was reset works again, a session that was
//! taken can be had again. One that fails again without having made anything, or three times within
//! a minute, makes room for the next in the table for good; and where a call never returned nothing
//! that stands on a driver is tried again, as long as there is something else.

use std::collections::VecDeque;
use std::time::Duration;

use crate::Timestamp;
use crate::encode::Row;

/// An encoder is opened again this often within [`WINDOW`].
const REOPENINGS: usize = 3;
const WINDOW: Duration = Duration::from_secs(60);

/// The encoders that are left, the one that runs first.
pub(super) struct Succession {
    rows: Vec<Row>,
    /// When the one that runs was opened again.
    reopened: VecDeque<Timestamp>,
    /// Whether it has made anything since it was opened.
    fruitful: bool,
}

/// How an encoder failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It said so.
    Error,
    /// It never answered.
    Hang,
}

impl Succession {
    pub(super) fn new(rows: Vec<Row>) -> Self {
        Self { rows, reopened: VecDeque::new(), fruitful: false }
    }

    /// The encoder that runs stands on a driver.
    pub(super) fn is_hardware(&self) -> bool {
        self.rows.first().is_some_and(|it| it.hardware)
    }

    /// It has made a packet.
    pub(super) fn made_something(&mut self) {
        self.fruitful = true;
    }

    /// Who may take over, in the order to try them.
    pub(super) fn after(&mut self, failure: Failure, now: Timestamp) -> Vec<Row> {
        self.reopened.retain(|&at| now.since(at) < WINDOW);
        let spent = !self.reopened.is_empty() && !self.fruitful || self.reopened.len() >= REOPENINGS;
        if spent && !self.rows.is_empty() {
            self.rows.remove(0);
            self.reopened.clear();
        }
        if failure == Failure::Hang && self.rows.iter().any(|it| !it.hardware) {
            self.rows.retain(|it| !it.hardware);
        }
        self.rows.clone()
    }

    /// One of [`Succession::after`] took over: those before it had their chance.
    pub(super) fn took_over(&mut self, tried: usize, again: bool, now: Timestamp) {
        self.rows.drain(..tried.min(self.rows.len()));
        if again {
            self.reopened.push_back(now);
        } else {
            // What is new is opened for the first time, and may be once more.
            self.reopened.clear();
        }
        self.fruitful = false;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Codec;
    use crate::stats::Refusal;

    fn row(name: &'static str, hardware: bool) -> Row {
        let refusal = Refusal { encoder: name.into(), reason: "a double".into(), remedy: None };
        let open = Arc::new(move |_| Err(refusal.clone()));
        Row { name, codec: Codec::H264, hardware, keeps_up: true, open }
    }

    fn succession() -> Succession {
        Succession::new(vec![row("hevc_nvenc", true), row("h264_nvenc", true), row("libx264", false)])
    }

    fn names(rows: &[Row]) -> Vec<&'static str> {
        rows.iter().map(|it| it.name).collect()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn the_same_is_tried_first_and_once_only_where_nothing_comes_of_it() {
        let mut it = succession();
        assert_eq!(
            names(&it.after(Failure::Error, at(1)))[0],
            "hevc_nvenc",
            "also where it made nothing yet"
        );
        it.took_over(0, true, at(1));
        assert_eq!(names(&it.after(Failure::Error, at(2))), ["h264_nvenc", "libx264"]);
        it.took_over(0, false, at(2));
        assert_eq!(names(&it.after(Failure::Error, at(3))), ["h264_nvenc", "libx264"], "it has a try left");
    }

    #[test]
    fn one_that_works_in_between_is_opened_again_three_times_a_minute() {
        let mut it = succession();
        for second in [0, 10, 20] {
            it.made_something();
            assert_eq!(names(&it.after(Failure::Error, at(second)))[0], "hevc_nvenc");
            it.took_over(0, true, at(second));
        }
        it.made_something();
        let mut patient = Succession { rows: it.rows.clone(), reopened: it.reopened.clone(), fruitful: true };
        assert_eq!(names(&it.after(Failure::Error, at(30)))[0], "h264_nvenc");
        assert_eq!(names(&patient.after(Failure::Error, at(70)))[0], "hevc_nvenc", "a minute later");
    }

    #[test]
    fn a_driver_that_hangs_is_not_asked_again_where_something_else_is_left() {
        assert_eq!(names(&succession().after(Failure::Hang, at(0))), ["libx264"]);
        let mut hardware_only = Succession::new(vec![row("h264_nvenc", true)]);
        assert_eq!(names(&hardware_only.after(Failure::Hang, at(0))), ["h264_nvenc"]);
    }

    #[test]
    fn those_that_refused_are_not_asked_again() {
        let mut it = succession();
        it.after(Failure::Error, at(0));
        it.took_over(2, false, at(0));
        assert_eq!(names(&it.after(Failure::Error, at(1))), ["libx264"]);
        it.took_over(0, true, at(1));
        assert_eq!(names(&it.after(Failure::Error, at(2))), Vec::<&str>::new(), "nobody is left");
    }
}
