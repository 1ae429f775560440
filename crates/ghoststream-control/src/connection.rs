//! One client.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::watch;

use crate::message::{LONGEST_LINE, parse, reply_line};
use crate::seats::Seat;
use crate::{Code, Handler, Refusal};

/// How long a client may take to accept an answer.
const TO_READ: Duration = Duration::from_secs(5);

/// A client, its place, and what it has sent of its next line.
pub(crate) struct Connection {
    stream: UnixStream,
    seat: Seat,
    buffer: Vec<u8>,
}

/// What came of reading.
enum Read {
    Line(Vec<u8>),
    TooLong,
    End,
}

impl Connection {
    pub(crate) const fn new(stream: UnixStream, seat: Seat) -> Self {
        Self { stream, seat, buffer: Vec::new() }
    }

    /// Answers line by line until the client or the server goes.
    pub(crate) async fn serve<H: Handler>(mut self, handler: Arc<H>, mut closing: watch::Receiver<bool>) {
        loop {
            let read = tokio::select! {
                // What has been asked for is answered, nothing new is taken.
                _ = closing.wait_for(|it| *it) => return,
                () = self.seat.left() => {
                    let message = "another client needed the place, and nothing was said here for long";
                    tell_now(&self.stream, Refusal::new(Code::Idle, message));
                    return;
                }
                read = next_line(&mut self.stream, &mut self.buffer) => read,
            };
            self.seat.served(true);
            let alive = match read {
                Read::Line(line) => {
                    let asked = parse(&line);
                    let result = match asked.request {
                        Ok(request) => handler.handle(request).await,
                        Err(refusal) => Err(refusal),
                    };
                    self.answer(&asked.id, &result).await
                }
                Read::TooLong => {
                    let message = format!("a line may have {LONGEST_LINE} bytes");
                    self.answer(&Value::Null, &Err(Refusal::new(Code::TooLong, message))).await;
                    false
                }
                Read::End => false,
            };
            if !alive {
                return;
            }
            self.seat.served(false);
        }
    }

    /// Whether the client took it.
    async fn answer(&mut self, id: &Value, result: &Result<Value, Refusal>) -> bool {
        let line = reply_line(id, result);
        let written = tokio::time::timeout(TO_READ, self.stream.write_all(line.as_bytes())).await;
        matches!(written, Ok(Ok(())))
    }
}

/// Reads up to the end of a line. Empty lines are passed over; what the last one lacks an end it does
/// not need.
async fn next_line(stream: &mut UnixStream, buffer: &mut Vec<u8>) -> Read {
    let mut searched = 0;
    loop {
        if let Some(at) = buffer[searched..].iter().position(|it| *it == b'\n') {
            let rest = buffer.split_off(searched + at + 1);
            let line = std::mem::replace(buffer, rest);
            if !line.trim_ascii().is_empty() {
                return Read::Line(line);
            }
            searched = 0;
            continue;
        }
        searched = buffer.len();
        if searched >= LONGEST_LINE {
            return Read::TooLong;
        }
        let room = (LONGEST_LINE - searched) as u64;
        match stream.take(room).read_buf(buffer).await {
            Ok(0) if buffer.trim_ascii().is_empty() => return Read::End,
            Ok(0) => return Read::Line(std::mem::take(buffer)),
            Ok(_) => {}
            Err(_) => return Read::End,
        }
    }
}

/// Tells a client that is about to be left, without waiting for it.
pub(crate) fn tell_now(stream: &UnixStream, refusal: Refusal) {
    // A client that has just come has room for it, and one that never reads need not know.
    let _ = stream.try_write(reply_line(&Value::Null, &Err(refusal)).as_bytes());
}
