//! A stream whose path carries less for a while: the bitrate follows it, and nothing is lost.

use std::time::{Duration, Instant};

use ghoststream::{
    Adaptation, AdaptationReport, CaptureConfig, CaptureSource, Codec, Container, EncoderChoice,
    EncoderConfig, EncoderPreset, Output, OutputConfig, Pipeline, RateControl,
};
use testkit::judge::judge;
use testkit::net::{Conditions, Path, Side, Way};
use testkit::peers::{RtmpListener, SrtServer, Throttle};

const CEILING: u32 = 3000;
const NARROW: u32 = 1200;

fn capture() -> CaptureConfig {
    CaptureConfig::default().with_source(CaptureSource::TestCard).with_test_card_size(640, 360).with_fps(30)
}

fn encoder(rate_control: RateControl) -> EncoderConfig {
    EncoderConfig::default()
        .with_codec(Codec::H264)
        .with_encoder(EncoderChoice::Software)
        .with_preset(EncoderPreset::Fastest)
        .with_rate_control(rate_control)
        .with_gop_seconds(1.0)
        .with_bitrate_kbps(CEILING)
}

/// Waits until the first output's bitrate is so.
async fn wait_for(pipeline: &Pipeline, what: &str, so: impl Fn(&AdaptationReport) -> bool) {
    let start = Instant::now();
    loop {
        let status = pipeline.status();
        let live = status.outputs[0].live.as_ref().unwrap();
        match &live.adaptation {
            Some(adaptation) if so(adaptation) => return,
            other => assert!(start.elapsed() < Duration::from_secs(90), "{what}: {other:?}, {live:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until so many seconds are recorded.
async fn until(pipeline: &Pipeline, seconds: f64) {
    while pipeline.status().seconds < seconds {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A server, and a path to it.
fn server() -> (RtmpListener, Throttle, Output) {
    let listener = RtmpListener::start().unwrap();
    let url = listener.url();
    let port = url.split(['/', ':']).find_map(|it| it.parse().ok()).unwrap();
    let throttle = Throttle::before(port).unwrap();
    let output = Output::Rtmp { url: url.replace(&port.to_string(), &throttle.port().to_string()) };
    (listener, throttle, output)
}

#[tokio::test]
async fn the_bitrate_goes_down_with_the_path_and_up_again_and_no_frame_is_lost() {
    let (mut listener, throttle, output) = server();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("beside.mkv");
    let pipeline = Pipeline::builder(capture())
        .rendition(encoder(RateControl::Cbr))
        .output(output)
        .output(Output::File { path: path.clone(), container: Container::Matroska })
        .build()
        .unwrap();
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    wait_for(&pipeline, "at first", |it| it.kbps == CEILING).await;
    throttle.carry(NARROW);
    wait_for(&pipeline, "down", |it| it.kbps <= NARROW).await;
    throttle.carry(100_000);
    wait_for(&pipeline, "up", |it| it.kbps == CEILING).await;
    let report = pipeline.stop().await.unwrap();
    let live = report.outputs[0].live.clone().unwrap();
    println!("{live:#?}\n{:#?}\n{:#?}", report.notes, report.renditions[0].bitrate_changes);
    assert_eq!(live.dropped, 0, "it went down before anything was lost");
    let adaptation = live.adaptation.unwrap();
    assert!(adaptation.lowest_kbps <= NARROW && adaptation.lowest_kbps >= 300, "{adaptation:?}");
    assert!(report.notes.iter().any(|it| it.contains("the bitrate follows it")), "{:?}", report.notes);
    // The last wish may come after the last picture.
    let told: Vec<u32> = report.renditions[0].bitrate_changes.iter().map(|it| it.kbps).collect();
    assert!(told.len() >= 2 && told[0] <= NARROW && told[told.len() - 1] > NARROW, "{told:?}");
    let received = judge(listener.received().unwrap()).unwrap();
    assert_eq!(received.must_have_video().frames, report.encoded, "{received}");
    let beside = judge(&path).unwrap();
    // Colours are as good as the bitrate lets them.
    let pictures = beside.must_have_video();
    assert_eq!((pictures.frames, pictures.decode_errors), (report.encoded, 0), "{beside}");
}

/// A real path that halves and doubles, with `srt-live-transmit` at its far side. Its queue is deep enough to lose nothing:
/// what is lost is repeated, and whether it then comes in time depends on how busy the machine is.
#[tokio::test]
async fn over_srt_the_bitrate_goes_down_with_the_path_and_up_again() {
    const WIDE: u32 = 4000;
    const HALF: u32 = 2000;
    let carrying = |kbps: u32| {
        let delayed = Conditions::default().with_delay(Duration::from_millis(20));
        delayed.with_rate(u64::from(kbps) * 1000).with_queue(2_000_000)
    };
    let path = Path::new(carrying(WIDE), 7).unwrap();
    let mut server = SrtServer::start_beyond(&path, "").unwrap();
    // The pipeline's threads begin where this one is.
    path.enter(Side::Near).unwrap();
    let output = Output::Srt { url: server.url("latency=2000") };
    let pipeline = Pipeline::new(capture(), encoder(RateControl::Cbr), output).unwrap();
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    let a_while = Duration::from_secs(4);
    tokio::time::sleep(a_while).await;
    path.set_way(Way::Up, carrying(HALF));
    tokio::time::sleep(a_while).await;
    wait_for(&pipeline, "down", |it| it.kbps < HALF && it.carried_kbps < f64::from(HALF)).await;
    path.set_way(Way::Up, carrying(WIDE));
    wait_for(&pipeline, "up", |it| it.kbps > HALF).await;
    let report = pipeline.stop().await.unwrap();
    let live = report.outputs[0].live.clone().unwrap();
    println!("{live:#?}\n{:#?}\n{:?}", report.renditions[0].bitrate_changes, path.passed(Way::Up));
    let adaptation = live.adaptation.unwrap();
    assert!(adaptation.lowest_kbps < HALF && adaptation.lowest_kbps >= 300, "{adaptation:?}");
    let received = judge(server.received().unwrap()).unwrap();
    println!("{received}");
    let pictures = received.must_have_video();
    assert_eq!(pictures.decode_errors, 0, "{received}");
    let missing = report.encoded - pictures.frames;
    assert!((missing..=missing + 10).contains(&live.dropped), "what is missing was counted: {received}");
}

/// Where the path narrows behind a queue that hardly holds a key picture, pictures are lost that libsrt took and the peer
/// gave up. What is said to be dropped is no less than what is missing; some that came after their time are among it.
#[tokio::test]
async fn what_a_peer_gives_up_over_srt_is_counted() {
    let carrying = |kbps: u64| {
        let delayed = Conditions::default().with_delay(Duration::from_millis(20));
        delayed.with_rate(kbps * 1000).with_queue(64_000)
    };
    let path = Path::new(carrying(6000), 7).unwrap();
    let mut server = SrtServer::start_beyond(&path, "").unwrap();
    path.enter(Side::Near).unwrap();
    let output = Output::Srt { url: server.url("latency=400") };
    let pipeline = Pipeline::new(capture(), encoder(RateControl::Cbr), output).unwrap();
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    path.set_way(Way::Up, carrying(1000));
    wait_for(&pipeline, "down", |it| it.kbps < 1000).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    path.set_way(Way::Up, carrying(6000));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let report = pipeline.stop().await.unwrap();
    let live = report.outputs[0].live.clone().unwrap();
    let received = judge(server.received().unwrap()).unwrap();
    println!("{live:#?}\n{received}\n{} encoded, {:?}", report.encoded, path.passed(Way::Up));
    assert!(path.passed(Way::Up).overflowed > 0, "the queue was never full");
    let pictures = received.must_have_video();
    let missing = report.encoded.saturating_sub(pictures.frames);
    assert!(live.dropped >= missing, "{missing} missing, {} counted: {received}", live.dropped);
    assert!(live.dropped > 0 || pictures.decode_errors == 0, "parts of some are missing: {received}");
    assert!(live.dropped < report.encoded / 2, "most of them came in time: {live:?}");
}

/// Below the threshold half the pictures come, and look better; none of them is missed by anybody, and they all come
/// again when there is room for them.
#[tokio::test]
async fn below_a_threshold_every_second_picture_is_left_out_until_the_path_carries_more() {
    let (mut listener, throttle, output) = server();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("beside.mkv");
    let adaptation = Adaptation::default().with_half_rate_below_kbps(2200);
    let pipeline = Pipeline::builder(capture())
        .rendition(encoder(RateControl::Cbr))
        .output(OutputConfig::new(output).with_adaptation(adaptation))
        .output(Output::File { path: path.clone(), container: Container::Matroska })
        .build()
        .unwrap();
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    wait_for(&pipeline, "at first", |it| it.kbps == CEILING && !it.half_rate).await;
    throttle.carry(2000);
    wait_for(&pipeline, "half", |it| it.half_rate && it.half_rate_seconds > 3.0).await;
    // Another server, whose path carries all, joins amid that.
    let mut second = RtmpListener::start().unwrap();
    let joined = pipeline.add_output(Output::Rtmp { url: second.url() }).await.unwrap();
    until(&pipeline, pipeline.status().seconds + 2.0).await;
    let second_report = pipeline.remove_output(joined).await.unwrap();
    throttle.carry(100_000);
    wait_for(&pipeline, "all again", |it| !it.half_rate && it.half_rates > 0).await;
    until(&pipeline, pipeline.status().seconds + 1.0).await;
    let report = pipeline.stop().await.unwrap();
    let live = report.outputs[0].live.clone().unwrap();
    println!("{live:#?}\n{:#?}\n{:#?}", report.notes, report.renditions[0].frame_rate_changes);
    assert_eq!(live.dropped, 0, "what is left out is not lost");
    let adaptation = live.adaptation.unwrap();
    assert!(adaptation.half_rate_seconds > 3.0 && !adaptation.half_rate, "{adaptation:?}");
    let told = report.notes.iter().filter(|it| it.contains("every second picture is left out")).count();
    assert_eq!(told, 1, "{:?}", report.notes);
    let changes = &report.renditions[0].frame_rate_changes;
    let rates: Vec<f64> = changes.iter().map(|it| it.fps).collect();
    let wanted: Vec<f64> = (0..2 * adaptation.half_rates).map(|it| [15.0, 30.0][it as usize % 2]).collect();
    assert_eq!(rates, wanted, "{changes:?}");
    // A tick for each picture that is left out.
    let halved: f64 = changes.chunks_exact(2).map(|it| it[1].seconds - it[0].seconds).sum();
    let due = halved * 15.0;
    let most = due + rates.len() as f64;
    assert!((0.5 * due..most).contains(&(report.thinned as f64)), "{} of {due}", report.thinned);
    let joined = judge(second.received().unwrap()).unwrap();
    println!("{joined}\n{second_report:#?}");
    let pictures = joined.must_have_video();
    assert_eq!((pictures.decode_errors, pictures.backwards, second_report.dropped), (0, 0, 0), "{joined}");
    assert!(pictures.frames > 0 && pictures.key_frames > 0, "{joined}");
    for file in [&listener.received().unwrap(), &path] {
        let seen = judge(file).unwrap();
        let pictures = seen.must_have_video();
        assert_eq!(
            (pictures.frames, pictures.decode_errors, pictures.backwards),
            (report.encoded, 0, 0),
            "{seen}"
        );
        let card = seen.card.as_ref().unwrap();
        println!("{seen}");
        assert_eq!(card.out_of_order, 0, "{seen}");
        // At half the rate as at the full one a picture is shown when the card drew it.
        assert!(card.timing.mean_ms < 33.0, "{seen}");
        // One a second all the time, but for what a busy machine left out.
        let seconds = (report.encoded + report.thinned) / 30;
        assert!(pictures.key_frames + 2 >= seconds, "{} key frames: {seen}", pictures.key_frames);
    }
}

/// After pictures were dropped the next key frame would be a minute away: one is made.
#[tokio::test]
async fn a_peer_that_lost_pictures_gets_a_key_frame_before_its_time() {
    let (mut listener, throttle, output) = server();
    let encoder = encoder(RateControl::Cbr).with_gop_seconds(60.0);
    let pipeline = Pipeline::builder(capture()).rendition(encoder).output(output).build().unwrap();
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    wait_for(&pipeline, "at first", |it| it.kbps == CEILING).await;
    throttle.carry(1);
    let start = Instant::now();
    while pipeline.status().outputs[0].live.as_ref().unwrap().dropped == 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", pipeline.status().outputs);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    throttle.carry(100_000);
    // Nothing more is dropped once a key frame is there.
    let (mut dropped, mut since) = (0, Instant::now());
    while since.elapsed() < Duration::from_secs(2) {
        assert!(start.elapsed() < Duration::from_secs(50), "{:?}", pipeline.status().outputs);
        let now = pipeline.status().outputs[0].live.as_ref().unwrap().dropped;
        if now != dropped {
            (dropped, since) = (now, Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let report = pipeline.stop().await.unwrap();
    let live = report.outputs[0].live.clone().unwrap();
    let received = judge(listener.received().unwrap()).unwrap();
    println!("{live:#?}\n{received}");
    let pictures = received.must_have_video();
    assert_eq!(pictures.decode_errors, 0, "{received}");
    // Those of the last moment may still be under way when it ends.
    let sent = report.encoded - live.dropped;
    assert!(pictures.frames > 30 && pictures.frames <= sent, "{} of {sent}", pictures.frames);
}

/// What cannot follow says so once, and what is asked not to follow does not.
#[tokio::test]
async fn a_bitrate_that_cannot_change_is_told_and_one_that_may_not_stays() {
    let fixed = (encoder(RateControl::Vbr), Adaptation::default());
    let off = (encoder(RateControl::Cbr), Adaptation::off());
    for (index, (encoder, adaptation)) in [fixed, off].into_iter().enumerate() {
        let (_listener, throttle, output) = server();
        let output = OutputConfig::new(output).with_adaptation(adaptation);
        let pipeline = Pipeline::builder(capture()).rendition(encoder).output(output).build().unwrap();
        pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
        throttle.carry(300);
        let start = Instant::now();
        let (mut told, mut dropped) = (false, false);
        while !(dropped && (told || index == 1)) {
            assert!(start.elapsed() < Duration::from_secs(60), "told {told}, dropped {dropped}");
            tokio::time::sleep(Duration::from_millis(20)).await;
            told = pipeline.notes_since(0).iter().any(|it| it.contains("cannot change its bitrate"));
            dropped = pipeline.status().outputs[0].live.as_ref().unwrap().dropped > 0;
        }
        throttle.carry(100_000);
        let report = pipeline.stop().await.unwrap();
        println!("{:#?}\n{:#?}", report.outputs, report.notes);
        assert_eq!(told, index == 0, "{:?}", report.notes);
        assert!(report.renditions[0].bitrate_changes.is_empty());
        assert_eq!(report.outputs[0].live.as_ref().unwrap().adaptation, None);
    }
}
