//! One stream over one link.

use std::time::Duration;

use ghoststream_adaptation::Signals;

use crate::caller::{Caller, Connect, Event};
use crate::encoder::{Encoder, Picture};
use crate::link::Link;
use crate::oracle::necessary;
use crate::policy::{Policy, Seen, Wanted};
use crate::queue::Queue;
use crate::recovery::recovery;
use crate::transport::{Arrival, Transport};

/// What headers leave of a link, with either transport.
const PAYLOAD: f64 = 0.96;

/// How a stream went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Kilobits a second of pictures that came in time and could be decoded.
    pub delivered_kbps: f64,
    /// Share of the pictures that were dropped, lost, late, or stood on such a one.
    pub missed: f64,
    /// How far the bitrate was moved up and down, in Mbit/s for each minute.
    pub movement: f64,
    /// How much of that was not needed to deliver as much over this link.
    pub needless: f64,
    /// How often it went up after it went down, or down after up, for each minute.
    pub turns: f64,
    /// Seconds from the path carrying again after it carried nothing to the stream using it again, on the mean;
    /// `None` where that never was.
    pub back: Option<f64>,
    /// At each tenth of a second.
    pub trace: Vec<Trace>,
}

/// A moment of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    pub link_kbps: f64,
    pub kbps: u32,
    /// Milliseconds from a picture being made to it being whole at the peer, of the last that was.
    pub delay: u64,
    /// Of its own queue's head.
    pub queue_age: u64,
}

/// What is the same for all policies.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The bitrate to begin with, and the most.
    pub kbps: u32,
    /// Milliseconds after which a picture is of no use.
    pub deadline: u64,
    /// Whether a picture stays without use when it comes late, and so do those that stand on it.
    pub late_is_lost: bool,
    /// How many round trips it takes to connect.
    pub handshake: u64,
    pub seed: u64,
}

/// Streams until the link's time is over.
pub fn run(link: &Link, connect: Connect<'_>, policy: &mut dyn Policy, terms: Terms) -> Outcome {
    let mut encoder = Encoder::new(terms.seed);
    let mut queue = Queue::new(policy.patience());
    let mut caller = Caller::new(link, connect, terms.handshake * 2 * link.one_way, policy.misses());
    let (mut kbps, mut made, mut arrivals) = (terms.kbps, vec![], vec![]);
    let (mut bitrates, mut trace) = (vec![kbps], vec![]);
    // The picture that the transport is taking, and since when.
    let mut taking: Option<(Picture, u64)> = None;
    for now in 0..link.lasts {
        if let Some(picture) = encoder.tick(now, kbps) {
            made.push(picture);
            queue.push(picture);
        }
        let mut wanted = None;
        let mut looks = now.is_multiple_of(policy.every());
        match caller.tick(now, &mut arrivals) {
            Event::Nothing => {}
            Event::Lost => {
                queue.disconnect();
                taking = None;
                wanted = Some(Wanted { kbps: policy.lost(), drop: false, key: false });
            }
            Event::Connected => {
                queue.connect();
                policy.connected();
                looks = true;
            }
        }
        if let Some(transport) = caller.transport() {
            if looks {
                wanted = Some(policy.step(&see(transport, &queue, now)));
            }
            if wanted.is_some_and(|it| it.drop) {
                queue.drop_down_to_a_key();
            }
            while transport.has_room() {
                if let Some((picture, since)) = taking.take() {
                    policy.sent(since, now, picture.bytes);
                }
                let Some(picture) = queue.pop() else { break };
                transport.give(picture, now);
                taking = Some((picture, now));
            }
        }
        if let Some(wanted) = wanted {
            if wanted.key {
                encoder.make_key();
            }
            if wanted.kbps != kbps {
                kbps = wanted.kbps;
                bitrates.push(kbps);
            }
        }
        if now.is_multiple_of(100) {
            let delay = arrivals.last().map_or(0, |it: &Arrival| it.at - made[it.picture].made);
            trace.push(Trace { link_kbps: link.kbps(now), kbps, delay, queue_age: queue.head_age(now) });
        }
    }
    judge(&made, &arrivals, &bitrates, trace, link, terms)
}

fn see(transport: &dyn Transport, queue: &Queue, now: u64) -> Seen {
    let mut signals = Signals::default();
    transport.signals(&mut signals);
    signals.queue_age = Duration::from_millis(queue.head_age(now));
    signals.queue_bytes = queue.bytes();
    signals.needs_key_picture |= queue.is_skipping();
    Seen { now, signals, queued: queue.len(), queued_span: queue.span() }
}

fn judge(
    made: &[Picture],
    arrivals: &[Arrival],
    bitrates: &[u32],
    trace: Vec<Trace>,
    link: &Link,
    terms: Terms,
) -> Outcome {
    // 1 is whole and in time, 2 whole and late.
    let mut came = vec![0; made.len()];
    for it in arrivals {
        came[it.picture] = if it.at - made[it.picture].made <= terms.deadline { 1 } else { 2 };
    }
    let (mut missed, mut judged, mut decodable) = (0, 0, false);
    let mut useful = vec![];
    // Those of the very end are still on their way.
    for (picture, came) in made.iter().zip(came).filter(|it| it.0.made + terms.deadline < link.lasts) {
        let there = came == 1 || (came == 2 && !terms.late_is_lost);
        decodable = there && (decodable || picture.key);
        judged += 1;
        if decodable && came == 1 {
            useful.push(*picture);
        } else {
            missed += 1;
        }
    }
    let seconds = (link.lasts - terms.deadline) as f64 / 1000.0;
    let minutes = link.lasts as f64 / 60_000.0;
    let bytes: u64 = useful.iter().map(|it| it.bytes).sum();
    let delivered_kbps = bytes as f64 * 8.0 / 1000.0 / seconds;
    let moved = f64::from(bitrates.windows(2).map(|it| it[0].abs_diff(it[1])).sum::<u32>());
    let carried: Vec<f64> = link.rates().iter().map(|it| it * PAYLOAD).collect();
    let needed = necessary(&carried, f64::from(terms.kbps), delivered_kbps);
    Outcome {
        delivered_kbps,
        missed: f64::from(missed) / f64::from(judged.max(1)),
        movement: moved / 1000.0 / minutes,
        needless: (moved - needed).max(0.0) / 1000.0 / minutes,
        turns: turns(bitrates) / minutes,
        back: recovery(&useful, link, |at| (link.kbps(at) * PAYLOAD).min(f64::from(terms.kbps))),
        trace,
    }
}

fn turns(bitrates: &[u32]) -> f64 {
    bitrates.windows(3).filter(|it| (it[1] > it[0]) != (it[2] > it[1])).count() as f64
}
