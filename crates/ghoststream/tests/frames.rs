//! Pictures before the encoder, as the caller's code gets them, read by the test card's own reader.

#[path = "common/card.rs"]
mod card;

use std::task::Poll;
use std::time::Duration;

use card::{fast, mkv, small_card};
use ghoststream::test_card::{Luma, Stamp, read};
use ghoststream::{
    AudioConfig, AudioSource, Chroma, Codec, EncoderChoice, Error, FrameStream, MediaTime, Output,
    OutputConfig, Pipeline, PipelineState, PixelFormat, Size, VideoFrame,
};

/// However busy this machine is.
const PATIENCE: Duration = Duration::from_secs(30);

async fn next(frames: &mut FrameStream) -> VideoFrame {
    tokio::time::timeout(PATIENCE, frames.next()).await.expect("a picture comes").expect("it goes on")
}

/// Eight bits of luma, or of green where there is none.
fn luma(frame: &VideoFrame) -> Vec<u8> {
    let (bytes, stride) = frame.plane(0);
    let Size { width, height } = frame.size();
    let (step, at) = match frame.format() {
        PixelFormat::Nv12 | PixelFormat::I420 => (1, 0),
        // The ten bits are on top.
        PixelFormat::P010 => (2, 1),
        _ => (4, 1),
    };
    let row = |y: usize| &bytes[y * stride..][..width as usize * step];
    (0..height as usize).flat_map(|y| row(y).iter().skip(at).step_by(step).copied()).collect()
}

/// Which of the card's frames a picture shows.
fn stamp(frame: &VideoFrame) -> Stamp {
    let (bytes, size) = (luma(frame), frame.size());
    read(Luma { bytes: &bytes, stride: size.width as usize, size }).expect("it is a whole card").stamp
}

fn number(frame: &VideoFrame) -> u32 {
    stamp(frame).frame
}

#[tokio::test]
async fn every_format_shows_the_card_and_no_encoder_is_opened() {
    for format in
        [PixelFormat::Nv12, PixelFormat::I420, PixelFormat::P010, PixelFormat::Bgrx, PixelFormat::Rgbx]
    {
        let encoder = fast().with_resolution(640, 360);
        let pipeline = Pipeline::new(small_card(), encoder, Output::Frames { format }).unwrap();
        pipeline.start().await.unwrap();
        let mut frames = pipeline.frames(0).unwrap();
        let first = next(&mut frames).await;
        assert_eq!((first.size(), first.format()), (Size::new(640, 360), format));
        let mut before = (number(&first), first.pts());
        for _ in 0..5 {
            let frame = next(&mut frames).await;
            let it = (number(&frame), frame.pts());
            assert!(it.0 >= before.0 && it.1 > before.1, "{format:?}: {it:?} after {before:?}");
            before = it;
        }
        let status = pipeline.status();
        assert_eq!((status.encoders.len(), status.encoded, &*status.sizes[0]), (0, 0, "640x360"));
        let report = pipeline.stop().await.unwrap();
        assert!(report.renditions.is_empty(), "{report:#?}");
        let pictures = report.outputs[0].pictures.as_ref().unwrap();
        assert!(
            pictures.shown >= 6 && pictures.format == format!("{format:?}").to_uppercase(),
            "{report:#?}"
        );
    }
}

#[tokio::test]
async fn sound_that_nobody_takes_is_not_captured_and_that_is_told() {
    let pictures = || Output::Frames { format: PixelFormat::Nv12 };
    let beeps =
        || Pipeline::builder(small_card()).rendition(fast()).audio(AudioConfig::new(AudioSource::TestCard));
    let pipeline = beeps().output(pictures()).build().unwrap();
    pipeline.start().await.unwrap();
    assert!(
        pipeline.set_audio_source("another").unwrap_err().to_string().contains("an output that takes sound")
    );
    let report = pipeline.stop().await.unwrap();
    assert!(report.audio.is_empty(), "{report:#?}");
    assert!(report.notes.iter().any(|it| it.contains("no sound is captured")), "{report:#?}");

    // A rendition that nobody takes yet may be wanted later, and the sound with it.
    let pipeline = beeps().rendition(fast()).output(pictures()).build().unwrap();
    pipeline.start().await.unwrap();
    let report = pipeline.stop().await.unwrap();
    assert_eq!(report.audio.len(), 1, "{report:#?}");
}

#[tokio::test]
async fn the_stream_ends_with_the_pipeline_and_what_waits_can_be_taken() {
    let format = PixelFormat::Nv12;
    let pipeline = Pipeline::new(small_card(), fast(), Output::Frames { format }).unwrap();
    assert!(pipeline.frames(0).is_err_and(|it| it.is_usage()), "nothing is open yet");
    pipeline.start().await.unwrap();
    assert!(pipeline.frames(1).is_err_and(|it| it.is_usage()), "there is no such output");
    let mut frames = pipeline.frames(0).unwrap();
    let mut beside = frames.clone();
    let waiting = std::thread::spawn(move || {
        let mut taken = 0;
        while let Poll::Ready(Some(_)) = beside.wait(PATIENCE) {
            taken += 1;
        }
        (taken, beside.wait(Duration::ZERO))
    });
    // Two takers of one queue get what there is between them.
    while pipeline.status().seconds < 0.5 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let report = pipeline.stop().await.unwrap();
    let (taken, last) = tokio::task::spawn_blocking(|| waiting.join().unwrap()).await.unwrap();
    assert!(matches!(last, Poll::Ready(None)), "it has ended");
    assert!(frames.next().await.is_none() && frames.next().await.is_none());
    let shown = report.outputs[0].pictures.as_ref().unwrap().shown;
    assert_eq!(taken + frames.dropped(), shown, "each picture was taken or counted");
}

