//! One direction of a path, without any I/O: packets go in at a time and come out at another.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::flow::Flows;
use crate::{Conditions, Loss};

/// What became of the packets of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Packets that arrived.
    pub packets: u64,
    /// Their bytes, headers of IP and all.
    pub bytes: u64,
    /// Packets that were lost under way, by [`Loss`], a cut or because their connection is stuck.
    pub lost: u64,
    /// Packets that found the queue full.
    pub overflowed: u64,
}

#[derive(Debug)]
pub(crate) struct Shaper {
    conditions: Conditions,
    random: u64,
    in_burst: bool,
    /// Before the place where the rate is limited, with the time at which they came.
    queue: VecDeque<(Instant, Vec<u8>)>,
    queued: usize,
    /// When that place is done with the packet that it sends.
    free_at: Option<Instant>,
    /// Behind it, with the time at which they arrive.
    flying: VecDeque<(Instant, Vec<u8>)>,
    flows: Flows,
    passed: Passed,
}

impl Shaper {
    /// The most that fly at once: far more than a rate and a delay hold.
    const FLYING: usize = 1 << 16;

    pub(crate) fn new(conditions: Conditions, seed: u64) -> Self {
        Self {
            conditions,
            // Seeds that are near each other should not begin alike.
            random: (seed ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9) | 1,
            in_burst: false,
            queue: VecDeque::new(),
            queued: 0,
            free_at: None,
            flying: VecDeque::new(),
            flows: Flows::default(),
            passed: Passed::default(),
        }
    }

    pub(crate) fn set(&mut self, conditions: Conditions) {
        self.conditions = conditions;
        if conditions.cut {
            self.passed.lost += (self.queue.len() + self.flying.len()) as u64;
            self.queue.clear();
            self.queued = 0;
            self.flying.clear();
        }
    }

    pub(crate) const fn conditions(&self) -> Conditions {
        self.conditions
    }

    pub(crate) fn stall(&mut self) {
        self.flows.stall();
    }

    pub(crate) const fn passed(&self) -> Passed {
        self.passed
    }

    /// Takes a packet in.
    pub(crate) fn offer(&mut self, now: Instant, packet: Vec<u8>) {
        self.advance(now);
        let is_stuck = !self.flows.passes(&packet);
        if self.conditions.cut || is_stuck || self.is_lost() || self.flying.len() >= Self::FLYING {
            self.passed.lost += 1;
        } else if self.conditions.rate.is_some() && self.queued + packet.len() > self.conditions.queue {
            self.passed.overflowed += 1;
        } else {
            self.queued += packet.len();
            self.queue.push_back((now, packet));
            self.advance(now);
        }
    }

    /// A packet that has arrived.
    pub(crate) fn arrived(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.advance(now);
        let (_, packet) = self.flying.pop_front_if(|it| it.0 <= now)?;
        self.passed.packets += 1;
        self.passed.bytes += packet.len() as u64;
        Some(packet)
    }

    /// When there is something to do again.
    pub(crate) fn next(&self) -> Option<Instant> {
        let queued = if self.queue.is_empty() { None } else { self.free_at };
        [queued, self.flying.front().map(|it| it.0)].into_iter().flatten().min()
    }

    /// Sends what can have been sent by now.
    fn advance(&mut self, now: Instant) {
        while let Some(&(came, _)) = self.queue.front() {
            let begins = self.free_at.map_or(came, |it| it.max(came));
            if begins > now {
                return;
            }
            let Some((_, packet)) = self.queue.pop_front() else { return };
            self.queued -= packet.len();
            let sent = begins + self.sending_takes(packet.len());
            self.free_at = Some(sent);
            let arrives = sent + self.conditions.delay + self.conditions.jitter.mul_f64(self.uniform());
            let last = self.flying.back().map_or(arrives, |it| it.0);
            self.flying.push_back((arrives.max(last), packet));
        }
    }

    fn sending_takes(&self, bytes: usize) -> Duration {
        let seconds = self.conditions.rate.map_or(0.0, |rate| bytes as f64 * 8.0 / rate.max(1) as f64);
        Duration::from_secs_f64(seconds)
    }

    fn is_lost(&mut self) -> bool {
        match self.conditions.loss {
            Loss::Never => false,
            Loss::Independent(probability) => self.uniform() < probability,
            Loss::Bursts { begin, end } => {
                let turns = self.uniform() < if self.in_burst { end } else { begin };
                self.in_burst ^= turns;
                self.in_burst
            }
        }
    }

