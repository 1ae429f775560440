//! The camera's thread: its connection to PipeWire, its node, and what is sent when.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use ghoststream_pod::Object;
use pipewire as pw;
use pw::spa::sys as spa_sys;
use pw::sys as pw_sys;

use crate::buffer::Buffer;
use crate::convert::Converter;
use crate::shared::{Shared, Shown, count};
use crate::{Cards, Input, name, offers};

/// What the thread is told.
pub(crate) enum Command {
    /// A picture waits in the slot.
    Show,
    Stop,
}

/// What the camera is.
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) input: Input,
    pub(crate) cards: Cards,
}

/// Who waits for the camera to be there.
type Ready = mpsc::SyncSender<Result<(), String>>;

/// Without a picture for so long those who look get the still card.
const STILL_AFTER: Duration = Duration::from_secs(1);
/// How often they get it: programs take a camera for broken that sends nothing.
const STILL_EVERY: Duration = Duration::from_millis(200);
/// Without a free buffer for so long, new ones are asked for.
const STARVED_AFTER: Duration = Duration::from_secs(1);
/// How long to wait before PipeWire is looked for again, once it was there.
const RETRY: Duration = Duration::from_secs(1);

/// `SPA_PARAM_Format`.
const PARAM_FORMAT: u32 = 4;

struct State {
    input: Input,
    cards: Cards,
    shared: Arc<Shared>,
    converter: Option<Converter>,
    stride: usize,
    /// Least time between two pictures, nanoseconds; none where all are sent.
    interval: Option<i64>,
    /// When the next picture is due, where they are thinned; `None` at once.
    due: Option<i64>,
    /// Whether a still card was the last thing that was sent.
    still: bool,
    /// When something was sent, or somebody began to look.
    last: Instant,
    /// Whether a picture was ever shown.
    began: bool,
    number: u64,
    /// The time of what was sent last.
    pts: i64,
    /// Since when no buffer was to be had.
    starved: Option<Instant>,
    /// How long that may last.
    patience: Duration,
    ready: Option<Ready>,
    error: Option<String>,
}

/// Serves the camera until it is stopped; looks for PipeWire again when it is lost.
pub(crate) fn run(plan: &Plan, shared: &Arc<Shared>, commands: pw::channel::Receiver<Command>, ready: Ready) {
    pw::init();
    let main_loop = match pw::main_loop::MainLoopRc::new(None) {
        Ok(main_loop) => main_loop,
        Err(error) => return drop(ready.send(Err(error.to_string()))),
    };
    let current: Rc<RefCell<Option<Live>>> = Rc::default();
    let _attached = commands.attach(main_loop.loop_(), {
        let (main_loop, current) = (main_loop.clone(), Rc::clone(&current));
        move |command| match command {
            Command::Stop => main_loop.quit(),
            Command::Show => {
                if let Some(live) = &*current.borrow() {
                    live.state.borrow_mut().show_next(&live.stream);
                    live.see_to_buffers();
                }
            }
        }
    });
    let timer = main_loop.loop_().add_timer({
        let current = Rc::clone(&current);
        move |_| {
            if let Some(live) = &*current.borrow() {
                live.state.borrow_mut().show_card(&live.stream);
                live.see_to_buffers();
            }
        }
    });
    let _ = timer.update_timer(Some(STILL_EVERY), Some(STILL_EVERY)).into_result();
    let mut ready = Some(ready);
    let mut began = false;
    while !shared.is_stopping() {
        let first = ready.is_some();
        match Live::open(plan, shared, &main_loop, (ready.take(), began)) {
            Ok(live) => {
                if !first {
                    count(&shared.counters.reconnected);
                }
                *current.borrow_mut() = Some(live);
                main_loop.run();
                let lost = current.borrow_mut().take();
                began = lost.is_some_and(|live| live.close(shared));
            }
            Err((Some(ready), reason)) => return drop(ready.send(Err(reason))),
            Err((None, reason)) => tracing::debug!(reason, "PipeWire is not back"),
        }
        if !shared.is_stopping() {
            let until = Instant::now() + RETRY;
            while !shared.is_stopping() && Instant::now() < until {
                main_loop.loop_().iterate(pw::loop_::Timeout::Finite(RETRY / 10));
            }
        }
    }
}

