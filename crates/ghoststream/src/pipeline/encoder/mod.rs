//! The thread that encodes, and the fan-out of its packets.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use std::thread::JoinHandle;

use super::control::Control;
use super::outputs::{Door, Item};
use super::rendition::{Job, ReceivedFrames};
use super::supervisor::{Command, Shared, thread};
use crate::encode::{EncodeError, Encoder, Opened, Packet};
use crate::stats::{BitrateChange, RenditionReport};
use crate::{Error, MediaTime, Timestamp};

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
    control: Arc<Control>,
    shared: Arc<Shared>,
    commands: Sender<Command>,
    report: RenditionReport,
    /// When the pictures that are still inside were handed in, oldest first.
    inside: VecDeque<(MediaTime, Timestamp)>,
}

impl EncoderThread {
    pub(super) fn new(
        opened: Opened,
        report: RenditionReport,
        frames: ReceivedFrames,
        fan_out: FanOut,
        control: Arc<Control>,
        (shared, commands): (&Arc<Shared>, &Sender<Command>),
    ) -> Self {
        control.runs(opened.name, opened.follows_bitrate);
        Self {
            encoder: opened.encoder,
            frames,
            fan_out,
            control,
            shared: Arc::clone(shared),
            commands: commands.clone(),
            report,
            inside: VecDeque::new(),
        }
    }

    /// Starts it; `index` is the rendition's.
    pub(super) fn spawn(self, index: usize) -> Result<RunningEncoder, Error> {
        let report = self.report.clone();
        let handle = thread(&format!("gs-encode-{index}"), move || self.run())?;
        Ok(RunningEncoder { handle, report })
    }

    /// Encodes until the rendition ends, then empties the encoder.
    fn run(mut self) -> RenditionReport {
        if let Err(error) = self.encode_all() {
            // The supervisor has gone when it is draining; the frames that are lost are counted.
            let _ = self.commands.send(Command::RenditionFailed(error.into()));
        }
        self.report
    }

    fn encode_all(&mut self) -> Result<(), EncodeError> {
        let mut packets = Vec::new();
        while let Some(Job { frame, after_pause }) = self.frames.next() {
            self.heed(frame.pts, after_pause);
            self.inside.push_back((frame.pts, Timestamp::now()));
            self.encoder.encode(frame, &mut packets)?;
            self.shared.counters.encoded.add(1);
            self.hand_on(&mut packets);
        }
        let flushed = self.encoder.flush(&mut packets);
        self.hand_on(&mut packets);
        flushed
    }

    /// Does what was asked for, with the picture of this time.
    fn heed(&mut self, pts: MediaTime, key_frame: bool) {
        /// As many changes are listed; more are made.
        const MOST: usize = 1000;
        let asked = self.control.take();
        if key_frame || asked.key_frame {
            self.encoder.force_key_frame();
        }
        let Some(kbps) = asked.kbps else { return };
        match self.encoder.set_bitrate(kbps) {
            Ok(()) if self.report.bitrate_changes.len() < MOST => {
                self.report.bitrate_changes.push(BitrateChange { seconds: pts.as_secs_f64(), kbps });
            }
            Ok(()) => {}
            Err(error) => self.shared.journal.note(error.to_string()),
        }
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

/// An encoder's thread that was started.
pub(super) struct RunningEncoder {
    handle: JoinHandle<RenditionReport>,
    /// What was known at the start.
    report: RenditionReport,
}

impl RunningEncoder {
    /// Waits until it has ended. The report is that of the start where it panicked.
    pub(super) fn join(self) -> (RenditionReport, Option<Error>) {
        match self.handle.join() {
            Ok(report) => (report, None),
            Err(_) => {
                let error = Error::Thread { thread: "encoder".into(), reason: "it panicked".into() };
                (self.report, Some(error))
            }
        }
    }
}
