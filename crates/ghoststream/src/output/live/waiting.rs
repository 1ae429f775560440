//! What waits in a queue, and what of it goes where there is no room.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::encode::{Packet, Track};
use crate::{MediaTime, Timestamp};

/// What bounds a queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The longest that a picture waits.
    pub(crate) age: Duration,
    /// The most bytes that wait.
    pub(crate) bytes: usize,
}

/// What was dropped since it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dropped {
    pub(crate) pictures: u64,
    /// Stretches of them.
    pub(crate) gaps: u64,
}

/// What waits, and for whom.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    packets: VecDeque<(Timestamp, Packet)>,
    bytes: usize,
    /// Whether a peer takes packets.
    pub(super) connected: bool,
    /// When the picture is shown with which the peer began.
    pub(super) begins: Option<MediaTime>,
    /// Pictures are dropped until a key frame comes.
    skipping: bool,
    /// Some were, since the last key frame: the next one is awaited before its time.
    broken: bool,
    pub(super) dropped: Dropped,
    pub(super) closed: bool,
    /// What an encoder that took over makes, where the picture that said so was dropped.
    untold: Option<Arc<Track>>,
}

pub(super) const fn is_picture(packet: &Packet) -> bool {
    packet.track == 0
}

impl Waiting {
    /// Packets that are sent together at most; in a jam the rest waits, where that is seen.
    const TOGETHER: usize = 8;
    /// How long sound waits for a picture to go with, which says nothing of the path.
    const BESIDE: Duration = Duration::from_millis(30);

    /// Nothing, before the first picture.
    pub(super) fn new() -> Self {
        Self { skipping: true, ..Self::default() }
    }

    pub(super) fn push(&mut self, mut packet: Packet, now: Timestamp) {
        if is_picture(&packet) {
            if packet.key {
                (self.skipping, self.broken) = (false, false);
                if !self.connected {
                    self.clear();
                }
                self.tell(&mut packet);
            } else if self.skipping {
                self.dropped.pictures += 1;
                return;
            }
        } else if !self.connected && self.skipping || self.begins.is_some_and(|it| packet.pts < it) {
            // Sound before the first picture.
            return;
        }
        self.bytes += packet.data().len();
        self.packets.push_back((now, packet));
    }

    /// What is next: the first of all, but at the beginning the first picture.
    fn head(&self) -> Option<usize> {
        match self.begins {
            Some(_) => (!self.packets.is_empty()).then_some(0),
            None => self.packets.iter().position(|it| is_picture(&it.1)),
        }
    }

    pub(super) fn has_picture(&self) -> bool {
        self.packets.iter().any(|it| is_picture(&it.1))
    }

    /// From the head up to a picture.
    pub(super) fn pop_together(&mut self) -> Vec<Packet> {
        let mut packets = Vec::new();
        while packets.len() < Self::TOGETHER && !packets.last().is_some_and(is_picture) {
            let Some(packet) = self.pop() else { break };
            packets.push(packet);
        }
        packets
    }

    /// How long the oldest has waited that is kept from going, and how many bytes are.
    pub(super) fn jam(&self, now: Timestamp) -> (Duration, u64) {
        let age = |it: &(Timestamp, Packet)| now.since(it.0);
        let picture = self.packets.iter().find(|it| is_picture(&it.1)).map(age);
        let head = self.head().and_then(|index| self.packets.get(index)).map_or(Duration::ZERO, age);
        let oldest = picture.unwrap_or_default().max(head.saturating_sub(Self::BESIDE));
        if picture.is_none() && oldest.is_zero() { (Duration::ZERO, 0) } else { (oldest, self.bytes as u64) }
    }

    /// Whether a peer is there for which everything is dropped until a key frame comes.
    pub(super) const fn needs_key_frame(&self) -> bool {
        self.connected && self.broken
    }

