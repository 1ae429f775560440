//! The producer's thread.

use std::cell::RefCell;
use std::ffi::CString;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, mpsc};
use std::time::Duration;

use anyhow::{Context, Result};
use ghoststream::Timestamp;
use ghoststream::internals::format::{VideoFormat, parse_format, unfixed_modifiers};
use ghoststream::internals::layout::Chunk;
use ghoststream::internals::pod::Object;
use pipewire as pw;
use pw::spa::sys as spa_sys;
use pw::sys as pw_sys;

use super::draft::Draft;
use super::memory::Buffer;
use super::script::{Memory, Offer, Script};
use super::timeline::Released;
use super::{Command, Painter, Status};

struct State {
    script: Script,
    painter: Painter,
    status: Arc<Status>,
    format: Option<VideoFormat>,
    buffers: Vec<Buffer>,
    number: u64,
}

pub(super) fn run(
    script: Script,
    painter: Painter,
    commands: pw::channel::Receiver<Command>,
    status: &Arc<Status>,
    ready: &mpsc::SyncSender<Result<()>>,
) {
    if let Err(error) = serve(script, painter, commands, status, ready) {
        status
            .error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(|| format!("{error:#}"));
        let _ = ready.try_send(Err(error));
    }
}

fn serve(
    script: Script,
    painter: Painter,
    commands: pw::channel::Receiver<Command>,
    status: &Arc<Status>,
    ready: &mpsc::SyncSender<Result<()>>,
) -> Result<()> {
    pw::init();
    let main_loop = pw::main_loop::MainLoopRc::new(None)?;
    let context = pw::context::ContextRc::new(&main_loop, None)?;
    let core = context.connect_rc(None).context("connecting to PipeWire")?;
    let properties = pw::properties::properties! {
        *pw::keys::MEDIA_CLASS => script.class.clone(),
        *pw::keys::NODE_NAME => script.name.clone(),
        *pw::keys::NODE_DESCRIPTION => format!("Producer {}", script.name),
    };
    let stream = pw::stream::StreamRc::new(core, &script.name, properties)?;
    let (fps, offers, memory) = (script.fps, script.offers.clone(), script.memory);
    let buffers = if script.gpu.is_some() { Memory::MemFd { sealable: true } } else { memory };
    let state = Rc::new(RefCell::new(State {
        script,
        painter,
        status: Arc::clone(status),
        format: None,
        buffers: Vec::new(),
        number: 0,
    }));
    let _listener = listen(&stream, &state)?;
    let _attached = commands.attach(main_loop.loop_(), {
        let (stream, main_loop) = (stream.clone(), main_loop.clone());
        let state = Rc::clone(&state);
        move |command| obey(command, &stream, &state, &main_loop)
    });
    let timer = main_loop.loop_().add_timer({
        let (stream, state, main_loop) = (stream.clone(), Rc::clone(&state), main_loop.clone());
        move |_| tick(&stream, &state, &main_loop)
    });
    connect(&stream, &offers, fps, buffers)?;
    if fps > 0.0 {
        let interval = Duration::from_secs_f64(1.0 / fps);
        timer.update_timer(Some(interval), Some(interval)).into_result()?;
    }
    let _ = ready.send(Ok(()));
    main_loop.run();
    let _ = stream.disconnect();
    Ok(())
}

