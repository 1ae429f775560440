//! One `pw_stream` and its callbacks.
//!
//! Negotiation runs on the capture thread's loop; the process callback on PipeWire's data thread, so
//! that a buffer that is not kept goes back within the same cycle. Both share [`Shared`], whose locks
//! are held for short moments only. The crate's own listener is not used, since it would hand out
//! the same `&mut` on both threads.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pipewire as pw;
use pw::spa::sys as spa_sys;
use pw::sys as pw_sys;

use super::blocks::NO_MEMORY;
use super::buffer::Slot;
use super::callbacks::events;
use super::format::VideoFormat;
use super::frames::{Frames, Keep};
use super::lease::Refusals;
use super::negotiation::{Asking, Care, Negotiation, Remedy};
use super::pod::Object;
use super::returns::Returns;
use crate::Timestamp;
use crate::stats::{FrameSync, Journal};

/// How far a stream has come, for the capture thread to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// The agreed format, or why it cannot be used.
    pub(super) format: Option<Result<VideoFormat, String>>,
    /// There was an agreed format at some time.
    pub(super) agreed: bool,
    pub(super) buffers: usize,
    pub(super) streaming: bool,
    /// Why it failed.
    pub(super) error: Option<String>,
    /// It was connected, and is not any more.
    pub(super) disconnected: bool,
}

/// What the callbacks work on.
pub(super) struct Shared {
    stream: NonNull<pw_sys::pw_stream>,
    frames: Mutex<Frames>,
    status: Mutex<Status>,
    negotiation: Mutex<Negotiation>,
    refusals: Arc<Refusals>,
    next_slot: AtomicU64,
}

// SAFETY: `stream` is used by callbacks of that stream only, each on the thread that PipeWire
// calls it on, which is where its functions may be called.
unsafe impl Send for Shared {}
// SAFETY: as above; the rest lies behind locks.
unsafe impl Sync for Shared {}

/// A connected stream. Dropping it disconnects it.
pub(super) struct Stream {
    // Destroyed before what its callbacks refer to.
    stream: pw::stream::StreamRc,
    _hook: Box<spa_sys::spa_hook>,
    _events: Box<pw_sys::pw_stream_events>,
    shared: Arc<Shared>,
}

impl Stream {
    /// Connects to a node; the agreement follows in callbacks, see [`Stream::status`].
    pub(super) fn connect(
        core: &pw::core::CoreRc,
        node: u32,
        asking: Asking,
        frames: Frames,
    ) -> Result<Self, pw::Error> {
        let properties = pw::properties::properties! {
            *pw::keys::MEDIA_TYPE => "Video",
            *pw::keys::MEDIA_CATEGORY => "Capture",
            *pw::keys::MEDIA_ROLE => "Screen",
            // A lost source must not be replaced by whatever camera there is.
            "node.dont-reconnect" => "true",
            "state.restore-target" => "false",
        };
        let stream = pw::stream::StreamRc::new(core.clone(), "GhostStream capture", properties)?;
        let raw = NonNull::new(stream.as_raw_ptr()).ok_or(pw::Error::CreationFailed)?;
        let wake = Arc::clone(&asking.wake);
        let negotiation = Negotiation::new(asking);
        let offers = negotiation.offers();
        let shared = Arc::new(Shared {
            stream: raw,
            frames: Mutex::new(frames),
            status: Mutex::default(),
            negotiation: Mutex::new(negotiation),
            refusals: Arc::new(Refusals::new(wake)),
            next_slot: AtomicU64::new(0),
        });
        let events = Box::new(events());
        // SAFETY: an all-zero hook is the unlinked state that PipeWire expects.
        let mut hook: Box<spa_sys::spa_hook> = Box::new(unsafe { std::mem::zeroed() });
        // SAFETY: hook, events and shared live until after the stream is destroyed: see the order
        // of `Self`'s fields.
        unsafe {
            let data = Arc::as_ptr(&shared).cast_mut().cast::<c_void>();
            pw_sys::pw_stream_add_listener(raw.as_ptr(), &raw mut *hook, &raw const *events, data);
        }
        let this = Self { stream, _hook: hook, _events: events, shared };
        this.start(node, &offers)?;
        Ok(this)
    }