/// A connection with the node on it.
struct Live {
    // In this order: listeners go before what they listen to.
    _stream_listener: pw::stream::StreamListener<Rc<RefCell<State>>>,
    stream: pw::stream::StreamRc,
    _core_listener: pw::core::Listener,
    _core: pw::core::CoreRc,
    state: Rc<RefCell<State>>,
}

impl Live {
    fn open(
        plan: &Plan,
        shared: &Arc<Shared>,
        main_loop: &pw::main_loop::MainLoopRc,
        (ready, began): (Option<Ready>, bool),
    ) -> Result<Self, (Option<Ready>, String)> {
        let state = Rc::new(RefCell::new(State {
            input: plan.input,
            cards: plan.cards.clone(),
            shared: Arc::clone(shared),
            converter: None,
            stride: 0,
            interval: None,
            due: None,
            still: false,
            last: Instant::now(),
            began,
            number: 0,
            pts: 0,
            starved: None,
            patience: STARVED_AFTER,
            ready,
            error: None,
        }));
        Self::connect(plan, main_loop, &state).map_err(|reason| (state.borrow_mut().ready.take(), reason))
    }

    fn connect(
        plan: &Plan,
        main_loop: &pw::main_loop::MainLoopRc,
        state: &Rc<RefCell<State>>,
    ) -> Result<Self, String> {
        let words = |error: pw::Error| error.to_string();
        let context = pw::context::ContextRc::new(main_loop, None).map_err(words)?;
        // The crate drops the reason; libpipewire leaves it in errno.
        let core = context.connect_rc(None).map_err(|_| std::io::Error::last_os_error().to_string())?;
        let core_listener = listen_to_core(&core, state, main_loop);
        let properties = pw::properties::properties! {
            *pw::keys::MEDIA_CLASS => "Video/Source",
            *pw::keys::MEDIA_TYPE => "Video",
            *pw::keys::MEDIA_CATEGORY => "Capture",
            *pw::keys::MEDIA_ROLE => "Camera",
            *pw::keys::NODE_NAME => name::node_name(&plan.name),
            *pw::keys::NODE_DESCRIPTION => plan.name.clone(),
            *pw::keys::NODE_NICK => plan.name.clone(),
            "node.virtual" => "true",
        };
        let stream = pw::stream::StreamRc::new(core.clone(), &plan.name, properties).map_err(words)?;
        let stream_listener = listen(&stream, state, main_loop).map_err(words)?;
        let formats = offers::formats(&plan.input);
        start(&stream, &formats).map_err(words)?;
        Ok(Self {
            _stream_listener: stream_listener,
            stream,
            _core_listener: core_listener,
            _core: core,
            state: Rc::clone(state),
        })
    }

    /// Has all buffers replaced when none has come back for long: somebody holds on to them, or has stopped. Offering
    /// the formats again makes PipeWire agree with everybody once more, on new buffers.
    fn see_to_buffers(&self) {
        if self.state.borrow_mut().needs_buffers() {
            tracing::debug!("the camera asks for new buffers: all are held");
            count(&self.state.borrow().shared.counters.replaced);
            // What it causes calls back from within.
            let formats = offers::formats(&self.state.borrow().input);
            update(&self.stream, &formats);
        }
    }

    /// Takes the node away. Returns whether a picture was ever shown.
    fn close(self, shared: &Shared) -> bool {
        let _ = self.stream.disconnect();
        shared.watched.store(false, Ordering::Release);
        shared.set_agreed(None);
        shared.set_node(None);
        let mut state = self.state.borrow_mut();
        if let Some(reason) = state.error.take() {
            tracing::warn!(reason, "the camera lost PipeWire");
            if let Some(ready) = state.ready.take() {
                let _ = ready.send(Err(reason));
            }
        }
        state.began
    }
}

fn listen_to_core(
    core: &pw::core::Core,
    state: &Rc<RefCell<State>>,
    main_loop: &pw::main_loop::MainLoopRc,
) -> pw::core::Listener {
    let (state, main_loop) = (Rc::clone(state), main_loop.clone());
    core.add_listener_local()
        .error(move |id, _, code, message| {
            tracing::debug!(id, code, message, "PipeWire error");
            if id == pw::core::PW_ID_CORE {
                lost(&state, &main_loop, message);
            }
        })
        .register()
}

