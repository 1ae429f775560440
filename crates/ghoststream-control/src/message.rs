//! What is said: one JSON object a line.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{Code, Refusal, Which};

/// The version of the protocol. Fields may be added to answers within a version, and commands;
/// whatever a client of it knows keeps its meaning.
pub const VERSION: u64 = 1;

/// The longest line that is read from a client, its end included.
pub(crate) const LONGEST_LINE: usize = 64 << 10;

/// What can be asked for. In JSON the variant's name is `"command"`, in the words of the command line:
/// `save-replay`; its fields stand beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Request {
    /// How it goes.
    Status,
    /// Stop recording for a while; the outputs show no gap.
    Pause,
    /// Go on.
    Resume,
    /// Save what the replay buffer holds.
    SaveReplay {
        /// The last so many seconds. `None` is all of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<f64>,
    },
    /// A chapter begins here, in files that have chapters.
    Marker {
        /// Its title.
        text: String,
    },
    /// Another bitrate.
    Bitrate {
        /// In thousands of bits a second.
        kbps: u32,
        /// Of which rendition. `None` is the only one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rendition: Option<Which>,
    },
    /// The next picture of every rendition is a key frame.
    KeyFrame,
    /// Write to one more place.
    AddOutput {
        /// The keys and values of an `[output.NAME]` table of `ghoststream run`.
        output: OutputTable,
    },
    /// One more rendition, for outputs that are added then.
    AddRendition {
        /// What it is called.
        name: String,
        /// The keys and values of a `[rendition.NAME]` table of `ghoststream run`.
        rendition: Map<String, Value>,
    },
    /// Finish an output and leave the others as they are.
    RemoveOutput {
        /// Its number, as `outputs` and `add-output` tell it, or its name.
        output: Which,
    },
    /// Where it writes to.
    Outputs,
    /// End, with every output whole.
    Stop,
}

impl Request {
    /// Every command by its word, and what it takes.
    const COMMANDS: [(&'static str, &'static str); 12] = [
        ("status", "takes nothing"),
        ("pause", "takes nothing"),
        ("resume", "takes nothing"),
        ("save-replay", "takes \"last\", a number of seconds, which may be left out"),
        ("marker", "takes \"text\", the chapter's title"),
        (
            "bitrate",
            "takes \"kbps\", a whole number, and \"rendition\", a name or a number from 0, which may be left out",
        ),
        ("key-frame", "takes nothing"),
        ("add-output", "takes \"output\", an object with the keys of an [output.NAME] table"),
        (
            "add-rendition",
            "takes \"name\", and \"rendition\", an object with the keys of a [rendition.NAME] table",
        ),
        ("remove-output", "takes \"output\", its name or its number"),
        ("outputs", "takes nothing"),
        ("stop", "takes nothing"),
    ];

    /// Its word.
    pub const fn command(&self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::SaveReplay { .. } => "save-replay",
            Self::Marker { .. } => "marker",
            Self::Bitrate { .. } => "bitrate",
            Self::KeyFrame => "key-frame",
            Self::AddOutput { .. } => "add-output",
            Self::AddRendition { .. } => "add-rendition",
            Self::RemoveOutput { .. } => "remove-output",
            Self::Outputs => "outputs",
            Self::Stop => "stop",
        }
    }
}

/// An output as an `[output.NAME]` table describes it. Its values may hold a secret, so that it is
/// shown without them.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OutputTable(pub Map<String, Value>);

impl fmt::Debug for OutputTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A line as it came: whom to answer, and what was asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What the client calls the message; null where it said nothing usable.
    pub(crate) id: Value,
    pub(crate) request: Result<Request, Refusal>,
}

/// Understands a line. No message repeats a value of it, for it may be a secret.
pub(crate) fn parse(line: &[u8]) -> Asked {
    let unusable = |reason: String| Asked { id: Value::Null, request: Err(malformed(reason)) };
    let mut fields = match serde_json::from_slice(line) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return unusable("a message is a JSON object".to_owned()),
        // A syntax error tells the place and what was expected there, not what was found.
        Err(error) => return unusable(format!("this is not JSON: {error}")),
    };
    let id = match fields.remove("id") {
        None | Some(Value::Null) => Value::Null,
        Some(it @ Value::Number(_)) => it,
        Some(Value::String(it)) if it.len() <= 64 => it.into(),
        Some(_) => return unusable("\"id\" is a number, or a text of up to 64 bytes".to_owned()),
    };
    Asked { id, request: request(fields) }
}

fn request(mut fields: Map<String, Value>) -> Result<Request, Refusal> {
    match fields.remove("version").as_ref().and_then(Value::as_u64) {
        Some(VERSION) => {}
        Some(other) => {
            let message = format!("version {VERSION} is spoken here, and the message is of version {other}");
            return Err(Refusal::new(Code::Version, message));
        }
        None => return Err(malformed(format!("\"version\" is missing: say {VERSION}"))),
    }
    let words = || Request::COMMANDS.map(|it| it.0).join(", ");
    let Some(command) = fields.get("command").and_then(Value::as_str) else {
        return Err(malformed(format!("\"command\" is missing: one of {}", words())));
    };
    let Some((command, takes)) = Request::COMMANDS.into_iter().find(|it| it.0 == command) else {
        let message = format!("there is no such command; there are {}", words());
        return Err(Refusal::new(Code::UnknownCommand, message));
    };
    let whole = takes != "takes nothing" || fields.len() == 1;
    let parsed = serde_json::from_value(Value::Object(fields)).ok().filter(|_| whole);
    parsed.ok_or_else(|| malformed(format!("{command} {takes}")))
}

