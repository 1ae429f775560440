//! The camera's thread: its connection to PipeWire, its node, and what is sent when.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use pipewire as pw;

use crate::shared::{Shared, count};
use crate::state::State;
use crate::stream::{is_broken, refuse, start, update};
use crate::{Cards, Input, Udmabuf, name};

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
    /// What makes DMA-BUFs, where they are to be offered.
    pub(crate) dmabufs: Option<Arc<Udmabuf>>,
}

/// Who waits for the camera to be there.
pub(crate) type Ready = mpsc::SyncSender<Result<(), String>>;

/// How often they get it: programs take a camera for broken that sends nothing.
const STILL_EVERY: Duration = Duration::from_millis(200);
/// How long to wait before PipeWire is looked for again, once it was there.
const RETRY: Duration = Duration::from_secs(1);

/// `SPA_PARAM_Format`.
const PARAM_FORMAT: u32 = 4;

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
    _stream_listener: Listener,
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
        let state = Rc::new(RefCell::new(State::new(plan, shared, ready, began)));
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
        let (formats, maker) = (state.borrow().negotiation.formats(), state.borrow().negotiation.maker());
        start(&stream, &formats, maker).map_err(words)?;
        Ok(Self {
            _stream_listener: stream_listener,
            stream,
            _core_listener: core_listener,
            _core: core,
            state: Rc::clone(state),
        })
    }

    /// Has all buffers replaced when none has come back for long: somebody holds on to them, or has stopped. Offering
    /// the formats again makes PipeWire agree with everybody once more, on new buffers. So it does when DMA-BUFs that were
    /// agreed on could not be made: then the formats that are left are offered.
    fn see_to_buffers(&self) {
        let mut state = self.state.borrow_mut();
        let (held, failed) = (state.needs_buffers(), state.negotiation.has_failed());
        if held {
            tracing::debug!("the camera asks for new buffers: all are held");
            count(&state.shared.counters.replaced);
        }
        if held || failed {
            let formats = state.negotiation.formats();
            // What it causes calls back from within.
            drop(state);
            update(&self.stream, &formats);
        }
    }

    /// Takes the node away. Returns whether a picture was ever shown.
    fn close(self, shared: &Shared) -> bool {
        // It is told of, too, as if the daemon had taken the node away.
        let error = self.state.borrow_mut().error.take();
        let _ = self.stream.disconnect();
        shared.watched.store(false, Ordering::Release);
        shared.set_agreed(None);
        shared.set_node(None);
        let mut state = self.state.borrow_mut();
        if let Some(reason) = error {
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
            // What was asked of an object that the daemon had just taken away is told here too, and is no loss.
            if id == pw::core::PW_ID_CORE && code != -libc::ENOENT {
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
    let (main_loop, shared) = (main_loop.clone(), Arc::clone(&state.borrow().shared));
    stream
        .add_local_listener_with_user_data(Rc::clone(state))
        .state_changed(move |stream, state, _, new| {
            tracing::debug!(?new, "camera");
            match new {
                pw::stream::StreamState::Error(reason) if !is_broken(stream) => {
                    tracing::debug!(reason, "somebody and the camera could not agree");
                    count(&shared.counters.refused);
                }
                pw::stream::StreamState::Error(reason) => lost(state, &main_loop, &reason),
                pw::stream::StreamState::Unconnected => lost(state, &main_loop, "its node was taken away"),
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
        // SAFETY: PipeWire has just added the buffer, and says so before it goes.
        .add_buffer(|_, state, raw| unsafe { state.borrow_mut().negotiation.add_buffer(raw) })
        .remove_buffer(|_, state, raw| state.borrow_mut().negotiation.remove_buffer(raw))
        .register()
}