    fn pop(&mut self) -> Option<Packet> {
        let packet = self.remove(self.head()?)?;
        if self.begins.is_none() {
            self.begins = Some(packet.pts);
            self.leave_out_sound(packet.pts);
        }
        Some(packet)
    }

    fn remove(&mut self, index: usize) -> Option<Packet> {
        let (_, packet) = self.packets.remove(index)?;
        self.bytes -= packet.data().len();
        Some(packet)
    }

    /// The sound that waits and is heard before this.
    fn leave_out_sound(&mut self, begins: MediaTime) {
        let bytes = &mut self.bytes;
        self.packets.retain(|(_, packet)| {
            let kept = is_picture(packet) || packet.pts >= begins;
            *bytes -= if kept { 0 } else { packet.data().len() };
            kept
        });
    }

    /// Packets go that nobody gets.
    fn lose(&mut self, lost: impl IntoIterator<Item = (Timestamp, Packet)>) {
        let mut pictures = 0;
        for (_, packet) in lost {
            self.bytes -= packet.data().len();
            if is_picture(&packet) {
                pictures += 1;
                self.untold = packet.begins.or(self.untold.take());
            }
        }
        self.dropped.pictures += pictures;
        self.dropped.gaps += u64::from(pictures > 0);
    }

    /// A key picture after those that were dropped says what they would have.
    fn tell(&mut self, key: &mut Packet) {
        let untold = self.untold.take();
        key.begins = key.begins.take().or(untold);
    }

    /// Nobody gets these: a newer key frame is what a peer will begin with.
    pub(super) fn clear(&mut self) {
        let all = std::mem::take(&mut self.packets);
        self.lose(all);
    }

    /// What is before the newest key frame cannot be decoded by a peer that begins there.
    pub(super) fn forget_broken(&mut self) {
        match self.newest_key() {
            Some(index) => {
                let kept = self.packets.split_off(index);
                let lost = std::mem::replace(&mut self.packets, kept);
                self.lose(lost);
                self.tell_newest();
            }
            None => {
                self.clear();
                (self.skipping, self.broken) = (true, true);
            }
        }
    }

    /// Of the pictures that wait, the newest key frame is the first.
    fn tell_newest(&mut self) {
        let Some(index) = self.newest_key() else { return };
        let mut key = self.packets[index].1.clone();
        self.tell(&mut key);
        self.packets[index].1 = key;
    }

    fn newest_key(&self) -> Option<usize> {
        self.packets.iter().rposition(|(_, packet)| is_picture(packet) && packet.key)
    }

    pub(super) fn trim(&mut self, bounds: Bounds, now: Timestamp) {
        let oldest = self.packets.iter().find(|it| is_picture(&it.1)).map(|it| it.0);
        let stale = oldest.is_some_and(|at| now.since(at) > bounds.age);
        // Without a peer a whole group waits for one, however long it is: it is bounded by its bytes.
        if (stale && self.connected) || self.bytes > bounds.bytes {
            self.drop_pictures();
        }
        // Sound alone cannot fill it in practice; it is bounded all the same.
        while self.bytes > bounds.bytes && self.remove(0).is_some() {}
    }

    /// Drops pictures down to the newest key frame, or all and what follows them before the next.
    pub(super) fn drop_pictures(&mut self) {
        // A key frame at the very head has been waiting itself: what is too old goes with it.
        let key = self.newest_key().filter(|&index| index > 0);
        let last = key.unwrap_or(self.packets.len());
        let all = std::mem::take(&mut self.packets).into_iter().enumerate();
        let (lost, kept): (Vec<_>, Vec<_>) = all.partition(|(index, it)| *index < last && is_picture(&it.1));
        self.packets = kept.into_iter().map(|it| it.1).collect();
        self.skipping = key.is_none();
        self.broken |= self.skipping && !lost.is_empty();
        self.lose(lost.into_iter().map(|it| it.1));
        self.tell_newest();
    }
}
