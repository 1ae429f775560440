//! The card's colour bars in what a program saw, beside what they would be had it taken the matrix for another.

use ghoststream::test_card::{BARS, bar_area};
use ghoststream::{Rect, Size};

/// A picture as red, green and blue, row after row.
pub struct Rgb {
    pub size: Size,
    pub bytes: Vec<u8>,
}

/// The weights of red and blue in luma.
const BT601: [f64; 2] = [0.299, 0.114];
const BT709: [f64; 2] = [0.2126, 0.0722];

/// What was done to the colours on the way, in words.
const WAYS: [(&str, Option<[[f64; 2]; 2]>); 3] = [
    ("right", None),
    ("BT.709 read as BT.601", Some([BT709, BT601])),
    ("BT.601 read as BT.709", Some([BT601, BT709])),
];

/// The bars that were found, and the way that explains them best.
pub struct Found {
    pub bars: [[u8; 3]; BARS.len()],
    pub way: &'static str,
    /// How far the worst value is from what that way makes of the card, and from the card.
    pub off: f64,
    pub error: f64,
}

impl Found {
    pub fn in_picture(picture: &Rgb) -> Self {
        let bars = std::array::from_fn(|index| mean(picture, bar_area(picture.size, index)));
        let worst = |way: Option<[[f64; 2]; 2]>| {
            let expected = BARS.map(|bar| through(bar, way));
            let pairs = bars.as_flattened().iter().zip(expected.as_flattened());
            pairs.map(|(&found, expected)| (f64::from(found) - expected).abs()).fold(0.0, f64::max)
        };
        let mut ways = WAYS.map(|(name, way)| (name, worst(way)));
        ways.sort_by(|a, b| a.1.total_cmp(&b.1));
        let [(way, off), ..] = ways;
        Self { bars, way, off, error: worst(None) }
    }
}

fn mean(picture: &Rgb, area: Rect) -> [u8; 3] {
    let stride = picture.size.width as usize * 3;
    let mut sums = [0u64; 3];
    for row in picture.bytes.chunks(stride).skip(area.y as usize).take(area.height as usize) {
        for pixel in &row.as_chunks::<3>().0[area.x as usize..area.right() as usize] {
            for (sum, value) in sums.iter_mut().zip(pixel) {
                *sum += u64::from(*value);
            }
        }
    }
    sums.map(|it| (it / area.size().area().max(1)) as u8)
}

/// A colour that was coded by one matrix and decoded by another.
fn through([red, green, blue]: [u8; 3], way: Option<[[f64; 2]; 2]>) -> [f64; 3] {
    let [red, green, blue] = [red, green, blue].map(f64::from);
    let Some([[kr, kb], [other_kr, other_kb]]) = way else { return [red, green, blue] };
    let y = kr * red + (1.0 - kr - kb) * green + kb * blue;
    let (cr, cb) = ((red - y) / (1.0 - kr), (blue - y) / (1.0 - kb));
    let (red, blue) = (y + (1.0 - other_kr) * cr, y + (1.0 - other_kb) * cb);
    let green = (y - other_kr * red - other_kb * blue) / (1.0 - other_kr - other_kb);
    [red, green, blue].map(|it| it.clamp(0.0, 255.0))
}
