//! The commands of who publishes (RTMP 1.0, sections 7.2.1.1 and 7.2.2.6).

use crate::Target;
use crate::amf::Value;
use crate::message::{Message, kind};

/// A command: its name, its transaction, and what follows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) transaction: f64,
    pub(crate) arguments: Vec<Value>,
}

impl Command {
    fn new(name: &str, transaction: u32, arguments: Vec<Value>) -> Self {
        Self { name: name.to_owned(), transaction: transaction.into(), arguments }
    }

    /// Reads one; `None` where the message is none.
    pub(crate) fn read(message: &Message) -> Option<Self> {
        let body = match message.kind {
            kind::COMMAND_AMF0 => &message.body[..],
            // What says AMF3 begins with a byte that says AMF0.
            kind::COMMAND_AMF3 => message.body.get(1..)?,
            _ => return None,
        };
        let mut values = Value::read_all(body)?.into_iter();
        let name = values.next()?.as_str()?.to_owned();
        let transaction = values.next().and_then(|it| it.as_number()).unwrap_or(0.0);
        Some(Self { name, transaction, arguments: values.collect() })
    }

    pub(crate) fn message(&self, stream: u32) -> Message {
        let mut body = Vec::new();
        Value::string(&self.name).write(&mut body);
        Value::Number(self.transaction).write(&mut body);
        self.arguments.iter().for_each(|it| it.write(&mut body));
        Message { kind: kind::COMMAND_AMF0, stream, time: 0, body }
    }

    /// What a server said of an error, in its words: the description, and the code.
    pub(crate) fn said(&self) -> String {
        let information = self.arguments.iter().rev().find(|it| it.get("code").is_some());
        let text = |name| information.and_then(|it| it.get(name)).and_then(Value::as_str).unwrap_or("");
        match (text("description"), text("code")) {
            ("", "") => "it gives no reason".to_owned(),
            ("", code) => code.to_owned(),
            (description, "") => description.to_owned(),
            (description, code) => format!("{description} ({code})"),
        }
    }

    /// The codecs that an answer to `connect` names: `fourCcList`, or the names in `videoFourCcInfoMap`
    /// (*Enhanced RTMP*, version 2, "Enhancing NetConnection connect command").
    pub(crate) fn four_ccs(&self) -> Option<Vec<String>> {
        let find = |name| self.arguments.iter().find_map(|it| it.get(name));
        match (find("videoFourCcInfoMap"), find("fourCcList")) {
            (Some(Value::Object(all) | Value::EcmaArray(all)), _) => {
                Some(all.iter().map(|it| it.0.clone()).collect())
            }
            (_, Some(Value::Array(all))) => {
                Some(all.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            }
            _ => None,
        }
    }

    /// The code of a status.
    pub(crate) fn code(&self) -> &str {
        self.arguments.iter().find_map(|it| it.get("code")).and_then(Value::as_str).unwrap_or("")
    }
}

/// Transactions of the commands that are answered.
pub(crate) const CONNECT: u32 = 1;
pub(crate) const CREATE_STREAM: u32 = 4;

/// Connects to an application; names the codecs of Enhanced RTMP, where they are wanted.
pub(crate) fn connect(target: &Target, four_ccs: &[&str]) -> Command {
    let text = |name: &str, value: &str| (name.to_owned(), Value::string(value));
    let mut object = vec![
        text("app", target.app()),
        text("type", "nonprivate"),
        text("flashVer", concat!("FMLE/3.0 (compatible; GhostStream/", env!("CARGO_PKG_VERSION"), ")")),
        text("tcUrl", &target.url_of_app()),
    ];
    if !four_ccs.is_empty() {
        let list = four_ccs.iter().map(|it| Value::string(it)).collect();
        object.push(("fourCcList".to_owned(), Value::Array(list)));
    }
    Command::new("connect", CONNECT, vec![Value::Object(object)])
}

/// What is asked for once the application is there: `releaseStream` and `FCPublish` free the key from
/// a connection that the server has not noticed to be gone.
pub(crate) fn create_stream(target: &Target) -> [Command; 3] {
    let of_key =
        |name, transaction| Command::new(name, transaction, vec![Value::Null, Value::string(target.key())]);
    [
        of_key("releaseStream", 2),
        of_key("FCPublish", 3),
        Command::new("createStream", CREATE_STREAM, vec![Value::Null]),
    ]
}

/// Publishes live.
pub(crate) fn publish(target: &Target) -> Command {
    Command::new("publish", 5, vec![Value::Null, Value::string(target.key()), Value::string("live")])
}

/// The end: `FCUnpublish` and `deleteStream`.
pub(crate) fn unpublish(target: &Target, stream: u32) -> [Command; 2] {
    [
        Command::new("FCUnpublish", 6, vec![Value::Null, Value::string(target.key())]),
        Command::new("deleteStream", 7, vec![Value::Null, Value::Number(stream.into())]),
    ]
}
