//! Places in the recording that the caller has named: chapters of the files.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::lock;
use crate::output::Marker;
use crate::{ConfigError, Error, MediaTime};

/// Markers of one pipeline at most.
const MOST: usize = 10_000;
/// Characters of a title at most.
const LONGEST: usize = 200;

/// All markers of a pipeline. Each output's thread takes them from here in its own time, so that whoever
/// sets one waits for nobody.
#[derive(Debug, Default)]
pub(super) struct Markers {
    list: Mutex<Vec<Marker>>,
    count: AtomicUsize,
}

impl Markers {
    pub(super) fn add(&self, at: MediaTime, text: &str) -> Result<(), Error> {
        let title = title(text)?;
        let mut list = lock(&self.list);
        if list.len() >= MOST {
            let allowed = format!("the recording has {MOST} already, which is the most");
            return Err(ConfigError::new("marker", title, allowed).into());
        }
        list.push(Marker { at, title });
        self.count.store(list.len(), Ordering::Release);
        Ok(())
    }

    /// Those after the first `known`.
    pub(super) fn since(&self, known: usize) -> Vec<Marker> {
        if self.count.load(Ordering::Acquire) <= known {
            return Vec::new();
        }
        lock(&self.list).get(known..).unwrap_or_default().to_vec()
    }
}

/// The title as every container and player takes it: on one line.
fn title(text: &str) -> Result<String, ConfigError> {
    let title = text.replace(char::is_control, " ").trim().to_owned();
    let length = title.chars().count();
    if (1..=LONGEST).contains(&length) {
        return Ok(title);
    }
    Err(ConfigError::new("marker", format!("{length} characters"), format!("1 to {LONGEST} characters")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_one_line_and_bounded() {
        assert_eq!(title(" a\nb\0c ").unwrap(), "a b c");
        assert_eq!(title(&"é".repeat(200)).unwrap().chars().count(), 200);
        for wrong in [String::new(), "\n\t ".to_owned(), "x".repeat(201)] {
            assert!(title(&wrong).unwrap_err().to_string().contains("1 to 200 characters"));
        }
    }

    #[test]
    fn markers_are_taken_once_and_bounded() {
        let markers = Markers::default();
        for n in 0..MOST {
            markers.add(MediaTime::from_nanos(n as i64), "x").unwrap();
        }
        assert!(markers.add(MediaTime::ZERO, "x").is_err());
        assert_eq!(markers.since(MOST - 2).len(), 2);
        assert_eq!(markers.since(MOST), []);
    }
}
