//! Keys that are held down, which some desktops repeat.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Longer than keyboards wait before a key that is held repeats, and than they wait between two repetitions.
const REPEATS: Duration = Duration::from_secs(1);

/// When each key that is down was last said to be.
#[derive(Debug, Default)]
pub(super) struct Held(HashMap<String, Instant>);

impl Held {
    /// Whether this is a press, and not a key repeating that is still down. A desktop that does not tell of keys
    /// being let go is believed again after a second.
    pub(super) fn press(&mut self, id: &str, now: Instant) -> bool {
        let last = self.0.insert(id.to_owned(), now);
        last.is_none_or(|it| now.duration_since(it) >= REPEATS)
    }

    /// It was let go.
    pub(super) fn release(&mut self, id: &str) {
        self.0.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_held_counts_once() {
        let (mut held, start) = (Held::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert!(held.press("a", at(0)));
        // After the usual delay, and then thirty times a second, for longer than it takes to be forgotten.
        assert!((0..60).all(|n| !held.press("a", at(660 + n * 33))));
        assert!(held.press("b", at(700)), "another key");
        held.release("a");
        assert!(held.press("a", at(2700)));
    }

    #[test]
    fn keys_whose_release_is_never_told_work_again() {
        let (mut held, start) = (Held::default(), Instant::now());
        assert!(held.press("a", start));
        assert!(held.press("a", start + REPEATS));
    }
}
