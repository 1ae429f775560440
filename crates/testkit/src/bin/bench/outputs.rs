//! What a second output of the same rendition costs.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use ghoststream::{AudioCodec, AudioConfig, AudioSource, Container, Output, Pipeline, RateControl};
use testkit::peers::Nginx;

use crate::Plan;
use crate::recorded;
use crate::table::{Findings, median};

/// The kinds of a second output.
const KINDS: [&str; 4] = ["Matroska", "MP4", "RTMP", "packets"];
const FPS: f64 = 60.0;

pub fn run(plan: Plan) -> Result<Findings> {
    let length = plan.length(5);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let rows = runtime.block_on(measure(length, plan.rounds))?;
    let worst = rows.iter().map(|it| it.1).fold(0.0, f64::max);
    let row = |(kind, own, others, all): (&'static str, f64, f64, f64)| {
        vec![kind.to_owned(), format!("{own:.2}"), format!("{others:+.2}"), format!("{all:+.2}")]
    };
    Ok(Findings {
        title: "A second output of the same rendition".into(),
        about: format!(
            "The test card, 1920x1080 at 60, H.264 by x264 ultrafast at 6 Mbit/s CBR with AAC, to a Matroska file; a \
             second output is added for {0} s, removed for {0} s, and so on, {1} times for each kind. Medians of \
             percent of one core: the second output's own threads; every thread but the encoder's, with it less \
             without it in the next stretch; the whole process, the same. What was taken for a frame is multiplied \
             by 60 a second, so that a machine with other work too says what a free one would. `packets` has its \
             reader counted in the process, not among its own.{2}",
            length.as_secs(),
            plan.rounds,
            if cfg!(debug_assertions) { " **This is a build for tests, nearly unoptimised.**" } else { "" }
        ),
        head: vec![
            "second output",
            "own threads, %",
            "all but the encoder, difference, %",
            "process, difference, %",
        ],
        rows: rows.into_iter().map(row).collect(),
        conclusion: format!("Its own threads take {worst:.2}% of a core at most (the aim: less than 1%)."),
    })
}

async fn measure(length: Duration, rounds: usize) -> Result<Vec<(&'static str, f64, f64, f64)>> {
    let dir = tempfile::tempdir()?;
    let nginx = Nginx::start()?;
    let encoder = recorded::x264().with_rate_control(RateControl::Cbr).with_bitrate_kbps(6000);
    let pipeline = Pipeline::builder(recorded::card((1920, 1080), FPS))
        .rendition(encoder)
        .audio(AudioConfig::new(AudioSource::TestCard).with_codec(AudioCodec::Aac))
        .output(file(&dir.path().join("first.mkv"), Container::Matroska))
        .build()?;
    pipeline.start().await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut rows = Vec::new();
    for kind in KINDS {
        let mut found = Vec::new();
        for round in 0..rounds {
            let output = match kind {
                "Matroska" => file(&dir.path().join(format!("{round}.mkv")), Container::Matroska),
                "MP4" => file(&dir.path().join(format!("{round}.mp4")), Container::Mp4),
                "RTMP" => Output::Rtmp { url: nginx.url(&format!("key{round}")) },
                _ => Output::Packets,
            };
            found.push(pair(&pipeline, output, length).await?);
        }
        let of = |part: fn(&[f64; 3]) -> f64| median(found.iter().map(part));
        rows.push((kind, of(|it| it[0]), of(|it| it[1]), of(|it| it[2])));
    }
    pipeline.stop().await?;
    Ok(rows)
}

fn file(path: &Path, container: Container) -> Output {
    Output::File { path: path.to_owned(), container }
}

/// A stretch with the output and one without, in percent of a core: its own threads, and by how much it makes
/// everything but the encoder, and the process, take more.
async fn pair(pipeline: &Pipeline, output: Output, length: Duration) -> Result<[f64; 3]> {
    let before = Sample::take()?;
    let packets = output == Output::Packets;
    let id = pipeline.add_output(output).await?;
    let reader = if packets {
        let mut stream = pipeline.packets(id)?;
        Some(tokio::spawn(async move { while stream.next().await.is_some() {} }))
    } else {
        None
    };
    let with = stretch(pipeline, length).await?;
    pipeline.remove_output(id).await?;
    if let Some(reader) = reader {
        reader.await?;
    }
    let without = stretch(pipeline, length).await?;
    let own = with.threads.iter().filter(|(thread, _)| !before.threads.contains_key(thread)).map(|it| it.1.1);
    Ok([own.sum(), with.but_encoder() - without.but_encoder(), with.process - without.process])
}

/// CPU of each thread and of the process: nanoseconds so far, or percent of a core in a stretch.
struct Sample {
    threads: BTreeMap<u32, (String, f64)>,
    process: f64,
}

async fn stretch(pipeline: &Pipeline, length: Duration) -> Result<Sample> {
    let (begin, first) = (Sample::take()?, pipeline.status().encoded);
    tokio::time::sleep(length).await;
    let (end, last) = (Sample::take()?, pipeline.status().encoded);
    let seconds = last.saturating_sub(first).max(1) as f64 / FPS;
    let percent = |from: f64, to: f64| (to - from) / (seconds * 1e9) * 100.0;
    let of = |(thread, (name, to)): (u32, (String, f64))| {
        let from = begin.threads.get(&thread).map_or(0.0, |it| it.1);
        (thread, (name, percent(from, to)))
    };
    Ok(Sample {
        process: percent(begin.process, end.process),
        threads: end.threads.into_iter().map(of).collect(),
    })
}

impl Sample {
    fn take() -> Result<Self> {
        let mut threads = BTreeMap::new();
        for task in std::fs::read_dir("/proc/self/task")? {
            let task = task?;
            let read = |what: &str| std::fs::read_to_string(task.path().join(what));
            // A thread may end while it is being looked at.
            let (Ok(name), Ok(times)) = (read("comm"), read("schedstat")) else { continue };
            let nanos = times.split_whitespace().next().context("no times")?.parse()?;
            let thread = task.file_name().to_string_lossy().parse()?;
            threads.insert(thread, (name.trim().to_owned(), nanos));
        }
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Ok(Self { threads, process: time.tv_sec as f64 * 1e9 + time.tv_nsec as f64 })
    }

    /// libx264's workers bear the name of the thread that opened the encoder, the supervisor.
    fn but_encoder(&self) -> f64 {
        let encoder = |name: &str| name.starts_with("gs-encode") || name == "gs-pipeline";
        self.threads.values().filter(|(name, _)| !encoder(name)).map(|it| it.1).sum()
    }
}
