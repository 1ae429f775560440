//! All audio tracks of a pipeline, which may be made of one another.

use std::sync::mpsc::{Receiver, Sender};

use super::mix::Tap;
use super::worker::{Command, Feed};
use super::{AudioError, AudioTrack, Origin};
use crate::stats::{AudioReport, Journal};
use crate::{AudioConfig, AudioSource, Container, Timeline, Timestamp};

/// Opens all tracks at once: a PipeWire that is slow is waited for once. `containers` has those of a track.
///
/// # Errors
/// That of the first track which cannot be opened.
pub(crate) fn open_all(
    configs: &[AudioConfig],
    containers: &(dyn Fn(usize) -> Vec<Container> + Sync),
    (timeline, journal): (&Timeline, &Journal),
) -> Result<Vec<AudioTrack>, AudioError> {
    std::thread::scope(|scope| {
        let opening: Vec<_> = configs
            .iter()
            .zip(origins(configs))
            .enumerate()
            .map(|(index, (config, origin))| {
                let clocks = (timeline.clone(), journal.clone());
                scope.spawn(move || AudioTrack::open(config, &containers(index), origin, clocks))
            })
            .collect();
        let panicked = |_| Err(AudioError::Thread { thread: "gs-audio", reason: "it panicked".into() });
        // All are waited for, so that those which are open are closed again where one is not.
        let opened: Vec<_> = opening.into_iter().map(|it| it.join().unwrap_or_else(panicked)).collect();
        opened.into_iter().collect()
    })
}

/// Ends all of them: mixes last, when what they are made of has come. The reports are in the tracks' order.
pub(crate) fn stop_all(mut tracks: Vec<AudioTrack>, until: Timestamp) -> Vec<AudioReport> {
    let mut reports: Vec<Option<AudioReport>> = tracks.iter().map(|_| None).collect();
    for mixes in [false, true] {
        // Told at once: each would go on while the one before ends.
        tracks.iter_mut().filter(|it| it.is_mix == mixes).for_each(|it| it.end(until));
        let those = tracks.iter_mut().zip(&mut reports).filter(|(track, _)| track.is_mix == mixes);
        those.for_each(|(track, report)| *report = Some(track.stop(until)));
    }
    reports.into_iter().flatten().collect()
}

/// What each track is made of, tied together.
fn origins(configs: &[AudioConfig]) -> Vec<Origin> {
    let mut taps: Vec<Vec<Tap>> = configs.iter().map(|_| Vec::new()).collect();
    let mut inputs: Vec<Vec<Receiver<Vec<f32>>>> = configs.iter().map(|_| Vec::new()).collect();
    for (mix, config) in configs.iter().enumerate() {
        for input in config.mixes(configs) {
            let (tap, receiver) = Tap::new();
            taps[input].push(tap);
            inputs[mix].push(receiver);
        }
    }
    let both = taps.into_iter().zip(inputs).zip(configs);
    both.map(|((taps, inputs), config)| match config.source {
        AudioSource::Mix(_) => Origin::Tracks(inputs),
        _ => Origin::Source(taps),
    })
    .collect()
}

/// Gives a running track another source.
#[derive(Debug)]
pub(crate) struct Switch {
    commands: Sender<Command>,
    journal: Journal,
}

impl AudioTrack {
    /// A way to give it another source; none for a mix.
    pub(crate) fn switch(&self) -> Option<Switch> {
        let commands = self.commands.clone().filter(|_| !self.is_mix)?;
        Some(Switch { commands, journal: self.journal.clone() })
    }
}

impl Switch {
    /// Opens the source, and takes its sound in the place of the one before from now on. The track goes on as it
    /// was; between the two there is silence, where neither has any sound.
    ///
    /// # Errors
    /// The source cannot be opened: the one before goes on. Or the track has ended.
    pub(crate) fn to(&self, source: &AudioSource) -> Result<(), AudioError> {
        let feed = Feed::open(source, &self.journal)?;
        let ended = |_| AudioError::Thread { thread: "gs-audio", reason: "it has ended".into() };
        self.commands.send(Command::Switch(feed, source.to_string())).map_err(ended)
    }
}
