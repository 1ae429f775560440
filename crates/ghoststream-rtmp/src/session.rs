//! One connection to a server, from the handshake to the end.

use crate::amf::Value;
use crate::chunk::{Reader, Writer};
use crate::command::{self, Command};
use crate::handshake::Handshake;
use crate::message::{Message, kind};
use crate::tag::{self, Audio, Metadata, Video, VideoCodec};
use crate::{SessionError, Target};

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Versions and random bytes are exchanged.
    Handshake,
    /// The application was asked for.
    Connecting,
    /// A stream was asked for.
    Creating,
    /// The stream was announced with its key.
    Publishing,
    /// Pictures and sound may be sent.
    Live,
    /// It was ended from this side.
    Ended,
}

/// What a server has said and is to be told. Bytes of the server go in by [`input`](Self::input);
/// those for it come out of [`take_output`](Self::take_output).
#[derive(Debug)]
pub struct Session {
    target: Target,
    state: State,
    handshake: Handshake,
    reader: Reader,
    writer: Writer,
    out: Vec<u8>,
    /// The message stream that the server made.
    stream: u32,
    /// Bytes that came, and how many of them the server knows to have come.
    received: u64,
    acknowledged: u64,
    /// How many bytes may come before the server is told.
    window: u64,
    /// Bytes of ours that the server says to have got, as it says: 32 bits that wrap.
    delivered: Option<u32>,
    /// The codes of Enhanced RTMP's codecs that the server names, where it names any.
    four_ccs: Option<Vec<String>>,
}

/// The chunk size that we write with: most pictures in few chunks, and yet sound need not wait long.
const CHUNK: u32 = 4096;
/// How many bytes the server may get before it tells how far it is: often enough to see a jam.
const WINDOW: u32 = 64 << 10;

/// Chunk streams, as most publishers number them.
mod on {
    pub(super) const CONTROL: u8 = 2;
    pub(super) const COMMAND: u8 = 3;
    pub(super) const AUDIO: u8 = 4;
    pub(super) const DATA: u8 = 5;
    pub(super) const VIDEO: u8 = 6;
}

impl Session {
    /// Begins, with the first bytes of the handshake. Two sessions should have different seeds.
    pub fn new(target: &Target, seed: u64) -> Self {
        let handshake = Handshake::new(seed);
        let mut out = Vec::new();
        handshake.begin(&mut out);
        Self {
            target: target.clone(),
            state: State::Handshake,
            handshake,
            reader: Reader::new(),
            writer: Writer::new(),
            out,
            stream: 0,
            received: 0,
            acknowledged: 0,
            window: u64::from(u32::MAX),
            delivered: None,
            four_ccs: None,
        }
    }

    /// How far it is.
    pub const fn state(&self) -> State {
        self.state
    }

    /// What is to be sent, in order; it is given out once.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// The number of bytes that wait to be taken.
    pub const fn pending(&self) -> usize {
        self.out.len()
    }

    /// How many bytes the server says to have got, modulo 2³²; `None` where it has not said so.
    pub const fn delivered(&self) -> Option<u32> {
        self.delivered
    }

    /// Whether the server said, in its answer to `connect`, that it knows a codec; `None` where it does
    /// not speak of codecs, which servers of before Enhanced RTMP do not, and some of after it.
    pub fn knows(&self, codec: VideoCodec) -> Option<bool> {
        let Some(code) = codec.four_cc() else { return Some(true) };
        self.four_ccs.as_ref().map(|all| all.iter().any(|it| it == code || it == "*"))
    }

    /// Takes what came from the server.
    ///
    /// # Errors
    /// The server refuses, ends the stream, or speaks another protocol. The session is over then.
    pub fn input(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        self.received += bytes.len() as u64;
        if self.state == State::Handshake {
            let Some(rest) = self.handshake.input(bytes, &mut self.out)? else { return Ok(()) };
            self.connect();
            self.reader.input(&rest);
        } else {
            self.reader.input(bytes);
        }
        while let Some(message) = self.reader.next()? {
            self.obey(&message)?;
        }
        self.acknowledge();
        Ok(())
    }

    /// Says what the stream is: once, before anything else.
    pub fn send_metadata(&mut self, metadata: &Metadata) {
        let head = Message { kind: kind::DATA_AMF0, stream: self.stream, time: 0, body: vec![] };
        self.writer.write(on::DATA, &head, &[&tag::metadata(metadata)], &mut self.out);
    }

    /// Sends of the pictures, at this decoding time in milliseconds.
    pub fn send_video(&mut self, codec: VideoCodec, time: u32, video: &Video<'_>) {
        let head = Message { kind: kind::VIDEO, stream: self.stream, time, body: vec![] };
        let first = tag::video_head(codec, video);
        self.writer.write(on::VIDEO, &head, &[&first, tag::video_data(video)], &mut self.out);
    }

    /// Sends of the sound, at this time in milliseconds.
    pub fn send_audio(&mut self, time: u32, audio: &Audio<'_>) {
        let head = Message { kind: kind::AUDIO, stream: self.stream, time, body: vec![] };
        let (first, data) = tag::audio(audio);
        self.writer.write(on::AUDIO, &head, &[&first, data], &mut self.out);
    }