fn lost(state: &RefCell<State>, main_loop: &pw::main_loop::MainLoopRc, reason: &str) {
    if let Ok(mut state) = state.try_borrow_mut() {
        state.error.get_or_insert_with(|| reason.to_owned());
    }
    main_loop.quit();
}

type Listener = pw::stream::StreamListener<Rc<RefCell<State>>>;

/// Every callback runs on this thread, since the stream does not ask for a realtime one.
fn listen(
    stream: &pw::stream::StreamRc,
    state: &Rc<RefCell<State>>,
    main_loop: &pw::main_loop::MainLoopRc,
) -> Result<Listener, pw::Error> {
    let main_loop = main_loop.clone();
    stream
        .add_local_listener_with_user_data(Rc::clone(state))
        .state_changed(move |stream, state, _, new| {
            tracing::debug!(?new, "camera");
            match new {
                pw::stream::StreamState::Error(error) => lost(state, &main_loop, &error),
                new => state.borrow_mut().changed(stream, &new),
            }
        })
        .param_changed(|stream, state, id, pod| {
            if id != PARAM_FORMAT {
                return;
            }
            let answer = state.borrow_mut().agree(pod.map(|pod| pod.as_bytes()));
            match answer {
                Ok(params) => update(stream, &params),
                Err(reason) => {
                    tracing::warn!(reason, "the camera cannot send what was agreed on");
                    refuse(stream);
                }
            }
        })
        .register()
}

fn start(stream: &pw::stream::Stream, formats: &[Object]) -> Result<(), pw::Error> {
    let mut params: Vec<*const spa_sys::spa_pod> = formats.iter().map(Object::as_ptr).collect();
    let flags =
        pw_sys::pw_stream_flags_PW_STREAM_FLAG_DRIVER | pw_sys::pw_stream_flags_PW_STREAM_FLAG_MAP_BUFFERS;
    // SAFETY: the stream is valid, the pods outlive the call, which copies them.
    let result = unsafe {
        pw_sys::pw_stream_connect(
            stream.as_raw_ptr(),
            spa_sys::SPA_DIRECTION_OUTPUT,
            u32::MAX,
            flags,
            params.as_mut_ptr(),
            params.len() as u32,
        )
    };
    pw::spa::utils::result::SpaResult::from_c(result).into_result()?;
    Ok(())
}

/// Says what buffers the agreed format needs.
fn update(stream: &pw::stream::Stream, params: &[Object]) {
    let mut params: Vec<*const spa_sys::spa_pod> = params.iter().map(Object::as_ptr).collect();
    // SAFETY: on the stream's own loop; the pods are copied.
    unsafe {
        pw_sys::pw_stream_update_params(stream.as_raw_ptr(), params.as_mut_ptr(), params.len() as u32);
    }
}

/// Tells whoever asked that there is no such format.
fn refuse(stream: &pw::stream::Stream) {
    let (invalid, why) = (-libc::EINVAL, c"%s".as_ptr());
    // SAFETY: the stream is valid; format and message are strings, the one printing the other.
    unsafe { pw_sys::pw_stream_set_error(stream.as_raw_ptr(), invalid, why, c"no such format".as_ptr()) };
}

impl State {
    fn changed(&mut self, stream: &pw::stream::Stream, new: &pw::stream::StreamState) {
        use pw::stream::StreamState::{Paused, Streaming};
        if matches!(new, Paused | Streaming) {
            self.shared.set_node(Some(stream.node_id()));
            if let Some(ready) = self.ready.take() {
                let _ = ready.send(Ok(()));
            }
        }
        let streaming = matches!(new, Streaming);
        let before = self.shared.watched.swap(streaming, Ordering::AcqRel);
        if streaming && !before {
            count(&self.shared.counters.opened);
            self.last = Instant::now();
            (self.due, self.still) = (None, false);
            (self.starved, self.patience) = (None, STARVED_AFTER);
        }
        if !streaming {
            drop(self.shared.take());
        }
    }

    /// Gets ready for a format, or for none. Returns what buffers it needs.
    fn agree(&mut self, format: Option<&[u8]>) -> Result<Vec<Object>, String> {
        self.converter = None;
        self.shared.set_agreed(None);
        let Some(format) = format else { return Ok(Vec::new()) };
        let agreed = offers::agreed(format, &self.input)?;
        tracing::debug!(%agreed, "camera");
        self.converter = Some(Converter::new(&self.input, agreed)?);
        self.stride = agreed.format.stride(agreed.size);
        self.interval = interval(self.input.rate, agreed.rate);
        self.shared.set_agreed(Some(agreed));
        Ok(offers::buffers(&agreed))
    }

