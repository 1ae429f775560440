//! Real sockets over a path. Needs root, for network namespaces.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use testkit_net::{Conditions, FAR, NEAR, Path, Side, Way};

const MS: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(30);

fn sockets(path: &Path) -> (UdpSocket, UdpSocket) {
    let near = path.on(Side::Near, || UdpSocket::bind((NEAR, 4000))).unwrap().unwrap();
    let far = path.on(Side::Far, || UdpSocket::bind((FAR, 4000))).unwrap().unwrap();
    near.connect((FAR, 4000)).unwrap();
    far.connect((NEAR, 4000)).unwrap();
    far.set_read_timeout(Some(LONG)).unwrap();
    near.set_read_timeout(Some(LONG)).unwrap();
    (near, far)
}

fn streams(path: &Path) -> (TcpStream, TcpStream) {
    let server = path.on(Side::Far, || TcpListener::bind((FAR, 5000))).unwrap().unwrap();
    let client = path.on(Side::Near, || TcpStream::connect((FAR, 5000))).unwrap().unwrap();
    (client, server.accept().unwrap().0)
}

#[test]
fn a_datagram_takes_as_long_as_the_delay() {
    let path = Path::new(Conditions::default().with_delay(MS * 40), 1).unwrap();
    let (near, far) = sockets(&path);
    let start = Instant::now();
    near.send(b"there").unwrap();
    far.recv(&mut [0; 8]).unwrap();
    far.send(b"and back").unwrap();
    near.recv(&mut [0; 8]).unwrap();
    assert!(start.elapsed() >= MS * 80, "{:?}", start.elapsed());
}

#[test]
fn datagrams_are_lost_as_often_as_asked_for_and_all_of_them_when_cut() {
    let path = Path::new(Conditions::default().with_loss(0.2), 3).unwrap();
    let (near, far) = sockets(&path);
    let reader = std::thread::spawn(move || {
        let mut count = 0;
        while far.recv(&mut [0; 128]).unwrap() != 1 {
            count += 1;
        }
        (count, far)
    });
    // In small portions, for no socket's memory to run over.
    for portion in 1..=50 {
        (0..20).for_each(|_| assert_eq!(near.send(&[7; 100]).unwrap(), 100));
        until(|| gone(&path) == portion * 20);
    }
    path.set(Conditions::default());
    near.send(b"!").unwrap();
    let (count, far) = reader.join().unwrap();
    assert!((740..860).contains(&count), "{count} of 1000 at a loss of a fifth");
    path.cut();
    near.send(b"lost").unwrap();
    until(|| gone(&path) == 1002);
    path.mend();
    near.send(b"comes").unwrap();
    let mut text = [0; 5];
    assert_eq!((far.recv(&mut text).unwrap(), &text), (5, b"comes"));
}

/// Packets that have arrived, or never will.
fn gone(path: &Path) -> u64 {
    let passed = path.passed(Way::Up);
    passed.packets + passed.lost
}

fn until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LONG, "it did not come to that");
        std::thread::sleep(MS);
    }
}

#[test]
fn tcp_goes_through_loss_and_does_not_exceed_the_rate() {
    let conditions = Conditions::default().with_delay(MS * 5).with_rate(8_000_000).with_loss(0.01);
    let path = Path::new(conditions, 1).unwrap();
    let (mut client, mut server) = streams(&path);
    let sent: Vec<u8> = (0..1_000_000u32).map(|it| (it.wrapping_mul(it) >> 7) as u8).collect();
    let start = Instant::now();
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        server.read_to_end(&mut all).map(|_| all)
    });
    client.write_all(&sent).unwrap();
    drop(client);
    assert!(reader.join().unwrap().unwrap() == sent, "what came is not what was sent");
    // A second at that rate, without headers.
    assert!(start.elapsed() > MS * 950, "{:?}", start.elapsed());
    assert!(path.passed(Way::Up).lost > 0, "{:?}", path.passed(Way::Up));
}

#[test]
fn programs_and_threads_are_on_their_side_and_nobody_else_sees_it() {
    let path = Path::new(Conditions::default(), 1).unwrap();
    let routes = |command: &mut Command| String::from_utf8(command.output().unwrap().stdout).unwrap();
    let mut command = Command::new("cat");
    path.place(Side::Far, command.arg("/proc/net/fib_trie")).unwrap();
    assert!(routes(&mut command).contains("10.77.0.2"));
    assert!(!routes(Command::new("cat").arg("/proc/net/fib_trie")).contains("10.77.0"));
    path.enter(Side::Near).unwrap();
    let server = path.on(Side::Far, || TcpListener::bind((FAR, 5000))).unwrap().unwrap();
    let client = std::thread::spawn(|| TcpStream::connect((FAR, 5000)).unwrap().local_addr().unwrap());
    assert_eq!(client.join().unwrap().ip(), NEAR);
    drop(server);
}

#[test]
fn connections_that_are_stuck_get_no_data_through_but_a_reset_and_new_ones_do() {
    let path = Path::new(Conditions::default(), 1).unwrap();
    let (mut old, mut server) = streams(&path);
    old.write_all(b"there").unwrap();
    server.read_exact(&mut [0; 5]).unwrap();
    server.write_all(b"unread").unwrap();
    until(|| old.peek(&mut [0; 8]).unwrap() == 6);
    path.stall();
    let before = path.passed(Way::Up).lost;
    old.write_all(b"stays").unwrap();
    until(|| path.passed(Way::Up).lost > before);
    let (near, far) = sockets(&path);
    near.send(b"new").unwrap();
    assert_eq!(far.recv(&mut [0; 8]).unwrap(), 3);
    // Bytes that nobody has read make closing a reset (RFC 2525, section 2.17).
    drop(old);
    server.set_read_timeout(Some(LONG)).unwrap();
    let told = server.read(&mut [0; 8]).unwrap_err();
    assert_eq!(told.kind(), std::io::ErrorKind::ConnectionReset);
}
