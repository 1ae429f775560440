//! From an encoder to every output that takes its packets.

use crate::encode::Packet;
use crate::pipeline::outputs::{Door, Item};

/// Hands each packet to every output that takes it. The bytes are shared.
pub(in crate::pipeline) struct FanOut {
    doors: Vec<Door>,
}

impl FanOut {
    pub(in crate::pipeline) const fn new(doors: Vec<Door>) -> Self {
        Self { doors }
    }

    /// Waits where an output's queue is full. An output that has gone gets nothing more.
    pub(in crate::pipeline) fn send(&mut self, packet: &Packet) {
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
