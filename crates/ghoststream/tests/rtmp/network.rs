//! Over a network that fails.

use std::sync::Arc;
use std::time::Duration;

use testkit::judge::judge;
use testkit::net::{Conditions, Path, Side};
use testkit::peers::Nginx;
use testkit::secrets::{STREAM_KEY, told};

use crate::{must_have_every_frame, pipeline, start, until};

const MS: Duration = Duration::from_millis(1);

fn path() -> (Arc<Path>, Nginx) {
    let path = Arc::new(Path::new(Conditions::default().with_delay(MS * 10), 1).unwrap());
    let nginx = Nginx::start_beyond(&path).unwrap();
    // The pipeline's threads begin where this one is.
    path.enter(Side::Near).unwrap();
    (path, nginx)
}

/// However long TCP would wait by itself for its next attempt.
#[tokio::test]
async fn short_cuts_cost_nothing() {
    let (path, nginx) = path();
    let pipeline = pipeline(&nginx.url(STREAM_KEY), None);
    start(&pipeline).await;
    for cut in [700, 1000, 1400] {
        tokio::time::sleep(MS * 1000).await;
        path.cut();
        tokio::time::sleep(MS * cut).await;
        path.mend();
        let (sent, mended) = (nginx.received(), std::time::Instant::now());
        until("the stream goes on", || nginx.received() > sent).await;
        println!("back {:?} after {cut} ms", mended.elapsed());
        until("it has gone on", || nginx.received() > sent + 500_000).await;
    }
    let report = pipeline.stop().await.unwrap();
    let live = report.outputs[0].live.clone().unwrap();
    assert_eq!((live.connections, live.dropped), (1, 0), "{live:?}");
    let verdict = judge(&nginx.recorded().unwrap()[0]).unwrap();
    assert_eq!(report.encoded, verdict.must_have_video().frames, "{verdict}");
}

/// Its kernel waits, and the server has the key for in use until the old connection is reset.
#[tokio::test]
async fn a_connection_that_stays_silent_on_a_whole_path_is_replaced_by_one_that_was_made_meanwhile() {
    let (path, nginx) = path();
    let pipeline = pipeline(&nginx.url(STREAM_KEY), None);
    start(&pipeline).await;
    tokio::time::sleep(MS * 1000).await;
    path.stall();
    until("a second recording", || nginx.recorded().unwrap().len() == 2).await;
    let sent = nginx.received();
    until("the stream goes on", || nginx.received() > sent + 500_000).await;
    let report = pipeline.stop().await.unwrap();
    let live = report.outputs[0].live.clone().unwrap();
    println!("{live:#?}\n{:#?}", report.notes);
    assert_eq!(live.connections, 2);
    assert!(report.notes.iter().any(|it| it.contains("another takes its place")), "{:?}", report.notes);
    let after = judge(&nginx.recorded().unwrap()[1]).unwrap();
    assert_eq!(after.must_have_video().decode_errors, 0, "{after}");
}

/// The server does not notice, and has the key for in use.
#[tokio::test]
async fn after_a_long_cut_the_stream_is_there_again_and_the_file_has_every_frame() {
    let ((path, nginx), dir) = (path(), tempfile::tempdir().unwrap());
    let file = dir.path().join("beside.mkv");
    let pipeline = pipeline(&nginx.url(STREAM_KEY), Some(&file));
    start(&pipeline).await;
    tokio::time::sleep(MS * 1000).await;
    path.cut();
    tokio::time::sleep(MS * 4500).await;
    path.mend();
    until("a second recording", || nginx.recorded().unwrap().len() == 2).await;
    let sent = nginx.received();
    until("the stream goes on", || nginx.received() > sent + 500_000).await;
    let report = pipeline.stop().await.unwrap();
    let live = report.outputs[0].live.clone().unwrap();
    println!("{live:#?}\n{:#?}", report.notes);
    assert_eq!(live.connections, 2);
    let lost = report.notes.iter().find(|it| it.contains("nothing was heard of it"));
    assert!(lost.is_some_and(|it| !told(it)), "{:?}", report.notes);
    must_have_every_frame(&report, &judge(&file).unwrap());
    let after = judge(&nginx.recorded().unwrap()[1]).unwrap();
    assert_eq!(after.must_have_video().decode_errors, 0, "{after}");
}

/// nginx is frozen while it receives, and goes on.
#[tokio::test]
async fn a_server_that_reads_nothing_costs_pictures_of_the_stream_and_nothing_else() {
    let path = Arc::new(Path::new(Conditions::default(), 1).unwrap());
    // Where a kernel keeps megabytes for a server, it takes longer for anybody to notice.
    let small = || std::fs::write("/proc/sys/net/ipv4/tcp_rmem", "4096 16384 65536");
    path.on(Side::Far, small).unwrap().unwrap();
    let (nginx, dir) = (Nginx::start_beyond(&path).unwrap(), tempfile::tempdir().unwrap());
    path.enter(Side::Near).unwrap();
    let file = dir.path().join("beside.mkv");
    let pipeline = pipeline(&nginx.url(STREAM_KEY), Some(&file));
    start(&pipeline).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    nginx.freeze();
    tokio::time::sleep(Duration::from_secs(6)).await;
    nginx.thaw();
    let before = nginx.received();
    until("the stream goes on", || nginx.received() > before + 500_000).await;
    let report = pipeline.stop().await.unwrap();
    let live = report.outputs[0].live.clone().unwrap();
    println!("{live:#?}");
    assert!(live.dropped > 0 && live.gaps > 0, "{live:?}");
    must_have_every_frame(&report, &judge(&file).unwrap());
    for recorded in nginx.recorded().unwrap() {
        let verdict = judge(&recorded).unwrap();
        assert_eq!(verdict.must_have_video().decode_errors, 0, "a picture without its references: {verdict}");
    }
}
