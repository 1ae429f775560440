//! What is measured.

use ghoststream_gpu::pass::Target;
use ghoststream_picture::filter::Filter;
use ghoststream_picture::{Color, ColorRange, ColorSpace, PixelFormat, Size, Transfer};

pub struct Case {
    pub name: String,
    pub format: PixelFormat,
    pub size: Size,
    pub color: Color,
    pub target: Target,
    pub filter: Filter,
    pub content: Content,
}

/// What is shown.
#[derive(Clone, Copy)]
pub enum Content {
    /// Nothing has anything in common with what is beside it, and most colours of wide gamuts are beyond
    /// others: as slow as it gets.
    Noise,
    /// See `desktop.rs`.
    Desktop,
}

const UHD: Size = Size::new(3840, 2160);
const HD: Size = Size::new(1920, 1080);

pub const RGB: Color = Color::new(ColorSpace::Bt709, ColorRange::Full);
const RGB_PQ: Color = Color::new(ColorSpace::Bt2020, ColorRange::Full).with_transfer(Transfer::Pq);
const RGB_HLG: Color = Color::new(ColorSpace::Bt2020, ColorRange::Full).with_transfer(Transfer::Hlg);
const SCRGB: Color = RGB.with_transfer(Transfer::Linear);
const SDR: Color = Color::new(ColorSpace::Bt709, ColorRange::Limited);
const PQ: Color = Color::new(ColorSpace::Bt2020, ColorRange::Limited).with_transfer(Transfer::Pq);

pub fn all() -> Vec<Case> {
    use PixelFormat::{Bgrx, Nv12, P010, Rgba16f, Xbgr2101010};
    let case = |name: &str, format, size, color, to, to_size, to_color, filter| Case {
        name: name.to_owned(),
        format,
        size,
        color,
        target: Target { format: to, size: to_size, color: to_color },
        filter,
        content: if name.contains("desktop") { Content::Desktop } else { Content::Noise },
    };
    vec![
        case("4K BGRx to NV12", Bgrx, UHD, RGB, Nv12, UHD, SDR, Filter::Nearest),
        case("4K BGRx to P010", Bgrx, UHD, RGB, P010, UHD, SDR, Filter::Nearest),
        case("4K RGB10 PQ to P010 PQ", Xbgr2101010, UHD, RGB_PQ, P010, UHD, PQ, Filter::Nearest),
        case("4K RGB10 PQ to NV12 SDR", Xbgr2101010, UHD, RGB_PQ, Nv12, UHD, SDR, Filter::Nearest),
        case("4K RGB10 PQ desktop to NV12 SDR", Xbgr2101010, UHD, RGB_PQ, Nv12, UHD, SDR, Filter::Nearest),
        case("4K RGB10 PQ to P010 SDR", Xbgr2101010, UHD, RGB_PQ, P010, UHD, SDR, Filter::Nearest),
        case("4K RGB10 HLG to NV12 SDR", Xbgr2101010, UHD, RGB_HLG, Nv12, UHD, SDR, Filter::Nearest),
        case("4K RGBA16F scRGB to NV12 SDR", Rgba16f, UHD, SCRGB, Nv12, UHD, SDR, Filter::Nearest),
        case("1080p BGRx to NV12", Bgrx, HD, RGB, Nv12, HD, SDR, Filter::Nearest),
        case("4K BGRx to 1080p NV12 bilinear", Bgrx, UHD, RGB, Nv12, HD, SDR, Filter::Bilinear),
        case("4K BGRx to 1080p P010 bilinear", Bgrx, UHD, RGB, P010, HD, SDR, Filter::Bilinear),
        case("4K BGRx to 1080p NV12 Lanczos", Bgrx, UHD, RGB, Nv12, HD, SDR, Filter::Lanczos),
        case("4K BGRx to 1080p P010 Lanczos", Bgrx, UHD, RGB, P010, HD, SDR, Filter::Lanczos),
        case("4K NV12 to 1080p NV12 bilinear", Nv12, UHD, SDR, Nv12, HD, SDR, Filter::Bilinear),
        case("4K P010 PQ to 1080p NV12 Lanczos", P010, UHD, PQ, Nv12, HD, SDR, Filter::Lanczos),
        case("1080p BGRx to 4K NV12 Lanczos", Bgrx, HD, RGB, Nv12, UHD, SDR, Filter::Lanczos),
    ]
}
