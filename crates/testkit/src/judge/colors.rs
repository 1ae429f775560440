//! Colours: the card's bars, decoded by the tags that the file carries, against what they should be.

use ffmpeg_next::{color, format, frame};
use ghoststream::test_card::{BARS, bar_area};
use ghoststream::{Rect, Size};

use super::eye::{Converter, is_full, named};

/// What the file says of its code values.
#[derive(Clone, Debug)]
pub(super) struct Coding {
    pub matrix: String,
    pub range: String,
    pub primaries: String,
    pub transfer: String,
}

impl Coding {
    pub fn of(picture: &frame::Video) -> Self {
        let range = if is_full(picture) { Some("pc") } else { picture.color_range().name() };
        Self {
            matrix: named(picture.color_space().name()),
            range: named(range),
            primaries: named(picture.color_primaries().name()),
            transfer: named(picture.color_transfer_characteristic().name()),
        }
    }
}

/// Measures the bars of pictures and keeps the largest error.
#[derive(Default)]
pub(super) struct ColorMeter {
    converter: Converter,
    worst: Option<f64>,
}

impl ColorMeter {
    /// The largest error of all pictures measured, in 8-bit code values.
    pub fn worst(&self) -> Option<f64> {
        self.worst
    }

    /// Measures a picture whose card fills `area`.
    pub fn measure(&mut self, picture: &frame::Video, area: Rect) {
        let size = Size::new(picture.width(), picture.height());
        let is_rgb = picture.color_space() == color::Space::RGB || is_rgb_format(picture.format());
        // Converting between YUV formats of one range leaves the code values as they are.
        let to = match (is_rgb, is_yuvj(picture.format())) {
            (true, _) => format::Pixel::GBRP,
            (false, true) => format::Pixel::YUVJ444P,
            (false, false) => format::Pixel::YUV444P,
        };
        let Some(flat) = self.converter.convert(picture, to, size) else {
            return;
        };
        for (index, expected) in BARS.into_iter().enumerate() {
            let bar = bar_area(area.size(), index);
            let bar = Rect::new(bar.x + area.x, bar.y + area.y, bar.width, bar.height);
            let Some(means) = mean(flat, bar) else { continue };
            let found = if is_rgb { [means[2], means[0], means[1]] } else { rgb(means, picture) };
            for (found, expected) in found.into_iter().zip(expected) {
                let error = (found.clamp(0.0, 255.0) - f64::from(expected)).abs();
                self.worst = Some(self.worst.unwrap_or(0.0).max(error));
            }
        }
    }
}

/// The mean of each plane within a rectangle.
fn mean(picture: &frame::Video, area: Rect) -> Option<[f64; 3]> {
    let area = area.intersection(Rect::new(0, 0, picture.width(), picture.height()));
    if area.is_empty() {
        return None;
    }
    let plane = |index: usize| {
        let rows = picture.data(index).chunks(picture.stride(index));
        let rows = rows.skip(area.y as usize).take(area.height as usize);
        let sum: u64 =
            rows.flat_map(|row| &row[area.x as usize..area.right() as usize]).map(|&it| u64::from(it)).sum();
        sum as f64 / area.size().area() as f64
    };
    Some([plane(0), plane(1), plane(2)])
}

/// Red, green and blue by the picture's own tags; as players do, BT.709 is taken for pictures of more
/// than 576 lines that say nothing, BT.601 for smaller ones.
fn rgb([y, cb, cr]: [f64; 3], picture: &frame::Video) -> [f64; 3] {
    let (kr, kb) = match picture.color_space() {
        color::Space::BT709 => (0.2126, 0.0722),
        color::Space::BT2020NCL | color::Space::BT2020CL => (0.2627, 0.0593),
        color::Space::Unspecified if picture.height() > 576 => (0.2126, 0.0722),
        _ => (0.299, 0.114),
    };
    let (y, cb, cr) = if is_full(picture) {
        (y / 255.0, (cb - 128.0) / 255.0, (cr - 128.0) / 255.0)
    } else {
        ((y - 16.0) / 219.0, (cb - 128.0) / 224.0, (cr - 128.0) / 224.0)
    };
    let (red, blue) = (y + 2.0 * (1.0 - kr) * cr, y + 2.0 * (1.0 - kb) * cb);
    let green = (y - kr * red - kb * blue) / (1.0 - kr - kb);
    [red * 255.0, green * 255.0, blue * 255.0]
}

fn is_yuvj(pixel: format::Pixel) -> bool {
    use format::Pixel::{YUVJ420P, YUVJ422P, YUVJ444P};
    [YUVJ420P, YUVJ422P, YUVJ444P].contains(&pixel)
}

fn is_rgb_format(pixel: format::Pixel) -> bool {
    pixel.descriptor().is_some_and(|it| {
        // SAFETY: descriptors are static tables of libavutil.
        let flags = unsafe { (*it.as_ptr()).flags };
        flags & u64::from(ffmpeg_next::ffi::AV_PIX_FMT_FLAG_RGB.cast_unsigned()) != 0
    })
}
