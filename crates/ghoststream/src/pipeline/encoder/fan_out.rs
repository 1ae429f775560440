//! From an encoder to every output that takes its packets, those that join while they flow too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::encode::{Packet, Track};
use crate::pipeline::lock;
use crate::pipeline::outputs::{Door, Item};
use crate::pipeline::sound::Sound;
use crate::{ConfigError, OutputConfig};

/// One track's packets, for who wants to join.
#[derive(Debug)]
pub(in crate::pipeline) struct Feed(Mutex<State>);

#[derive(Debug)]
struct State {
    /// What is made now.
    track: Track,
    /// Who joins with the next packet.
    joining: Vec<Door>,
    ended: bool,
}

impl Feed {
    pub(in crate::pipeline) fn new(track: Track) -> Self {
        Self(Mutex::new(State { track, joining: Vec::new(), ended: false }))
    }

    /// What is made now.
    pub(in crate::pipeline) fn track(&self) -> Track {
        lock(&self.0).track.clone()
    }

    /// Lets an output in that was opened for `track`. Where another encoder has taken over since then, its
    /// first key frame says so.
    pub(in crate::pipeline) fn join(&self, mut door: Door, track: &Track) {
        let mut state = lock(&self.0);
        if state.ended {
            // An output that has gone need not know.
            let _ = door.sender.try_send(Item::TrackEnded(door.track));
            return;
        }
        if !Arc::ptr_eq(&state.track.parameters, &track.parameters) {
            door.begins = Some(Arc::new(state.track.clone()));
        }
        state.joining.push(door);
    }
}

/// The feeds of a pipeline.
#[derive(Debug, Default)]
pub(in crate::pipeline) struct Feeds {
    /// How many renditions there are, those too that are not encoded.
    pub(in crate::pipeline) renditions: usize,
    /// Of each rendition that is encoded, by its number.
    pub(in crate::pipeline) pictures: BTreeMap<usize, Arc<Feed>>,
    /// Of each audio track.
    pub(in crate::pipeline) sound: Vec<Arc<Feed>>,
    /// What those are, for outputs that do not say which they take.
    pub(in crate::pipeline) kinds: Sound,
}

impl Feeds {
    /// Those that an output takes: its picture, then its sound in order.
    ///
    /// # Errors
    /// There is no such rendition or audio track, or the rendition is not encoded.
    pub(in crate::pipeline) fn of(&self, config: &OutputConfig) -> Result<Vec<Arc<Feed>>, ConfigError> {
        config.check(self.renditions, self.sound.len())?;
        let config = self.kinds.settle(config)?;
        let taken = (0..self.sound.len()).filter(|&track| config.takes_audio(track));
        let sound = taken.map(|track| Arc::clone(&self.sound[track]));
        Ok(std::iter::once(self.of_rendition(config.rendition)?).chain(sound).collect())
    }

    /// That of a rendition's pictures.
    ///
    /// # Errors
    /// It is not encoded.
    pub(in crate::pipeline) fn of_rendition(&self, rendition: usize) -> Result<Arc<Feed>, ConfigError> {
        let encoded = || self.pictures.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let unknown =
            || ConfigError::new("rendition", rendition, format!("one that is encoded: {}", encoded()));
        self.pictures.get(&rendition).cloned().ok_or_else(unknown)
    }

    /// Checks that an output which would take sound can have it: none is captured where every output took pictures at
    /// the start.
    ///
    /// # Errors
    /// It cannot.
    pub(in crate::pipeline) fn check_sound(
        &self,
        config: &OutputConfig,
        captured: usize,
    ) -> Result<(), ConfigError> {
        let wanted = (0..captured).find(|&track| config.takes_audio(track));
        match wanted.filter(|_| self.sound.is_empty()) {
            None => Ok(()),
            Some(track) => Err(ConfigError::new(
                "audio-tracks",
                track,
                "none: no sound is captured, as every output took pictures alone when it started",
            )),
        }
    }
}

/// Hands each packet to every output that takes it. The bytes are shared.
pub(in crate::pipeline) struct FanOut {
    feed: Arc<Feed>,
    doors: Vec<Door>,
}

impl FanOut {
    pub(in crate::pipeline) const fn new(feed: Arc<Feed>) -> Self {
        Self { feed, doors: Vec::new() }
    }