    /// Ends the stream, so that the server need not find out.
    pub fn end(&mut self) {
        if matches!(self.state, State::Publishing | State::Live) {
            for it in command::unpublish(&self.target, self.stream) {
                self.command(&it, 0);
            }
        }
        self.state = State::Ended;
    }

    /// The handshake is over: the connection's figures, and the application.
    fn connect(&mut self) {
        self.control(&Message::control(kind::SET_CHUNK_SIZE, CHUNK));
        self.writer.set_size(CHUNK as usize);
        self.control(&Message::control(kind::WINDOW_ACKNOWLEDGEMENT_SIZE, WINDOW));
        self.command(&command::connect(&self.target, &["av01", "hvc1"]), 0);
        self.state = State::Connecting;
    }

    fn control(&mut self, message: &Message) {
        self.writer.write(on::CONTROL, message, &[&message.body], &mut self.out);
    }

    fn command(&mut self, command: &Command, stream: u32) {
        let message = command.message(stream);
        self.writer.write(on::COMMAND, &message, &[&message.body], &mut self.out);
    }

    fn obey(&mut self, message: &Message) -> Result<(), SessionError> {
        let number = message.body.first_chunk().map(|it| u32::from_be_bytes(*it));
        match (message.kind, number) {
            (kind::ACKNOWLEDGEMENT, Some(bytes)) => self.delivered = Some(bytes),
            (kind::WINDOW_ACKNOWLEDGEMENT_SIZE, Some(bytes)) => self.window = u64::from(bytes.max(1)),
            (kind::SET_PEER_BANDWIDTH, Some(bytes)) => {
                self.control(&Message::control(kind::WINDOW_ACKNOWLEDGEMENT_SIZE, bytes));
            }
            (kind::USER_CONTROL, Some(_)) => self.answer_ping(&message.body),
            _ => {
                if let Some(command) = Command::read(message) {
                    self.answer(&command)?;
                }
            }
        }
        Ok(())
    }

    /// A ping is answered with what it brought (section 7.1.7).
    fn answer_ping(&mut self, body: &[u8]) {
        const PING: [u8; 2] = [0, 6];
        const PONG: [u8; 2] = [0, 7];
        if let Some(brought) = body.strip_prefix(&PING) {
            let body = [&PONG[..], &brought[..brought.len().min(4)]].concat();
            self.control(&Message { kind: kind::USER_CONTROL, stream: 0, time: 0, body });
        }
    }

    fn answer(&mut self, command: &Command) -> Result<(), SessionError> {
        let transaction = command.transaction;
        match (command.name.as_str(), self.state) {
            ("_result", State::Connecting) if transaction == f64::from(command::CONNECT) => {
                self.four_ccs = command.four_ccs();
                for it in command::create_stream(&self.target) {
                    self.command(&it, 0);
                }
                self.state = State::Creating;
            }
            ("_error", State::Connecting) => return Err(SessionError::Application(command.said())),
            ("_result", State::Creating) if transaction == f64::from(command::CREATE_STREAM) => {
                let made = command.arguments.iter().find_map(Value::as_number);
                let made = made.filter(|it| (0.0..=f64::from(u32::MAX)).contains(it));
                self.stream =
                    made.ok_or(SessionError::Protocol("it makes a stream without a number"))? as u32;
                self.command(&command::publish(&self.target), self.stream);
                self.state = State::Publishing;
            }
            // Servers that know nothing of releaseStream and FCPublish say so; that is no matter.
            ("_error", State::Creating) if transaction == f64::from(command::CREATE_STREAM) => {
                return Err(SessionError::Stream(command.said()));
            }
            ("onStatus", State::Publishing | State::Live) => self.status(command)?,
            ("close", _) => return Err(SessionError::Ended("it closes the connection".to_owned())),
            _ => {}
        }
        Ok(())
    }

    /// What became of the stream (section 7.2.2).
    fn status(&mut self, command: &Command) -> Result<(), SessionError> {
        let level = command.arguments.iter().find_map(|it| it.get("level")).and_then(Value::as_str);
        match command.code() {
            "NetStream.Publish.Start" => self.state = State::Live,
            "NetStream.Unpublish.Success" | "NetStream.Failed" => {
                return Err(SessionError::Ended(command.said()));
            }
            code if level == Some("error") || code.starts_with("NetStream.Publish.") => {
                return Err(match self.state {
                    State::Live => SessionError::Ended(command.said()),
                    _ => SessionError::Stream(command.said()),
                });
            }
            _ => {}
        }
        Ok(())
    }

    /// Tells the server how much has come, when it wants to know (section 5.4.3).
    fn acknowledge(&mut self) {
        if self.state != State::Handshake && self.received - self.acknowledged >= self.window {
            self.acknowledged = self.received;
            self.control(&Message::control(kind::ACKNOWLEDGEMENT, self.received as u32));
        }
    }
}

#[cfg(test)]
mod tests;
