//! A source that is slower than the output: pictures between its own are made by Vulkan, in the whole product,
//! and what the file shows is held against the truth.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ghoststream::{
    CaptureConfig, CaptureSource, Codec, Container, EncoderChoice, EncoderConfig, Interpolate, Output,
    Pipeline, Processing, Report, Size,
};
use nvenc_emulator::Installed;
use testkit::Session;
use testkit::producer::{Painter, Producer, Script};

use crate::common::{calls_of, over_emulator};
use crate::recorded::{encoder, lavapipe};

const SIZE: Size = Size::new(192, 112);
/// Slow, so that a busy machine has time for each picture: what is measured before is too slow otherwise.
const SOURCE_FPS: f64 = 1.0;
/// Pixels by which the picture moves from one of the source's to the next, to the right.
const STEP: f64 = 8.0;

/// The brightness at a place when so many pictures of the source have gone by: soft spots of several sizes.
fn truth(x: usize, y: usize, time: f64) -> u8 {
    let (x, y) = (x as f64 - STEP * time, y as f64);
    let wave = |across: f64, down: f64, phase: f64| ((x * across + y * down + phase).sin() + 1.0) * 0.5;
    let sum = wave(0.11, 0.07, 0.0) + wave(-0.05, 0.13, 1.0) + wave(0.031, 0.017, 2.0) + wave(0.4, 0.3, 0.5);
    (40.0 + 42.0 * sum) as u8
}

/// Paints the truth as BGRx.
fn moving() -> Painter {
    Box::new(|draft| {
        let (stride, number) = (draft.stride, draft.number as f64);
        let Some(bytes) = draft.blocks.first_mut() else { return };
        for y in 0..SIZE.height as usize {
            for x in 0..SIZE.width as usize {
                bytes[y * stride + x * 4..][..3].fill(truth(x, y, number));
            }
        }
    })
}

struct Recorded {
    report: Report,
    /// Each picture of the file, in full range.
    pictures: Vec<Vec<u8>>,
}

async fn record(choice: EncoderChoice) -> Recorded {
    let session = Session::start().unwrap();
    session.enter();
    let producer = Producer::start(Script::new("moving", "BGRx", SIZE, SOURCE_FPS), moving()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mkv");
    let capture = CaptureConfig::default()
        .with_source(CaptureSource::Node(producer.name().to_owned()))
        .with_fps(2 * SOURCE_FPS as u32);
    let config: EncoderConfig = encoder(Codec::H264)
        .with_encoder(choice)
        .with_processing(Processing::Gpu)
        .with_interpolate(Interpolate::On);
    let output = Output::File { path: path.clone(), container: Container::Matroska };
    let pipeline = Pipeline::new(capture, config, output).unwrap();
    pipeline.start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(9)).await;
    let report = pipeline.stop().await.unwrap();
    Recorded { report, pictures: decoded(&path) }
}

fn decoded(path: &Path) -> Vec<Vec<u8>> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"])
        .output()
        .expect("ffmpeg: scripts/install-packages test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.chunks_exact(SIZE.area() as usize).map(<[u8]>::to_vec).collect()
}

/// How near a picture is to the truth at a time, in decibels, but for its edges: there something new comes in.
fn psnr(picture: impl Fn(usize, usize) -> u8, time: f64) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for y in 16..SIZE.height as usize - 16 {
        for x in 24..SIZE.width as usize - 24 {
            sum += f64::from(picture(x, y).abs_diff(truth(x, y, time))).powi(2);
            count += 1;
        }
    }
    20.0 * 255f64.log10() - 10.0 * (sum / f64::from(count)).max(1e-3).log10()
}

/// Pictures that show what is half way between two of the source's, and by how many decibels each is nearer
/// to that than the source's last picture, which would have been repeated.
fn gains(pictures: &[Vec<u8>]) -> Vec<f64> {
    let halves = || (0..100).map(|it| f64::from(it) / 2.0);
    let gain = |picture: &Vec<u8>| {
        let near = |time: f64| psnr(|x, y| picture[y * SIZE.width as usize + x], time);
        let time = halves().max_by(|a, b| near(*a).total_cmp(&near(*b)))?;
        let repeated = psnr(|x, y| truth(x, y, time - 0.5), time);
        (time.fract() != 0.0).then(|| near(time) - repeated)
    };
    pictures.iter().filter_map(gain).collect()
}

/// What holds whoever encodes.
fn assert_interpolated(recorded: &Recorded) {
    let Recorded { report, pictures } = recorded;
    println!("{report:#?}");
    let processing = &report.renditions[0].processing;
    assert!(processing.way.starts_with("GPU ("), "{processing:?}");
    assert_eq!((processing.failures, processing.cpu_interpolated), (0, 0), "{processing:?}");
    assert!(report.interpolated >= 5 && processing.gpu_interpolated >= report.interpolated, "{report:?}");
    assert_eq!(report.dropped, 0, "{report:?}");
    assert_eq!(pictures.len() as u64, report.encoded);
    let gains = gains(pictures);
    println!("gains over repeating, in dB: {gains:.1?}");
    // A source's picture that came late moves the time between from the half.
    let better = gains.iter().filter(|it| **it >= 3.0).count();
    assert!(better as u64 * 3 >= report.interpolated * 2, "{better} of {}: {gains:?}", report.interpolated);
}

#[tokio::test]
async fn what_is_between_is_made_on_the_gpu_and_read_back_for_x264() {
    let recorded = record(EncoderChoice::Software).await;
    assert_interpolated(&recorded);
    let processing = &recorded.report.renditions[0].processing;
    let made = processing.pictures + processing.gpu_interpolated;
    assert_eq!(processing.system_memory_bytes, made * SIZE.area() * 3 / 2, "{processing:?}");
}

#[test]
fn what_is_between_goes_to_nvenc_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let install = |it: Installed| it.with_uuid(lavapipe().uuid).with_trace(dir.path().join("trace"));
    over_emulator("interpolated::what_is_between_goes_to_nvenc_where_it_is", install, || async {
        let recorded = record(EncoderChoice::Nvenc).await;
        assert_interpolated(&recorded);
        let processing = &recorded.report.renditions[0].processing;
        assert_eq!(processing.system_memory_bytes, 0, "{processing:?}");
        assert_eq!(calls_of("cuMemcpy2DAsync_v2").len(), 0);
    });
}
