//! The queue between encoder and transport, with the policy of the product's.

use std::collections::VecDeque;

use crate::encoder::Picture;

/// Pictures that wait to be sent.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: VecDeque<Picture>,
    /// Milliseconds after which pictures are dropped down to a key picture; `None` is never.
    age: Option<u64>,
    skipping: bool,
    /// Nobody takes anything: what waits begins with the newest key picture.
    alone: bool,
}

impl Queue {
    pub fn new(age: Option<u64>) -> Self {
        Self { age, ..Self::default() }
    }

    pub fn push(&mut self, picture: Picture) {
        if picture.key {
            self.skipping = false;
            if self.alone {
                self.waiting.clear();
            }
        }
        if !self.skipping {
            self.waiting.push_back(picture);
        }
        if self.age.is_some_and(|most| self.head_age(picture.made) > most) {
            self.drop_down_to_a_key();
        }
    }

    /// There is a peer.
    pub const fn connect(&mut self) {
        self.alone = false;
    }

    /// There is none any more.
    pub fn disconnect(&mut self) {
        self.alone = true;
        self.drop_down_to_a_key();
    }

    pub fn pop(&mut self) -> Option<Picture> {
        self.waiting.pop_front()
    }

    /// What is before the newest key picture goes; everything, where none waits.
    pub fn drop_down_to_a_key(&mut self) {
        let key = self.waiting.iter().rposition(|it| it.key).filter(|&index| index > 0);
        self.skipping = key.is_none();
        self.waiting.drain(..key.unwrap_or(self.waiting.len()));
    }

    pub fn head_age(&self, now: u64) -> u64 {
        self.waiting.front().map_or(0, |it| now - it.made)
    }

    /// Milliseconds of video that wait.
    pub fn span(&self) -> u64 {
        self.waiting.back().map_or(0, |last| last.made - self.waiting[0].made)
    }

    pub fn bytes(&self) -> u64 {
        self.waiting.iter().map(|it| it.bytes).sum()
    }

    /// Whether pictures are dropped until a key picture comes.
    pub const fn is_skipping(&self) -> bool {
        self.skipping
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }
}
