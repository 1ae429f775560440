//! SRT, to and from peers of others: what they received is judged frame by frame.

#[path = "common/card.rs"]
mod card;

use std::net::UdpSocket;
use std::path::Path;
use std::time::{Duration, Instant};

use card::{card, streamed};
use ghoststream::{
    AudioConfig, AudioSource, Codec, Container, Error, LinkFault, Output, OutputError, OutputState, Pipeline,
};
use testkit::judge::judge;
use testkit::net::{self, Conditions, Side, Way};
use testkit::peers::{SrtFfmpeg, SrtServer, free_udp_port};
use testkit::secrets::{PASSPHRASE, STREAM_KEY, told};

fn srt(url: &str) -> Output {
    Output::Srt { url: url.to_owned() }
}

fn pipeline(codec: Codec, url: &str) -> Pipeline {
    Pipeline::builder(card())
        .rendition(streamed(codec))
        .audio(AudioConfig::new(AudioSource::TestCard))
        .output(srt(url))
        .build()
        .unwrap()
}

async fn stream(codec: Codec, url: &str) -> ghoststream::Report {
    let pipeline = pipeline(codec, url);
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    tokio::time::sleep(Duration::from_secs(3)).await;
    pipeline.stop().await.unwrap()
}

/// Every picture that was encoded is in what the peer wrote, and the sound with it.
fn must_be_all(path: &Path, report: &ghoststream::Report) {
    let verdict = judge(path).unwrap();
    println!("{verdict}\n{report:#?}");
    verdict.must_be_in_sync(20.0);
    assert_eq!(report.encoded, verdict.must_have_video().frames);
    assert_eq!(verdict.must_have_video().decode_errors, 0);
    assert_eq!(report.outputs[0].live.as_ref().unwrap().dropped, 0);
}

#[tokio::test]
async fn srt_live_transmit_gets_every_frame_encrypted_and_by_its_name() {
    let mut server = SrtServer::start(&format!("passphrase={PASSPHRASE}")).unwrap();
    let passphrase = PASSPHRASE.replace('-', "%2d");
    let options = format!("passphrase={passphrase}&pbkeylen=32&streamid=publish/{STREAM_KEY}&latency=200");
    let report = stream(Codec::H264, &server.url(&options)).await;
    must_be_all(&server.received().unwrap(), &report);
    assert!(!told(&format!("{report:?}")));
}

#[tokio::test]
async fn srt_live_transmit_that_calls_us_while_we_call_it_gets_every_frame() {
    let mut other = SrtServer::meet(&format!("passphrase={PASSPHRASE}")).unwrap();
    let report = stream(Codec::H264, &other.url(&format!("passphrase={PASSPHRASE}&latency=200"))).await;
    must_be_all(&other.received().unwrap(), &report);
}

#[tokio::test]
async fn ffmpeg_gets_every_frame_of_hevc() {
    let mut peer = SrtFfmpeg::listen("latency=200000").unwrap();
    let report = stream(Codec::Hevc, &peer.url("")).await;
    must_be_all(&peer.received().unwrap(), &report);
}

/// The peer holds it back for the latency, and loses what it holds when the connection ends.
#[tokio::test]
async fn the_end_arrives_however_long_it_may_be_under_way() {
    let mut server = SrtServer::start("").unwrap();
    let report = stream(Codec::H264, &server.url("latency=2500")).await;
    must_be_all(&server.received().unwrap(), &report);
}

#[tokio::test]
async fn nothing_is_lost_on_a_path_that_loses_packets() {
    let conditions = Conditions::default().with_delay(Duration::from_millis(20)).with_loss(0.03);
    let path = net::Path::new(conditions, 5).unwrap();
    let mut server = SrtServer::start_beyond(&path, "").unwrap();
    path.enter(Side::Near).unwrap();
    let report = stream(Codec::H264, &server.url("latency=600")).await;
    must_be_all(&server.received().unwrap(), &report);
    assert!(path.passed(Way::Up).lost > 10, "{:?}", path.passed(Way::Up));
}

/// Waits until it holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(40), "{what} does not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn connections(pipeline: &Pipeline) -> u64 {
    pipeline.status().outputs[0].live.as_ref().map_or(0, |it| it.connections)
}

/// The server is ended and comes back while a file is recorded beside the stream.
#[tokio::test]
async fn a_server_that_comes_back_gets_the_stream_again_and_the_file_has_every_frame() {
    let mut server = SrtServer::start("").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("beside.mkv");
    let pipeline = Pipeline::builder(card())
        .rendition(streamed(Codec::H264))
        .audio(AudioConfig::new(AudioSource::TestCard))
        .output(srt(&server.url("latency=100")))
        .output(Output::File { path: path.clone(), container: Container::Matroska })
        .build()
        .unwrap();
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.kill();
    server.go().unwrap();
    until("the second connection", || connections(&pipeline) == 2).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let report = pipeline.stop().await.unwrap();
    let live = report.outputs[0].live.clone().unwrap();
    assert!(live.dropped > 0 && report.notes.iter().any(|it| it.contains("is back after")), "{live:?}");
    let after = judge(server.received().unwrap()).unwrap();
    assert!(after.must_have_video().frames > 30 && after.must_have_video().decode_errors == 0, "{after}");
    // The bitrate falls when the server does, and the colours of the file beside with it.
    let beside = judge(&path).unwrap();
    beside.must_be_in_sync(5.0);
    let video = beside.must_have_video();
    assert_eq!((report.encoded, video.decode_errors), (video.frames, 0), "{beside}");
}

