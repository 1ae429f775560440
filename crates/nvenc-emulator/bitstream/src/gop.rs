//! The structure: which picture is coded when, as what, and from which others.

use std::collections::VecDeque;

use crate::{Kind, Plan};

/// Which B-frames later pictures refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BReference {
    /// None.
    None,
    /// The middle one of a row; the others refer to it.
    Middle,
    /// Each, the next ones refer to it.
    Each,
}

/// The structure that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gop {
    /// Pictures from key picture to key picture; none makes the first one only.
    pub key_every: Option<u32>,
    /// B-frames between two pictures that are not.
    pub b_frames: u32,
    /// Which of them are referred to.
    pub b_reference: BReference,
    /// Pictures before it that a P refers to, 1 to 4.
    pub references: u32,
}

impl Gop {
    /// The most pictures that are kept for reference at any time, once a picture has been coded.
    pub(crate) const fn kept(&self) -> usize {
        kept(self.references as usize, self.b_frames > 0)
    }

    /// See [`Stream::reorders`](crate::Stream::reorders).
    pub(crate) const fn reorders(&self) -> u32 {
        match self.b_reference {
            _ if self.b_frames == 0 => 0,
            BReference::Middle if self.b_frames > 1 => 2,
            _ => 1,
        }
    }
}

/// See [`Stream::kept`](crate::Stream::kept).
pub(crate) const fn kept(references: usize, reorders: bool) -> usize {
    let references = if references < 1 { 1 } else { references };
    let both = if reorders { references + 2 } else { references };
    // Level limits leave room for six pictures, the current one included.
    if both > 5 { 5 } else { both }
}

/// A picture in its turn to be coded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Which of the pictures that were pushed, counted from 0.
    pub(crate) picture: u64,
    /// How it is coded; always shown.
    pub(crate) plan: Plan,
}

/// Turns display order into coded order.
pub(crate) struct Scheduler {
    gop: Gop,
    /// Pictures pushed so far.
    pushed: u64,
    /// Pictures since the last key picture, it included.
    since_key: u32,
    /// Pictures that wait for the P that follows them: number and order.
    waiting: VecDeque<(u64, u32)>,
    /// What is kept for reference, by order, ascending.
    kept: Vec<u32>,
}

impl Scheduler {
    pub(crate) const fn new(gop: Gop) -> Self {
        Self { gop, pushed: 0, since_key: 0, waiting: VecDeque::new(), kept: Vec::new() }
    }

    /// Takes the next picture in display order; appends what can be coded now.
    pub(crate) fn push(&mut self, force_key: bool, steps: &mut Vec<Step>) {
        let picture = self.pushed;
        self.pushed += 1;
        let due = self.gop.key_every.is_some_and(|every| self.since_key >= every.max(1));
        if picture == 0 || force_key || due {
            self.close(steps);
            self.since_key = 1;
            self.kept = vec![0];
            let (past, future, forget) = (vec![], vec![], vec![]);
            let plan = Plan { kind: Kind::Key, order: 0, kept: true, shown: true, past, future, forget };
            steps.push(Step { picture, plan });
            return;
        }
        self.waiting.push_back((picture, self.since_key));
        self.since_key += 1;
        if self.waiting.len() > self.gop.b_frames as usize {
            self.close(steps);
        }
    }

    /// No picture follows for now: the last one that waits becomes a P.
    pub(crate) fn close(&mut self, steps: &mut Vec<Step>) {
        let Some(anchor) = self.waiting.pop_back() else { return };
        let between: Vec<_> = self.waiting.drain(..).collect();
        steps.push(self.step(anchor, Kind::P, true));
        match self.gop.b_reference {
            BReference::None => steps.extend(between.iter().map(|&b| self.step(b, Kind::B, false))),
            BReference::Each => steps.extend(between.iter().map(|&b| self.step(b, Kind::B, true))),
            BReference::Middle if between.len() < 2 => {
                steps.extend(between.iter().map(|&b| self.step(b, Kind::B, false)));
            }
            BReference::Middle => {
                let middle = between.len() / 2;
                steps.push(self.step(between[middle], Kind::B, true));
                for (index, &b) in between.iter().enumerate() {
                    if index != middle {
                        steps.push(self.step(b, Kind::B, false));
                    }
                }
            }
        }
    }

