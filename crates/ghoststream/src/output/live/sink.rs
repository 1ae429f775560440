//! A live output as the pipeline sees it.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::queue::Queue;
use super::sender::Sender;
use super::waiting::Bounds;
use super::{Dial, Gauge, Stop};
use crate::encode::{Packet, Track};
use crate::output::{Context, OutputError, Sink};
use crate::stats::OutputReport;
use crate::{MediaTime, Timestamp};

/// Takes packets at any time and hands them to a sending thread.
pub(crate) struct LiveSink {
    queue: Arc<Queue>,
    gauge: Arc<Gauge>,
    stop: Stop,
    peer: String,
    /// Ends with the error for which it gave up.
    thread: Option<JoinHandle<Result<(), OutputError>>>,
    /// When the first and the last picture are shown.
    span: Option<(MediaTime, MediaTime)>,
}

impl LiveSink {
    /// What waits at most: older pictures are of no use to somebody who watches live.
    const BOUNDS: Bounds = Bounds { age: Duration::from_secs(3), bytes: 64 << 20 };
    /// How long the last packets may take at the end.
    const FAREWELL: Duration = Duration::from_secs(2);

    /// Dials, and begins to send once packets come. A peer that cannot be reached is an error here,
    /// while somebody is there to correct what is wrong; later it is dialled again and again.
    pub(crate) fn open(
        mut dial: Box<dyn Dial>,
        tracks: &[Track],
        context: &Context,
    ) -> Result<Self, OutputError> {
        let stop = context.stop.clone();
        let gauge = Arc::clone(&context.gauge);
        let peer = dial.peer();
        let failed = |error| OutputError::link(&peer, error);
        let link = dial.dial(tracks, &stop).map_err(failed)?;
        let queue = Arc::new(Queue::new(Self::BOUNDS));
        let sender = Sender::new(dial, tracks.to_vec(), (&queue, &gauge, &stop), context);
        let thread = std::thread::Builder::new()
            .name("gs-live".into())
            .spawn(move || sender.run(link))
            .map_err(|error| OutputError::thread("gs-live", &error))?;
        Ok(Self { queue, gauge, stop, peer, thread: Some(thread), span: None })
    }

    /// Whether its thread has given up, and why.
    fn given_up(&mut self) -> Result<(), OutputError> {
        match self.thread.take_if(|it| it.is_finished()) {
            Some(thread) => thread.join().unwrap_or_else(|_| Err(OutputError::panicked(&self.peer))),
            None => Ok(()),
        }
    }
}

impl Sink for LiveSink {
    fn write(&mut self, packet: &Packet) -> Result<(), OutputError> {
        self.given_up()?;
        if packet.track == 0 {
            let first = self.span.map_or(packet.pts, |it| it.0);
            self.span = Some((first, packet.pts));
        }
        self.queue.push(packet.clone(), Timestamp::now());
        Ok(())
    }

    fn idle(&mut self) -> Result<(), OutputError> {
        self.given_up()
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        self.queue.close();
        let until = Timestamp::now() + Self::FAREWELL;
        while self.thread.as_ref().is_some_and(|it| !it.is_finished()) && Timestamp::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.stop.raise();
        match self.thread.take() {
            Some(thread) => thread.join().unwrap_or_else(|_| Err(OutputError::panicked(&self.peer))),
            None => Ok(()),
        }
    }

    fn report(&self) -> OutputReport {
        let seconds = self.span.map_or(0.0, |(first, last)| last.as_secs_f64() - first.as_secs_f64());
        OutputReport {
            bytes: self.gauge.sent.get(),
            seconds,
            dropped: self.gauge.dropped.get(),
            live: Some(self.gauge.report(&self.peer)),
            ..OutputReport::default()
        }
    }
}

impl Drop for LiveSink {
    fn drop(&mut self) {
        self.stop.raise();
        self.queue.close();
    }
}
