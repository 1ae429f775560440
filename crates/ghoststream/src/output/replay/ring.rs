//! The last seconds of packets, by groups of pictures.
//!
//! A group begins with a key picture. Whole groups go, from the oldest, and never one that is still
//! needed for the time that is to be kept; unless memory is full, which has the last word. Sound lies
//! beside the groups, by time: where an encoder looks ahead, the sound of a group comes before its
//! pictures do.
//!
//! Packets are shared and not copied. What each takes beside its bytes is counted with them, so that what memory is
//! bounded to is what is taken.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::shelf::Shelved;
use super::whole::Whole;
use crate::MediaTime;
use crate::encode::{Packet, Track};

/// What a packet takes beside its bytes: its fields, who shares it (two counts), and what the allocator adds to a block
/// and rounds it up by.
const PACKET_BYTES: u64 = size_of::<Packet>() as u64 + 16 + 16;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// At least so long, and at most one group of pictures more.
    pub(super) span: Duration,
    /// Never more, whatever the time.
    pub(super) bytes: u64,
}

/// A key picture and those that refer to it, in order of decoding.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// What the pictures are made by.
    pub(super) track: Arc<Track>,
    pub(super) packets: Vec<Packet>,
    bytes: u64,
}

impl Group {
    /// Of these packets, the first of which is the key picture.
    pub(super) fn of(track: Arc<Track>, packets: Vec<Packet>) -> Self {
        let bytes = packets.iter().map(cost).sum();
        Self { track, packets, bytes }
    }

    /// When the key picture is shown.
    pub(super) fn start(&self) -> MediaTime {
        self.packets.first().map_or(MediaTime::ZERO, |it| it.pts)
    }

    fn push(&mut self, packet: Packet) {
        self.bytes += cost(&packet);
        self.packets.push(packet);
    }
}

/// A group that is given up, and each audio track's packets that go with it: those that end before the next
/// group begins.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    pub(super) group: Arc<Group>,
    pub(super) sound: Vec<Vec<Packet>>,
}

impl Stretch {
    /// The memory that it holds.
    pub(super) fn cost(&self) -> u64 {
        self.group.bytes + self.sound.iter().flatten().map(cost).sum::<u64>()
    }
}

/// What was given up for want of memory.
#[derive(Debug, Default)]
pub(super) struct GivenUp {
    /// The oldest first; what is still held follows without a hole.
    pub(super) stretches: Vec<Stretch>,
    /// There is one, for a group was given up that was not whole yet.
    pub(super) hole: bool,
}

/// What is held, once and for all: handles only, so that taking it is quick.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    /// What lies on the disk, older than everything else.
    pub(super) shelved: VecDeque<Arc<Shelved>>,
    pub(super) groups: VecDeque<Arc<Group>>,
    /// Each audio track's packets.
    pub(super) sound: Vec<VecDeque<Packet>>,
}

/// The packets of the last seconds.
#[derive(Debug)]
pub(super) struct Ring {
    limits: Limits,
    /// What makes pictures now.
    track: Arc<Track>,
    /// Whole groups, the oldest first.
    groups: VecDeque<Arc<Group>>,
    /// The group that is being filled, and how far it has no hole.
    open: Option<(Group, Whole)>,
    sound: Vec<VecDeque<Packet>>,
    bytes: u64,
    /// Until when all pictures are there.
    end: Option<MediaTime>,
    /// Whether memory was too small for the time.
    shortened: bool,
}

impl Ring {
    /// For a track of pictures, which is track 0, and so many of sound.
    pub(super) fn new(limits: Limits, track: Track, sound: usize) -> Self {
        Self {
            limits,
            track: Arc::new(track),
            groups: VecDeque::new(),
            open: None,
            sound: vec![VecDeque::new(); sound],
            bytes: 0,
            end: None,
            shortened: false,
        }
    }

    /// Takes a packet; gives up the oldest where they are older than is kept, or memory is full: those are
    /// returned. One of a track that does not exist, or a picture before the first key picture, is not taken.
    pub(super) fn push(&mut self, packet: &Packet) -> GivenUp {
        let packet = packet.clone();
        if packet.track == 0 {
            self.push_picture(packet);
        } else if let Some(sound) = self.sound.get_mut(packet.track - 1) {
            self.bytes += cost(&packet);
            sound.push_back(packet);
        }
        self.evict()
    }

    fn push_picture(&mut self, packet: Packet) {
        if let Some(track) = &packet.begins {
            self.track = Arc::clone(track);
        }
        if packet.key {
            self.seal();
            let group = Group { track: Arc::clone(&self.track), packets: Vec::new(), bytes: 0 };
            self.open = Some((group, Whole::of(&packet)));
        }
        let Some((group, whole)) = &mut self.open else { return };
        self.bytes += cost(&packet);
        group.push(packet);
        *whole = whole.grown(&group.packets);
        self.end = self.end.max(Some(whole.end));
    }

