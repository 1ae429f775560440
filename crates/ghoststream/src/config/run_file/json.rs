//! An output as a control message describes it: the keys and values of an `[output.NAME]` table.

use std::path::Path;

use serde_json::{Map, Value};

use super::named::Names;
use super::output::OutputTable;
use crate::config::setting::Given;
use crate::config::settings::Unfit;
use crate::{ConfigError, OutputConfig};

/// Understands it. Renditions and tracks are told by the names that they have, or by numbers from 0; relative
/// paths are relative to the directory in which this process was started.
pub(crate) fn output_from_json(
    says: &Map<String, Value>,
    names: &Names,
) -> Result<OutputConfig, ConfigError> {
    let mut table = OutputTable::default();
    for (key, value) in says {
        let given = given(value);
        table.put(key, &given).map_err(|unfit| match unfit {
            Unfit::Unknown => {
                ConfigError::new("output", key, format!("one of {}", OutputTable::KEYS.join(", ")))
            }
            Unfit::Type { name, expects } => ConfigError::new(name, given.kind(), expects),
            Unfit::Value(error) if OutputTable::is_secret(key) => {
                ConfigError { value: "…".into(), ..error }
            }
            Unfit::Value(error) => ConfigError { value: value.to_string(), ..error },
        })?;
    }
    let config = table.config(names, Path::new(""))?;
    let adaptation = table.adaptation(config.adaptation);
    Ok(config.with_adaptation(adaptation))
}

fn given(value: &Value) -> Given<'_> {
    match value {
        Value::String(text) => Given::Text(text),
        Value::Number(number) => Given::Number(number.as_f64()),
        Value::Bool(flag) => Given::Flag(*flag),
        Value::Array(items) => Given::List(items.iter().map(given).collect()),
        Value::Object(_) => Given::Other("an object"),
        Value::Null => Given::Other("null"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Container, Output};
    use serde_json::json;

    fn names() -> Names {
        Names { renditions: vec!["full".into(), "small".into()], audio: vec!["game".into(), "me".into()] }
    }

    fn read(says: Value) -> Result<OutputConfig, String> {
        output_from_json(says.as_object().unwrap(), &names()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_message_says_what_a_table_says() {
        let config =
            read(json!({ "file": "/a/b.mp4", "rendition": 1, "audio": [0], "overwrite": true })).unwrap();
        assert_eq!(config.output, Output::File { path: "/a/b.mp4".into(), container: Container::Mp4 });
        assert_eq!((config.rendition, config.audio_tracks, config.overwrite), (1, Some(vec![0]), true));
        let config = read(json!({ "file": "a.mkv", "rendition": "small", "audio": ["me"] })).unwrap();
        assert_eq!((config.rendition, config.audio_tracks), (1, Some(vec![1])));
        let config = read(json!({ "url": "srt://h:1", "latency": 200, "bitrate_floor": 900 })).unwrap();
        assert_eq!(config.output, Output::Srt { url: "srt://h:1?latency=200".into() });
        assert_eq!(config.adaptation, crate::Adaptation::default().with_floor_kbps(900));
        let wrong = [
            (json!({ "fil": "a.mkv" }), "one of file"),
            (json!({ "file": 3 }), "file = a number is not possible: text"),
            (
                json!({ "file": "a.mkv", "rendition": "tiny" }),
                "rendition = tiny is not possible: one of full, small",
            ),
            (json!({ "file": "a.mkv", "audio": ["you"] }), "one of game, me"),
            (json!({ "file": "a.mkv", "latency": 20 }), "with url alone"),
            (json!({ "url": "srt://h:1", "stream_id": ["hidden"] }), "stream-id = a list"),
            (json!({ "url": "http://hidden" }), "rtmp://"),
            (json!({ "url": {} }), "an object"),
            (json!({}), "exactly one"),
        ];
        for (says, words) in wrong {
            let error = read(says).unwrap_err();
            assert!(error.contains(words) && !error.contains("hidden"), "{error}");
        }
    }
}
