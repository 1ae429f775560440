//! How fast pictures are converted, beside `memcpy`, libswscale and the crates that do the same.
//!
//! `cargo bench -p ghoststream --bench convert`; the results are in `benches/results/convert.md`.
//! Buffers are many and used in turn, so that pixels come from memory as they do from a compositor,
//! not from a cache that the last round warmed.

mod picture;
mod swscale;

use std::collections::VecDeque;

use divan::Bencher;
use divan::counter::BytesCount;
use ghoststream::internals::{Damage, InputSpec, Recipe, ToneMapping, open_processor};
use ghoststream::{Color, PixelFormat, Rect, Scaler, Size};
use picture::Frames;
use swscale::Swscale;

const HD: Size = Size::new(1920, 1080);
const UHD: Size = Size::new(3840, 2160);

fn main() {
    divan::main();
}

/// Bytes of all planes of a picture.
fn bytes(format: PixelFormat, size: Size) -> usize {
    (0..format.planes()).map(|plane| format.plane_layout(plane, size)).map(|(row, rows)| row * rows).sum()
}

fn traffic(from: (PixelFormat, Size), to: (PixelFormat, Size)) -> BytesCount {
    BytesCount::new(bytes(from.0, from.1) + bytes(to.0, to.1))
}

/// Processes frames in turn; as many pictures are held as an encoder with some lookahead holds.
fn process(bencher: Bencher<'_, '_>, from: (PixelFormat, Size), to: (PixelFormat, Size), scaler: Scaler) {
    let mut frames = Frames::new(from.0, from.1);
    process_frames(bencher.counter(traffic(from, to)), &mut frames, to, scaler);
}

fn process_frames(bencher: Bencher<'_, '_>, frames: &mut Frames, to: (PixelFormat, Size), scaler: Scaler) {
    let output = InputSpec { format: to.0, size: to.1, color: Color::default() };
    let mut processor = open_processor(Recipe { output, region: None, scaler, tone: ToneMapping::default() });
    let mut held = VecDeque::new();
    bencher.bench_local(|| {
        held.push_back(processor.process(frames.next()).expect("converted"));
        if held.len() > 6 {
            held.pop_front();
        }
    });
}

/// Conversion of 1920x1080 without scaling.
#[divan::bench_group(sample_count = 400, sample_size = 1)]
mod hd {
    use super::*;

    /// As many bytes read and written in all as BGRx to NV12 reads and writes.
    #[divan::bench]
    fn a_memcpy(bencher: Bencher<'_, '_>) {
        let total = bytes(PixelFormat::Bgrx, HD) + bytes(PixelFormat::Nv12, HD);
        let mut buffers: Vec<(Vec<u8>, Vec<u8>)> =
            (1u8..=12).map(|it| (vec![it; total / 2], vec![it; total / 2])).collect();
        let mut round = 0;
        bencher.counter(BytesCount::new(total)).bench_local(|| {
            round = (round + 1) % buffers.len();
            let (from, to) = &mut buffers[round];
            to.copy_from_slice(divan::black_box(from));
            divan::black_box(to);
        });
    }

    #[divan::bench]
    fn b_ghoststream_bgrx_to_nv12(bencher: Bencher<'_, '_>) {
        process(bencher, (PixelFormat::Bgrx, HD), (PixelFormat::Nv12, HD), Scaler::Bilinear);
    }

    #[divan::bench]
    fn b_ghoststream_bgrx_to_i420(bencher: Bencher<'_, '_>) {
        process(bencher, (PixelFormat::Bgrx, HD), (PixelFormat::I420, HD), Scaler::Bilinear);
    }

    #[divan::bench]
    fn c_libswscale_bgrx_to_nv12(bencher: Bencher<'_, '_>) {
        swscale(bencher, HD, Scaler::Bilinear);
    }

    #[divan::bench]
    fn d_yuv_crate_bgrx_to_nv12(bencher: Bencher<'_, '_>) {
        let mut frames = Frames::new(PixelFormat::Bgrx, HD);
        let mut planes: Vec<(Vec<u8>, Vec<u8>)> =
            (0..7).map(|_| (vec![1; 1920 * 1080], vec![1; 1920 * 540])).collect();
        let mut round = 0;
        bencher.counter(traffic((PixelFormat::Bgrx, HD), (PixelFormat::Nv12, HD))).bench_local(|| {
            round = (round + 1) % planes.len();
            let (luma, chroma) = &mut planes[round];
            let mut image = yuv::YuvBiPlanarImageMut {
                y_plane: yuv::BufferStoreMut::Borrowed(luma),
                y_stride: 1920,
                uv_plane: yuv::BufferStoreMut::Borrowed(chroma),
                uv_stride: 1920,
                width: 1920,
                height: 1080,
            };
            let (range, matrix) = (yuv::YuvRange::Limited, yuv::YuvStandardMatrix::Bt709);
            let mode = yuv::YuvConversionMode::Balanced;
            let source = picture::bytes(frames.next());
            yuv::bgra_to_yuv_nv12(&mut image, source, 1920 * 4, range, matrix, mode).expect("converted");
        });
    }

