//! The thread that encodes, and the fan-out of its packets.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::outputs::{Door, Item};
use super::rendition::{Job, ReceivedFrames};
use super::supervisor::{Command, Shared};
use crate::encode::{EncodeError, Encoder, Opened, Packet};
use crate::{MediaTime, Timestamp};

/// Hands each packet to every output that takes it. The bytes are shared.
pub(super) struct FanOut {
    doors: Vec<Door>,
}

impl FanOut {
    pub(super) const fn new(doors: Vec<Door>) -> Self {
        Self { doors }
    }

    /// Waits where an output's queue is full. An output that has gone gets nothing more.
    pub(super) fn send(&mut self, packet: &Packet) {
        self.doors.retain(|door| {
            let packet = Packet { track: door.track, ..packet.clone() };
            door.sender.send(Item::Packet(packet)).is_ok()
        });
    }
}

impl Drop for FanOut {
    /// Tells every output that this track has ended, so that none waits for it.
    fn drop(&mut self) {
        for door in &self.doors {
            // An output that has gone need not know.
            let _ = door.sender.send(Item::TrackEnded(door.track));
        }
    }
}

/// One rendition's encoder and all that its thread needs.
pub(super) struct EncoderThread {
    encoder: Box<dyn Encoder>,
    frames: ReceivedFrames,
    fan_out: FanOut,
    shared: Arc<Shared>,
    commands: Sender<Command>,
    /// When the pictures that are still inside were handed in, oldest first.
    inside: VecDeque<(MediaTime, Timestamp)>,
}

impl EncoderThread {
    pub(super) fn new(
        opened: Opened,
        frames: ReceivedFrames,
        fan_out: FanOut,
        shared: &Arc<Shared>,
        commands: &Sender<Command>,
    ) -> Self {
        Self {
            encoder: opened.encoder,
            frames,
            fan_out,
            shared: Arc::clone(shared),
            commands: commands.clone(),
            inside: VecDeque::new(),
        }
    }

    /// Encodes until the rendition ends, then empties the encoder.
    pub(super) fn run(mut self) {
        if let Err(error) = self.encode_all() {
            // The supervisor has gone when it is draining; the frames that are lost are counted.
            let _ = self.commands.send(Command::RenditionFailed(error.into()));
        }
    }

    fn encode_all(&mut self) -> Result<(), EncodeError> {
        let mut packets = Vec::new();
        while let Some(Job { frame, after_pause }) = self.frames.next() {
            if after_pause {
                self.encoder.force_key_frame();
            }
            self.inside.push_back((frame.pts, Timestamp::now()));
            self.encoder.encode(frame, &mut packets)?;
            self.shared.counters.encoded.add(1);
            self.hand_on(&mut packets);
        }
        let flushed = self.encoder.flush(&mut packets);
        self.hand_on(&mut packets);
        flushed
    }

    fn hand_on(&mut self, packets: &mut Vec<Packet>) {
        let counters = &self.shared.counters;
        for packet in packets.drain(..) {
            if let Some(at) = self.inside.iter().position(|(pts, _)| *pts == packet.pts)
                && let Some((_, handed_in)) = self.inside.remove(at)
            {
                counters.latency.encode.record(packet.encoded.since(handed_in));
            }
            counters.packets.add(1);
            counters.bytes.add(packet.data().len() as u64);
            self.fan_out.send(&packet);
        }
        // An encoder that swallowed pictures must not make this grow.
        while self.inside.len() > 1024 {
            self.inside.pop_front();
        }
    }
}