    /// From 0 to 1 (xorshift64*).
    fn uniform(&mut self) -> f64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Sends packets of 1000 bytes, one each millisecond, and returns when which arrived.
    fn run(shaper: &mut Shaper, count: u32) -> Vec<(u32, Duration)> {
        let start = Instant::now();
        let mut arrived = vec![];
        for tick in 0..count + 5000 {
            let now = start + MS * tick;
            if tick < count {
                shaper.offer(now, tick.to_be_bytes().repeat(250));
            }
            while let Some(packet) = shaper.arrived(now) {
                let number = u32::from_be_bytes(*packet.first_chunk().unwrap());
                arrived.push((number, now - start));
            }
        }
        arrived
    }

    #[test]
    fn nothing_happens_to_packets_on_a_path_that_does_nothing() {
        let mut shaper = Shaper::new(Conditions::default(), 1);
        let arrived = run(&mut shaper, 100);
        assert!(arrived.iter().enumerate().all(|(index, it)| *it == (index as u32, MS * index as u32)));
        assert_eq!(shaper.passed(), Passed { packets: 100, bytes: 100_000, lost: 0, overflowed: 0 });
    }

    #[test]
    fn delay_and_jitter_move_packets_and_keep_their_order() {
        let conditions = Conditions::default().with_delay(MS * 30).with_jitter(MS * 10);
        let arrived = run(&mut Shaper::new(conditions, 1), 500);
        let waits: Vec<_> = arrived.iter().map(|(number, at)| *at - MS * *number).collect();
        assert!(waits.iter().all(|it| (MS * 30..=MS * 41).contains(it)), "{waits:?}");
        assert!(waits.iter().any(|it| *it < MS * 34) && waits.iter().any(|it| *it > MS * 36));
        assert!(arrived.is_sorted_by_key(|it| it.0));
        assert_eq!(arrived.len(), 500);
    }

    #[test]
    fn a_rate_is_kept_and_a_full_queue_drops() {
        // 8 Mbit/s come, 4 pass, and 20 packets wait.
        let conditions = Conditions::default().with_rate(4_000_000).with_queue(20_000);
        let mut shaper = Shaper::new(conditions, 1);
        let arrived = run(&mut shaper, 1000);
        assert!((500..=525).contains(&arrived.len()), "{}", arrived.len());
        assert_eq!(shaper.passed().overflowed, 1000 - arrived.len() as u64);
        let longest = arrived.iter().map(|(number, at)| *at - MS * *number).max().unwrap();
        assert!((MS * 38..=MS * 44).contains(&longest), "the queue is 40 ms long: {longest:?}");
    }

    #[test]
    fn losses_are_as_many_as_asked_for_and_the_same_again_with_the_same_seed() {
        let lost = |conditions: Conditions, seed| {
            let arrived: Vec<_> =
                run(&mut Shaper::new(conditions, seed), 20_000).into_iter().map(|it| it.0).collect();
            let gaps = arrived.windows(2).filter(|it| it[1] > it[0] + 1).count();
            (20_000 - arrived.len(), gaps, arrived)
        };
        let single = Conditions::default().with_loss(0.05);
        assert_eq!(lost(single, 7), lost(single, 7));
        assert_ne!(lost(single, 7).2, lost(single, 8).2);
        let (count, gaps, _) = lost(single, 7);
        assert!((900..1100).contains(&count) && gaps > count * 9 / 10, "{count} in {gaps}");
        let (count, gaps, _) = lost(Conditions::default().with_bursts(0.05, 10.0), 7);
        assert!((700..1300).contains(&count) && (count / 14..count / 7).contains(&gaps), "{count} in {gaps}");
    }

    #[test]
    fn a_cut_takes_everything_and_what_comes_after_it_passes() {
        let conditions = Conditions::default().with_delay(MS * 30);
        let mut shaper = Shaper::new(conditions, 1);
        let now = Instant::now();
        shaper.offer(now, vec![0; 10]);
        shaper.set(Conditions { cut: true, ..conditions });
        shaper.offer(now, vec![0; 10]);
        shaper.set(conditions);
        assert_eq!((shaper.arrived(now + MS * 100), shaper.passed().lost), (None, 2));
        shaper.offer(now, vec![0; 10]);
        assert!(shaper.arrived(now + MS * 30).is_some());
    }

    #[test]
    fn a_rate_that_changes_holds_for_what_waits() {
        let slow = Conditions::default().with_rate(8_000).with_queue(1 << 20);
        let mut shaper = Shaper::new(slow, 1);
        let now = Instant::now();
        (0..100).for_each(|_| shaper.offer(now, vec![0; 1000]));
        shaper.set(slow.with_rate(8_000_000));
        // The first is still sent at the old rate: a second; the others then take a millisecond each.
        let all = now + MS * 1100;
        assert_eq!(std::iter::from_fn(|| shaper.arrived(all)).count(), 100);
    }
}