    /// A window of a quarter of the screen changes.
    #[divan::bench]
    fn e_ghoststream_a_quarter_damaged(bencher: Bencher<'_, '_>) {
        let mut frames = Frames::new(PixelFormat::Bgrx, HD);
        frames.damage(Damage::Rects(vec![Rect::new(401, 203, 960, 540)]));
        process_frames(bencher, &mut frames, (PixelFormat::Nv12, HD), Scaler::Bilinear);
    }

    /// A caret blinks.
    #[divan::bench]
    fn e_ghoststream_a_caret_damaged(bencher: Bencher<'_, '_>) {
        let mut frames = Frames::new(PixelFormat::Bgrx, HD);
        frames.damage(Damage::Rects(vec![Rect::new(401, 203, 9, 17)]));
        process_frames(bencher, &mut frames, (PixelFormat::Nv12, HD), Scaler::Bilinear);
    }

    #[divan::bench(sample_count = 100)]
    fn f_ghoststream_nv12_to_nv12(bencher: Bencher<'_, '_>) {
        process(bencher, (PixelFormat::Nv12, HD), (PixelFormat::Nv12, HD), Scaler::Bilinear);
    }

    #[divan::bench(sample_count = 100)]
    fn f_ghoststream_bgrx_to_p010(bencher: Bencher<'_, '_>) {
        process(bencher, (PixelFormat::Bgrx, HD), (PixelFormat::P010, HD), Scaler::Bilinear);
    }

    #[divan::bench(sample_count = 100)]
    fn f_ghoststream_ten_bits_to_p010(bencher: Bencher<'_, '_>) {
        process(bencher, (PixelFormat::Xrgb2101010, HD), (PixelFormat::P010, HD), Scaler::Bilinear);
    }
}

/// From 3840x2160 BGRx to 1920x1080 NV12.
#[divan::bench_group(sample_count = 100, sample_size = 1)]
mod uhd_to_hd {
    use super::*;

    #[divan::bench(args = [Scaler::Bilinear, Scaler::Lanczos, Scaler::Nearest])]
    fn a_ghoststream(bencher: Bencher<'_, '_>, scaler: Scaler) {
        process(bencher, (PixelFormat::Bgrx, UHD), (PixelFormat::Nv12, HD), scaler);
    }

    #[divan::bench(args = [Scaler::Bilinear, Scaler::Lanczos, Scaler::Nearest])]
    fn b_libswscale(bencher: Bencher<'_, '_>, scaler: Scaler) {
        swscale(bencher, UHD, scaler);
    }

    /// To BGRx only: the conversion to NV12 is not in it.
    #[divan::bench(args = [Scaler::Bilinear, Scaler::Lanczos, Scaler::Nearest])]
    fn c_pic_scale_to_bgrx(bencher: Bencher<'_, '_>, scaler: Scaler) {
        let filter = match scaler {
            Scaler::Lanczos => pic_scale::ResamplingFunction::Lanczos3,
            Scaler::Nearest => pic_scale::ResamplingFunction::Nearest,
            _ => pic_scale::ResamplingFunction::Bilinear,
        };
        let mut scaler = pic_scale::Scaler::new(filter);
        scaler.set_threading_policy(pic_scale::ThreadingPolicy::Single);
        let [from, to] = [UHD, HD].map(|it| pic_scale::ImageSize::new(it.width as usize, it.height as usize));
        let plan = scaler.plan_rgba_resampling(from, to, false).expect("planned");
        let mut out = pic_scale::ImageStoreMut::<u8, 4>::alloc(1920, 1080);
        let mut frames = Frames::new(PixelFormat::Bgrx, UHD);
        bencher.counter(traffic((PixelFormat::Bgrx, UHD), (PixelFormat::Bgrx, HD))).bench_local(|| {
            let source = picture::bytes(frames.next());
            let store = pic_scale::ImageStore::<u8, 4>::from_slice(source, 3840, 2160).expect("a picture");
            plan.resample(&store, &mut out).expect("scaled");
        });
    }
}

fn swscale(bencher: Bencher<'_, '_>, from: Size, scaler: Scaler) {
    let mut frames = Frames::new(PixelFormat::Bgrx, from);
    let mut context = Swscale::new(from, HD, scaler);
    bencher
        .counter(traffic((PixelFormat::Bgrx, from), (PixelFormat::Nv12, HD)))
        .bench_local(|| context.convert(picture::bytes(frames.next())));
}
