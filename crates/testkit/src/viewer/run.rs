//! The viewer's thread.

use std::cell::RefCell;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::mpsc;

use anyhow::{Context, Result};
use ghoststream::Timestamp;
use ghoststream::internals::format::{VideoFormat, parse_format};
use ghoststream::internals::pod::{Object, Value};
use ghoststream::test_card::Stamp;
use pipewire as pw;
use pw::spa::sys as spa_sys;
use pw::sys as pw_sys;

use super::{Command, Seen, Shared, Takes, Wish, dmabuf, lock, picture};
use crate::producer::spa_format;

/// What the card in a picture says, and between which values its chroma is.
type Read = (Option<Stamp>, Option<(u8, u8)>);

struct State {
    wish: Wish,
    told: Shared,
    format: Option<VideoFormat>,
    held: usize,
}

pub(super) fn run(
    node: u32,
    wish: Wish,
    commands: pw::channel::Receiver<Command>,
    told: &Shared,
    ready: &mpsc::SyncSender<Result<()>>,
) {
    if let Err(error) = serve(node, wish, commands, told, ready) {
        lock(told).error.get_or_insert_with(|| format!("{error:#}"));
        let _ = ready.try_send(Err(error));
    }
}

fn serve(
    node: u32,
    wish: Wish,
    commands: pw::channel::Receiver<Command>,
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
    let taken = offers(&wish, wish.takes);
    let state = Rc::new(RefCell::new(State { wish, told: told.clone(), format: None, held: 0 }));
    let _listener = listen(&stream, &state)?;
    let _attached = commands.attach(main_loop.loop_(), {
        let (main_loop, stream, state) = (main_loop.clone(), stream.clone(), Rc::clone(&state));
        move |command| match command {
            Command::Agree => {
                let again = offers(&state.borrow().wish, state.borrow().wish.takes);
                update(&stream, &again);
            }
            Command::Stop => main_loop.quit(),
        }
    });
    connect(&stream, node, &taken)?;
    let _ = ready.send(Ok(()));
    main_loop.run();
    let _ = stream.disconnect();
    Ok(())
}

/// What it takes, best first.
fn offers(wish: &Wish, takes: Takes) -> Vec<Object> {
    let linear = (takes != Takes::Shared).then_some(Value::Long(0).mandatory());
    linear.map(Some).into_iter().chain([None]).map(|modifier| offer(wish, modifier)).collect()
}

fn offer(wish: &Wish, modifier: Option<Value>) -> Object {
    let size = |width, height| Value::Rectangle(ghoststream::Size::new(width, height));
    let rate = |fps| Value::Fraction(fps, 1);
    let mut properties = vec![
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
    ];
    properties.extend(modifier.map(|modifier| (0x2_0002, modifier)));
    Object::new(0x4_0003, 3, &properties)
}

