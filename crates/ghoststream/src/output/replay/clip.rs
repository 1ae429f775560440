//! What is saved of what is held: from where, to where, in which order.
//!
//! A clip begins with a key picture at or before the time that was asked for. In MP4 the clip's zero
//! is that time, at a picture's beginning, and an edit list hides what lies before: pictures that must
//! be decoded, and the sound that goes with them, so that a player which knows no edit lists shows
//! them together. Matroska has nothing to hide a beginning with: there zero is the key picture. Every
//! track has the same zero.
//!
//! What lies on the disk is read while the clip is written, a group or two ahead.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::ring::{Group, Snapshot, before, end_of};
use super::shelf::Shelved;
use crate::encode::{Packet, Track};
use crate::output::Marker;
use crate::{Container, MediaTime};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// How long it is at least, where so much is held.
    pub(super) last: Duration,
    /// Sound need not go on for longer than this, or than the pictures. `None` keeps all of it.
    pub(super) until: Option<MediaTime>,
    pub(super) container: Container,
}

/// Packets of one clip, in order of decoding, times from its own zero.
#[derive(Debug)]
pub(super) struct Clip {
    groups: VecDeque<Arc<Group>>,
    /// The next picture in the first group.
    next: usize,
    sound: Vec<VecDeque<Packet>>,
    /// What follows those and lies on the disk.
    ahead: VecDeque<Arc<Shelved>>,
    /// What follows that, in memory.
    later: Option<Later>,
    zero: MediaTime,
    first: bool,
    /// How far before zero it begins, to be decoded and not shown.
    pub(super) lead: Duration,
    /// What makes its pictures, at first.
    pub(super) track: Arc<Track>,
    /// What was marked in it, the earliest first.
    pub(super) markers: VecDeque<Marker>,
    /// Bytes of all of its packets.
    pub(super) bytes: u64,
}

/// Packets in memory, which follow those on the disk.
#[derive(Debug)]
struct Later {
    groups: VecDeque<Arc<Group>>,
    sound: Vec<VecDeque<Packet>>,
}

impl Clip {
    /// Cuts a clip out of what is held. `None` where no picture is.
    ///
    /// # Errors
    /// What lies on the disk cannot be read.
    pub(super) fn cut(held: Snapshot, cut: Cut) -> io::Result<Option<Self>> {
        let Snapshot { mut shelved, mut groups, mut sound } = held;
        let pictures = groups.iter().flat_map(|it| &it.packets);
        let Some(pictures_end) = pictures.map(end_of).max() else { return Ok(None) };
        let end = sound_end(&mut sound, pictures_end, cut.until);
        let from = before(end, cut.last);
        forget_before(from, &mut shelved, &mut groups);
        let on_disk = shelved.front().map(|it| &it.track);
        let Some(track) = on_disk.or(groups.front().map(|it| &it.track)).cloned() else { return Ok(None) };
        let pictures = groups.iter().flat_map(|it| &it.packets);
        let bytes: u64 = pictures.chain(sound.iter().flatten()).map(|it| it.data().len() as u64).sum();
        let mut clip = Self {
            groups: VecDeque::new(),
            next: 0,
            sound: vec![VecDeque::new(); sound.len()],
            bytes: bytes + shelved.iter().map(|it| it.bytes).sum::<u64>(),
            ahead: shelved,
            later: Some(Later { groups, sound }),
            zero: from,
            first: true,
            lead: Duration::ZERO,
            track,
            markers: VecDeque::new(),
        };
        clip.load()?;
        Ok(clip.begin(from, cut.container).then_some(clip))
    }

    /// Finds where it begins, and takes off the sound before. False where there is no picture.
    fn begin(&mut self, from: MediaTime, container: Container) -> bool {
        let Some(first) = self.groups.front() else { return false };
        let start = first.start();
        let hides = container == Container::Mp4;
        self.zero = if hides { shown_at(first, from) } else { start };
        for packets in &mut self.sound {
            // A block cannot begin before a Matroska file's zero.
            let early = |it: &mut Packet| if hides { end_of(it) <= start } else { it.pts < start };
            while let Some(early) = packets.pop_front_if(early) {
                self.bytes -= early.data().len() as u64;
            }
        }
        let earliest = self.sound.iter().filter_map(|it| it.front()).map(|it| it.dts);
        let earliest = earliest.chain(first.packets.first().map(|it| it.dts)).min();
        let lead = earliest.map_or(0, |it| self.zero.nanos_since(it));
        self.lead = Duration::from_nanos(u64::try_from(lead).unwrap_or(0));
        true
    }

