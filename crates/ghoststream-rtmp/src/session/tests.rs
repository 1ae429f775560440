//! A session against a server that says what the test wants.

use super::*;

/// The other side, which reads with the same chunk reader: that one is tested by itself.
struct Server {
    reader: Reader,
    writer: Writer,
    greeted: bool,
    got: Vec<u8>,
}

impl Server {
    fn new() -> Self {
        Self { reader: Reader::new(), writer: Writer::new(), greeted: false, got: Vec::new() }
    }

    /// What the session sent, as messages; shakes hands on the way.
    fn hear(&mut self, session: &mut Session) -> Vec<Message> {
        loop {
            let sent = session.take_output();
            if sent.is_empty() {
                break;
            }
            self.got.extend(sent);
            if !self.greeted && self.got.len() == 1537 {
                let answer = [&[3][..], &[9; 1536], &self.got[1..1537]].concat();
                self.greeted = true;
                session.input(&answer).unwrap();
            }
        }
        if self.got.len() >= 1537 + 1536 {
            let rest = self.got.split_off(1537 + 1536);
            self.reader.input(&rest);
        } else if self.greeted && !self.got.is_empty() {
            panic!("half a handshake");
        }
        std::iter::from_fn(|| self.reader.next().unwrap()).collect()
    }

    fn say(&self, session: &mut Session, message: &Message) -> Result<(), SessionError> {
        let mut bytes = Vec::new();
        self.writer.write(3, message, &[&message.body], &mut bytes);
        session.input(&bytes)
    }

    fn answer(
        &self,
        session: &mut Session,
        name: &str,
        number: u32,
        values: Vec<Value>,
    ) -> Result<(), SessionError> {
        let command = Command { name: name.into(), transaction: number.into(), arguments: values };
        self.say(session, &command.message(0))
    }
}

fn status(level: &str, code: &str, description: &str) -> Vec<Value> {
    let text = |name: &str, value: &str| (name.to_owned(), Value::string(value));
    let all = vec![text("level", level), text("code", code), text("description", description)];
    vec![Value::Null, Value::Object(all)]
}

fn names(messages: &[Message]) -> Vec<String> {
    messages.iter().filter_map(Command::read).map(|it| it.name).collect()
}

fn begun() -> (Session, Server, Vec<Message>) {
    let target = Target::parse("rtmp://host/app/key").unwrap();
    let (mut session, mut server) = (Session::new(&target, 1), Server::new());
    let mut heard = server.hear(&mut session);
    // The handshake's bytes were taken off once; what follows is all messages.
    server.got.clear();
    server.greeted = false;
    heard.extend(messages(&mut session, &mut server));
    (session, server, heard)
}

fn messages(session: &mut Session, server: &mut Server) -> Vec<Message> {
    server.reader.input(&session.take_output());
    std::iter::from_fn(|| server.reader.next().unwrap()).collect()
}

#[test]
fn a_stream_is_published() {
    let (mut session, mut server, heard) = begun();
    assert_eq!(names(&heard), ["connect"]);
    let connect = heard.iter().find_map(Command::read).unwrap();
    assert_eq!(connect.arguments[0].get("tcUrl").unwrap().as_str(), Some("rtmp://host/app"));
    server.answer(&mut session, "_result", 1, status("status", "NetConnection.Connect.Success", "")).unwrap();
    let heard = messages(&mut session, &mut server);
    assert_eq!(names(&heard), ["releaseStream", "FCPublish", "createStream"]);
    server.answer(&mut session, "_error", 2, vec![]).unwrap();
    server.answer(&mut session, "_result", 4, vec![Value::Null, Value::Number(7.0)]).unwrap();
    let heard = messages(&mut session, &mut server);
    let publish = heard.iter().find_map(Command::read).unwrap();
    assert_eq!(publish.arguments, [Value::Null, Value::string("key"), Value::string("live")]);
    assert_eq!((heard[0].stream, session.state()), (7, State::Publishing));
    server.answer(&mut session, "onStatus", 0, status("status", "NetStream.Publish.Start", "")).unwrap();
    assert_eq!(session.state(), State::Live);

    session.send_video(VideoCodec::Avc, 40, &Video::Picture { data: &[1; 9000], key: true, composition: 33 });
    session.send_audio(41, &Audio::Frame(b"sound"));
    session.end();
    let heard = messages(&mut session, &mut server);
    assert_eq!((heard[0].kind, heard[0].time, heard[0].stream, heard[0].body.len()), (9, 40, 7, 9005));
    assert_eq!((heard[1].kind, &heard[1].body[..]), (8, &b"\xAF\x01sound"[..]));
    assert_eq!(names(&heard), ["FCUnpublish", "deleteStream"]);
}

