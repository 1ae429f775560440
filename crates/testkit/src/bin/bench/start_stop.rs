//! From `start` to the first packet, and from `stop` to the whole file, on the headless desktop.

use std::time::{Duration, Instant};

use anyhow::Result;
use ghoststream::{
    AudioConfig, AudioSource, CaptureConfig, Codec, Container, EncoderChoice, EncoderConfig, Output,
    OutputConfig, Pipeline, Size,
};
use testkit::desktop::Desktop;

use crate::Plan;
use crate::table::{Findings, median};

pub fn run(plan: Plan) -> Result<Findings> {
    let desktop = Desktop::start(Size::new(1920, 1080))?;
    desktop.enter();
    let _content = desktop.scroll_text()?;
    std::thread::sleep(Duration::from_secs(2));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut rows = Vec::new();
    let mut conclusion = String::new();
    for container in [Container::Matroska, Container::Mp4] {
        let mut times = Vec::new();
        for _ in 0..plan.rounds.max(5) {
            times.push(runtime.block_on(one(&desktop, container, plan.length(3)))?);
        }
        let (start, stop) = (median(times.iter().map(|it| it.0)), median(times.iter().map(|it| it.1)));
        let worst = |pick: fn(&(f64, f64)) -> f64| times.iter().map(pick).fold(0.0, f64::max);
        rows.push(vec![
            container.to_string(),
            format!("{start:.0} ({:.0})", worst(|it| it.0)),
            format!("{stop:.0} ({:.0})", worst(|it| it.1)),
        ]);
        conclusion +=
            &format!("{container}: {start:.0} ms from start to the first packet written (the aim: 300).\n\n");
    }
    Ok(Findings {
        title: "Start and stop".into(),
        about: "The portal of a headless desktop, 1920x1080, H.264 by x264 with default settings, desktop sound; \
                medians and, in brackets, the worst. Start is until `Pipeline::start` resolves: portal session, \
                PipeWire, encoder and file are open and the first packet is written."
            .into(),
        head: vec!["container", "start to first packet, ms", "stop to whole file, ms"],
        rows,
        conclusion,
    })
}

async fn one(desktop: &Desktop, container: Container, length: Duration) -> Result<(f64, f64)> {
    let path = desktop.dir().join(format!("out.{container}"));
    let encoder = EncoderConfig::default().with_codec(Codec::H264).with_encoder(EncoderChoice::Software);
    let pipeline = Pipeline::builder(CaptureConfig::default())
        .rendition(encoder)
        .audio(AudioConfig::new(AudioSource::Desktop))
        .output(OutputConfig::new(Output::File { path, container }).with_overwrite(true))
        .build()?;
    let begin = Instant::now();
    pipeline.start().await?;
    let start = begin.elapsed();
    tokio::time::sleep(length).await;
    let begin = Instant::now();
    pipeline.stop().await?;
    Ok((start.as_secs_f64() * 1e3, begin.elapsed().as_secs_f64() * 1e3))
}
