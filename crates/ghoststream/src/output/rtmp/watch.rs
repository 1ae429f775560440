//! Notices a server that takes nothing, and a path that is dead.

use std::time::Duration;

use super::path::Path;
use crate::Timestamp;
use crate::output::live::{LinkError, LinkFault};

/// Looks at a connection while it is used.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Since when the server has taken nothing while something waited.
    stuck_since: Option<Timestamp>,
    /// Since when bytes have been under way that nobody acknowledged.
    unanswered_since: Option<Timestamp>,
}

impl Watch {
    /// A server that takes nothing for so long is as good as gone, though its kernel still answers.
    const STUCK: Duration = Duration::from_secs(10);
    /// A path from which nothing is heard for so long, while bytes wait for an answer, is dead. The
    /// kernel itself would wait for a quarter of an hour.
    const SILENT: Duration = Duration::from_secs(3);

    /// Whether bytes wait here or in the kernel, which is full.
    pub(super) fn progress(&mut self, now: Timestamp, moves: bool) -> Result<(), LinkError> {
        if moves {
            self.stuck_since = None;
        } else if now.since(*self.stuck_since.get_or_insert(now)) > Self::STUCK {
            return Err(LinkError::new(LinkFault::Timeout, "it has taken nothing for ten seconds"));
        }
        Ok(())
    }

    /// What the kernel knows of the path, where it knows it.
    pub(super) fn path(&mut self, now: Timestamp, path: Option<&Path>) -> Result<(), LinkError> {
        let Some(path) = path.filter(|it| it.undelivered > 0) else {
            self.unanswered_since = None;
            return Ok(());
        };
        let waited = now.since(*self.unanswered_since.get_or_insert(now));
        if path.heard_ago.min(waited) > Self::SILENT {
            let text = "nothing was heard of it for three seconds; is the network up?";
            return Err(LinkError::new(LinkFault::Timeout, text));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_nanos(milliseconds * 1_000_000)
    }

    #[test]
    fn a_server_that_takes_nothing_is_gone_after_ten_seconds() {
        let mut watch = Watch::default();
        watch.progress(at(0), false).unwrap();
        watch.progress(at(9_000), true).unwrap();
        watch.progress(at(10_000), false).unwrap();
        watch.progress(at(19_900), false).unwrap();
        assert_eq!(watch.progress(at(20_100), false).unwrap_err().fault, LinkFault::Timeout);
    }

    #[test]
    fn a_path_is_dead_when_nothing_is_heard_though_something_waits() {
        let path = |undelivered, heard_ago| Path {
            undelivered,
            heard_ago: Duration::from_millis(heard_ago),
            ..Path::default()
        };
        let mut watch = Watch::default();
        // Nothing to be answered, however long it is quiet; then something is sent.
        watch.path(at(0), Some(&path(0, 60_000))).unwrap();
        watch.path(at(1_000), Some(&path(10, 61_000))).unwrap();
        watch.path(at(3_900), Some(&path(10, 63_900))).unwrap();
        // Heard of, though not all is acknowledged: a slow path.
        watch.path(at(4_100), Some(&path(10, 100))).unwrap();
        watch.path(at(7_000), Some(&path(10, 2_900))).unwrap();
        assert_eq!(watch.path(at(7_200), Some(&path(10, 3_100))).unwrap_err().fault, LinkFault::Timeout);
        Watch::default().path(at(0), None).unwrap();
    }
}