    /// No picture of the group that is being filled is to come any more.
    pub(super) fn seal(&mut self) {
        if let Some((mut group, _)) = self.open.take() {
            group.packets.shrink_to_fit();
            self.end = self.end.max(group.packets.iter().map(end_of).max());
            self.groups.push_back(Arc::new(group));
        }
    }

    fn evict(&mut self) -> GivenUp {
        let mut given_up = GivenUp::default();
        while self.is_spare() || (self.is_full() && !self.groups.is_empty()) {
            let spare = self.is_spare();
            self.shortened |= !spare;
            let group = self.groups.pop_front();
            self.bytes -= group.as_ref().map_or(0, |it| it.bytes);
            let sound = self.evict_sound();
            if let Some(group) = group.filter(|_| !spare) {
                given_up.stretches.push(Stretch { group, sound });
            }
        }
        if self.is_full() {
            self.shortened = true;
            given_up.hole = true;
            self.make_room();
        }
        given_up
    }

    /// Whether the oldest group is not needed for the time.
    fn is_spare(&self) -> bool {
        let (Some(next), Some(end)) = (self.starts().nth(1), self.end) else { return false };
        !self.groups.is_empty() && next + self.limits.span <= end
    }

    const fn is_full(&self) -> bool {
        self.bytes > self.limits.bytes
    }

    /// Gives up the sound before the first picture that is held.
    fn evict_sound(&mut self) -> Vec<Vec<Packet>> {
        let first = self.starts().next();
        match first {
            Some(start) => self.take_sound_before(start),
            None => vec![Vec::new(); self.sound.len()],
        }
    }

    /// Memory is too small for a single group. Sound from before the time goes first, or, where no
    /// picture has come, from the oldest; then the group goes, and with it whatever refers to it.
    fn make_room(&mut self) {
        let newest = self.sound.iter().filter_map(|it| it.back()).map(end_of).max();
        if let Some(newest) = newest {
            drop(self.take_sound_before(before(newest, self.limits.span)));
        }
        if self.is_full()
            && let Some((group, _)) = self.open.take()
        {
            self.bytes -= group.bytes;
        }
        while self.is_full() {
            let oldest = self.sound.iter_mut().max_by_key(|it| it.len()).and_then(VecDeque::pop_front);
            let Some(packet) = oldest else { return };
            self.bytes -= cost(&packet);
        }
    }

    fn take_sound_before(&mut self, start: MediaTime) -> Vec<Vec<Packet>> {
        let mut taken = Vec::with_capacity(self.sound.len());
        for sound in &mut self.sound {
            let packets = std::iter::from_fn(|| sound.pop_front_if(|it| end_of(it) <= start));
            taken.push(packets.inspect(|it| self.bytes -= cost(it)).collect());
        }
        taken
    }

    pub(super) fn starts(&self) -> impl Iterator<Item = MediaTime> {
        self.groups.iter().map(|it| it.start()).chain(self.open.as_ref().map(|(it, _)| it.start()))
    }

    /// Everything that is held here, but for pictures before which others are missing still.
    pub(super) fn snapshot(&self) -> Snapshot {
        let open = self.open.as_ref().map(|(group, whole)| {
            Arc::new(Group::of(Arc::clone(&group.track), group.packets[..whole.packets].to_vec()))
        });
        let shelved = VecDeque::new();
        Snapshot {
            shelved,
            groups: self.groups.iter().cloned().chain(open).collect(),
            sound: self.sound.clone(),
        }
    }

    /// Whether all sound until then is there.
    pub(super) fn has_sound(&self, until: MediaTime) -> bool {
        self.sound.iter().all(|it| it.back().is_some_and(|it| end_of(it) >= until))
    }

    /// Until when all pictures are there.
    pub(super) const fn end(&self) -> Option<MediaTime> {
        self.end
    }

    /// How much time is held, in pictures.
    pub(super) fn held(&self) -> Duration {
        let (Some(start), Some(end)) = (self.starts().next(), self.end) else { return Duration::ZERO };
        Duration::from_nanos(u64::try_from(end.nanos_since(start)).unwrap_or(0))
    }

    /// Memory that is held.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What it keeps.
    pub(super) const fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether memory was ever too small for the time.
    pub(super) const fn shortened(&self) -> bool {
        self.shortened
    }
}

/// When a packet's picture or sound ends.
pub(super) fn end_of(packet: &Packet) -> MediaTime {
    packet.pts + packet.duration
}

/// So long before a time.
pub(super) fn before(time: MediaTime, span: Duration) -> MediaTime {
    time.offset(-i64::try_from(span.as_nanos()).unwrap_or(i64::MAX))
}

/// The memory that a packet holds.
fn cost(packet: &Packet) -> u64 {
    packet.data().len() as u64 + PACKET_BYTES
}

#[cfg(test)]
#[path = "ring_tests.rs"]
pub(super) mod tests;
