//! Servers that refuse, say nothing, say garbage, or read nothing.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use ghoststream::{Codec, Error, LinkFault, OutputError, Pipeline};
use testkit::peers::{Nginx, free_port};
use testkit::secrets::{STREAM_KEY, told};

use crate::card::{card, streamed};
use crate::{pipeline, rtmp, start};

/// What `start` says, and what kind of failure that is.
pub(crate) async fn refused(url: &str) -> (LinkFault, String) {
    let pipeline = Pipeline::new(card(), streamed(Codec::H264), rtmp(url)).unwrap();
    match pipeline.start().await.unwrap_err() {
        error @ Error::Output(OutputError::Link { fault, .. }) => (fault, error.to_string()),
        other => panic!("{other}"),
    }
}

/// A server that answers the first connection with these bytes and then closes it, or keeps it.
fn server(answer: &'static [u8], keeps: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 16]);
        let _ = socket.write_all(answer);
        if keeps {
            std::thread::sleep(Duration::from_secs(60));
        }
    });
    format!("rtmp://127.0.0.1:{port}/app/{STREAM_KEY}")
}

#[tokio::test]
async fn failures_are_told_apart_and_no_key_is_told() {
    let nobody = format!("rtmp://127.0.0.1:{}/app/{STREAM_KEY}", free_port().unwrap());
    let unknown = format!("rtmp://no.such.host.invalid/app/{STREAM_KEY}");
    let cases = [
        (refused(&nobody).await, LinkFault::Unreachable, "nobody listens"),
        (refused(&unknown).await, LinkFault::UnknownHost, "cannot be found"),
        (
            refused(&server(b"HTTP/1.1 400 Bad Request\r\n\r\n", true)).await,
            LinkFault::Protocol,
            "speak RTMP",
        ),
        (refused(&server(b"", false)).await, LinkFault::Protocol, "in the handshake"),
        (refused(&server(b"", true)).await, LinkFault::Timeout, "said nothing"),
    ];
    for ((fault, text), expected, part) in cases {
        assert_eq!(fault, expected, "{text}");
        assert!(text.contains(part) && !told(&text), "{text}");
    }
}

#[tokio::test]
async fn an_application_that_is_not_there_and_a_key_that_is_not_wanted_are_told_apart() {
    let nginx = Nginx::start().unwrap();
    let (fault, text) = refused(&nginx.url_of("nowhere", STREAM_KEY)).await;
    assert_eq!(fault, LinkFault::Application, "{text}");
    let (fault, text) = refused(&nginx.url_of("closed", STREAM_KEY)).await;
    assert_eq!(fault, LinkFault::Refused, "{text}");
    assert!(text.contains("is the key right") && !told(&text), "{text}");

    let first = pipeline(&nginx.url(STREAM_KEY), None);
    start(&first).await;
    let (fault, text) = refused(&nginx.url(STREAM_KEY)).await;
    assert_eq!(fault, LinkFault::Refused, "{text}");
    assert!(text.contains("not in use by another program") && !told(&text), "{text}");
    first.stop().await.unwrap();
}

#[tokio::test]
async fn a_key_arrives_as_it_was_given() {
    for key in ["live_1%20x%", "a+b~c=d&e", "ключ-🎬", "name?token=a/b%3F&x=?"] {
        let nginx = Nginx::start().unwrap();
        let pipeline = pipeline(&nginx.url(key), None);
        start(&pipeline).await;
        pipeline.stop().await.unwrap();
        let log = nginx.log().unwrap();
        let (name, arguments) = key.split_once('?').unwrap_or((key, ""));
        assert!(log.contains(&format!("publish: name='{name}' args='{arguments}'")), "{key}: {log}");
    }
    let (fault, text) = refused_at_build(&format!("rtmp://127.0.0.1/live/{STREAM_KEY} key"));
    assert!(fault == LinkFault::Address && text.contains("holds a space") && !told(&text), "{text}");
}

/// What `build` says.
fn refused_at_build(url: &str) -> (LinkFault, String) {
    match Pipeline::new(card(), streamed(Codec::H264), rtmp(url)).unwrap_err() {
        error @ Error::Output(OutputError::Link { fault, .. }) => (fault, error.to_string()),
        other => panic!("{other}"),
    }
}

#[test]
fn wrong_urls_are_told_before_anything_is_opened() {
    let (http, port) = (format!("http://host/app/{STREAM_KEY}"), format!("rtmp://host:x/app/{STREAM_KEY}"));
    for url in ["rtmp://", "rtmp://host", "rtmp://host/app/", &http, &port] {
        let (fault, text) = refused_at_build(url);
        assert!(fault == LinkFault::Address && !told(&text), "{text}");
    }
}

/// A server in front of nginx that hands on what comes, and at this byte of the server's side says
/// something else, or hangs up.
fn meddler(nginx: u16, at: usize, says: Option<&'static [u8]>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut server = TcpStream::connect(("127.0.0.1", nginx)).unwrap();
        let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
        let mut left = at;
        while left > 0 {
            let mut buffer = [0; 256];
            let most = left.min(buffer.len());
            let length = server.read(&mut buffer[..most]).unwrap();
            client.write_all(&buffer[..length]).unwrap();
            left -= length;
        }
        if let Some(garbage) = says {
            let _ = client.write_all(garbage);
            std::thread::sleep(Duration::from_secs(20));
        }
        let _ = client.shutdown(std::net::Shutdown::Both);
    });
    format!("rtmp://127.0.0.1:{port}/live/{STREAM_KEY}")
}

/// In the middle of S1, of S2, of the answer to `connect`, and of those that follow.
const POINTS: [usize; 6] = [1, 700, 2000, 3073, 3100, 3290];

#[tokio::test]
async fn a_server_that_hangs_up_anywhere_is_an_error_at_once() {
    let nginx = Nginx::start().unwrap();
    for at in POINTS {
        let (fault, text) = refused(&meddler(nginx.port(), at, None)).await;
        let expected: &[_] = match at {
            ..3073 => &[LinkFault::Protocol],
            // By the last point the answer to `connect` may be there.
            _ => &[LinkFault::Application, LinkFault::Refused],
        };
        assert!(expected.contains(&fault), "at {at}: {fault:?} {text}");
        assert!(!told(&text), "{text}");
    }
}

#[tokio::test]
async fn garbage_anywhere_is_an_error_and_no_more() {
    let nginx = Nginx::start().unwrap();
    // No version, no type and no length of these is one of RTMP's.
    const GARBAGE: &[u8] = &[0xFF; 8192];
    for at in [0, 3073, 3100, 3290] {
        let (fault, text) = refused(&meddler(nginx.port(), at, Some(GARBAGE))).await;
        assert_eq!(fault, LinkFault::Protocol, "at {at}: {text}");
        assert!(!told(&text), "{text}");
    }
}