    fn start(&self, node: u32, offers: &[Object]) -> Result<(), pw::Error> {
        let mut params: Vec<*const spa_sys::spa_pod> = offers.iter().map(Object::as_ptr).collect();
        let flags = pw_sys::pw_stream_flags_PW_STREAM_FLAG_AUTOCONNECT
            | pw_sys::pw_stream_flags_PW_STREAM_FLAG_RT_PROCESS
            | pw_sys::pw_stream_flags_PW_STREAM_FLAG_DONT_RECONNECT;
        // SAFETY: the stream is ours, the pods outlive the call, which copies them.
        let result = unsafe {
            pw_sys::pw_stream_connect(
                self.shared.stream.as_ptr(),
                spa_sys::SPA_DIRECTION_INPUT,
                node,
                flags,
                params.as_mut_ptr(),
                params.len() as u32,
            )
        };
        pw::spa::utils::result::SpaResult::from_c(result).into_result()?;
        Ok(())
    }

    /// How far it has come.
    pub(super) fn status(&self) -> Status {
        self.shared.status().clone()
    }

    /// Sees to what was refused and to what takes too long; returns when to do so again.
    pub(super) fn tend(&self, journal: &Journal) -> Duration {
        let refused = self.shared.refusals.take();
        let care = self.shared.negotiation().care(refused, journal);
        match care {
            Care::Look(after) => after,
            Care::Offer(offers) => {
                self.shared.update(&offers, "other buffers cannot be asked for");
                LOOK_AGAIN
            }
        }
    }

    /// What to ask of the same source when this stream broke before it had buffers of a GPU's, or those in their
    /// place; `None` when that is not what broke it.
    pub(super) fn remedy(&self, why: &str, journal: &Journal) -> Option<(Asking, Frames)> {
        let mut negotiation = self.shared.negotiation();
        match negotiation.remedy()? {
            Remedy::StepDown(modifier) if !negotiation.step(modifier, why, journal) => return None,
            Remedy::StepDown(_) => {}
            Remedy::AskAgain => tracing::debug!(why, "the link broke over other buffers; it is made anew"),
        }
        Some((negotiation.asking().clone(), self.shared.frames().successor()))
    }
}

/// When to look again at a stream that was just asked for other buffers.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl Drop for Stream {
    fn drop(&mut self) {
        if let Err(error) = self.stream.disconnect() {
            tracing::debug!(%error, "the stream was not connected any more");
        }
        self.shared.frames().clear();
    }
}

