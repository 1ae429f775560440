//! A server that takes the stream.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ghoststream_adaptation::Signals;
use ghoststream_rtmp::{Audio, Session, Video};

use super::dial::refused;
use super::headers::Headers;
use super::hedge::Hedge;
use super::lost::Lost;
use super::watch::Watch;
use super::wire::Wire;
use crate::encode::Packet;
use crate::output::live::{Dropped, Link, LinkError, LinkFault};
use crate::{MediaTime, Timestamp};

/// A published stream.
#[derive(Debug)]
pub(super) struct RtmpLink {
    wire: Wire,
    session: Session,
    headers: Headers,
    shift: Shift,
    begun: bool,
    since: Timestamp,
    /// It was ended as is right.
    closed: bool,
    /// The last time that was sent.
    last: u32,
    /// A picture's data in RTMP's form; kept for its memory.
    scratch: Vec<u8>,
    watch: Watch,
    hedge: Hedge,
    /// Where the connection is left when it is lost.
    lost: Lost,
}

impl RtmpLink {
    pub(super) fn new(wire: Wire, session: Session, headers: Headers, shift: Shift, lost: Lost) -> Self {
        let (watch, hedge, scratch) = (Watch::default(), wire.hedge(), Vec::new());
        Self {
            wire,
            session,
            headers,
            shift,
            begun: false,
            since: Timestamp::now(),
            closed: false,
            last: 0,
            scratch,
            watch,
            hedge,
            lost,
        }
    }

    fn begin(&mut self, time: u32) {
        self.begun = true;
        self.session.send_metadata(&self.headers.metadata);
        let codec = self.headers.metadata.codec;
        self.session.send_video(codec, time, &Video::Header(&self.headers.video));
        if let Some((_, header)) = &self.headers.audio {
            self.session.send_audio(time, &Audio::Header(header));
        }
    }

    /// Puts a packet into RTMP's form, to be sent.
    fn form(&mut self, packet: &Packet) {
        if !self.begun {
            self.shift.settle(packet.dts);
            self.begin(self.shift.milliseconds(packet.dts));
        }
        if packet.track == 0 {
            self.form_picture(packet);
        } else if self.headers.audio.as_ref().is_some_and(|it| it.0 == packet.track) {
            let time = self.shift.milliseconds(packet.pts);
            self.session.send_audio(time, &Audio::Frame(packet.data()));
        }
    }

    fn form_picture(&mut self, packet: &Packet) {
        self.scratch.clear();
        self.headers.form.append(packet.data(), &mut self.scratch);
        let (time, shown) = (self.shift.milliseconds(packet.dts), self.shift.milliseconds(packet.pts));
        self.last = time;
        let picture =
            Video::Picture { data: &self.scratch, key: packet.key, composition: shown.saturating_sub(time) };
        self.session.send_video(self.headers.metadata.codec, time, &picture);
    }

    /// A server that hangs up as soon as pictures come had no look at the key before.
    fn explain(&self, error: LinkError) -> LinkError {
        if error.fault == LinkFault::Closed && Timestamp::now().since(self.since) < Duration::from_secs(5) {
            let text = format!("{error} as soon as the stream had begun; is the stream key right?");
            return LinkError::new(LinkFault::Closed, text);
        }
        error
    }

    /// Moves bytes, and hears what the server says.
    fn exchange(&mut self, patience: Duration) -> Result<(), LinkError> {
        self.wire.give(self.session.take_output());
        let came = self.wire.exchange(patience).map_err(|error| self.explain(error))?;
        self.session.input(&came).map_err(|error| refused(&error))?;
        self.wire.give(self.session.take_output());
        Ok(())
    }
}

/// How far times are moved so that none is negative: those at which pictures are decoded are at the
/// start, where there are B-frames. All connections of an output share it, so that time goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Shift(Arc<OnceLock<i64>>);

impl Shift {
    /// With the first time that is sent at all.
    fn settle(&self, first: MediaTime) {
        self.0.get_or_init(|| (-first.as_nanos()).max(0));
    }

    /// Milliseconds from the start; RTMP's time wraps after 49 days, and so does this.
    fn milliseconds(&self, time: MediaTime) -> u32 {
        let moved = time.as_nanos() + self.0.get().copied().unwrap_or(0);
        (moved.max(0) / 1_000_000) as u32
    }
}

impl Drop for RtmpLink {
    fn drop(&mut self) {
        if !self.closed
            && let Ok(socket) = self.wire.socket()
        {
            self.lost.keep(socket, self.hedge.take());
        }
    }
}

impl Link for RtmpLink {
    fn ready(&mut self, patience: Duration) -> Result<bool, LinkError> {
        let before = self.wire.left();
        let ready = if self.wire.has_unsent() {
            self.exchange(patience)?;
            self.wire.waiting() == 0 && self.wire.wait(Duration::ZERO)?.room
        } else {
            let heard = self.wire.wait(patience)?;
            if heard.came {
                self.exchange(Duration::ZERO)?;
            }
            heard.room && self.wire.waiting() == 0
        };
        let now = Timestamp::now();
        self.watch.progress(now, ready || self.wire.left() > before)?;
        let path = self.wire.path(now);
        self.watch.path(now, path.as_ref())?;
        self.hedge.look(now, path.as_ref())?;
        Ok(ready)
    }

    fn send(&mut self, packets: &[Packet]) -> Result<(), LinkError> {
        packets.iter().for_each(|it| self.form(it));
        self.wire.give(self.session.take_output());
        self.wire.push().map_err(|error| self.explain(error))
    }

    fn signals(&mut self, signals: &mut Signals) {
        self.wire.signals(signals);
    }

    /// TCP brings everything, however late, or ends.
    fn take_missed(&mut self, _: bool) -> Dropped {
        Dropped::default()
    }

    fn close(&mut self, patience: Duration) {
        self.closed = true;
        if self.begun {
            self.session.send_video(self.headers.metadata.codec, self.last, &Video::End);
        }
        self.session.end();
        self.wire.give(self.session.take_output());
        let until = Timestamp::now() + patience;
        // Whatever fails now, there is nothing left to be saved.
        while self.wire.waiting() > 0 && Timestamp::now() < until {
            if self.wire.exchange(until.since(Timestamp::now())).is_err() {
                return;
            }
        }
    }
}
