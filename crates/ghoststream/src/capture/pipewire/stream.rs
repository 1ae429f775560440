//! One `pw_stream` and its callbacks.
//!
//! Negotiation runs on the capture thread's loop; the process callback on PipeWire's data thread, so
//! that a buffer that is not kept goes back within the same cycle. Both share [`Shared`], whose locks
//! are held for short moments only. The crate's own listener is not used, since it would hand out
//! the same `&mut` on both threads.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pipewire as pw;
use pw::spa::sys as spa_sys;
use pw::sys as pw_sys;

use super::buffer::{Returns, Slot};
use super::format;
use super::frames::{Frames, Keep};
use super::pod::Object;

/// How far a stream has come, for the capture thread to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// The agreed format, or why it cannot be used.
    pub(super) format: Option<Result<format::VideoFormat, String>>,
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
#[derive(Debug)]
struct Shared {
    stream: NonNull<pw_sys::pw_stream>,
    frames: Mutex<Frames>,
    status: Mutex<Status>,
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
    /// Connects to a node, asking for pictures at this rate and, where there are any, in HDR; the agreement follows in callbacks, see [`Stream::status`].
    pub(super) fn connect(
        core: &pw::core::CoreRc,
        node: u32,
        (fps, hdr): (f64, bool),
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
        let shared = Arc::new(Shared {
            stream: raw,
            frames: Mutex::new(frames),
            status: Mutex::default(),
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
        this.start(node, format::offers(fps, hdr))?;
        Ok(this)
    }

    fn start(&self, node: u32, offers: Vec<Object>) -> Result<(), pw::Error> {
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
}

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

    fn state_changed(&self, old: pw_sys::pw_stream_state, new: pw_sys::pw_stream_state, error: &str) {
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

    fn format_changed(&self, bytes: Option<&[u8]>) {
        let format = bytes.map(format::parse_format);
        tracing::debug!(?format, "stream format");
        self.frames().set_format(format.as_ref().and_then(|format| format.as_ref().ok()).copied());
        let usable = matches!(format, Some(Ok(_)));
        let mut status = self.status();
        status.format = format;
        status.agreed |= usable;
        drop(status);
        if usable {
            self.ask_for_buffers();
        }
    }

    fn ask_for_buffers(&self) {
        let params = format::stream_params();
        let mut params: Vec<*const spa_sys::spa_pod> = params.iter().map(Object::as_ptr).collect();
        // SAFETY: called from a callback of this stream, on its loop; the pods are copied.
        let result = unsafe {
            pw_sys::pw_stream_update_params(self.stream.as_ptr(), params.as_mut_ptr(), params.len() as u32)
        };
        if result < 0 {
            let error = std::io::Error::from_raw_os_error(-result);
            self.status().error.get_or_insert_with(|| format!("the buffers cannot be asked for: {error}"));
        }
    }

    fn add_buffer(&self, buffer: NonNull<pw_sys::pw_buffer>) {
        let id = self.next_slot.fetch_add(1, Ordering::Relaxed);
        // Buffers without a format would be a bug of PipeWire's; what comes in them is given back.
        let Some(format) = self.frames().format else { return };
        // SAFETY: PipeWire has just added it, and `remove_buffer` drops the slot. Mapping is done
        // before the lock is taken.
        let slot = unsafe { Slot::new(id, format, buffer) };
        if let Err(why) = &slot.blocks {
            tracing::warn!(%why, "a buffer cannot be used");
        }
        let mut frames = self.frames();
        if frames.slots.is_empty() {
            // What is still out of the buffers before does not count against these.
            frames.returns = Arc::<Returns>::default();
        }
        frames.slots.push(slot);
        frames.returns.set_buffers(frames.slots.len());
        self.status().buffers = frames.slots.len();
    }

    fn remove_buffer(&self, buffer: NonNull<pw_sys::pw_buffer>) {
        let mut frames = self.frames();
        frames.slots.retain(|slot| slot.buffer != buffer);
        frames.returns.set_buffers(frames.slots.len());
        self.status().buffers = frames.slots.len();
    }

    /// Takes every filled buffer, and gives back those that nobody reads any more.
    fn process(&self) {
        let mut frames = self.frames();
        for id in frames.returns.take() {
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

fn events() -> pw_sys::pw_stream_events {
    // SAFETY: a table of optional functions; zero is none.
    let mut events: pw_sys::pw_stream_events = unsafe { std::mem::zeroed() };
    events.version = pw_sys::PW_VERSION_STREAM_EVENTS;
    events.state_changed = Some(on_state_changed);
    events.param_changed = Some(on_param_changed);
    events.add_buffer = Some(on_add_buffer);
    events.remove_buffer = Some(on_remove_buffer);
    events.process = Some(on_process);
    events
}

/// Runs a callback's work; a panic, which would be a bug, must not unwind into C.
///
/// # Safety
/// `data` is what was given to `pw_stream_add_listener`.
unsafe fn guarded(data: *mut c_void, work: impl FnOnce(&Shared)) {
    // SAFETY: the caller promises it; `Stream` keeps `Shared` until the stream is destroyed.
    let Some(shared) = (unsafe { data.cast::<Shared>().as_ref() }) else { return };
    if catch_unwind(AssertUnwindSafe(|| work(shared))).is_err() {
        shared.status().error.get_or_insert_with(|| "a callback panicked; this is a bug".to_owned());
    }
}

unsafe extern "C" fn on_state_changed(
    data: *mut c_void,
    old: pw_sys::pw_stream_state,
    new: pw_sys::pw_stream_state,
    error: *const c_char,
) {
    // SAFETY: PipeWire passes a string or null, valid during the call.
    let error = if error.is_null() { None } else { Some(unsafe { CStr::from_ptr(error) }) };
    let error = error.map(CStr::to_string_lossy).unwrap_or_default();
    // SAFETY: PipeWire hands back our pointer.
    unsafe { guarded(data, |shared| shared.state_changed(old, new, &error)) };
}

unsafe extern "C" fn on_param_changed(data: *mut c_void, id: u32, param: *const spa_sys::spa_pod) {
    if id != format::PARAM_FORMAT {
        return;
    }
    // SAFETY: PipeWire passes a whole pod or null, valid during the call: a header that states the
    // size of what follows.
    let bytes = unsafe {
        param.as_ref().map(|pod| {
            let length = size_of::<spa_sys::spa_pod>() + pod.size as usize;
            std::slice::from_raw_parts(param.cast::<u8>(), length)
        })
    };
    // SAFETY: PipeWire hands back our pointer.
    unsafe { guarded(data, |shared| shared.format_changed(bytes)) };
}

unsafe extern "C" fn on_add_buffer(data: *mut c_void, buffer: *mut pw_sys::pw_buffer) {
    let Some(buffer) = NonNull::new(buffer) else { return };
    // SAFETY: PipeWire hands back our pointer.
    unsafe { guarded(data, |shared| shared.add_buffer(buffer)) };
}

unsafe extern "C" fn on_remove_buffer(data: *mut c_void, buffer: *mut pw_sys::pw_buffer) {
    let Some(buffer) = NonNull::new(buffer) else { return };
    // SAFETY: PipeWire hands back our pointer.
    unsafe { guarded(data, |shared| shared.remove_buffer(buffer)) };
}

unsafe extern "C" fn on_process(data: *mut c_void) {
    // SAFETY: PipeWire hands back our pointer.
    unsafe { guarded(data, Shared::process) };
}
