//! The thread that sends.

use std::sync::Arc;
use std::time::Duration;

use ghoststream_adaptation::Signals;

use super::backoff::Backoff;
use super::follower::Follower;
use super::queue::{Next, Queue};
use super::{Dial, Dropped, Gauge, Link, LinkError, Stop};
use crate::Timestamp;
use crate::encode::{Packet, Track};
use crate::output::{Context, OutputError};
use crate::stats::Journal;

/// Sends what comes out of a queue, over one connection after the other.
pub(super) struct Sender {
    dial: Box<dyn Dial>,
    tracks: Vec<Track>,
    queue: Arc<Queue>,
    gauge: Arc<Gauge>,
    stop: Stop,
    journal: Journal,
    backoff: Backoff,
    follower: Follower,
    /// When it was last looked how the path does.
    looked: Timestamp,
}

/// Why a connection is over.
enum Over {
    /// Everything was sent, or nobody waits for the rest.
    Done,
    Lost(LinkError),
}

impl Sender {
    /// The longest that anything here waits at once.
    const TICK: Duration = Duration::from_millis(20);
    /// How long the last packets and the good-bye may take.
    const FAREWELL: Duration = Duration::from_millis(1500);
    /// With this attempt in vain it is told why the peer stays away.
    const PATIENCE: u64 = 6;
    /// How often it is looked how the path does.
    const LOOK: Duration = Duration::from_millis(20);

    pub(super) fn new(
        dial: Box<dyn Dial>,
        tracks: Vec<Track>,
        (queue, gauge, stop): (&Arc<Queue>, &Arc<Gauge>, &Stop),
        context: &Context,
    ) -> Self {
        Self {
            dial,
            tracks,
            queue: Arc::clone(queue),
            gauge: Arc::clone(gauge),
            stop: stop.clone(),
            journal: context.journal.clone(),
            backoff: Backoff::new(Timestamp::now().as_nanos() as u64),
            follower: Follower::new(gauge, &context.journal),
            looked: Timestamp::default(),
        }
    }

    /// Sends until everything was sent, or the peer is lost for good.
    pub(super) fn run(mut self, first: Box<dyn Link>) -> Result<(), OutputError> {
        let mut link = first;
        loop {
            self.connected();
            let over = self.feed(&mut *link);
            if matches!(over, Over::Done) {
                link.close(Self::FAREWELL);
            }
            self.count(link.take_missed(true));
            match over {
                Over::Done => break,
                // Who wants the stream is still there to correct what is wrong.
                Over::Lost(error) if self.gauge.packets.get() == 0 => {
                    self.queue.abandon();
                    return Err(OutputError::link(&self.dial.peer(), error));
                }
                Over::Lost(error) => self.lost(&error),
            }
            drop(link);
            match self.dial_again() {
                Some(next) => link = next,
                None => break,
            }
        }
        self.queue.abandon();
        self.count_dropped();
        self.gauge.ended();
        Ok(())
    }

    /// Sends over one connection until it is over.
    fn feed(&mut self, link: &mut dyn Link) -> Over {
        let since = Timestamp::now();
        loop {
            match self.step(link) {
                Ok(true) => {}
                Ok(false) => return Over::Done,
                Err(error) => return Over::Lost(error),
            }
            if Timestamp::now().since(since) > Duration::from_secs(10) {
                self.backoff.reset();
            }
        }
    }

    /// One picture with the sound before it, or one tick; whether there is more to do.
    fn step(&mut self, link: &mut dyn Link) -> Result<bool, LinkError> {
        self.count_dropped();
        if self.stop.is_raised() {
            return Ok(false);
        }
        self.look(link);
        if !link.ready(Self::TICK)? {
            return Ok(true);
        }
        match self.queue.pop(Self::TICK) {
            Next::Packets(packets) => {
                packets.iter().for_each(|it| self.begins(it));
                link.send(&packets).inspect_err(|_| self.gauge.dropped.add(pictures(&packets)))?;
                packets.iter().for_each(|it| self.sent(it));
                Ok(true)
            }
            Next::Nothing => Ok(true),
            Next::Closed => Ok(false),
        }
    }

    fn sent(&mut self, packet: &Packet) {
        self.gauge.sent.add(packet.data().len() as u64);
        self.gauge.packets.add(1);
        if packet.track != 0 {
            self.follower.sent_beside(packet.data().len(), Timestamp::now());
        }
    }

    /// Another encoder has taken over: the next connection is told of its track and not of the first's.
    fn begins(&mut self, packet: &Packet) {
        if let (Some(new), Some(track)) = (&packet.begins, self.tracks.get_mut(packet.track)) {
            *track = new.as_ref().clone();
        }
    }

    /// Looks how the path does, where it is time to.
    fn look(&mut self, link: &mut dyn Link) {
        let now = Timestamp::now();
        if now.since(self.looked) < Self::LOOK {
            return;
        }
        self.looked = now;
        let (queue_age, queue_bytes) = self.queue.jam(now);
        let mut signals = Signals::default();
        (signals.queue_age, signals.queue_bytes) = (queue_age, queue_bytes);
        link.signals(&mut signals);
        self.count(link.take_missed(false));
        signals.needs_key_picture |= self.queue.needs_key_frame();
        if self.follower.look(now, &signals, || self.dial.peer()) {
            self.queue.drop_pictures();
        }
    }

    fn count_dropped(&self) {
        self.count(self.queue.take_dropped());
    }

    fn count(&self, dropped: Dropped) {
        self.gauge.dropped.add(dropped.pictures);
        self.gauge.gaps.add(dropped.gaps);
    }

    fn connected(&mut self) {
        self.queue.connect();
        self.follower.connected();
        if let Some(without) = self.gauge.connected() {
            let (peer, seconds) = (self.dial.peer(), without.as_secs_f64());
            self.journal.note(format!("{peer} is back after {seconds:.1} s; the stream goes on there"));
        }
    }

    fn lost(&self, error: &LinkError) {
        self.queue.disconnect();
        self.follower.lost();
        self.gauge.lost(error);
        let peer = self.dial.peer();
        self.journal.note(format!("{peer} was lost and is dialled again; everything else goes on: {error}"));
    }

    /// Dials until the peer is there, or nobody waits for it any more.
    ///
    /// What was refused for good at the start may pass once the stream has run: servers that are
    /// restarted refuse keys that they have not learnt again yet, and hold on to the old connection.
    fn dial_again(&mut self) -> Option<Box<dyn Link>> {
        // A dial that has taken its time was a wait by itself: only the rest of the time is waited for.
        let mut took = Duration::ZERO;
        for attempt in 1_u64.. {
            let wait = if self.dial.is_reached() { Duration::ZERO } else { self.backoff.wait() };
            if self.stop.wait(wait.saturating_sub(took)) || self.queue.is_closed() {
                return None;
            }
            let began = Timestamp::now();
            match self.dial.dial(&self.tracks, &self.stop) {
                Ok(link) => return Some(link),
                Err(error) => {
                    tracing::debug!(peer = %self.dial.peer(), %error, "dialled in vain");
                    self.gauge.lost(&error);
                    // A server that is restarted is back by then; else it may be another reason than the first was.
                    if attempt == Self::PATIENCE {
                        let peer = self.dial.peer();
                        self.journal.note(format!("{peer} is not back yet and is dialled on: {error}"));
                    }
                }
            }
            took = Timestamp::now().since(began);
            self.count_dropped();
        }
        None
    }
}

fn pictures(packets: &[Packet]) -> u64 {
    packets.iter().filter(|it| it.track == 0).count() as u64
}