#[test]
fn refusals_say_what_was_refused() {
    let (mut session, server, _) = begun();
    let said = status("error", "NetConnection.Connect.Rejected", "no such app");
    let error = server.answer(&mut session, "_error", 1, said).unwrap_err();
    assert_eq!(error.to_string(), "it refuses the application: no such app (NetConnection.Connect.Rejected)");

    let (mut session, server, _) = begun();
    server.answer(&mut session, "_result", 1, vec![]).unwrap();
    server.answer(&mut session, "_result", 4, vec![Value::Null, Value::Number(1.0)]).unwrap();
    let said = status("error", "NetStream.Publish.BadName", "in use");
    let error = server.answer(&mut session, "onStatus", 0, said).unwrap_err();
    assert_eq!(error, SessionError::Stream("in use (NetStream.Publish.BadName)".into()));
}

#[test]
fn codecs_that_a_server_names_are_known() {
    let knows = |values: Vec<Value>| {
        let (mut session, server, _) = begun();
        server.answer(&mut session, "_result", 1, values).unwrap();
        [VideoCodec::Avc, VideoCodec::Hevc, VideoCodec::Av1].map(|it| session.knows(it))
    };
    assert_eq!(knows(vec![Value::Null]), [Some(true), None, None]);
    let list = |codes: &[&str]| {
        let codes = codes.iter().map(|it| Value::string(it)).collect();
        vec![Value::Object(vec![("fourCcList".to_owned(), Value::Array(codes))])]
    };
    assert_eq!(knows(list(&["hvc1"])), [Some(true), Some(true), Some(false)]);
    assert_eq!(knows(list(&["*"])), [Some(true); 3]);
    let map = Value::Object(vec![("av01".to_owned(), Value::Number(4.0))]);
    let map = vec![Value::Null, Value::Object(vec![("videoFourCcInfoMap".to_owned(), map)])];
    assert_eq!(knows(map), [Some(true), Some(false), Some(true)]);
}

#[test]
fn pings_are_answered_and_deliveries_noted() {
    let (mut session, mut server, _) = begun();
    let ping = Message { kind: kind::USER_CONTROL, body: vec![0, 6, 1, 2, 3, 4], ..Message::default() };
    server.say(&mut session, &ping).unwrap();
    assert_eq!(messages(&mut session, &mut server)[0].body, [0, 7, 1, 2, 3, 4]);
    server.say(&mut session, &Message::control(kind::ACKNOWLEDGEMENT, 4711)).unwrap();
    assert_eq!(session.delivered(), Some(4711));
    server.say(&mut session, &Message::control(kind::WINDOW_ACKNOWLEDGEMENT_SIZE, 10)).unwrap();
    let heard = messages(&mut session, &mut server);
    assert_eq!(heard[0].kind, kind::ACKNOWLEDGEMENT);
}

#[test]
fn another_protocol_is_told() {
    let mut session = Session::new(&Target::parse("rtmp://host/app/key").unwrap(), 1);
    assert!(matches!(session.input(b"HTTP/1.1 400 Bad Request\r\n"), Err(SessionError::Protocol(_))));
}

proptest::proptest! {
    #[test]
    fn garbage_after_the_handshake_harms_nothing(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..3000)) {
        let (mut session, _, _) = begun();
        let _ = session.input(&bytes);
    }
}