#[tokio::test]
async fn a_listener_serves_one_caller_after_the_other() {
    let port = free_udp_port().unwrap();
    let options = &format!("passphrase={PASSPHRASE}&streamid={STREAM_KEY}");
    let first = SrtFfmpeg::call(port, options).unwrap();
    let pipeline = pipeline(Codec::H264, &format!("srt://:{port}?mode=listener&{options}"));
    pipeline.start().await.unwrap_or_else(|error| panic!("{error}"));
    let (fault, text) = refused(&format!("srt://127.0.0.1:{port}?{options}")).await;
    assert!(fault == LinkFault::Refused && text.contains("in use"), "{text}");
    first.kill();
    until("the loss of the first", || pipeline.status().outputs[0].state == OutputState::Reconnecting).await;
    // Nobody listens until the next attempt is due, and some callers give up at once: they call again.
    let mut second = SrtFfmpeg::call(port, options).unwrap();
    for _ in 0..8 {
        let called = Instant::now();
        while connections(&pipeline) < 2 && called.elapsed() < Duration::from_secs(4) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if connections(&pipeline) == 2 {
            break;
        }
        second.kill();
        second = SrtFfmpeg::call(port, options).unwrap();
    }
    until("the second", || connections(&pipeline) == 2).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    pipeline.stop().await.unwrap();
    let verdict = judge(second.received().unwrap()).unwrap();
    println!("{verdict}");
    assert!(
        verdict.must_have_video().frames > 30 && verdict.must_have_video().decode_errors == 0,
        "{verdict}"
    );
}

/// What `start` says, and what kind of failure that is.
async fn refused(url: &str) -> (LinkFault, String) {
    let pipeline = match Pipeline::new(card(), streamed(Codec::H264), srt(url)) {
        Ok(pipeline) => pipeline.start().await.map(|()| pipeline),
        Err(error) => Err(error),
    };
    match pipeline.map(drop).unwrap_err() {
        error @ Error::Output(OutputError::Link { fault, .. }) => (fault, error.to_string()),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn failures_are_told_apart_and_no_secret_is_told() {
    let (locked, open) =
        (SrtServer::start(&format!("passphrase={PASSPHRASE}")).unwrap(), SrtServer::start("").unwrap());
    let (meeting, files) = (SrtServer::meet("").unwrap(), SrtServer::start_for_files().unwrap());
    // It has the port, and never says a word.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let named = format!("streamid={STREAM_KEY}");
    let never = format!("srt://127.0.0.1:{port}?connect_timeout=500&{named}");
    let alone = format!("srt://:{}?mode=listener&listen_timeout=300&{named}", free_udp_port().unwrap());
    let wrong = format!("passphrase={PASSPHRASE}-and-wrong");
    let cases = [
        (locked.url(&wrong), LinkFault::Passphrase, "set there"),
        (locked.url(&named), LinkFault::Passphrase, "add &passphrase"),
        (open.url(&wrong), LinkFault::Passphrase, "leave passphrase out"),
        (files.url(&named), LinkFault::Protocol, "in live mode"),
        (open.url(&format!("passphrase={}", testkit::secrets::MARK)), LinkFault::Address, "10 to 79"),
        (open.url(&format!("lossmaxttl={STREAM_KEY}")), LinkFault::Address, "option 1"),
        (open.url("latency=200000"), LinkFault::Address, "milliseconds"),
        (never, LinkFault::Timeout, "listening"),
        (alone, LinkFault::Timeout, "nobody has called"),
        (format!("srt://127.0.0.1:{port}?mode=listener"), LinkFault::Address, "in use"),
        ("srt://no.such.host.invalid:9000".to_owned(), LinkFault::UnknownHost, "cannot be found"),
    ];
    for (url, expected, part) in cases {
        let (fault, text) = refused(&url).await;
        assert!(fault == expected && text.contains(part) && !told(&text), "{expected:?}: {fault:?}, {text}");
    }
    // In a rendezvous newer versions of libsrt say whose passphrase is missing, older ones that something is wrong.
    let (fault, text) = refused(&meeting.url(&format!("{wrong}&connect_timeout=200"))).await;
    let part = match fault {
        LinkFault::Passphrase => "leave passphrase out",
        _ => "the same passphrase",
    };
    let known = matches!(fault, LinkFault::Passphrase | LinkFault::Protocol);
    assert!(known && text.contains(part) && !told(&text), "{fault:?}, {text}");
}
