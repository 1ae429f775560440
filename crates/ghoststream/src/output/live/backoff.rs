//! How long to wait before a peer is dialled again.

use std::time::Duration;

/// Waits that grow by half from a quarter of a second to a second, each moved by up to a fifth
/// either way, so that many streams which lost one server do not come back all at once.
///
/// The ceiling is low on purpose: whoever's path is back waits for it at most once.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    random: u64,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(250);
    const MOST: Duration = Duration::from_millis(1000);

    /// Two with different seeds wait differently.
    pub(super) const fn new(seed: u64) -> Self {
        Self { next: Self::FIRST, random: seed | 1 }
    }

    /// The next wait.
    pub(super) fn wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = (self.next * 3 / 2).min(Self::MOST);
        // xorshift64: enough to keep streams apart.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        wait.mul_f64(0.8 + 0.4 * (self.random >> 11) as f64 / (1u64 << 53) as f64)
    }

    /// After a connection that held.
    pub(super) const fn reset(&mut self) {
        self.next = Self::FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_ceiling_and_differ() {
        let (mut one, mut other) = (Backoff::new(1), Backoff::new(2));
        let waits: Vec<_> = (0..20).map(|_| one.wait()).collect();
        assert!(waits[0] < Backoff::FIRST.mul_f64(1.21) && waits[0] > Backoff::FIRST.mul_f64(0.79));
        assert!(waits.iter().all(|&it| it <= Backoff::MOST.mul_f64(1.2)), "{waits:?}");
        assert!(waits[10] > waits[0]);
        assert_ne!(waits[5..], (0..20).map(|_| other.wait()).collect::<Vec<_>>()[5..]);
        one.reset();
        assert!(one.wait() < Backoff::FIRST.mul_f64(1.21));
    }
}
