//! The Wayland side of the window.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::SyncSender;

use anyhow::{Context, Result};
use ghoststream::test_card::{Card, Stamp};
use ghoststream::{Size, Timestamp};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;
use wayland_client::globals::{GlobalListContents, registry_queue_init};
use wayland_client::protocol::{
    wl_buffer::{self, WlBuffer},
    wl_callback::{self, WlCallback},
    wl_compositor::WlCompositor,
    wl_registry::{self, WlRegistry},
    wl_shm::{self, WlShm},
    wl_shm_pool::WlShmPool,
    wl_surface::WlSurface,
};
use wayland_client::{Connection, Dispatch, EventQueue, Proxy, QueueHandle, delegate_noop};
use wayland_protocols::xdg::shell::client::{
    xdg_surface::{self, XdgSurface},
    xdg_toplevel::{self, XdgToplevel},
    xdg_wm_base::{self, XdgWmBase},
};

use super::buffer::Pixels;

/// The size where the compositor leaves it to us.
const DEFAULT: Size = Size::new(1280, 720);
/// One shown, one waiting, one being drawn.
const BUFFERS: usize = 3;

/// Shows the card until the compositor goes away or `stop` becomes readable.
pub(super) fn run(
    stream: UnixStream,
    stop: &OwnedFd,
    fps: Option<f64>,
    drawn: Arc<AtomicU32>,
    shown: SyncSender<()>,
) -> Result<()> {
    let connection = Connection::from_socket(stream)?;
    let (globals, mut events) = registry_queue_init::<Window>(&connection)?;
    let queue = events.handle();
    let compositor: WlCompositor = globals.bind(&queue, 4..=4, ()).context("the compositor's surfaces")?;
    let shell: XdgWmBase = globals.bind(&queue, 1..=1, ()).context("xdg-shell")?;
    let shm: WlShm = globals.bind(&queue, 1..=1, ()).context("shared memory")?;
    let surface = compositor.create_surface(&queue, ());
    let xdg_surface = shell.get_xdg_surface(&surface, &queue, ());
    let toplevel = xdg_surface.get_toplevel(&queue, ());
    toplevel.set_title("GhostStream test card".into());
    toplevel.set_app_id("ghoststream-test-card".into());
    toplevel.set_fullscreen(None);
    surface.commit();
    let mut window = Window {
        surface,
        shm,
        queue,
        card: Card::new(DEFAULT),
        wanted: DEFAULT,
        slots: Vec::new(),
        last: None,
        due: fps.map(|fps| Due { period: (1e9 / fps) as i64, next: Timestamp::now() }),
        configured: false,
        ready: true,
        closed: false,
        drawn,
        shown: Some(shown),
        failure: None,
    };
    while !window.closed {
        events.dispatch_pending(&mut window)?;
        if let Some(failure) = window.failure.take() {
            return Err(failure);
        }
        if !wait(&events, stop)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Sends what is to be sent and takes in what comes. False once the window is to close.
fn wait(events: &EventQueue<Window>, stop: &OwnedFd) -> Result<bool> {
    events.flush()?;
    // Nothing where events are waiting to be dispatched.
    let Some(reading) = events.prepare_read() else { return Ok(true) };
    let mut ready =
        [PollFd::from_borrowed_fd(reading.connection_fd(), PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
    retry_on_intr(|| poll(&mut ready, None))?;
    if !ready[1].revents().is_empty() {
        return Ok(false);
    }
    reading.read()?;
    Ok(true)
}

/// When the next frame may be drawn.
struct Due {
    period: i64,
    next: Timestamp,
}

struct Slot {
    buffer: WlBuffer,
    pixels: Pixels,
    /// The compositor may read it.
    busy: bool,
    /// It holds a frame of the card.
    painted: bool,
}

struct Window {
    surface: WlSurface,
    shm: WlShm,
    queue: QueueHandle<Self>,
    card: Card,
    wanted: Size,
    slots: Vec<Slot>,
    /// What the surface shows.
    last: Option<Stamp>,
    due: Option<Due>,
    configured: bool,
    /// The compositor has shown the last frame and wants another.
    ready: bool,
    closed: bool,
    drawn: Arc<AtomicU32>,
    shown: Option<SyncSender<()>>,
    failure: Option<anyhow::Error>,
}

impl Window {
    fn draw_if_ready(&mut self) {
        if self.configured
            && self.ready
            && let Err(error) = self.draw()
        {
            self.failure = Some(error);
        }
    }

    fn draw(&mut self) -> Result<()> {
        let now = Timestamp::now();
        if !self.is_due(now) {
            // Nothing is drawn, but the compositor is asked to say again when it would be time.
            self.ready = false;
            self.surface.frame(&self.queue, ());
            self.surface.commit();
            return Ok(());
        }
        self.fit()?;
        let Some(index) = self.slots.iter().position(|slot| !slot.busy) else {
            return Ok(());
        };
        let stamp = Stamp { frame: self.drawn.load(Ordering::Relaxed), time: now };
        let slot = &mut self.slots[index];
        let stride = slot.pixels.stride();
        if slot.painted {
            self.card.repaint(slot.pixels.bytes(), stride, stamp)?;
        } else {
            self.card.paint(slot.pixels.bytes(), stride, stamp)?;
        }
        (slot.painted, slot.busy) = (true, true);
        self.surface.attach(Some(&slot.buffer), 0, 0);
        self.damage(stamp);
        self.surface.frame(&self.queue, ());
        self.surface.commit();
        self.ready = false;
        self.last = Some(stamp);
        self.drawn.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn is_due(&mut self, now: Timestamp) -> bool {
        let Some(due) = &mut self.due else { return true };
        // The compositor's own beat is not quite even: a little early is nearer than a refresh late.
        if now.offset(due.period / 4) < due.next {
            return false;
        }
        due.next = due.next.offset(due.period).max(now);
        true
    }

    fn damage(&self, stamp: Stamp) {
        match self.last {
            Some(last) => {
                for area in self.card.damage(last, stamp) {
                    let [x, y, width, height] =
                        [area.x, area.y, area.width, area.height].map(|side| side as i32);
                    self.surface.damage_buffer(x, y, width, height);
                }
            }
            None => self.surface.damage_buffer(0, 0, i32::MAX, i32::MAX),
        }
    }

    /// Makes the buffers anew where the window's size has changed.
    fn fit(&mut self) -> Result<()> {
        if self.card.size() == self.wanted && !self.slots.is_empty() {
            return Ok(());
        }
        for slot in self.slots.drain(..) {
            slot.buffer.destroy();
        }
        self.card = Card::new(self.wanted);
        self.last = None;
        for _ in 0..BUFFERS {
            let slot = self.slot()?;
            self.slots.push(slot);
        }
        Ok(())
    }

    fn slot(&self) -> Result<Slot> {
        let pixels = Pixels::new(self.wanted)?;
        let [width, height] = [self.wanted.width, self.wanted.height].map(|side| side as i32);
        let pool = self.shm.create_pool(pixels.file().as_fd(), pixels.length() as i32, &self.queue, ());
        let stride = pixels.stride() as i32;
        let buffer = pool.create_buffer(0, width, height, stride, wl_shm::Format::Xrgb8888, &self.queue, ());
        pool.destroy();
        Ok(Slot { buffer, pixels, busy: false, painted: false })
    }
}

impl Dispatch<WlCallback, ()> for Window {
    fn event(
        window: &mut Self,
        _: &WlCallback,
        event: wl_callback::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wl_callback::Event::Done { .. } = event {
            window.ready = true;
            if let Some(shown) = window.shown.take() {
                let _ = shown.try_send(());
            }
            window.draw_if_ready();
        }
    }
}

impl Dispatch<WlBuffer, ()> for Window {
    fn event(
        window: &mut Self,
        buffer: &WlBuffer,
        event: wl_buffer::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wl_buffer::Event::Release = event {
            for slot in window.slots.iter_mut().filter(|slot| slot.buffer.id() == buffer.id()) {
                slot.busy = false;
            }
            // It may have been the one that was missing.
            window.draw_if_ready();
        }
    }
}

impl Dispatch<XdgSurface, ()> for Window {
    fn event(
        window: &mut Self,
        surface: &XdgSurface,
        event: xdg_surface::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_surface::Event::Configure { serial } = event {
            surface.ack_configure(serial);
            window.configured = true;
            window.draw_if_ready();
        }
    }
}

impl Dispatch<XdgToplevel, ()> for Window {
    fn event(
        window: &mut Self,
        _: &XdgToplevel,
        event: xdg_toplevel::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            xdg_toplevel::Event::Configure { width, height, .. } if width > 0 && height > 0 => {
                window.wanted = Size::new(width.unsigned_abs(), height.unsigned_abs());
            }
            xdg_toplevel::Event::Close => window.closed = true,
            _ => {}
        }
    }
}

impl Dispatch<XdgWmBase, ()> for Window {
    fn event(
        _: &mut Self,
        shell: &XdgWmBase,
        event: xdg_wm_base::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_wm_base::Event::Ping { serial } = event {
            shell.pong(serial);
        }
    }
}

impl Dispatch<WlRegistry, GlobalListContents> for Window {
    fn event(
        _: &mut Self,
        _: &WlRegistry,
        _: wl_registry::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}

delegate_noop!(Window: ignore WlCompositor);
delegate_noop!(Window: ignore WlShm);
delegate_noop!(Window: ignore WlShmPool);
delegate_noop!(Window: ignore WlSurface);