fn connect(stream: &pw::stream::Stream, offers: &[Offer], fps: f64, memory: Memory) -> Result<()> {
    let offers: Vec<Object> = offers.iter().map(|offer| offer.pod(fps)).collect();
    let mut params: Vec<*const spa_sys::spa_pod> = offers.iter().map(Object::as_ptr).collect();
    let mut flags = pw_sys::pw_stream_flags_PW_STREAM_FLAG_DRIVER;
    flags |= match memory {
        Memory::MemFd { .. } => pw_sys::pw_stream_flags_PW_STREAM_FLAG_ALLOC_BUFFERS,
        Memory::MemPtr => pw_sys::pw_stream_flags_PW_STREAM_FLAG_MAP_BUFFERS,
    };
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

fn update(stream: &pw::stream::Stream, params: &[Object]) {
    let mut params: Vec<*const spa_sys::spa_pod> = params.iter().map(Object::as_ptr).collect();
    // SAFETY: as for `connect`; called on the stream's own loop.
    unsafe { pw_sys::pw_stream_update_params(stream.as_raw_ptr(), params.as_mut_ptr(), params.len() as u32) };
}

fn obey(
    command: Command,
    stream: &pw::stream::Stream,
    state: &RefCell<State>,
    main_loop: &pw::main_loop::MainLoopRc,
) {
    match command {
        Command::SetActive(active) => drop(stream.set_active(active)),
        Command::Offer(offers) => {
            let fps = state.borrow().script.fps;
            update(stream, &offers.iter().map(|offer| offer.pod(fps)).collect::<Vec<_>>());
            state.borrow_mut().script.offers = offers;
        }
        Command::Stop => main_loop.quit(),
    }
}

type Listener = pw::stream::StreamListener<Rc<RefCell<State>>>;

/// Every callback runs on this thread, since the stream does not ask for a realtime one.
fn listen(stream: &pw::stream::StreamRc, state: &Rc<RefCell<State>>) -> Result<Listener> {
    let listener = stream
        .add_local_listener_with_user_data(Rc::clone(state))
        .state_changed(|stream, state, _, new| {
            let status = Arc::clone(&state.borrow().status);
            let streaming = new == pw::stream::StreamState::Streaming;
            status.streaming.store(streaming, Ordering::Release);
            match new {
                pw::stream::StreamState::Paused | pw::stream::StreamState::Streaming => {
                    status.node.store(stream.node_id(), Ordering::Release);
                }
                pw::stream::StreamState::Error(error) => {
                    *status.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                }
                _ => {}
            }
        })
        .param_changed(|stream, state, id, pod| {
            if id != 4 {
                return;
            }
            let format = pod.and_then(|pod| parse_format(pod.as_bytes()).ok());
            let choice = pod.and_then(|pod| unfixed_modifiers(pod.as_bytes()));
            state.borrow_mut().format = format;
            let Some(format) = format else { return };
            let params = match choice {
                Some(choice) => state.borrow().choose(&format, &choice),
                None => state.borrow().script.params(&format),
            };
            // It answers with another format, from within.
            update(stream, &params);
        })
        .add_buffer(|stream, state, raw| {
            let failure = state.borrow_mut().add_buffer(raw);
            if let Some(why) = failure {
                // The state's callback is called from within.
                fail(stream, &why);
            }
        })
        .remove_buffer(|_, state, raw| {
            let mut state = state.borrow_mut();
            state.buffers.retain(|buffer| buffer.raw.as_ptr() != raw);
            state.status.buffers.store(state.buffers.len(), Ordering::Release);
        })
        .register()?;
    Ok(listener)
}

/// Sends one frame.
fn tick(stream: &pw::stream::Stream, state: &RefCell<State>, main_loop: &pw::main_loop::MainLoopRc) {
    let mut state = state.borrow_mut();
    if !state.status.streaming.load(Ordering::Acquire) || state.format.is_none() {
        return;
    }
    if state.script.frames.is_some_and(|most| state.number >= most) {
        main_loop.quit();
        return;
    }
    // SAFETY: on the stream's own thread.
    let raw = unsafe { pw_sys::pw_stream_dequeue_buffer(stream.as_raw_ptr()) };
    let Some(raw) = NonNull::new(raw) else {
        state.status.starved.fetch_add(1, Ordering::AcqRel);
        // Buffers come back in a cycle, and only the driver starts one.
        // SAFETY: as above.
        unsafe { pw_sys::pw_stream_trigger_process(stream.as_raw_ptr()) };
        return;
    };
    state.fill(raw);
    state.status.sent.fetch_add(1, Ordering::AcqRel);
    // SAFETY: the buffer was dequeued above.
    unsafe {
        pw_sys::pw_stream_queue_buffer(stream.as_raw_ptr(), raw.as_ptr());
        pw_sys::pw_stream_trigger_process(stream.as_raw_ptr());
    }
}

/// Puts the stream into an error, as a compositor does that cannot allocate.
fn fail(stream: &pw::stream::Stream, why: &str) {
    let why = CString::new(why).unwrap_or_default();
    // SAFETY: the stream is valid; format and message are strings, the one printing the other.
    unsafe { pw_sys::pw_stream_set_error(stream.as_raw_ptr(), -12, c"%s".as_ptr(), why.as_ptr()) };
}

impl State {
    /// Allocates a buffer; returns why the stream fails, where the script wants that.
    fn add_buffer(&mut self, raw: *mut pw_sys::pw_buffer) -> Option<String> {
        let (Some(raw), Some(format)) = (NonNull::new(raw), self.format) else { return None };
        let mut failure = None;
        // SAFETY: PipeWire has just added the buffer; `remove_buffer` drops it.
        match unsafe { Buffer::new(raw, &self.script, format) } {
            Ok(buffer) => self.buffers.push(buffer),
            Err(error) if format.modifier.is_some() => {
                failure =
                    self.script.gpu.as_ref().is_some_and(|gpu| gpu.breaks).then(|| format!("{error:#}"));
            }
            Err(error) => {
                *self.status.error.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(format!("{error:#}"));
            }
        }
        self.status.buffers.store(self.buffers.len(), Ordering::Release);
        failure
    }

    /// Chooses the first of our own modifiers that the other side can import, and offers nothing else in a GPU's
    /// memory.
    fn choose(&self, format: &VideoFormat, choice: &[u64]) -> Vec<Object> {
        let (offers, fps) = (&self.script.offers, self.script.fps);
        if !self.script.gpu.as_ref().is_some_and(|gpu| gpu.chooses) {
            return Vec::new();
        }
        let of_format = |offer: &&Offer| {
            offer
                .formats
                .iter()
                .any(|id| ghoststream::internals::format::pixel_format(*id) == Some(format.format))
                && !offer.modifiers.is_empty()
        };
        let chosen = offers.iter().filter(of_format).find_map(|offer| {
            let modifier = offer.modifiers.iter().find(|it| choice.contains(it))?;
            Some(offer.fixed(*modifier))
        });
        chosen.iter().chain(offers).map(|offer| offer.pod(fps)).collect()
    }

    fn fill(&mut self, raw: NonNull<pw_sys::pw_buffer>) {
        let Some(buffer) = self.buffers.iter_mut().find(|buffer| buffer.raw == raw) else { return };
        let format = buffer.format;
        let layout = match format.modifier {
            Some(_) => self.script.gpu_layout(format.format, format.size),
            None => self.script.layout(format.format, format.size),
        };
        let starts = buffer.starts();
        // What a consumer has not seen, since another picture overtook it, nobody has promised to release.
        let promised = buffer.meta_word(9).is_some_and(|flags| flags & 1 == 0);
        let released = buffer.points.as_ref().filter(|_| promised).map(|points| points.wait_released());
        match released {
            Some(Ok(Released::Yes)) => drop(self.status.released.fetch_add(1, Ordering::AcqRel)),
            Some(Ok(Released::No) | Err(_)) => drop(self.status.unreleased.fetch_add(1, Ordering::AcqRel)),
            Some(Ok(Released::First)) | None => {}
        }
        let number = self.number;
        let first_use = !std::mem::replace(&mut buffer.used, true);
        let chunk = |(length, stride): &(usize, usize)| Chunk {
            offset: 0,
            size: *length as u32,
            stride: *stride as i32,
            flags: 0,
        };
        let mut draft = Draft {
            number: self.number,
            pts: Timestamp::now().as_nanos(),
            header_flags: 0,
            format: format.format,
            size: format.size,
            stride: layout.first().map_or(0, |(_, stride)| *stride),
            in_gpu: format.modifier.is_some(),
            first_use,
            blocks: buffer.blocks(),
            chunks: layout.iter().map(chunk).collect(),
            crop: [0; 4],
            transform: 0,
            damage: Vec::new(),
            cursor: Vec::new(),
            truncate: None,
            skip: false,
        };
        (self.painter)(&mut draft);
        let Draft { pts, header_flags, mut chunks, crop, transform, damage, cursor, truncate, .. } = draft;
        self.number += 1;
        for (chunk, start) in chunks.iter_mut().zip(starts) {
            chunk.offset = chunk.offset.wrapping_add(start);
        }
        buffer.set_chunks(&chunks);
        if let Some(mut points) = buffer.points.take() {
            buffer.set_meta(9, &points.next());
            let _ = points.drawn(number);
            buffer.points = Some(points);
        }
        let mut header = [0; 32];
        header[..4].copy_from_slice(&header_flags.to_ne_bytes());
        header[8..16].copy_from_slice(&pts.to_ne_bytes());
        header[24..].copy_from_slice(&self.number.to_ne_bytes());
        buffer.set_meta(1, &header);
        buffer.set_meta(2, &words(&[crop]));
        buffer.set_meta(3, &words(&damage));
        buffer.set_meta(5, &cursor);
        buffer.set_meta(8, &transform.to_ne_bytes());
        if let Some(length) = truncate {
            buffer.truncate(length);
        }
    }
}

fn words(regions: &[[i32; 4]]) -> Vec<u8> {
    regions.iter().flatten().flat_map(|word| word.to_ne_bytes()).collect()
}
