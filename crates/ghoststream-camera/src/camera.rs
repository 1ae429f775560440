//! The camera as its owner sees it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::shared::{Agreed, Shared, Stats, count};
use crate::{CameraError, Cards, Input, Pixels, Udmabuf, name, node, sws};

/// How long PipeWire has to answer when a camera is opened.
const PATIENCE: Duration = Duration::from_secs(10);

/// A camera that programs can open. Dropping it removes it.
pub struct Camera {
    shared: Arc<Shared>,
    commands: pipewire::channel::Sender<node::Command>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Camera {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Camera")
            .field("node", &self.node())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Camera {
    /// Makes the node, and waits until PipeWire knows it.
    ///
    /// # Errors
    /// The name or the size cannot be; PipeWire does not answer within ten seconds, or refuses.
    pub fn open(name: &str, input: Input, cards: Cards) -> Result<Self, CameraError> {
        Self::open_offering(name, input, cards, None)
    }

    /// The same, in DMA-BUFs of this device's to programs that take them: see [`Memory`](crate::Memory) for what that
    /// means where several look. Where buffers have to be replaced while they do, since one holds on to all of them,
    /// PipeWire may leave those without pictures that came after the first: it shares out what the camera itself makes
    /// before it is there. Buffers of PipeWire's own making ([`Camera::open`]) do not know that.
    ///
    /// # Errors
    /// As [`Camera::open`].
    pub fn open_with_dmabufs(
        name: &str,
        input: Input,
        cards: Cards,
        device: Udmabuf,
    ) -> Result<Self, CameraError> {
        Self::open_offering(name, input, cards, Some(Arc::new(device)))
    }

    fn open_offering(
        name: &str,
        input: Input,
        cards: Cards,
        dmabufs: Option<Arc<Udmabuf>>,
    ) -> Result<Self, CameraError> {
        name::check(name)?;
        check_size(&input)?;
        let shared = Arc::new(Shared::default());
        let (commands, receiver) = pipewire::channel::channel();
        let (ready, opened) = mpsc::sync_channel(1);
        let plan = node::Plan { name: name.to_owned(), input, cards, dmabufs };
        let failed = |reason: String| CameraError::NoPipeWire { reason };
        let thread = std::thread::Builder::new()
            .name("gs-camera".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || node::run(&plan, &shared, receiver, ready)
            })
            .map_err(|error| failed(error.to_string()))?;
        let this = Self { shared, commands, thread: Some(thread) };
        match opened.recv_timeout(PATIENCE) {
            Ok(Ok(())) => Ok(this),
            Ok(Err(reason)) => Err(failed(reason)),
            Err(_) => Err(failed(format!("it said nothing for {PATIENCE:?}"))),
        }
    }

    /// Shows a picture that was made at `pts`, nanoseconds of `CLOCK_MONOTONIC`. Never waits; see
    /// [`Stats`] for what becomes of pictures.
    pub fn show(&self, picture: Arc<dyn Pixels>, pts: i64) {
        if !self.is_watched() {
            self.skip();
        } else if self.shared.put((picture, pts)) {
            // It fails only when the thread is gone, and then nobody looks.
            let _ = self.commands.send(node::Command::Show);
        }
    }

    /// Counts a picture that was not even made, since nobody looks.
    pub fn skip(&self) {
        count(&self.shared.counters.unwatched);
    }

    /// Whether anybody looks: else no picture need be made.
    pub fn is_watched(&self) -> bool {
        self.shared.is_watched()
    }

    /// Who looks, for whoever makes the pictures on another thread.
    pub fn audience(&self) -> Audience {
        Audience { shared: Arc::clone(&self.shared) }
    }

    /// What those who look get; `None` while nobody does.
    pub fn agreed(&self) -> Option<Agreed> {
        self.shared.agreed()
    }

    /// The id of its node; `None` while PipeWire is lost.
    pub fn node(&self) -> Option<u32> {
        self.shared.node()
    }

    /// How it goes.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }
}

/// Who looks at a camera. Of a camera that is gone nobody is.
#[derive(Clone)]
pub struct Audience {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Audience {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Audience").field("is_there", &self.is_there()).finish()
    }
}

impl Audience {
    /// Whether anybody looks: else no picture need be made.
    pub fn is_there(&self) -> bool {
        self.shared.is_watched()
    }

    /// Counts a picture that was not made, since nobody looks.
    pub fn skip(&self) {
        count(&self.shared.counters.unwatched);
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        let _ = self.commands.send(node::Command::Stop);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the camera's thread panicked; this is a bug");
        }
    }
}

/// Sides that PipeWire's programs can do with.
const SIDES: std::ops::RangeInclusive<u32> = 16..=16384;

fn check_size(input: &Input) -> Result<(), CameraError> {
    let size = input.size;
    let refused = |problem| Err(CameraError::Size { size, problem });
    if !SIDES.contains(&size.width) || !SIDES.contains(&size.height) {
        return refused("its sides must be within 16 and 16384");
    }
    if size != size.even() {
        return refused("its sides must be even");
    }
    if sws::av_input(input.format).is_none() {
        return refused("they must be NV12 or I420");
    }
    if input.rate.0 == 0 || input.rate.1 == 0 {
        return refused("its rate must be above 0");
    }
    Ok(())
}