#[tokio::test]
async fn who_takes_nothing_loses_the_oldest_and_holds_up_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mkv");
    let pipeline = Pipeline::builder(small_card())
        .rendition(fast())
        .output(mkv(&path))
        .output(Output::Frames { format: PixelFormat::I420 })
        .build()
        .unwrap();
    pipeline.start().await.unwrap();
    let mut frames = pipeline.frames(1).unwrap();
    // Kept, as by code that forgets to give them back: pictures go on coming.
    let mut kept = Vec::new();
    while pipeline.status().seconds < 1.0 {
        if kept.len() < 12 && frames.wait(Duration::ZERO).is_ready() {
            kept.push(next(&mut frames).await);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!kept.is_empty());
    let report = pipeline.stop().await.unwrap();
    let newest = number(&next(&mut frames).await);
    assert!(frames.dropped() > 3, "{}", frames.dropped());
    assert!(newest > number(kept.last().unwrap()), "it is the oldest that is dropped");
    let verdict = testkit::judge::judge(&path).unwrap();
    let (video, card) = (verdict.video.as_ref().unwrap(), verdict.card.as_ref().unwrap());
    assert_eq!(video.decode_errors + card.unreadable + card.out_of_order, 0, "{verdict}");
    assert_eq!(video.frames, report.encoded);
    assert!(
        card.lost <= report.dropped + report.skipped,
        "the file has what was captured: {verdict}\n{report:#?}"
    );
}

#[tokio::test]
async fn a_file_and_pictures_of_another_rendition_have_one_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mkv");
    let small = OutputConfig::new(Output::Frames { format: PixelFormat::Bgrx }).with_rendition(1);
    let pipeline = Pipeline::builder(small_card())
        .rendition(fast())
        .rendition(fast().with_resolution(160, 90))
        .output(small)
        .output(mkv(&path))
        .build()
        .unwrap();
    pipeline.start().await.unwrap();
    assert_eq!(pipeline.status().encoders, ["libx264"], "only the file's rendition is encoded");
    assert!(pipeline.set_rendition_bitrate(1, 500).is_err_and(|it| it.to_string().contains("encoded: 0")));
    let mut frames = pipeline.frames(0).unwrap();
    let mut seen = Vec::new();
    while seen.len() < 20 {
        let frame = next(&mut frames).await;
        assert_eq!(frame.size(), Size::new(160, 90));
        seen.push((stamp(&frame), frame.pts()));
    }
    pipeline.stop().await.unwrap();
    // Between two pictures goes by what the card says, but for pacing and what this machine showed late.
    let (first, begin) = seen[0];
    let off = |(it, pts): &(Stamp, MediaTime)| {
        (pts.as_secs_f64() - begin.as_secs_f64()) - it.time.nanos_since(first.time) as f64 / 1e9
    };
    let mut offs: Vec<f64> = seen.iter().map(off).collect();
    offs.sort_by(f64::total_cmp);
    assert!(offs[offs.len() / 2].abs() < 0.1, "{offs:?}");
}

#[tokio::test]
async fn no_encoder_is_tried_where_only_pictures_are_wanted() {
    // What no NVENC encodes, so that a file of it fails wherever this runs.
    let config = fast().with_encoder(EncoderChoice::Nvenc).with_codec(Codec::AV1).with_chroma(Chroma::Yuv444);
    let dir = tempfile::tempdir().unwrap();
    let file = Pipeline::new(small_card(), config.clone(), mkv(&dir.path().join("a.mkv"))).unwrap();
    assert!(matches!(file.start().await, Err(Error::Encode(_))));
    let pictures = Pipeline::new(small_card(), config, Output::Frames { format: PixelFormat::Nv12 }).unwrap();
    pictures.start().await.unwrap();
    next(&mut pictures.frames(0).unwrap()).await;
    let report = pictures.stop().await.unwrap();
    assert!(report.renditions.is_empty() && report.encoded == 0 && report.bytes == 0, "{report:#?}");
}

#[tokio::test]
async fn pictures_are_added_and_removed_while_a_file_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mkv");
    let pipeline = Pipeline::new(small_card(), fast(), mkv(&path)).unwrap();
    pipeline.start().await.unwrap();
    let missing = OutputConfig::new(Output::Frames { format: PixelFormat::Nv12 }).with_rendition(1);
    assert!(pipeline.add_output(missing).await.is_err_and(|it| it.is_usage()), "there is no such rendition");
    let id = pipeline.add_output(Output::Frames { format: PixelFormat::Nv12 }).await.unwrap();
    let mut frames = pipeline.frames(id).unwrap();
    let first = number(&next(&mut frames).await);
    while number(&next(&mut frames).await) < first + 10 {}
    let removed = pipeline.remove_output(id).await.unwrap();
    assert!(removed.pictures.is_some_and(|it| it.shown > 5) && removed.error.is_none());
    while frames.next().await.is_some() {}
    assert_eq!(pipeline.status().state, PipelineState::Running, "the file goes on");
    let report = pipeline.stop().await.unwrap();
    assert_eq!(report.outputs.len(), 2);
    let verdict = testkit::judge::judge(&path).unwrap();
    assert_eq!(verdict.video.as_ref().unwrap().frames, report.encoded);
}

#[tokio::test]
async fn a_format_that_nobody_makes_is_refused_with_those_that_can_be_had() {
    let refused = Pipeline::new(small_card(), fast(), Output::Frames { format: PixelFormat::Yuy2 });
    let Err(Error::Config(error)) = refused else { panic!("it is refused") };
    assert!(error.to_string().contains("Nv12, I420, P010, Bgrx, Rgbx"), "{error}");
}
