//! How long a peer has acknowledged nothing.

use std::time::Duration;

use crate::Timestamp;

/// Notices a peer that is gone without a word before libsrt does, which waits for sixteen of its timers first, five
/// seconds in all, whatever `SRTO_PEERIDLETIMEO` says below that.
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// Bytes that the peer had acknowledged when it was last looked.
    acknowledged: u64,
    since: Option<Timestamp>,
}

impl Silence {
    /// How long nothing has been acknowledged that should have been, where so many bytes are acknowledged and `held`
    /// ones are not. A peer that is sent nothing has nothing to acknowledge.
    pub(super) fn look(&mut self, now: Timestamp, acknowledged: u64, held: u64) -> Duration {
        let since = self.since.get_or_insert(now);
        if held == 0 || acknowledged > self.acknowledged {
            self.acknowledged = acknowledged;
            *since = now;
        }
        now.since(*since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn it_begins_with_the_last_acknowledgement() {
        let mut silence = Silence::default();
        assert_eq!(silence.look(at(5000), 0, 100), Duration::ZERO);
        assert_eq!(silence.look(at(5100), 90, 100), Duration::ZERO);
        assert_eq!(silence.look(at(6100), 90, 300), Duration::from_secs(1));
        // What libsrt gave up is not acknowledged.
        assert_eq!(silence.look(at(8100), 80, 200), Duration::from_secs(3));
        assert_eq!(silence.look(at(8200), 91, 200), Duration::ZERO);
    }

    #[test]
    fn nothing_to_acknowledge_is_no_silence() {
        let mut silence = Silence::default();
        assert_eq!(silence.look(at(0), 500, 100), Duration::ZERO);
        // All was acknowledged, then nothing was sent for a minute.
        assert_eq!(silence.look(at(60_000), 600, 0), Duration::ZERO);
        assert_eq!(silence.look(at(60_100), 600, 100), Duration::from_millis(100));
    }
}
