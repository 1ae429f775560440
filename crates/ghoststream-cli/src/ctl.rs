//! `ghoststream ctl`.

use std::path::Path;
use std::time::Duration;

use ghoststream::control::{Client, ClientError, Code, Directory, Instance, OutputTable, Request, Which};
use serde_json::{Map, Value};

use crate::answer::words;
use crate::args::{CtlArgs, CtlCommand};
use crate::failure::Failure;
use crate::print;

/// Asks the one that runs, and prints what it answers.
pub fn run(args: &CtlArgs) -> Result<(), Failure> {
    let request = request(&args.command)?;
    let directory = Directory::of_user().map_err(failed)?;
    let instance = choose(directory.running().map_err(failed)?, args)?;
    // What is written to a slow disk or dialled takes its time.
    let timeout = match request {
        Request::Stop => None,
        Request::SaveReplay { .. } | Request::AddOutput { .. } | Request::RemoveOutput { .. } => {
            Some(Duration::from_secs(120))
        }
        _ => Some(Client::TIMEOUT),
    };
    let client = Client::connect(&instance.path).and_then(|it| it.with_timeout(timeout));
    let told = |error: &dyn std::fmt::Display| format!("process {}: {error}", instance.pid);
    let mut client = client.map_err(|error| Failure::Failed(told(&error)))?;
    let answer = client.request(&request).map_err(|error| match &error {
        ClientError::Refused(it) => Failure::Said {
            message: it.to_string(),
            usage: matches!(it.code, Code::Invalid | Code::Malformed),
        },
        _ => Failure::Failed(told(&error)),
    })?;
    if args.json {
        print::line(&answer.to_string());
    } else {
        print::line(&words(&request, &answer));
    }
    Ok(())
}

fn failed(error: impl std::error::Error) -> Failure {
    Failure::Failed(error.to_string())
}

/// The one that is meant.
fn choose(running: Vec<Instance>, args: &CtlArgs) -> Result<Instance, Failure> {
    let listed = |of: &[Instance]| {
        let each = of.iter().map(|it| format!("\n  --pid {} --name {}", it.pid, it.name));
        each.collect::<String>()
    };
    let mut meant: Vec<_> = running
        .iter()
        .filter(|it| args.pid.is_none_or(|pid| it.pid == pid))
        .filter(|it| args.name.as_ref().is_none_or(|name| it.name == *name))
        .cloned()
        .collect();
    match (meant.len(), running.len()) {
        (1, _) => Ok(meant.remove(0)),
        (0, 0) => Err(Failure::Failed("no ghoststream is running".to_owned())),
        (0, _) => Err(Failure::usage(format!("there is none like that; there are{}", listed(&running)))),
        _ => Err(Failure::usage(format!("several are running; say which one:{}", listed(&meant)))),
    }
}

fn request(command: &CtlCommand) -> Result<Request, Failure> {
    Ok(match command {
        CtlCommand::Status => Request::Status,
        CtlCommand::Pause => Request::Pause,
        CtlCommand::Resume => Request::Resume,
        CtlCommand::SaveReplay { last } => Request::SaveReplay { last: *last },
        CtlCommand::Marker { text } => Request::Marker { text: text.clone() },
        CtlCommand::Bitrate { kbps, rendition } => {
            Request::Bitrate { kbps: *kbps, rendition: rendition.as_deref().map(Which::typed) }
        }
        CtlCommand::KeyFrame => Request::KeyFrame,
        CtlCommand::AddOutput { says } => {
            Request::AddOutput { output: OutputTable(table(says, "an output", "file=clip.mkv")?) }
        }
        CtlCommand::AddRendition { called, says } => {
            let rendition = table(says, "a rendition", "size=640x360")?;
            Request::AddRendition { name: called.clone(), rendition }
        }
        CtlCommand::RemoveOutput { output } => Request::RemoveOutput { output: Which::typed(output) },
        CtlCommand::Outputs => Request::Outputs,
        CtlCommand::Stop => Request::Stop,
    })
}

/// What `KEY=VALUE` words say. A value that is JSON is what it says there, anything else is text.
fn table(says: &[String], what: &str, example: &str) -> Result<Map<String, Value>, Failure> {
    let mut table = Map::new();
    for said in says {
        let Some((key, value)) = said.split_once('=') else {
            // It may be a URL, and is not repeated.
            let words = format!("{what} is described by KEY=VALUE words, such as {example}");
            return Err(Failure::usage(words));
        };
        let value = match serde_json::from_str(value) {
            Ok(value @ (Value::Number(_) | Value::Bool(_) | Value::Array(_))) => value,
            // Several tracks without the quotes that a list of names has.
            _ if key == "audio" && value.contains(',') => value.split(',').map(name_or_number).collect(),
            _ if matches!(key, "file" | "directory" | "key_file" | "disk_dir") => absolute(key, value)?,
            _ => value.into(),
        };
        table.insert(key.replace('-', "_"), value);
    }
    Ok(table)
}

fn name_or_number(text: &str) -> Value {
    text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from)
}

/// The other process was started in another directory.
fn absolute(key: &str, path: &str) -> Result<Value, Failure> {
    if path.contains("://") {
        // It may hold a stream key, and is not repeated.
        return Err(Failure::usage(format!("{key}= takes a path; a URL belongs behind url=")));
    }
    if path.starts_with("~/") {
        return Ok(path.into());
    }
    let path = std::path::absolute(Path::new(path)).map_err(failed)?;
    path.to_str().map(Value::from).ok_or_else(|| Failure::usage("the path must be UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_output_is_described_by_words() {
        let table = |says: &[&str]| {
            let says: Vec<_> = says.iter().map(|&it| it.to_owned()).collect();
            table(&says, "an output", "file=clip.mkv")
        };
        let read = |says: &[&str]| Value::Object(table(says).unwrap());
        assert_eq!(
            read(&["file=/a/b.mkv", "rendition=1", "audio=[0,1]"]),
            json!({ "file": "/a/b.mkv", "rendition": 1, "audio": [0, 1] })
        );
        let rendition = read(&["size=640x360", "bitrate=800", "low-latency=true"]);
        assert_eq!(rendition, json!({ "size": "640x360", "bitrate": 800, "low_latency": true }));
        assert_eq!(
            read(&["rendition=small", "audio=game,1"]),
            json!({ "rendition": "small", "audio": ["game", 1] })
        );
        for typed in ["rtmp://h/a/hidden", "file=rtmp://h/a/hidden"] {
            let error = table(&[typed]).unwrap_err();
            assert!(!error.message().contains("hidden"), "{}", error.message());
        }
        // Where it is meant from, which is not where the other process runs.
        let here = std::env::current_dir().unwrap().join("spool");
        assert_eq!(read(&["replay=60", "disk_dir=spool"])["disk_dir"].as_str(), here.to_str());
    }
}