    /// Waits where an output's queue is full. An output that has gone gets nothing more.
    pub(in crate::pipeline) fn send(&mut self, packet: &Packet) {
        let mut state = lock(&self.feed.0);
        self.doors.append(&mut state.joining);
        if let Some(track) = &packet.begins {
            state.track = (**track).clone();
            self.doors.iter_mut().for_each(|it| it.begins = None);
        }
        drop(state);
        self.doors.retain_mut(|door| {
            let begins = if packet.key { door.begins.take() } else { None };
            let packet =
                Packet { track: door.track, begins: begins.or(packet.begins.clone()), ..packet.clone() };
            door.sender.send(Item::Packet(packet)).is_ok()
        });
    }
}

impl Drop for FanOut {
    /// Tells every output that this track has ended, so that none waits for it.
    fn drop(&mut self) {
        let mut state = lock(&self.feed.0);
        state.ended = true;
        self.doors.append(&mut state.joining);
        drop(state);
        for door in &self.doors {
            // An output that has gone need not know.
            let _ = door.sender.send(Item::TrackEnded(door.track));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::av::Parameters;
    use crate::encode::TrackKind;
    use crate::{MediaTime, Timestamp};
    use std::sync::mpsc::{Receiver, sync_channel};
    use std::time::Duration;

    fn track() -> Track {
        let parameters = Arc::new(Parameters::empty().unwrap());
        Track {
            kind: TrackKind::Video { fps: 30.0, constant: true },
            parameters,
            title: None,
            language: None,
        }
    }

    fn packet(key: bool, begins: Option<Track>) -> Packet {
        Packet {
            track: 0,
            pts: MediaTime::ZERO,
            dts: MediaTime::ZERO,
            duration: Duration::ZERO,
            key,
            arrived: None,
            begins: begins.map(Arc::new),
            encoded: Timestamp::from_nanos(0),
            payload: [][..].into(),
        }
    }

    fn join(feed: &Feed, track: usize, made: &Track) -> Receiver<Item> {
        let (sender, items) = sync_channel(8);
        feed.join(Door { sender, track, begins: None }, made);
        items
    }

    fn got(items: &Receiver<Item>) -> Option<Packet> {
        match items.try_recv() {
            Ok(Item::Packet(packet)) => Some(packet),
            _ => None,
        }
    }

    #[test]
    fn every_output_gets_the_same_bytes_as_its_own_track_from_when_it_joined() {
        let made = track();
        let feed = Arc::new(Feed::new(made.clone()));
        let mut fan_out = FanOut::new(Arc::clone(&feed));
        let first = join(&feed, 0, &made);
        fan_out.send(&packet(true, None));
        let second = join(&feed, 2, &made);
        fan_out.send(&packet(false, None));
        let alone = got(&first).unwrap();
        let (one, other) = (got(&first).unwrap(), got(&second).unwrap());
        assert!(alone.key && Arc::ptr_eq(one.payload.bytes(), other.payload.bytes()));
        assert_eq!((one.track, other.track), (0, 2));
        drop(first);
        fan_out.send(&packet(false, None));
        assert!(got(&second).is_some(), "one that has gone disturbs nobody");
        drop(fan_out);
        assert!(matches!(second.try_recv(), Ok(Item::TrackEnded(2))));
        assert!(matches!(join(&feed, 3, &made).try_recv(), Ok(Item::TrackEnded(3))), "too late");
    }

    #[test]
    fn who_was_opened_for_an_encoder_that_has_failed_meanwhile_is_told_what_is_made_now() {
        let (made, other) = (track(), track());
        let feed = Arc::new(Feed::new(made.clone()));
        let mut fan_out = FanOut::new(Arc::clone(&feed));
        fan_out.send(&packet(true, Some(other.clone())));
        assert!(Arc::ptr_eq(&feed.track().parameters, &other.parameters));
        let items = join(&feed, 0, &made);
        for key in [false, true, true] {
            fan_out.send(&packet(key, None));
        }
        let told: Vec<_> = std::iter::from_fn(|| got(&items)).map(|it| it.begins.is_some()).collect();
        assert_eq!(told, [false, true, false], "its first key frame says so, once");
        let knows = join(&feed, 0, &other);
        fan_out.send(&packet(true, None));
        assert!(got(&knows).unwrap().begins.is_none());
    }
}
