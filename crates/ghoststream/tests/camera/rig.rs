//! A camera that shows the test card, without a pipeline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ghoststream::test_card::{Card, Stamp};
use ghoststream::{Color, ColorRange, ColorSpace, PixelFormat, Size, Timestamp};
use ghoststream_camera::{Camera, Cards, Input, Pixels, Udmabuf};
use testkit::Session;
use testkit::viewer::Viewer;

/// The test card in grey, NV12.
struct Grey {
    luma: Vec<u8>,
    chroma: Vec<u8>,
    stride: usize,
}

impl Pixels for Grey {
    fn plane(&self, index: usize) -> (&[u8], usize) {
        match index {
            0 => (&self.luma, self.stride),
            1 => (&self.chroma, self.stride),
            _ => (&[], 0),
        }
    }
}

/// A picture that is no card, of one value.
fn flat(size: Size, value: u8) -> Arc<dyn Pixels> {
    let pixels = size.width as usize * size.height as usize;
    Arc::new(Grey { luma: vec![value; pixels], chroma: vec![128; pixels / 2], stride: size.width as usize })
}

fn grey(card: &Card, size: Size, stamp: Stamp) -> Arc<dyn Pixels> {
    let stride = size.width as usize;
    let mut bgrx = vec![0; stride * 4 * size.height as usize];
    card.paint(&mut bgrx, stride * 4, stamp).unwrap();
    let luma: Vec<u8> = bgrx.iter().skip(1).step_by(4).copied().collect();
    let chroma = vec![128; luma.len() / 2];
    Arc::new(Grey { luma, chroma, stride })
}

/// What the camera is called.
pub const NAME: &str = "Test camera";
pub const SIZE: Size = Size::new(640, 360);

/// A camera in a session of its own.
pub struct Rig {
    // The painter goes before the camera, and that before its session.
    painter: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
    pub camera: Arc<Camera>,
    pub session: Session,
}

impl Rig {
    /// One that shows nothing yet.
    pub fn still(fps: u32) -> Self {
        Self::open(fps, None)
    }

    /// One that shows the test card at a rate, in DMA-BUFs to those who take them.
    pub fn in_dmabufs(fps: u32) -> Self {
        Self::with(fps, Udmabuf::open().unwrap())
    }

    /// The same, of a device.
    pub fn with(fps: u32, device: Udmabuf) -> Self {
        let mut rig = Self::open(fps, Some(device));
        rig.go(fps);
        rig
    }

    fn open(fps: u32, dmabufs: Option<Udmabuf>) -> Self {
        let session = Session::start().unwrap();
        session.enter();
        let color = Color::new(ColorSpace::Bt709, ColorRange::Limited);
        let input = Input { format: PixelFormat::Nv12, size: SIZE, color, rate: (fps, 1) };
        let cards = Cards { waiting: flat(SIZE, 60), paused: flat(SIZE, 90) };
        let camera = match dmabufs {
            Some(device) => Camera::open_with_dmabufs(NAME, input, cards, device),
            None => Camera::open(NAME, input, cards),
        };
        Self { painter: None, camera: Arc::new(camera.unwrap()), session }
    }

    /// One that shows the test card at a rate.
    pub fn moving(fps: u32) -> Self {
        let mut rig = Self::still(fps);
        rig.go(fps);
        rig
    }

    /// Begins to show the test card, numbered from 0.
    pub fn go(&mut self, fps: u32) {
        let stop = Arc::<AtomicBool>::default();
        let (stopped, camera) = (Arc::clone(&stop), Arc::clone(&self.camera));
        let body = move || {
            let (card, start, period) = (Card::new(SIZE), Instant::now(), Duration::from_secs(1) / fps);
            for frame in 0u32.. {
                std::thread::sleep((period * frame).saturating_sub(start.elapsed()));
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                let time = Timestamp::now();
                camera.show(grey(&card, SIZE, Stamp { frame, time }), time.as_nanos());
            }
        };
        self.painter = Some((stop, std::thread::spawn(body)));
    }

    /// Stops showing anything.
    pub fn stop(&mut self) {
        if let Some((stop, painter)) = self.painter.take() {
            stop.store(true, Ordering::Release);
            painter.join().unwrap();
        }
    }

    /// The camera's node.
    pub fn node(&self) -> u32 {
        self.camera.node().unwrap()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits until `done`, half a minute at most.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what} did not happen within half a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Numbers that the card's frames carry, in the order in which they were seen.
pub fn numbers(viewer: &Viewer) -> Vec<u32> {
    viewer.seen().iter().filter_map(|it| it.stamp).map(|it| it.frame).collect()
}

/// Fails unless every picture is the test card, but for still cards before the first, and none comes twice or out of
/// order.
pub fn must_be_in_order(viewer: &Viewer) {
    // At once, for it goes on.
    let seen = viewer.seen();
    let numbers: Vec<u32> = seen.iter().filter_map(|it| it.stamp).map(|it| it.frame).collect();
    let still = seen.iter().take_while(|it| it.stamp.is_none()).count();
    assert_eq!(numbers.len() + still, seen.len(), "each picture is the card");
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}