    /// Has the group after the one that is being taken from here, too: its sound begins before that ends.
    fn load(&mut self) -> io::Result<()> {
        while self.groups.len() < 2 {
            if let Some(shelved) = self.ahead.pop_front() {
                let stretch = shelved.load()?;
                self.groups.push_back(Arc::clone(&stretch.group));
                self.sound
                    .iter_mut()
                    .zip(&stretch.sound)
                    .for_each(|(to, from)| to.extend(from.iter().cloned()));
            } else if let Some(Later { groups, sound }) = self.later.take() {
                self.groups.extend(groups);
                self.sound.iter_mut().zip(sound).for_each(|(to, from)| to.extend(from));
            } else {
                break;
            }
        }
        Ok(())
    }

    /// With those of the recording's markers that lie in it. What was marked before it begins is not shown.
    pub(super) fn with_markers(mut self, markers: Vec<Marker>) -> Self {
        let zero = self.zero;
        let mut within: Vec<_> = markers.into_iter().filter(|it| it.at >= zero).collect();
        within.sort_by_key(|it| it.at);
        let moved = |it: Marker| Marker { at: it.at.offset(-zero.as_nanos()), ..it };
        self.markers = within.into_iter().map(moved).collect();
        self
    }

    /// The next of its markers, where that lies before what is decoded `then`.
    pub(super) fn marker_before(&mut self, then: MediaTime) -> Option<Marker> {
        self.markers.pop_front_if(|it| it.at < then)
    }

    /// Whose turn it is: the earliest in decoding, sound before pictures.
    fn head(&self) -> Option<(MediaTime, usize)> {
        let picture = self.groups.front().and_then(|it| it.packets.get(self.next));
        let picture = picture.map(|it| (it.dts, self.sound.len()));
        let sound = self.sound.iter().enumerate();
        let sound = sound.filter_map(|(index, it)| it.front().map(|packet| (packet.dts, index)));
        sound.chain(picture).min()
    }

    fn next_picture(&mut self) -> Option<Packet> {
        let group = self.groups.front()?;
        let packet = group.packets.get(self.next)?.clone();
        self.next += 1;
        if self.next == group.packets.len() {
            // What is written need not be held any longer.
            self.groups.pop_front();
            self.next = 0;
        }
        // The tracks with which the file is made say what the first picture is.
        let begins = if std::mem::take(&mut self.first) { None } else { packet.begins.clone() };
        Some(Packet { begins, ..packet })
    }
}

impl Iterator for Clip {
    type Item = io::Result<Packet>;

    fn next(&mut self) -> Option<io::Result<Packet>> {
        if let Err(error) = self.load() {
            return Some(Err(error));
        }
        let (_, index) = self.head()?;
        let packet = match self.sound.get_mut(index) {
            Some(sound) => sound.pop_front(),
            None => self.next_picture(),
        }?;
        let zero = self.zero.as_nanos();
        Some(Ok(Packet { pts: packet.pts.offset(-zero), dts: packet.dts.offset(-zero), ..packet }))
    }
}

/// Leaves out the groups that end before a time, on the disk and in memory.
fn forget_before(from: MediaTime, shelved: &mut VecDeque<Arc<Shelved>>, groups: &mut VecDeque<Arc<Group>>) {
    while !shelved.is_empty() {
        let next = shelved.get(1).map(|it| it.start).or_else(|| groups.front().map(|it| it.start()));
        if next.is_none_or(|it| it > from) {
            return;
        }
        shelved.pop_front();
    }
    while groups.get(1).is_some_and(|it| it.start() <= from) {
        groups.pop_front();
    }
}

/// Takes sound off the end that goes on for longer than is wanted; returns when the clip ends.
fn sound_end(sound: &mut [VecDeque<Packet>], pictures: MediaTime, until: Option<MediaTime>) -> MediaTime {
    if let Some(until) = until {
        let end = pictures.max(until);
        for packets in sound.iter_mut() {
            while packets.pop_back_if(|it| it.pts >= end).is_some() {}
        }
    }
    let sound = sound.iter().filter_map(|it| it.back()).map(end_of).max();
    // Sound is cut by whole packets, and a clip is not longer for the last one's rest.
    let sound = sound.map(|it| until.map_or(it, |until| it.min(pictures.max(until))));
    pictures.max(sound.unwrap_or(pictures))
}

/// When the picture is shown that is seen at `time`: the latest that begins no later, or the first.
fn shown_at(group: &Group, time: MediaTime) -> MediaTime {
    let before = group.packets.iter().map(|it| it.pts).filter(|&it| it <= time).max();
    before.unwrap_or(group.start())
}

#[cfg(test)]
#[path = "clip_tests.rs"]
mod tests;