impl Shared {
    fn frames(&self) -> MutexGuard<'_, Frames> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn negotiation(&self) -> MutexGuard<'_, Negotiation> {
        self.negotiation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A callback panicked, which is a bug; it must not unwind into C.
    pub(super) fn panicked(&self) {
        self.status().error.get_or_insert_with(|| "a callback panicked; this is a bug".to_owned());
    }

    pub(super) fn state_changed(
        &self,
        old: pw_sys::pw_stream_state,
        new: pw_sys::pw_stream_state,
        error: &str,
    ) {
        tracing::debug!(old, new, error, "stream state");
        let mut status = self.status();
        status.streaming = new == pw_sys::pw_stream_state_PW_STREAM_STATE_STREAMING;
        match new {
            pw_sys::pw_stream_state_PW_STREAM_STATE_ERROR => {
                let error = if error.is_empty() { "PipeWire did not say why" } else { error };
                status.error.get_or_insert_with(|| error.to_owned());
            }
            pw_sys::pw_stream_state_PW_STREAM_STATE_UNCONNECTED => status.disconnected = true,
            _ => {}
        }
    }

    pub(super) fn format_changed(&self, bytes: Option<&[u8]>) {
        let format = self.negotiation().agree(bytes).transpose();
        tracing::debug!(?format, "stream format");
        let usable = format.as_ref().and_then(|format| format.as_ref().ok()).copied();
        self.frames().set_format(usable);
        let mut status = self.status();
        status.format = format;
        status.agreed |= usable.is_some();
        drop(status);
        if let Some(format) = usable {
            let params = self.negotiation().params(&format);
            self.update(&params, "the buffers cannot be asked for");
        }
    }

    /// Tells PipeWire other parameters. On the stream's loop only.
    fn update(&self, params: &[Object], failure: &str) {
        let mut params: Vec<*const spa_sys::spa_pod> = params.iter().map(Object::as_ptr).collect();
        // SAFETY: called on the stream's loop; the pods are copied.
        let result = unsafe {
            pw_sys::pw_stream_update_params(self.stream.as_ptr(), params.as_mut_ptr(), params.len() as u32)
        };
        if result < 0 {
            let error = std::io::Error::from_raw_os_error(-result);
            self.status().error.get_or_insert_with(|| format!("{failure}: {error}"));
        }
    }

    pub(super) fn add_buffer(&self, buffer: NonNull<pw_sys::pw_buffer>) {
        let id = self.next_slot.fetch_add(1, Ordering::Relaxed);
        // Buffers without a format would be a bug of PipeWire's; what comes in them is given back.
        let Some(format) = self.frames().format else { return };
        // Mapping is done before the lock is taken.
        let slot = self.slot(id, format, buffer);
        if let Err(why) = &slot.blocks {
            tracing::warn!(%why, "a buffer cannot be used");
        }
        let sync = match &slot.gpu {
            None => FrameSync::SharedMemory,
            Some(Ok(blocks)) => blocks.kind(),
            Some(Err(why)) => {
                tracing::warn!(%why, "a buffer in GPU memory cannot be used");
                if why != NO_MEMORY {
                    self.refusals.refuse(format.modifier.unwrap_or_default(), why);
                }
                FrameSync::Hold
            }
        };
        let mut frames = self.frames();
        frames.sink.synced(frames.stream, sync);
        if frames.slots.is_empty() {
            // What is still out of the buffers before does not count against these.
            frames.returns = Arc::<Returns>::default();
        }
        let usable = !matches!(slot.gpu, Some(Err(_)));
        frames.slots.push(slot);
        frames.returns.set_buffers(frames.slots.len());
        self.status().buffers = frames.usable_slots();
        drop(frames);
        if usable {
            self.negotiation().buffer_came();
        }
    }

    fn slot(&self, id: u64, format: VideoFormat, buffer: NonNull<pw_sys::pw_buffer>) -> Slot {
        let prepared = self.negotiation().buffers(&format).and_then(|gpu| {
            if gpu.is_some() {
                let prepared = self.frames().prepare_gpu(&self.refusals);
                prepared.map_err(|error| format!("nobody can wait for its pictures: {error}"))?;
            }
            Ok(gpu)
        });
        // SAFETY: PipeWire has just added the buffer, and `remove_buffer` drops the slot.
        unsafe {
            match prepared {
                Ok(None) => Slot::new(id, format, buffer),
                Ok(Some((planes, access))) => Slot::of_gpu(id, format, buffer, planes, &access),
                Err(why) => Slot::unusable(id, format, buffer, why),
            }
        }
    }

    pub(super) fn remove_buffer(&self, buffer: NonNull<pw_sys::pw_buffer>) {
        let mut frames = self.frames();
        frames.slots.retain(|slot| slot.buffer != buffer);
        frames.returns.set_buffers(frames.slots.len());
        self.status().buffers = frames.usable_slots();
    }

    /// Takes every filled buffer, and gives back those that nobody reads any more.
    pub(super) fn process(&self) {
        let mut frames = self.frames();
        for id in frames.returns.take(Timestamp::now()) {
            if let Some(slot) = frames.slots.iter().find(|slot| slot.id == id) {
                self.give_back(slot.buffer);
            }
        }
        loop {
            // SAFETY: within the process callback, on the thread that PipeWire calls it on.
            let buffer = unsafe { pw_sys::pw_stream_dequeue_buffer(self.stream.as_ptr()) };
            let Some(buffer) = NonNull::new(buffer) else { break };
            let keep = match frames.slots.iter().position(|slot| slot.buffer == buffer) {
                Some(slot) => frames.accept(slot),
                None => Keep::GiveBack,
            };
            if keep == Keep::GiveBack {
                self.give_back(buffer);
            }
        }
    }

    fn give_back(&self, buffer: NonNull<pw_sys::pw_buffer>) {
        // SAFETY: a buffer of this stream that was dequeued, on the thread of the process callback.
        unsafe { pw_sys::pw_stream_queue_buffer(self.stream.as_ptr(), buffer.as_ptr()) };
    }
}
