//! A camera that shows a moving bar: `cargo run -p ghoststream-camera --example moving_bar -- [NAME]`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ghoststream_camera::{Camera, Cards, Input, Pixels};
use ghoststream_picture::{Color, ColorRange, ColorSpace, PixelFormat, Size};

const SIZE: Size = Size::new(1280, 720);

/// A grey picture, NV12, with a white bar.
struct Bar {
    luma: Vec<u8>,
    chroma: Vec<u8>,
}

impl Bar {
    fn new(at: usize) -> Arc<Self> {
        let (width, height) = (SIZE.width as usize, SIZE.height as usize);
        let row: Vec<u8> = (0..width).map(|x| if x.abs_diff(at) < 40 { 235 } else { 90 }).collect();
        Arc::new(Self { luma: row.repeat(height), chroma: vec![128; width * height / 2] })
    }
}

impl Pixels for Bar {
    fn plane(&self, index: usize) -> (&[u8], usize) {
        match index {
            0 => (&self.luma, SIZE.width as usize),
            1 => (&self.chroma, SIZE.width as usize),
            _ => (&[], 0),
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "Moving bar".to_owned());
    let color = Color::new(ColorSpace::Bt709, ColorRange::Limited);
    let input = Input { format: PixelFormat::Nv12, size: SIZE, color, rate: (30, 1) };
    let card = Bar::new(0);
    let camera = Camera::open(&name, input, Cards { waiting: card.clone(), paused: card })?;
    println!("node {:?}", camera.node());
    let (start, period) = (Instant::now(), Duration::from_secs(1) / 30);
    for number in 0u32.. {
        std::thread::sleep((period * number).saturating_sub(start.elapsed()));
        // CLOCK_MONOTONIC since boot, as the standard library will not say it.
        let uptime: f64 =
            std::fs::read_to_string("/proc/uptime")?.split(' ').next().unwrap_or("0").parse()?;
        camera.show(Bar::new(number as usize * 8 % SIZE.width as usize), (uptime * 1e9) as i64);
        if number % 30 == 0 {
            println!("{:?} {:?}", camera.agreed(), camera.stats());
        }
    }
    Ok(())
}