    fn step(&mut self, (picture, order): (u64, u32), kind: Kind, kept: bool) -> Step {
        let most = self.gop.references.max(1) as usize;
        let before = self.kept.iter().rev().copied().filter(|&it| it < order);
        let past: Vec<u32> = before.take(if kind == Kind::B { 1 } else { most }).collect();
        let after = self.kept.iter().copied().filter(|&it| it > order);
        let future: Vec<u32> = after.take(1).collect();
        let mut forget = Vec::new();
        if kept {
            let at = self.kept.partition_point(|&it| it < order);
            self.kept.insert(at, order);
            while self.kept.len() > self.gop.kept() {
                forget.push(self.kept.remove(0));
            }
        }
        Step { picture, plan: Plan { kind, order, kept, shown: true, past, future, forget } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(gop: Gop, pictures: u32, forced: &[u32]) -> Vec<Step> {
        let mut scheduler = Scheduler::new(gop);
        let mut steps = Vec::new();
        for picture in 0..pictures {
            scheduler.push(forced.contains(&picture), &mut steps);
        }
        scheduler.close(&mut steps);
        steps
    }

    /// `P3<0` is a P, third in display order, that refers to 0; `b` is a B that nothing refers to.
    fn words(steps: &[Step]) -> String {
        let word = |step: &Step| {
            let plan = &step.plan;
            let letter = match (plan.kind, plan.kept) {
                (Kind::Key, _) => "I",
                (Kind::Intra, _) => "i",
                (Kind::P, _) => "P",
                (Kind::B, true) => "B",
                (Kind::B, false) => "b",
            };
            let past: String = plan.past.iter().map(|it| format!("<{it}")).collect();
            let future: String = plan.future.iter().map(|it| format!(">{it}")).collect();
            format!("{letter}{}{past}{future}", step.picture)
        };
        steps.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    fn gop(key_every: Option<u32>, b_frames: u32, b_reference: BReference, references: u32) -> Gop {
        Gop { key_every, b_frames, b_reference, references }
    }

    #[test]
    fn without_b_frames_the_orders_are_the_same() {
        let steps = steps(gop(Some(4), 0, BReference::None, 1), 6, &[]);
        assert_eq!(words(&steps), "I0 P1<0 P2<1 P3<2 I4 P5<0");
        assert_eq!(steps[1].plan.forget, [0]);
    }

    #[test]
    fn b_frames_come_after_the_picture_that_follows_them() {
        let steps = steps(gop(None, 2, BReference::None, 1), 8, &[]);
        assert_eq!(words(&steps), "I0 P3<0 b1<0>3 b2<0>3 P6<3 b4<3>6 b5<3>6 P7<6");
    }

    #[test]
    fn the_middle_one_is_referred_to() {
        let steps = steps(gop(None, 3, BReference::Middle, 1), 5, &[]);
        assert_eq!(words(&steps), "I0 P4<0 B2<0>4 b1<0>2 b3<2>4");
    }

    #[test]
    fn each_one_is_referred_to() {
        let steps = steps(gop(None, 3, BReference::Each, 1), 5, &[]);
        assert_eq!(words(&steps), "I0 P4<0 B1<0>4 B2<1>4 B3<2>4");
    }

    #[test]
    fn a_forced_key_picture_closes_what_waits() {
        let steps = steps(gop(None, 2, BReference::None, 1), 6, &[2]);
        assert_eq!(words(&steps), "I0 P1<0 I2 P5<0 b3<0>3 b4<0>3");
        assert_eq!(steps[2].plan.order, 0);
    }

    #[test]
    fn no_picture_waits_for_more_than_is_said() {
        for b_reference in [BReference::None, BReference::Middle, BReference::Each] {
            for b_frames in 0..6 {
                let gop = gop(None, b_frames, b_reference, 1);
                let steps = steps(gop.clone(), 40, &[]);
                let later =
                    |at: usize| steps[..at].iter().filter(|it| it.picture > steps[at].picture).count();
                let most = (0..steps.len()).map(later).max();
                assert_eq!(most, Some(gop.reorders() as usize), "{gop:?}");
            }
        }
    }

    #[test]
    fn nothing_that_was_forgotten_is_referred_to() {
        for b_reference in [BReference::None, BReference::Middle, BReference::Each] {
            for b_frames in 0..6 {
                for references in 1..=4 {
                    let gop = gop(Some(23), b_frames, b_reference, references);
                    let mut kept: Vec<u32> = Vec::new();
                    for Step { plan, .. } in steps(gop.clone(), 60, &[31]) {
                        if plan.kind == Kind::Key {
                            kept.clear();
                        }
                        for needed in plan.past.iter().chain(&plan.future) {
                            assert!(kept.contains(needed), "{plan:?} of {kept:?} in {gop:?}");
                        }
                        if plan.kept {
                            kept.push(plan.order);
                        }
                        kept.retain(|it| !plan.forget.contains(it));
                        assert!(kept.len() <= gop.kept(), "{kept:?} in {gop:?}");
                    }
                }
            }
        }
    }
}