fn connect(stream: &pw::stream::Stream, node: u32, offers: &[Object]) -> Result<()> {
    let mut params: Vec<*const spa_sys::spa_pod> = offers.iter().map(Object::as_ptr).collect();
    let flags = pw_sys::pw_stream_flags_PW_STREAM_FLAG_AUTOCONNECT
        | pw_sys::pw_stream_flags_PW_STREAM_FLAG_MAP_BUFFERS;
    // SAFETY: the stream is valid, the pods outlive the call, which copies them.
    let result = unsafe {
        pw_sys::pw_stream_connect(
            stream.as_raw_ptr(),
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

fn update(stream: &pw::stream::Stream, params: &[Object]) {
    let mut params: Vec<*const spa_sys::spa_pod> = params.iter().map(Object::as_ptr).collect();
    let count = params.len() as u32;
    // SAFETY: on the stream's own loop; the pods are copied.
    unsafe { pw_sys::pw_stream_update_params(stream.as_raw_ptr(), params.as_mut_ptr(), count) };
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
            let answer = state.borrow_mut().agree(format);
            if !answer.is_empty() {
                update(stream, &answer);
            }
        })
        .process(|stream, state| state.borrow_mut().take_all(stream))
        .register()?;
    Ok(listener)
}

impl State {
    /// What it wants of buffers, or what it takes instead.
    fn agree(&mut self, format: Option<VideoFormat>) -> Vec<Object> {
        self.format = format;
        lock(&self.told).size = format.map(|it| it.size);
        let Some(format) = format else { return Vec::new() };
        lock(&self.told).agreements += 1;
        let in_dmabufs = format.modifier.is_some();
        if in_dmabufs && self.wish.takes == Takes::DmaBufsUntilTried {
            self.wish.takes = Takes::Shared;
            return offers(&self.wish, Takes::Shared);
        }
        let types = if in_dmabufs && self.wish.takes == Takes::DmaBufs { 1 << 3 } else { 1 << 2 };
        let buffers = Object::new(0x4_0004, 5, &[(6, Value::Flags(types))]);
        let header = Object::new(0x4_0005, 6, &[(1, Value::Id(1)), (2, Value::Int(32))]);
        if self.wish.takes == Takes::Shared { vec![header] } else { vec![buffers, header] }
    }

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
        // SAFETY: a dequeued buffer is valid, with its entries, until it is queued.
        let (datas, header) = unsafe {
            let buffer = &*raw.as_ref().buffer;
            let datas = std::slice::from_raw_parts(buffer.datas, buffer.n_datas as usize);
            let metas = match buffer.metas.is_null() {
                true => &[],
                false => std::slice::from_raw_parts(buffer.metas, buffer.n_metas as usize),
            };
            let header = metas.iter().find(|it| it.type_ == 1 && !it.data.is_null());
            (datas, header.map(|it| it.data.cast::<spa_sys::spa_meta_header>().read_volatile()))
        };
        let in_dmabuf = datas[0].type_ == dmabuf::DMA_BUF;
        if in_dmabuf && self.wish.takes == Takes::Shared {
            lock(&self.told).unasked += 1;
            return;
        }
        let read = match in_dmabuf {
            true => self.read_dmabuf(&format, datas),
            false => Ok(self.read_memory(&format, &datas[0])),
        };
        let mut told = lock(&self.told);
        match read {
            Ok(Some((stamp, chroma))) => {
                let (pts, number) = header.map_or((0, 0), |it| (it.pts, it.seq));
                told.seen.push(Seen { at, pts, number, stamp, in_dmabuf, chroma });
            }
            Ok(None) => told.empty += 1,
            Err(error) => drop(told.error.get_or_insert(format!("{error:#}"))),
        }
    }

    /// Reads a picture that PipeWire has mapped, if there is one.
    fn read_memory(&self, format: &VideoFormat, data: &spa_sys::spa_data) -> Option<Read> {
        // SAFETY: PipeWire mapped `maxsize` bytes, and keeps a chunk there, until the buffer is queued.
        let (bytes, chunk): (&[u8], _) = unsafe {
            let bytes = match data.data.is_null() {
                true => &[],
                false => std::slice::from_raw_parts(data.data.cast(), data.maxsize as usize),
            };
            (bytes, *data.chunk)
        };
        let bytes = bytes.get(..chunk.size as usize).filter(|it| !it.is_empty())?;
        let stride = chunk.stride.unsigned_abs() as usize;
        let reads = || picture::stamp(format.format, format.size, stride, bytes);
        Some((self.wish.reads.then(reads).flatten(), None))
    }

    /// Reads a picture in a DMA-BUF, if there is one.
    fn read_dmabuf(&self, format: &VideoFormat, datas: &[spa_sys::spa_data]) -> Result<Option<Read>> {
        let reads = |picture: &dmabuf::Picture<'_>| match self.wish.reads {
            true => (picture.stamp(), picture.chroma()),
            false => (None, None),
        };
        // SAFETY: a dequeued buffer's blocks are valid until it is queued.
        unsafe { dmabuf::read(format, datas, reads) }
    }
}