/// The line of a request, its end included.
pub(crate) fn request_line(id: u64, request: &Request) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Line<'a> {
        version: u64,
        id: u64,
        #[serde(flatten)]
        request: &'a Request,
    }
    Ok(serde_json::to_string(&Line { version: VERSION, id, request })? + "\n")
}

/// The line of a reply, its end included.
pub(crate) fn reply_line(id: &Value, result: &Result<Value, Refusal>) -> String {
    let reply = match result {
        Ok(value) => json!({ "version": VERSION, "id": id, "ok": value }),
        Err(refusal) => json!({ "version": VERSION, "id": id, "error": refusal }),
    };
    format!("{reply}\n")
}

/// What a reply says.
#[derive(Debug, Deserialize)]
pub(crate) struct Reply {
    pub(crate) version: u64,
    #[serde(default)]
    pub(crate) id: Value,
    pub(crate) ok: Option<Value>,
    pub(crate) error: Option<Refusal>,
}

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::Malformed, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(line: &str) -> (Value, Code, String) {
        let asked = parse(line.as_bytes());
        let refusal = asked.request.expect_err(line);
        (asked.id, refusal.code, refusal.message)
    }

    #[test]
    fn every_command_is_read_back_as_it_was_written() {
        let table = |says: Value| says.as_object().unwrap().clone();
        let all = [
            Request::Status,
            Request::Pause,
            Request::Resume,
            Request::SaveReplay { last: None },
            Request::SaveReplay { last: Some(12.5) },
            Request::Marker { text: "a \"b\"\n".to_owned() },
            Request::Bitrate { kbps: 4000, rendition: Some(Which::Number(1)) },
            Request::Bitrate { kbps: 4000, rendition: Some(Which::Name("small".to_owned())) },
            Request::KeyFrame,
            Request::AddOutput { output: OutputTable(table(json!({ "file": "a.mkv" }))) },
            Request::AddRendition {
                name: "small".to_owned(),
                rendition: table(json!({ "size": "640x360", "bitrate": 800 })),
            },
            Request::RemoveOutput { output: Which::Number(3) },
            Request::Outputs,
            Request::Stop,
        ];
        for request in &all {
            let line = request_line(7, request).unwrap();
            let asked = parse(line.as_bytes());
            assert_eq!((asked.id, asked.request.as_ref()), (json!(7), Ok(request)), "{line}");
            let word = serde_json::to_value(request).unwrap();
            assert_eq!(word["command"], request.command());
        }
        for (command, _) in Request::COMMANDS {
            assert!(all.iter().any(|it| it.command() == command), "{command}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_the_message_it_is_about() {
        let (id, code, message) = refused(r#"{"version":2,"id":"x","command":"status"}"#);
        assert_eq!((id, code), (json!("x"), Code::Version));
        assert!(message.contains("version 2"), "{message}");
        let (id, code, message) = refused(r#"{"version":1,"id":5,"command":"bitrate","kbps":"lots"}"#);
        assert_eq!((id, code), (json!(5), Code::Malformed));
        assert!(message.contains("kbps") && !message.contains("lots"), "{message}");
        for (line, code) in [
            ("", Code::Malformed),
            ("7", Code::Malformed),
            ("{", Code::Malformed),
            (r#"{"version":1}"#, Code::Malformed),
            (r#"{"command":"status"}"#, Code::Malformed),
            (r#"{"version":1,"command":7}"#, Code::Malformed),
            (r#"{"version":1,"command":"explode"}"#, Code::UnknownCommand),
            (r#"{"version":1,"command":"status","of":"what"}"#, Code::Malformed),
            (r#"{"version":1,"command":"save-replay","lst":3}"#, Code::Malformed),
            (r#"{"version":1,"id":[],"command":"status"}"#, Code::Malformed),
        ] {
            assert_eq!(refused(line).1, code, "{line}");
        }
    }

    #[test]
    fn an_output_is_shown_without_its_values() {
        let table = json!({ "url": "rtmp://h/a/hidden" }).as_object().unwrap().clone();
        let shown = format!("{:?}", Request::AddOutput { output: OutputTable(table) });
        assert!(shown.contains("url") && !shown.contains("hidden"), "{shown}");
    }

    proptest! {
        /// Any bytes get an answer which is one line.
        #[test]
        fn garbage_is_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let asked = parse(&bytes);
            let line = reply_line(&asked.id, &asked.request.map(|_| Value::Null));
            prop_assert_eq!(line.matches('\n').count(), 1);
        }
    }
}
