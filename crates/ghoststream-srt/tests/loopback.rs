//! Two ends in one process, over loopback.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use ghoststream_srt::{Connection, Error, Library, Listener, Passphrase, Reject, Settings};

const SLICE: Duration = Duration::from_millis(50);

fn listen(library: &Library, settings: &Settings) -> Listener {
    Listener::bind(library, "127.0.0.1:0".parse().unwrap(), settings).unwrap()
}

/// Calls a listener; the caller's side.
fn call(library: &Library, listener: &Listener, settings: &Settings) -> Result<Connection, Error> {
    let mut caller = Connection::begin(library, None, listener.local_address().unwrap(), settings)?;
    while !caller.wait_until_connected(SLICE)? {}
    Ok(caller)
}

fn accept(listener: &mut Listener) -> Connection {
    let start = Instant::now();
    loop {
        if let Some(it) = listener.accept(SLICE).unwrap() {
            return it;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "nobody came");
    }
}

fn with_passphrase(text: &str) -> Settings {
    let mut settings = Settings::default();
    settings.passphrase = Some(Passphrase::new(text).unwrap());
    settings
}

/// The next message, waited for.
fn receive(connection: &mut Connection) -> Vec<u8> {
    let (mut room, start) = ([0; 1500], Instant::now());
    loop {
        if let Some(length) = connection.receive(&mut room).unwrap() {
            return room[..length].to_vec();
        }
        assert!(start.elapsed() < Duration::from_secs(30), "nothing came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn messages_arrive_as_they_were_sent_and_are_counted() {
    let library = Library::start().unwrap();
    assert_eq!(library.version().0, 1);
    let mut settings = with_passphrase("a long enough one");
    settings.latency = Duration::from_millis(60);
    let mut listener = listen(&library, &with_passphrase("a long enough one"));
    let mut caller = call(&library, &listener, &settings).unwrap();
    let mut peer = accept(&mut listener);
    for index in 0..200u8 {
        assert!(caller.send(&[index; 1316]).unwrap());
    }
    for index in 0..200u8 {
        assert_eq!(receive(&mut peer), [index; 1316]);
    }
    let start = Instant::now();
    while caller.buffered().packets > 0 {
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", caller.buffered());
        std::thread::sleep(Duration::from_millis(5));
    }
    let stats = caller.stats().unwrap();
    assert_eq!(stats.latency, Duration::from_millis(120), "the greater of both");
    assert!(stats.sent_packets >= 200 && stats.sent_bytes >= 200 * 1316, "{stats:?}");
    assert_eq!((stats.dropped_packets, stats.unacknowledged_packets), (0, 0), "{stats:?}");
    assert!(stats.rtt > Duration::ZERO, "{stats:?}");
}

#[test]
fn whose_passphrase_is_wrong_is_told_so() {
    let library = Library::start().unwrap();
    let secret = listen(&library, &with_passphrase("the right passphrase"));
    let open = listen(&library, &Settings::default());
    let refused = |listener, settings: &Settings| call(&library, listener, settings).unwrap_err();
    let wrong = with_passphrase("not the right one");
    assert_eq!(refused(&secret, &wrong), Error::Rejected(Reject::WrongPassphrase));
    assert_eq!(refused(&secret, &Settings::default()), Error::Rejected(Reject::Encryption));
    assert_eq!(refused(&open, &wrong), Error::Rejected(Reject::Encryption));
    assert!(call(&library, &secret, &with_passphrase("the right passphrase")).is_ok());
}

#[test]
fn a_listener_takes_one_caller_who_knows_the_stream_id() {
    let library = Library::start().unwrap();
    let mut named = Settings::default();
    named.stream_id = Some("live/me".to_owned());
    let mut listener = listen(&library, &named);
    let refused = |settings: &Settings| call(&library, &listener, settings).unwrap_err();
    assert_eq!(refused(&Settings::default()), Error::Rejected(Reject::Application(1404)));
    let caller = call(&library, &listener, &named).unwrap();
    let first = accept(&mut listener);
    let occupied = listener.occupy();
    let second = call(&library, &listener, &named).unwrap_err();
    assert_eq!(second, Error::Rejected(Reject::Application(1409)));
    assert_eq!(second.to_string(), "it refused: the stream is in use (1409)");
    drop(first);
    let start = Instant::now();
    while caller.is_connected() {
        assert!(start.elapsed() < Duration::from_secs(30), "the caller never notices");
        std::thread::sleep(SLICE);
    }
    drop(occupied);
    let again = call(&library, &listener, &named).unwrap();
    accept(&mut listener);
    drop(again);
}

#[test]
fn nobody_there_is_a_timeout_and_a_port_in_use_is_told() {
    let library = Library::start().unwrap();
    let mut settings = Settings::default();
    settings.connect_timeout = Duration::from_millis(300);
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let mut caller = Connection::begin(&library, None, address, &settings).unwrap();
    let error = loop {
        match caller.wait_until_connected(SLICE) {
            Ok(true) => panic!("nobody is there"),
            Ok(false) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error, Error::Rejected(Reject::Timeout));
    assert_eq!(Listener::bind(&library, address, &settings).unwrap_err(), Error::PortInUse);
    let first = listen(&library, &settings);
    let again = Listener::bind(&library, first.local_address().unwrap(), &settings);
    assert_eq!(again.unwrap_err(), Error::PortInUse);
}

#[test]
fn two_who_call_each_other_meet() {
    let library = Library::start().unwrap();
    let free = |ip: &str| UdpSocket::bind((ip, 0)).unwrap().local_addr().unwrap();
    let (one, other) = (free("127.0.0.2"), free("127.0.0.3"));
    let settings = Settings::default();
    let mut a = Connection::rendezvous(&library, one, other, &settings).unwrap();
    let mut b = Connection::rendezvous(&library, other, one, &settings).unwrap();
    while !a.wait_until_connected(SLICE).unwrap() {}
    while !b.wait_until_connected(SLICE).unwrap() {}
    assert!(a.send(b"hello").unwrap());
    assert_eq!(receive(&mut b), b"hello");
}

/// libsrt 1.5.4 closed every socket when one of its users had enough.
#[test]
fn who_ends_libsrt_ends_nobody_else() {
    let library = Library::start().unwrap();
    let mut listener = listen(&library, &Settings::default());
    let mut caller = call(&Library::start().unwrap(), &listener, &Settings::default()).unwrap();
    let mut peer = accept(&mut listener);
    drop(Library::start().unwrap());
    assert!(caller.is_connected() && peer.is_connected());
    assert!(caller.send(b"still there").unwrap());
    assert_eq!(receive(&mut peer), b"still there");
    call(&Library::start().unwrap(), &listener, &Settings::default()).unwrap();
}

/// The connection that it had goes on at the same port meanwhile.
#[test]
fn a_listener_can_be_made_anew() {
    let library = Library::start().unwrap();
    let mut listener = listen(&library, &Settings::default());
    let address = listener.local_address().unwrap();
    let mut caller = call(&library, &listener, &Settings::default()).unwrap();
    let mut peer = accept(&mut listener);
    drop(listener);
    let mut again = Listener::bind(&library, address, &Settings::default()).unwrap();
    let mut other = call(&library, &again, &Settings::default()).unwrap();
    let mut another = accept(&mut again);
    assert!(caller.send(b"first").unwrap() && other.send(b"second").unwrap());
    assert_eq!(
        (receive(&mut peer).as_slice(), receive(&mut another).as_slice()),
        (&b"first"[..], &b"second"[..])
    );
}

#[test]
fn libsrt_ends_and_starts_again() {
    for _ in 0..3 {
        let library = Library::start().unwrap();
        let mut listener = listen(&library, &Settings::default());
        let mut caller = call(&library, &listener, &Settings::default()).unwrap();
        let mut peer = accept(&mut listener);
        assert!(caller.send(b"again").unwrap());
        assert_eq!(receive(&mut peer), b"again");
    }
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let named = threads.filter_map(|it| std::fs::read_to_string(it.ok()?.path().join("comm")).ok());
    let left: Vec<_> = named.filter(|it| it.starts_with("SRT:")).collect();
    assert!(left.is_empty(), "{left:?}");
}
