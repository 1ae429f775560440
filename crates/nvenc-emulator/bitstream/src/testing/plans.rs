//! Plans as an encoder would make them, and wilder ones.

use super::Random;
use crate::{Kind, Plan, Stream};

fn plan(kind: Kind, order: u32) -> Plan {
    Plan { kind, order, kept: true, shown: true, past: vec![], future: vec![], forget: vec![] }
}

/// A key picture every `key_every` pictures, the others P, each referring to as many as the stream allows.
pub(crate) fn low_delay(stream: &Stream, count: u32, key_every: u32) -> Vec<Plan> {
    let references = stream.references as u32;
    let one = |order: u32| match order % key_every {
        0 => plan(Kind::Key, 0),
        order => Plan {
            past: (order.saturating_sub(references)..order).rev().collect(),
            forget: order.checked_sub(references).into_iter().collect(),
            ..plan(Kind::P, order)
        },
    };
    (0..count).map(one).collect()
}

/// A key picture and `groups` groups of three B-frames closed by a P; the middle one kept if asked for.
pub(crate) fn b_frames(groups: u32, middle_kept: bool) -> Vec<Plan> {
    let mut plans = vec![plan(Kind::Key, 0)];
    for group in 0..groups {
        let start = group * 4;
        // The middle of the group before ends with this P, as what closed the group before that does.
        let forget = if middle_kept && group > 0 { vec![start - 4, start - 2] } else { vec![] };
        let forget = if !middle_kept && group > 0 { vec![start - 4] } else { forget };
        plans.push(Plan { past: vec![start], forget, ..plan(Kind::P, start + 4) });
        let b = |order: u32, past: u32, future: u32, kept: bool| Plan {
            kept,
            past: vec![past],
            future: vec![future],
            ..plan(Kind::B, order)
        };
        let middle = start + 2;
        if middle_kept {
            plans.push(b(middle, start, start + 4, true));
            plans.push(b(start + 1, start, middle, false));
            plans.push(b(start + 3, middle, start + 4, false));
        } else {
            plans.extend((start + 1..start + 4).map(|order| b(order, start, start + 4, false)));
        }
    }
    plans
}

/// Plans as wild as a stream that reorders allows: any number of B-frames in any order, kept or not, any
/// choice of references, pictures forgotten at any time.
pub(crate) fn random(stream: &Stream, seed: u64, count: usize) -> Vec<Plan> {
    let mut random = Random::new(seed);
    let mut plans: Vec<Plan> = vec![plan(Kind::Key, 0)];
    let (mut kept, mut last) = (vec![0], 0);
    while plans.len() < count {
        if random.below(9) == 0 {
            plans.push(plan(Kind::Key, 0));
            (kept, last) = (vec![0], 0);
            continue;
        }
        let between = random.below(5) as u32;
        let closing = last + between + 1;
        let kind = if random.below(6) == 0 { Kind::Intra } else { Kind::P };
        let (start, end) = (last, closing);
        // Both ends of a group stay until its last B-frame.
        let mut next = plan(kind, closing);
        if kind == Kind::P {
            next.past = choose(&mut random, &kept, stream.references, |order| closing.abs_diff(order));
        }
        finish(&mut random, stream, &mut next, &mut kept, &[start]);
        plans.push(next);
        let mut orders: Vec<u32> = (start + 1..end).collect();
        // What waits to be shown stays, too: a decoder has room for what is kept and no more.
        let mut needed = vec![start, end];
        while !orders.is_empty() {
            // Nested as decoders' limits on reordering want it: the first, or the middle before the rest.
            let at = if orders.len() > 2 && orders.len() as u32 == between { orders.len() / 2 } else { 0 };
            let order = orders.remove(at);
            let (past, future): (Vec<u32>, Vec<u32>) = kept.iter().partition(|&&other| other < order);
            let mut next = plan(Kind::B, order);
            next.kept = at > 0 || random.below(2) == 0;
            next.past = choose(&mut random, &past, stream.references, |other| order - other);
            next.future = choose(&mut random, &future, stream.references, |other| other - order);
            finish(&mut random, stream, &mut next, &mut kept, &needed);
            if at > 0 {
                needed.push(order);
            }
            plans.push(next);
        }
        last = closing;
    }
    plans
}

/// Some of `kept`, nearest first.
fn choose(random: &mut Random, kept: &[u32], most: usize, distance: impl Fn(u32) -> u32) -> Vec<u32> {
    let mut chosen = kept.to_vec();
    let count = 1 + random.below(most.min(kept.len()));
    while chosen.len() > count {
        chosen.remove(random.below(chosen.len()));
    }
    chosen.sort_by_key(|&order| distance(order));
    chosen
}

/// Settles which pictures are kept after a plan: sometimes one goes for no reason.
fn finish(random: &mut Random, stream: &Stream, plan: &mut Plan, kept: &mut Vec<u32>, needed: &[u32]) {
    let may_go = |kept: &[u32]| (0..kept.len()).filter(|&at| !needed.contains(&kept[at])).collect::<Vec<_>>();
    let mut room = stream.kept() - usize::from(plan.kept);
    if random.below(4) == 0 {
        room = room.min(kept.len().saturating_sub(1));
    }
    while kept.len() > room {
        let candidates = may_go(kept);
        if candidates.is_empty() {
            break;
        }
        plan.forget.push(kept.remove(candidates[random.below(candidates.len())]));
    }
    if plan.kept && kept.len() >= stream.kept() {
        plan.kept = false;
    }
    if plan.kept {
        kept.push(plan.order);
    }
}
