//! Renditions that are encoded while somebody takes their packets, and no longer.

#[path = "common/card.rs"]
mod card;

use std::path::Path;
use std::time::Duration;

use card::{card, fast, mkv, until};
use ghoststream::{
    AudioCodec, AudioConfig, AudioSource, Container, EncoderConfig, Output, OutputConfig, OutputId, Pipeline,
    PixelFormat, Report,
};
use testkit::judge::{Verdict, judge};

fn small() -> EncoderConfig {
    fast().with_resolution(320, 180).with_bitrate_kbps(1000)
}

fn mp4(path: &Path) -> Output {
    Output::File { path: path.to_owned(), container: Container::Mp4 }
}

fn sound() -> AudioConfig {
    AudioConfig::new(AudioSource::TestCard).with_codec(AudioCodec::Aac)
}

/// Waits until so many renditions are encoded.
async fn until_encoded(pipeline: &Pipeline, renditions: usize) {
    until("renditions are encoded", || pipeline.status().encoders.len() == renditions).await;
}

/// Waits until that much more is recorded.
async fn more(pipeline: &Pipeline, seconds: f64) {
    let end = pipeline.status().seconds + seconds;
    until("more is recorded", || pipeline.status().seconds >= end).await;
}

/// A whole file of the card with its sound, of which nothing is missing but what the report counts.
fn whole(path: &Path, report: &Report) -> Verdict {
    let verdict = judge(path).unwrap();
    println!("{verdict}");
    verdict.must_be_clean_but_for(report.dropped + report.skipped, report.repeated);
    if verdict.content_seconds > 1.2 {
        verdict.must_be_in_sync(20.0);
    }
    verdict
}

fn widths(report: &Report) -> Vec<(usize, u32)> {
    report.renditions.iter().map(|it| (it.rendition, it.width)).collect()
}

#[tokio::test]
async fn an_encoder_is_opened_for_the_first_output_of_a_rendition_and_closed_with_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let builder = Pipeline::builder(card()).rendition(fast()).rendition(small()).audio(sound());
    let pipeline = builder.output(mkv(&path("first.mkv"))).build().unwrap();
    pipeline.start().await.unwrap();
    assert_eq!(pipeline.status().encoders.len(), 1, "nobody takes the second");
    assert!(pipeline.set_rendition_bitrate(1, 900).unwrap_err().to_string().contains("encoded: 0"));

    let of_second = |output| OutputConfig::new(output).with_rendition(1);
    let (one, other) = tokio::join!(
        pipeline.add_output(of_second(mkv(&path("one.mkv")))),
        pipeline.add_output(of_second(mp4(&path("other.mp4")))),
    );
    assert_eq!(pipeline.status().encoders.len(), 2, "both share one");
    more(&pipeline, 1.3).await;
    pipeline.remove_output(one.unwrap()).await.unwrap();
    more(&pipeline, 0.7).await;
    assert_eq!(pipeline.status().encoders.len(), 2, "one is left that takes it");
    pipeline.remove_output(other.unwrap()).await.unwrap();
    until_encoded(&pipeline, 1).await;

    // Once more, and of a rendition that nobody thought of before.
    pipeline.add_output(of_second(mkv(&path("again.mkv")))).await.unwrap();
    let third = pipeline.add_rendition(fast().with_resolution(480, 270)).unwrap();
    let late = OutputConfig::new(mkv(&path("late.mkv"))).with_rendition(third);
    pipeline.add_output(late).await.unwrap();
    assert_eq!((third, pipeline.status().encoders.len()), (2, 3));
    more(&pipeline, 1.3).await;
    let report = pipeline.stop().await.unwrap();

    assert_eq!(widths(&report), [(0, 640), (1, 320), (1, 320), (2, 480)]);
    let names = ["first.mkv", "one.mkv", "other.mp4", "again.mkv", "late.mkv"];
    let verdicts = names.map(|it| whole(&path(it), &report));
    let card = |it: usize| verdicts[it].must_be_the_card();
    assert!(card(1).last < card(2).last && card(2).last < card(3).first && card(4).last <= card(0).last);
    let frames: Vec<_> = verdicts.iter().map(|it| it.must_have_video().frames).collect();
    assert!(frames[1] >= 30 && frames[3] >= 30 && frames[4] >= 30, "{frames:?}");
}