    /// Sends the picture that waits.
    fn show_next(&mut self, stream: &pw::stream::Stream) {
        let Some((picture, pts)) = self.shared.take() else { return };
        (self.began, self.still) = (true, false);
        if !self.shared.is_watched() {
            return count(&self.shared.counters.unwatched);
        }
        if !self.is_due(pts) {
            return count(&self.shared.counters.thinned);
        }
        match self.send(stream, &(picture, pts)) {
            Ok(bytes) => {
                self.shared.counters.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
                count(&self.shared.counters.shown);
            }
            Err(reason) => {
                tracing::debug!(reason, "a picture was dropped");
                count(&self.shared.counters.dropped);
            }
        }
    }

    /// Sends the still card where nothing else was sent for long.
    fn show_card(&mut self, stream: &pw::stream::Stream) {
        let patience = if self.began && !self.still { STILL_AFTER } else { Duration::ZERO };
        if !self.shared.is_watched() || self.last.elapsed() < patience {
            return;
        }
        let card = if self.began { &self.cards.paused } else { &self.cards.waiting };
        let shown = (Arc::clone(card), clock(libc::CLOCK_MONOTONIC));
        if self.send(stream, &shown).is_ok() {
            count(&self.shared.counters.cards);
        }
        (self.due, self.still) = (None, true);
    }

    /// Whether a picture is not one too many for the agreed rate.
    fn is_due(&mut self, pts: i64) -> bool {
        let Some(interval) = self.interval else { return true };
        // Half of a source's period early is nearer than half a period late.
        let tolerance = 500_000_000 * i64::from(self.input.rate.1) / i64::from(self.input.rate.0);
        let due = self.due.unwrap_or(pts);
        if pts < due - tolerance {
            return false;
        }
        let on_time = pts - due < interval;
        self.due = Some(if on_time { due } else { pts } + interval);
        true
    }

    /// Whether no buffer has come back for long. The next time it takes twice as long: whoever never gives one back
    /// would else have everybody agree on formats without end.
    fn needs_buffers(&mut self) -> bool {
        let needs = self.starved.is_some_and(|since| since.elapsed() > self.patience);
        if needs {
            self.starved = None;
            self.patience *= 2;
        }
        needs
    }

    /// Converts a picture into a free buffer, and has PipeWire's graph take it. Returns its length.
    fn send(&mut self, stream: &pw::stream::Stream, (picture, pts): &Shown) -> Result<usize, String> {
        let converter = self.converter.as_mut().ok_or("no format is agreed on")?;
        let Some(mut buffer) = Buffer::take(stream) else {
            // Buffers come back in a cycle, and the driver starts it.
            let _ = stream.trigger_process();
            self.starved.get_or_insert_with(Instant::now);
            return Err("no buffer is free".into());
        };
        self.starved = None;
        let before = clock(libc::CLOCK_THREAD_CPUTIME_ID);
        let converted = converter.convert(&**picture, buffer.bytes());
        let took = u64::try_from(clock(libc::CLOCK_THREAD_CPUTIME_ID) - before).unwrap_or(0);
        self.shared.counters.converting.fetch_add(took, Ordering::Relaxed);
        match converted {
            Ok(length) => {
                self.number += 1;
                // A still card may be younger than the picture after it, which took its time to be made.
                self.pts = (*pts).max(self.pts + 1);
                let stride = if self.stride == 0 { length } else { self.stride };
                buffer.send(length, stride, self.pts, self.number);
                self.last = Instant::now();
            }
            Err(_) => buffer.give_back(),
        }
        let _ = stream.trigger_process();
        converted
    }
}

/// Least time between pictures where the agreed rate is slower than the camera's.
fn interval(own: (u32, u32), agreed: (u32, u32)) -> Option<i64> {
    let slower = u64::from(agreed.0) * u64::from(own.1) < u64::from(own.0) * u64::from(agreed.1);
    slower.then(|| 1_000_000_000 * i64::from(agreed.1) / i64::from(agreed.0))
}

/// Nanoseconds of a clock.
fn clock(which: libc::clockid_t) -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock exists everywhere, and the time is ours to write.
    unsafe { libc::clock_gettime(which, &raw mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
