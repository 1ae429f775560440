//! An encoder in a thread of its own, so that a call which never returns can be given up.
//!
//! A driver that hangs takes the thread that called it with it, and no thread can be ended from
//! outside. So the encoder lives in a thread that does nothing else and owns nothing else: after
//! [`PATIENCE`] that thread is left behind, with the encoder in it, and another takes its place.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::Error;
use crate::encode::{EncodeError, Encoder, Frame, Opened, Packet, Row, Terms};
use crate::pipeline::control::Asked;
use crate::pipeline::shared::thread;
use crate::stats::Refusal;

/// How long a call to hardware may take. One takes milliseconds; a second and a half is a driver
/// that has lost its way. A processor that is busy is none: software may take as long as it does.
pub(super) const PATIENCE: Duration = Duration::from_millis(1500);

/// An encoder at work.
pub(super) struct Worker {
    name: &'static str,
    calls: SyncSender<Call>,
    answers: Receiver<Answer>,
    patience: Option<Duration>,
    handle: JoinHandle<()>,
}

enum Call {
    Encode { frame: Frame, asked: Asked },
    Flush,
}

struct Answer {
    packets: Vec<Packet>,
    result: Result<(), EncodeError>,
    told: Told,
}

/// What an encoder has to tell beside its packets.
#[derive(Default)]
pub(super) struct Told {
    /// Why the bitrate was not changed.
    pub(super) fixed: Option<EncodeError>,
    /// For the report.
    pub(super) note: Option<String>,
}

impl Worker {
    /// Gives an encoder its thread; `index` is its rendition's.
    pub(super) fn spawn(
        index: usize,
        name: &'static str,
        hardware: bool,
        encoder: Box<dyn Encoder>,
    ) -> Result<Self, Error> {
        let (calls, received) = sync_channel(1);
        let (sender, answers) = sync_channel(1);
        let handle = thread(&format!("gs-codec-{index}"), move || work(encoder, &received, sender))?;
        Ok(Self { name, calls, answers, patience: hardware.then_some(PATIENCE), handle })
    }

    /// Its encoder's name in libavcodec.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    /// Encodes a picture and appends what is ready to `packets`, also where it fails.
    pub(super) fn encode(
        &self,
        frame: Frame,
        asked: Asked,
        packets: &mut Vec<Packet>,
    ) -> Result<Told, EncodeError> {
        self.call(Call::Encode { frame, asked }, packets)
    }

    /// Appends what is still inside.
    pub(super) fn flush(&self, packets: &mut Vec<Packet>) -> Result<(), EncodeError> {
        self.call(Call::Flush, packets).map(drop)
    }

    fn call(&self, call: Call, packets: &mut Vec<Packet>) -> Result<Told, EncodeError> {
        let gone = || EncodeError::Panicked { encoder: self.name };
        self.calls.send(call).map_err(|_| gone())?;
        let mut answer = match self.patience {
            Some(patience) => self.answers.recv_timeout(patience).map_err(|error| match error {
                RecvTimeoutError::Timeout => EncodeError::Stuck { encoder: self.name, after: patience },
                RecvTimeoutError::Disconnected => gone(),
            })?,
            None => self.answers.recv().map_err(|_| gone())?,
        };
        packets.append(&mut answer.packets);
        answer.result.map(|()| answer.told)
    }

    /// Closes the encoder. False where that does not come to an end either: it is left behind.
    pub(super) fn close(self) -> bool {
        let Self { calls, answers, patience, handle, .. } = self;
        drop(calls);
        let timed_out = |patience| matches!(answers.recv_timeout(patience), Err(RecvTimeoutError::Timeout));
        if patience.is_some_and(timed_out) {
            return false;
        }
        // A panic was told by the call that met it.
        let _ = handle.join();
        true
    }
}

fn work(mut encoder: Box<dyn Encoder>, calls: &Receiver<Call>, answers: SyncSender<Answer>) {
    while let Ok(call) = calls.recv() {
        let (mut packets, mut told) = (Vec::new(), Told::default());
        let result = match call {
            Call::Encode { frame, asked } => {
                if asked.key_frame {
                    encoder.force_key_frame();
                }
                encoder.set_half_rate(asked.half_rate);
                told.fixed = asked.kbps.and_then(|kbps| encoder.set_bitrate(kbps).err());
                let result = encoder.encode(frame, &mut packets);
                told.note = encoder.note();
                result
            }
            Call::Flush => encoder.flush(&mut packets),
        };
        if answers.send(Answer { packets, result, told }).is_err() {
            // It was given up and has come back after all.
            break;
        }
    }
    // Whoever waits for the end waits for this.
    drop(encoder);
    drop(answers);
}

/// An encoder that could not take over, and whether that was because its driver hangs.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    pub(super) hung: bool,
}

impl Refused {
    pub(super) fn saying(encoder: &str, reason: String) -> Self {
        Self { refusal: Refusal { encoder: encoder.to_owned(), reason, remedy: None }, hung: false }
    }
}

/// Opens a row within the time that it may take.
pub(super) fn open(row: &Row, terms: Terms) -> Result<Opened, Refused> {
    let answered = |refusal| Refused { refusal, hung: false };
    if !row.hardware {
        return (row.open)(terms).map_err(answered);
    }
    let (sender, opened) = sync_channel(1);
    let open = Arc::clone(&row.open);
    // If nobody waits any more, what was opened is closed again.
    let opening = thread("gs-open", move || drop(sender.send(open(terms))));
    opening.map_err(|error| Refused::saying(row.name, error.to_string()))?;
    match opened.recv_timeout(PATIENCE) {
        Ok(answer) => answer.map_err(answered),
        Err(RecvTimeoutError::Timeout) => {
            let reason = format!("it did not open within {} s: the driver hangs", PATIENCE.as_secs_f64());
            Err(Refused { hung: true, ..Refused::saying(row.name, reason) })
        }
        Err(RecvTimeoutError::Disconnected) => {
            Err(Refused::saying(row.name, "it panicked while it was opened".to_owned()))
        }
    }
}