#[tokio::test]
async fn what_cannot_be_opened_leaves_no_encoder_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let builder = Pipeline::builder(card()).rendition(fast()).audio(sound());
    let pipeline = builder.output(mkv(&path("first.mkv"))).build().unwrap();
    let early = pipeline.add_rendition(small()).unwrap_err().to_string();
    assert!(early.contains("not running"), "{early}");
    pipeline.start().await.unwrap();
    assert!(pipeline.add_rendition(small().with_bitrate_kbps(1)).unwrap_err().is_usage());
    let second = pipeline.add_rendition(small()).unwrap();
    let nowhere = OutputConfig::new(mkv(&path("nowhere/a.mkv"))).with_rendition(second);
    pipeline.add_output(nowhere).await.unwrap_err();
    until_encoded(&pipeline, 1).await;
    // One that fails takes its encoder with it, and is added anew.
    let of_second = || OutputConfig::new(mkv(&path("gone.mkv"))).with_rendition(second);
    pipeline.add_output(of_second()).await.unwrap();
    std::fs::remove_file(path("gone.mkv")).unwrap();
    until_encoded(&pipeline, 1).await;
    pipeline.add_output(of_second()).await.unwrap();
    more(&pipeline, 1.2).await;
    let report = pipeline.stop().await.unwrap();
    assert_eq!(widths(&report), [(0, 640), (1, 320), (1, 320), (1, 320)]);
    whole(&path("first.mkv"), &report);
    whole(&path("gone.mkv"), &report);
}

/// A stop comes at any moment of an output's opening, and waits for nothing but that.
#[tokio::test]
async fn a_stop_while_an_encoder_is_opened_ends_everything() {
    for wait in [0, 1, 5, 20, 50] {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let builder = Pipeline::builder(card()).rendition(fast()).rendition(small()).audio(sound());
        let pipeline = builder.output(mkv(&path("first.mkv"))).build().unwrap();
        pipeline.start().await.unwrap();
        let adding = pipeline.add_output(OutputConfig::new(mkv(&path("late.mkv"))).with_rendition(1));
        let stopping = async {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            pipeline.stop().await.unwrap()
        };
        let (added, report) = tokio::join!(adding, stopping);
        println!("{wait} ms: {added:?}");
        whole(&path("first.mkv"), &report);
        assert_eq!(added.is_ok(), report.outputs.len() == 2, "{report:?}");
    }
}

#[tokio::test]
async fn a_recording_joins_pictures_without_the_sound_that_nobody_captures() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("late.mkv");
    let pictures = Output::Frames { format: PixelFormat::Nv12 };
    let builder = Pipeline::builder(card()).rendition(fast()).audio(sound());
    let pipeline = builder.output(pictures).build().unwrap();
    pipeline.start().await.unwrap();
    assert_eq!(pipeline.status().encoders.len(), 0);
    let silent = pipeline.add_output(mkv(&path)).await.unwrap_err().to_string();
    assert!(silent.contains("no sound is captured"), "{silent}");
    let id = pipeline.add_output(OutputConfig::new(mkv(&path)).with_audio_tracks([])).await.unwrap();
    more(&pipeline, 1.2).await;
    pipeline.remove_output(id).await.unwrap();
    until_encoded(&pipeline, 0).await;
    // Who joins gets what is shown from then on.
    let before = pipeline.status().seconds;
    let late = pipeline.add_output(Output::Frames { format: PixelFormat::I420 }).await.unwrap();
    let shown = pipeline.frames(late).unwrap().next().await.unwrap().pts().as_secs_f64();
    assert!(shown > before - 0.5, "{shown} s, {before} s were shown before");
    assert_eq!(pipeline.status().outputs[0].id, OutputId::new(0));
    let report = pipeline.stop().await.unwrap();
    let pictures = report.outputs[2].pictures.as_ref().unwrap();
    assert!(pictures.shown < 30, "no picture of before is made for it: {pictures:?}");
    let verdict = judge(&path).unwrap();
    assert!(
        verdict.audio.is_empty() && verdict.must_have_video().decode_errors == 0,
        "{verdict}\n{report:?}"
    );
}
