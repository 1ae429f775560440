//! Pictures and bits a second, from one call of `status` to the next.

use crate::Timestamp;

/// The totals at the last call of `status`, for the rates since.
#[derive(Debug, Default)]
pub(super) struct Rates {
    at: Timestamp,
    encoded: u64,
    bytes: u64,
    pub(super) fps: f64,
    pub(super) kbps: f64,
}

impl Rates {
    /// Takes the totals of now, where it is long enough since those of before. The first are those of the recording so
    /// far, which is `shown` seconds long.
    pub(super) fn go_on_to(&mut self, now: Timestamp, shown: f64, (encoded, bytes): (u64, u64)) {
        let first = self.at == Timestamp::default();
        let elapsed = if first { shown } else { now.since(self.at).as_secs_f64() };
        if elapsed >= 0.2 {
            self.fps = encoded.saturating_sub(self.encoded) as f64 / elapsed;
            self.kbps = bytes.saturating_sub(self.bytes) as f64 * 8.0 / 1000.0 / elapsed;
            (self.at, self.encoded, self.bytes) = (now, encoded, bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_the_first_time_is_told_how_it_went_so_far() {
        let mut rates = Rates::default();
        let at = |seconds: i64| Timestamp::from_nanos((1000 + seconds) * 1_000_000_000);
        rates.go_on_to(at(0), 0.0, (0, 0));
        assert_eq!((rates.fps, rates.kbps), (0.0, 0.0), "nothing is recorded yet");
        rates.go_on_to(at(10), 10.0, (300, 1_250_000));
        assert_eq!((rates.fps, rates.kbps), (30.0, 1000.0));
        rates.go_on_to(at(12), 12.0, (300, 1_250_000));
        assert_eq!((rates.fps, rates.kbps), (0.0, 0.0), "since the call before");
    }
}
