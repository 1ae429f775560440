//! The thread of a mix: the samples of other tracks, added up and encoded.
//!
//! Each of those has put its sound where it belongs in time already, so that their first samples are all heard at the
//! recording's start, and pauses are cut out of all alike. What is too loud is turned down by
//! [`ghoststream_mix::Limiter`].

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use ghoststream_mix::Mixer;

use super::encoder::Encoder;
use super::worker::{Command, Outcome};
use super::{CHANNELS, PacketSink, RATE};
use crate::av::AvError;
use crate::stats::Journal;

/// How often the inputs are looked at.
const TICK: Duration = Duration::from_millis(10);
/// Pieces of 10 ms that wait for a mix at most; then the track that brings more waits.
const QUEUE: usize = 512;
/// Samples of one channel that wait for the other inputs at most.
const MOST_WAITING: usize = 6 * RATE as usize;
/// How long the end waits for the tracks that are mixed: they have ended before.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Where a track puts its samples for a mix, from the recording's start on, without holes.
pub(super) struct Tap(SyncSender<Vec<f32>>);

impl Tap {
    /// A tap, and the mix's end of it.
    pub(super) fn new() -> (Self, Receiver<Vec<f32>>) {
        let (sender, receiver) = sync_channel(QUEUE);
        (Self(sender), receiver)
    }

    /// Waits for room. False when the mix has gone.
    pub(super) fn send(&self, samples: &[f32]) -> bool {
        self.0.send(samples.to_vec()).is_ok()
    }
}

pub(super) struct Mix {
    name: String,
    /// Nothing where one has ended.
    inputs: Vec<Option<Receiver<Vec<f32>>>>,
    mixer: Mixer,
    encoder: Encoder,
    journal: Journal,
}

impl Mix {
    pub(super) fn new(
        name: String,
        inputs: Vec<Receiver<Vec<f32>>>,
        encoder: Encoder,
        journal: Journal,
    ) -> Self {
        let mixer = Mixer::new(inputs.len(), CHANNELS, RATE);
        Self { name, inputs: inputs.into_iter().map(Some).collect(), mixer, encoder, journal }
    }

    /// Runs until it is told to stop and every input has ended, or its owner is gone.
    pub(super) fn run(mut self, commands: &Receiver<Command>) -> Outcome {
        if let Err(error) = self.mix(commands) {
            let name = &self.name;
            self.journal.note(format!("{name}: encoding sound failed: {error}; the track ends here"));
        }
        Outcome { name: self.name, ..Outcome::default() }
    }

    fn mix(&mut self, commands: &Receiver<Command>) -> Result<(), AvError> {
        let mut sink: Option<PacketSink> = None;
        loop {
            match commands.recv_timeout(TICK) {
                Ok(Command::Start(to)) => sink = Some(to),
                Ok(Command::Stop(_)) => break,
                Ok(Command::Quit) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Ok(Command::Switch(..)) | Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(sink) = &mut sink {
                self.step(sink, false)?;
            }
        }
        let Some(sink) = &mut sink else { return Ok(()) };
        let by = Instant::now() + LAST_WAIT;
        while !self.mixer.is_over() && Instant::now() < by {
            self.step(sink, false)?;
            std::thread::sleep(TICK);
        }
        self.step(sink, true)?;
        self.encoder.finish(sink)
    }

    /// Takes what the tracks have brought and encodes what all have brought; at the end, all there is.
    fn step(&mut self, sink: &mut PacketSink, over: bool) -> Result<(), AvError> {
        for (index, input) in self.inputs.iter_mut().enumerate() {
            while let Some(receiver) = input
                && self.mixer.waiting(index) < MOST_WAITING
            {
                match receiver.try_recv() {
                    Ok(samples) => self.mixer.push(index, &samples),
                    Err(TryRecvError::Empty) if !over => break,
                    Err(_) => {
                        self.mixer.end(index);
                        *input = None;
                    }
                }
            }
        }
        let mut mixed = Vec::new();
        self.mixer.pull(&mut mixed);
        if !mixed.is_empty() {
            self.encoder.push(&mixed, sink)?;
        }
        Ok(())
    }
}
