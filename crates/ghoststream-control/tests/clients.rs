//! Clients of every kind at a real socket.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ghoststream_control::{Client, ClientError, Code, Directory, Handler, Name, Refusal, Request, Server};
use serde_json::{Value, json};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Counts what it was asked, answers a marker with a long text, and takes its time over a stop.
#[derive(Clone, Debug, Default)]
struct Counting(Arc<AtomicUsize>);

impl Handler for Counting {
    async fn handle(&self, request: Request) -> Result<Value, Refusal> {
        self.0.fetch_add(1, Ordering::Relaxed);
        match request {
            Request::Marker { .. } => Ok(json!({ "long": "x".repeat(1 << 20) })),
            Request::Stop => {
                tokio::time::sleep(Duration::from_millis(200)).await;
                Ok(json!({ "stopped": true }))
            }
            Request::SaveReplay { .. } => Err(Refusal::new(Code::State, "there is no replay")),
            other => Ok(json!({ "did": other.command() })),
        }
    }
}

struct Place {
    _dir: tempfile::TempDir,
    directory: Directory,
    asked: Arc<AtomicUsize>,
    server: Server,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::at(dir.path().join("ghoststream"));
        let handler = Counting::default();
        let asked = Arc::clone(&handler.0);
        let server = Server::start(&directory, None, handler).unwrap();
        Self { _dir: dir, directory, asked, server }
    }

    fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.server.path()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn client(&self) -> Client {
        Client::connect(self.server.path()).unwrap().with_timeout(Some(PATIENCE)).unwrap()
    }
}

/// Sends bytes and returns the next line that comes.
fn say(stream: &mut UnixStream, bytes: &[u8]) -> Value {
    stream.write_all(bytes).unwrap();
    line(stream)
}

fn line(stream: &UnixStream) -> Value {
    let mut line = String::new();
    BufReader::with_capacity(1, stream).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

fn until(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "it did not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether the server has closed the connection.
fn is_closed(mut stream: &UnixStream) -> bool {
    match stream.read(&mut [0; 16]) {
        Ok(0) => true,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
        Ok(_) => false,
    }
}

#[test]
fn a_client_asks_and_is_answered_or_refused() {
    let place = Place::new();
    let mut client = place.client();
    assert_eq!(client.request(&Request::Pause).unwrap(), json!({ "did": "pause" }));
    let refused = client.request(&Request::SaveReplay { last: Some(3.0) }).unwrap_err();
    assert!(matches!(&refused, ClientError::Refused(it) if it.code == Code::State), "{refused}");
    assert_eq!(client.request(&Request::KeyFrame).unwrap(), json!({ "did": "key-frame" }));
    let running = place.directory.running().unwrap();
    assert_eq!((running.len(), running[0].pid), (1, std::process::id() as i32));
    assert_eq!(running[0].name, place.server.name());
}

#[test]
fn what_is_malformed_is_answered_and_the_connection_kept() {
    let place = Place::new();
    let mut stream = place.connect();
    for (sent, code) in [
        (&b"{\"version\":1,\n"[..], "malformed"),
        (b"\xff\xfe\x00\n", "malformed"),
        (b"\n\r\n[]\n", "malformed"),
        (b"{\"version\":99,\"id\":4,\"command\":\"stop\"}\n", "version"),
        (b"{\"version\":1,\"command\":\"self-destruct\"}\n", "unknown-command"),
    ] {
        assert_eq!(say(&mut stream, sent)["error"]["code"], code);
    }
    let two =
        b"{\"version\":1,\"id\":1,\"command\":\"pause\"}\n{\"version\":1,\"id\":2,\"command\":\"resume\"}\n";
    assert_eq!(say(&mut stream, two)["id"], 1);
    assert_eq!(line(&stream)["id"], 2);
    stream.write_all(b"{\"version\":1,\"id\":3,\"command\":\"status\"}").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(line(&stream)["id"], 3, "the last line needs no end");
    assert!(is_closed(&stream));
}

#[test]
fn a_line_that_is_too_long_ends_the_connection_only() {
    let place = Place::new();
    let mut stream = place.connect();
    let around = (r#"{"version":1,"command":"pause","id":""#, "\"}\n");
    let id = " ".repeat((64 << 10) - around.0.len() - around.1.len());
    let longest = [around.0, &id, around.1].concat();
    assert_eq!(say(&mut stream, longest.as_bytes())["error"]["code"], "malformed", "its id is too long");
    // Without an end, and more than the server reads: what is too much for the kernel fails.
    let _ = stream.write_all(&vec![b'x'; 8 << 20]);
    assert_eq!(line(&stream)["error"]["code"], "too-long");
    assert!(is_closed(&stream));
    assert_eq!(place.client().request(&Request::Pause).unwrap()["did"], "pause");
}

#[test]
fn of_a_hundred_clients_each_is_served_or_told_why_not() {
    let place = Place::new();
    let streams: Vec<_> = (0..100).map(|_| place.connect()).collect();
    let ask = |mut stream: &UnixStream| {
        // Who was sent away may find out here already.
        let _ = stream.write_all(b"{\"version\":1,\"id\":1,\"command\":\"status\"}\n");
        line(stream)
    };
    let replies: Vec<_> = streams.iter().map(ask).collect();
    let served = replies.iter().filter(|it| it["ok"]["did"] == "status").count();
    let busy = replies.iter().filter(|it| it["error"]["code"] == "busy").count();
    assert_eq!((served, busy), (64, 36));
    assert_eq!(place.asked.load(Ordering::Relaxed), 64);
    drop(streams);
    // Their places are free as soon as the server has seen them go.
    until(|| place.client().request(&Request::Status).is_ok());
}

#[test]
fn who_never_reads_is_left_and_others_do_not_wait() {
    let place = Place::new();
    let ask = b"{\"version\":1,\"command\":\"marker\",\"text\":\"x\"}\n".repeat(8);
    let deaf: Vec<_> = (0..20).map(|_| place.connect()).collect();
    deaf.iter().for_each(|mut it| it.write_all(&ask).unwrap());
    let mut client = place.client();
    let mut ask_for_status = |times| (0..times).for_each(|_| drop(client.request(&Request::Status).unwrap()));
    ask_for_status(100);
    until(|| place.asked.load(Ordering::Relaxed) >= 100 + deaf.len());
    ask_for_status(10);
    // Each had one answer begun, of eight that were asked for: memory for one is all that it costs.
    assert_eq!(place.asked.load(Ordering::Relaxed), 110 + deaf.len());
    for mut it in deaf {
        until(|| it.write_all(b"\n").is_err());
    }
}

#[test]
fn a_stop_is_answered_although_the_server_ends_meanwhile() {
    let place = Place::new();
    let (mut client, idle, asked) = (place.client(), place.connect(), Arc::clone(&place.asked));
    let stopping = std::thread::spawn(move || client.request(&Request::Stop));
    until(|| asked.load(Ordering::Relaxed) > 0);
    let path = place.server.path().to_owned();
    drop(place.server);
    assert_eq!(stopping.join().unwrap().unwrap(), json!({ "stopped": true }));
    assert!(is_closed(&idle) && !path.exists());
}

#[test]
fn a_name_is_taken_once() {
    let place = Place::new();
    let name: Name = "stream".parse().unwrap();
    let first = Server::start(&place.directory, Some(&name), Counting::default()).unwrap();
    assert!(first.path().ends_with("stream.sock"));
    let second = Server::start(&place.directory, Some(&name), Counting::default());
    assert!(second.unwrap_err().to_string().contains("is taken by process"));
    drop(first);
    Server::start(&place.directory, Some(&name), Counting::default()).unwrap();
}
