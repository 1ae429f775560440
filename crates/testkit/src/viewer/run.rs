//! The viewer's thread.

use std::cell::RefCell;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::mpsc;

use anyhow::{Context, Result};
use ghoststream::Timestamp;
use ghoststream::internals::format::{VideoFormat, parse_format};
use ghoststream::internals::pod::{Object, Value};
use pipewire as pw;
use pw::spa::sys as spa_sys;
use pw::sys as pw_sys;

use super::{Seen, Shared, Wish, lock, picture};
use crate::producer::spa_format;

struct State {
    wish: Wish,
    told: Shared,
    format: Option<VideoFormat>,
    held: usize,
}

pub(super) fn run(
    node: u32,
    wish: Wish,
    stop: pw::channel::Receiver<()>,
    told: &Shared,
    ready: &mpsc::SyncSender<Result<()>>,
) {
    if let Err(error) = serve(node, wish, stop, told, ready) {
        lock(told).error.get_or_insert_with(|| format!("{error:#}"));
        let _ = ready.try_send(Err(error));
    }
}

fn serve(
    node: u32,
    wish: Wish,
    stop: pw::channel::Receiver<()>,
    told: &Shared,
    ready: &mpsc::SyncSender<Result<()>>,
) -> Result<()> {
    pw::init();
    let main_loop = pw::main_loop::MainLoopRc::new(None)?;
    let context = pw::context::ContextRc::new(&main_loop, None)?;
    let core = context.connect_rc(None).context("connecting to PipeWire")?;
    let properties = pw::properties::properties! {
        *pw::keys::MEDIA_TYPE => "Video",
        *pw::keys::MEDIA_CATEGORY => "Capture",
        *pw::keys::MEDIA_ROLE => "Camera",
        "node.dont-reconnect" => "true",
    };
    let stream = pw::stream::StreamRc::new(core, "viewer", properties)?;
    let offer = offer(&wish);
    let state = Rc::new(RefCell::new(State { wish, told: told.clone(), format: None, held: 0 }));
    let _listener = listen(&stream, &state)?;
    let _attached = stop.attach(main_loop.loop_(), {
        let main_loop = main_loop.clone();
        move |()| main_loop.quit()
    });
    connect(&stream, node, &offer)?;
    let _ = ready.send(Ok(()));
    main_loop.run();
    let _ = stream.disconnect();
    Ok(())
}

fn offer(wish: &Wish) -> Object {
    let size = |width, height| Value::Rectangle(ghoststream::Size::new(width, height));
    let rate = |fps| Value::Fraction(fps, 1);
    Object::new(
        0x4_0003,
        3,
        &[
            (1, Value::Id(2)),
            (2, Value::Id(1)),
            (0x2_0001, Value::Id(spa_format(&wish.format))),
            (
                0x2_0003,
                match wish.size {
                    Some(wanted) => Value::Rectangle(wanted),
                    None => Value::range(size(1920, 1080), size(1, 1), size(16384, 16384)),
                },
            ),
            (
                0x2_0004,
                match wish.fps {
                    Some(wanted) => rate(wanted),
                    None => Value::range(rate(240), rate(0), rate(1000)),
                },
            ),
        ],
    )
}

fn connect(stream: &pw::stream::Stream, node: u32, offer: &Object) -> Result<()> {
    let mut params: [*const spa_sys::spa_pod; 1] = [offer.as_ptr()];
    let flags = pw_sys::pw_stream_flags_PW_STREAM_FLAG_AUTOCONNECT
        | pw_sys::pw_stream_flags_PW_STREAM_FLAG_MAP_BUFFERS;
    // SAFETY: the stream is valid, the pod outlives the call, which copies it.
    let result = unsafe {
        pw_sys::pw_stream_connect(
            stream.as_raw_ptr(),
            spa_sys::SPA_DIRECTION_INPUT,
            node,
            flags,
            params.as_mut_ptr(),
            1,
        )
    };
    pw::spa::utils::result::SpaResult::from_c(result).into_result()?;
    Ok(())
}

type Listener = pw::stream::StreamListener<Rc<RefCell<State>>>;

/// Every callback runs on this thread, since the stream does not ask for a realtime one.
fn listen(stream: &pw::stream::StreamRc, state: &Rc<RefCell<State>>) -> Result<Listener> {
    let listener = stream
        .add_local_listener_with_user_data(Rc::clone(state))
        .state_changed(|_, state, _, new| {
            if let pw::stream::StreamState::Error(error) = new {
                lock(&state.borrow().told).error = Some(error);
            }
        })
        .param_changed(|stream, state, id, pod| {
            if id != 4 {
                return;
            }
            let format = pod.and_then(|pod| parse_format(pod.as_bytes()).ok());
            state.borrow_mut().format = format;
            lock(&state.borrow().told).size = format.map(|it| it.size);
            if format.is_some() {
                let header = Object::new(0x4_0005, 6, &[(1, Value::Id(1)), (2, Value::Int(32))]);
                let mut params: [*const spa_sys::spa_pod; 1] = [header.as_ptr()];
                // SAFETY: on the stream's own loop; the pod is copied.
                unsafe { pw_sys::pw_stream_update_params(stream.as_raw_ptr(), params.as_mut_ptr(), 1) };
            }
        })
        .process(|stream, state| state.borrow_mut().take_all(stream))
        .register()?;
    Ok(listener)
}

impl State {
    fn take_all(&mut self, stream: &pw::stream::Stream) {
        while !lock(&self.told).ends {
            // SAFETY: the stream is valid, and this is its loop's thread.
            let raw = unsafe { pw_sys::pw_stream_dequeue_buffer(stream.as_raw_ptr()) };
            let Some(raw) = NonNull::new(raw) else { return };
            self.see(raw);
            if self.held < self.wish.holds {
                self.held += 1;
                continue;
            }
            std::thread::sleep(self.wish.sleeps);
            // SAFETY: the buffer was dequeued above.
            unsafe { pw_sys::pw_stream_queue_buffer(stream.as_raw_ptr(), raw.as_ptr()) };
        }
    }

    fn see(&self, raw: NonNull<pw_sys::pw_buffer>) {
        let at = Timestamp::now();
        let Some(format) = self.format else { return };
        // SAFETY: a dequeued buffer is valid, with its entries, until it is queued; PipeWire mapped `maxsize` bytes.
        let (bytes, chunk, header) = unsafe {
            let buffer = &*raw.as_ref().buffer;
            let data = &*buffer.datas;
            let chunk = *data.chunk;
            let bytes: &[u8] = if data.data.is_null() {
                &[]
            } else {
                std::slice::from_raw_parts(data.data.cast(), data.maxsize as usize)
            };
            let metas = match buffer.metas.is_null() {
                true => &[],
                false => std::slice::from_raw_parts(buffer.metas, buffer.n_metas as usize),
            };
            let header = metas.iter().find(|it| it.type_ == 1 && !it.data.is_null());
            (bytes, chunk, header.map(|it| it.data.cast::<spa_sys::spa_meta_header>().read_volatile()))
        };
        let mut told = lock(&self.told);
        let Some(bytes) = bytes.get(..chunk.size as usize).filter(|it| !it.is_empty()) else {
            told.empty += 1;
            return;
        };
        let stride = chunk.stride.unsigned_abs() as usize;
        let stamp =
            self.wish.reads.then(|| picture::stamp(format.format, format.size, stride, bytes)).flatten();
        let (pts, number) = header.map_or((0, 0), |it| (it.pts, it.seq));
        told.seen.push(Seen { at, pts, number, stamp });
    }
}
