//! How long a picture takes from its capture to the socket of an RTMP server.

use std::collections::BTreeMap;
use std::task::Poll;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ghoststream::{
    AudioCodec, AudioConfig, AudioSource, FrameStream, MediaTime, Output, PacketStream, Pipeline,
    PixelFormat, RateControl, Report, Timestamp,
};
use testkit::peers::{Heard, Nginx, Tap};

use crate::Plan;
use crate::recorded;
use crate::table::{Findings, median};

const KBPS: u32 = 6000;
/// Pictures across and down, and how many a second.
const CARDS: [(u32, u32, f64); 2] = [(1280, 720, 30.0), (1280, 720, 60.0)];
/// RTMP's type of a message with a picture (RTMP 1.0, 7.1.5), and in it AVC's type of a packet with one (FLV, E.4.3.1).
const VIDEO: u8 = 9;
const AVC_PICTURE: u8 = 1;

/// What one stretch found, in milliseconds.
struct Found {
    p50: f64,
    p95: f64,
    encode: f64,
    limit: f64,
    pictures: usize,
}

pub fn run(plan: Plan) -> Result<Findings> {
    let length = plan.length(10);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut rows = Vec::new();
    for card in CARDS {
        for sound in [true, false] {
            let rounds: Vec<_> = (0..plan.rounds)
                .map(|_| runtime.block_on(stretch(card, sound, length)))
                .collect::<Result<_>>()?;
            rows.push(row(card, sound, &rounds));
        }
    }
    Ok(Findings {
        title: "From the capture to the socket of an RTMP server".into(),
        about: format!(
            "The test card, x264 ultrafast at {KBPS} kbit/s CBR, to nginx on this machine, {} s long, {} times each, of \
             which the medians are shown. *Age* is the time from a picture's arrival at the capture, as the same \
             picture's frame says to a caller beside the stream, to the read of its last byte from the server's socket; \
             *encode* is what the report says that the encoder took for a picture. The limit of the age at p95 is one \
             frame and what the encoder takes at p95 in the same round; the report's percentiles are right to 9%.",
            length.as_secs(),
            plan.rounds
        ),
        head: vec!["card", "sound", "pictures", "age p50", "age p95", "encode p95", "limit of the age p95"],
        rows,
        conclusion: String::new(),
    })
}

fn row((width, height, fps): (u32, u32, f64), sound: bool, rounds: &[Found]) -> Vec<String> {
    let of = |part: fn(&Found) -> f64| format!("{:.1} ms", median(rounds.iter().map(part)));
    vec![
        format!("{width}x{height} at {fps}"),
        if sound { "AAC" } else { "none" }.to_owned(),
        rounds.iter().map(|it| it.pictures).sum::<usize>().to_string(),
        of(|it| it.p50),
        of(|it| it.p95),
        of(|it| it.encode),
        of(|it| it.limit),
    ]
}

async fn stretch((width, height, fps): (u32, u32, f64), sound: bool, length: Duration) -> Result<Found> {
    let nginx = Nginx::start()?;
    let tap = Tap::start(nginx.port())?;
    let encoder = recorded::x264().with_rate_control(RateControl::Cbr).with_bitrate_kbps(KBPS);
    let mut builder = Pipeline::builder(recorded::card((width, height), fps))
        .rendition(encoder)
        .output(Output::Rtmp { url: tap.url("latency") })
        .output(Output::Frames { format: PixelFormat::Nv12 })
        .output(Output::Packets);
    if sound {
        builder = builder.audio(AudioConfig::new(AudioSource::TestCard).with_codec(AudioCodec::Aac));
    }
    let pipeline = builder.build()?;
    pipeline.start().await?;
    let frames = pipeline.frames(1)?;
    let watch = std::thread::Builder::new().name("captured".into()).spawn(move || captured(frames))?;
    let first = first_picture(pipeline.packets(2)?).await?;
    tokio::time::sleep(length).await;
    let report = pipeline.stop().await?;
    let captured = watch.join().ok().context("the thread that takes the frames")?;
    found(&captured, first, &tap.heard(), &report, fps)
}

/// The time of the first picture that was encoded.
async fn first_picture(mut packets: PacketStream) -> Result<MediaTime> {
    loop {
        let packet = packets.next().await.context("no picture was encoded")?;
        if packet.track() == 0 {
            return Ok(packet.pts());
        }
    }
}

/// When each picture was captured, by its time in milliseconds.
fn captured(mut frames: FrameStream) -> BTreeMap<i64, Timestamp> {
    let mut all = BTreeMap::new();
    loop {
        match frames.wait(Duration::from_secs(1)) {
            Poll::Ready(Some(frame)) => {
                all.insert(millis(frame.pts()), frame.arrived());
            }
            Poll::Ready(None) => return all,
            Poll::Pending => {}
        }
    }
}

fn millis(time: MediaTime) -> i64 {
    time.as_nanos() / 1_000_000
}

fn found(
    captured: &BTreeMap<i64, Timestamp>,
    begin: MediaTime,
    heard: &[Heard],
    report: &Report,
    fps: f64,
) -> Result<Found> {
    let pictures: Vec<_> =
        heard.iter().filter(|it| it.kind == VIDEO && it.body.get(1) == Some(&AVC_PICTURE)).collect();
    // RTMP knows no times before zero, at which sound may begin: all is later by that.
    let shift = shown(pictures.first().context("no picture was published")?)? - millis(begin);
    let mut ages = Vec::new();
    for picture in &pictures {
        // Each is cut off to milliseconds, one after it was moved.
        let time = shown(picture)? - shift;
        if let Some((_, at)) = captured.range(time - 1..=time + 1).next() {
            ages.push(picture.arrived.nanos_since(*at) as f64 / 1e6);
        }
    }
    let (known, all) = (ages.len(), pictures.len());
    // Those of the first moments were captured before anybody could look.
    ensure!(known > 0 && known * 10 >= all * 9, "{known} of {all} pictures are known by their times");
    ages.sort_by(f64::total_cmp);
    let at = |share: f64| ages[((ages.len() - 1) as f64 * share) as usize];
    let encode = report.latency_encode.p95_ms;
    Ok(Found { p50: at(0.5), p95: at(0.95), encode, limit: 1000.0 / fps + encode, pictures: known })
}

/// When a picture is shown: when it is decoded, and the offset from there (FLV, E.4.3.1).
fn shown(picture: &Heard) -> Result<i64> {
    let offset = picture
        .body
        .get(2..5)
        .context("a picture without an offset")?
        .iter()
        .fold(0i32, |all, byte| all << 8 | i32::from(*byte));
    // Twenty-four bits with a sign.
    Ok(i64::from(picture.time) + i64::from(offset << 8 >> 8))
}
