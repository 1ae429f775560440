//! An output or a rendition as a control message describes it: the keys and values of an `[output.NAME]` or a
//! `[rendition.NAME]` table.

use std::path::Path;

use serde_json::{Map, Value};

use super::named::Names;
use super::output::OutputTable;
use super::reader::OF_ALL;
use crate::config::setting::Given;
use crate::config::settings::{Settings, Unfit};
use crate::{ConfigError, EncoderConfig, OutputConfig};

/// Understands it. Renditions and tracks are told by the names that they have, or by numbers from 0; relative
/// paths are relative to the directory in which this process was started.
pub(crate) fn output_from_json(
    says: &Map<String, Value>,
    names: &Names,
) -> Result<OutputConfig, ConfigError> {
    let mut table = OutputTable::default();
    for (key, value) in says {
        let given = given(value);
        let shown = if OutputTable::is_secret(key) { "…".to_owned() } else { value.to_string() };
        let unknown = || ConfigError::new("output", key, format!("one of {}", OutputTable::KEYS.join(", ")));
        table.put(key, &given).map_err(|unfit| refused(unfit, &given, shown, unknown))?;
    }
    let config = table.config(names, Path::new(""))?;
    let adaptation = table.adaptation(config.adaptation);
    Ok(config.with_adaptation(adaptation))
}

/// Understands a rendition. What is not said is the default.
pub(crate) fn rendition_from_json(says: &Map<String, Value>) -> Result<EncoderConfig, ConfigError> {
    let mut settings = Settings::default();
    let known = || Settings::KEYS.iter().copied().filter(|it| !OF_ALL.contains(it));
    for (key, value) in says {
        let unknown = || {
            let keys: Vec<_> = known().collect();
            ConfigError::new("rendition", key, format!("one of {}", keys.join(", ")))
        };
        if !known().any(|it| it == key) {
            return Err(unknown());
        }
        let given = given(value);
        settings.put(key, &given).map_err(|unfit| refused(unfit, &given, value.to_string(), unknown))?;
    }
    Ok(settings.resolve()?.encoder)
}

/// Why a value is refused, with what may be shown of it.
fn refused(
    unfit: Unfit,
    given: &Given<'_>,
    shown: String,
    unknown: impl FnOnce() -> ConfigError,
) -> ConfigError {
    match unfit {
        Unfit::Unknown => unknown(),
        Unfit::Type { name, expects } => ConfigError::new(name, given.kind(), expects),
        Unfit::Value(error) => ConfigError { value: shown, ..error },
    }
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
        let named = |names: [&str; 2]| names.map(String::from).to_vec();
        Names { renditions: named(["full", "small"]), audio: named(["game", "me"]), ..Names::default() }
    }

    fn read(says: Value) -> Result<OutputConfig, String> {
        output_from_json(says.as_object().unwrap(), &names()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_rendition_says_what_a_table_says_and_is_the_default_otherwise() {
        let read = |says: Value| rendition_from_json(says.as_object().unwrap()).map_err(|it| it.to_string());
        assert_eq!(read(json!({})).unwrap(), Settings::default().resolve().unwrap().encoder);
        let config =
            read(json!({ "size": "640x360", "bitrate": 800, "rate_control": "cbr", "codec": "h264" }));
        let config = config.unwrap();
        assert_eq!(config.size, Some(crate::Size { width: 640, height: 360 }));
        assert_eq!((config.bitrate_kbps, config.codec), (Some(800), crate::Codec::H264));
        let wrong = [
            (json!({ "siz": "1x1" }), "rendition = siz is not possible: one of"),
            (json!({ "fps": 30 }), "rendition = fps is not possible: one of"),
            (json!({ "size": 7 }), "size = a number is not possible"),
            (json!({ "size": "wide" }), "size = \"wide\" is not possible"),
            (json!({ "bitrate": 1 }), "bitrate = 1 is not possible: 50 to"),
        ];
        for (says, words) in wrong {
            let error = read(says).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_rendition_that_is_added_has_a_name_of_its_own() {
        let mut names = names();
        for name in ["", "small", "3", "a\nb", &"x".repeat(65)] {
            assert!(names.check_new_rendition(name).is_err(), "{name:?}");
        }
        names.check_new_rendition("tiny").unwrap();
        names.name_rendition(2, "tiny".to_owned());
        let says = json!({ "file": "a.mkv", "rendition": "tiny" });
        assert_eq!(output_from_json(says.as_object().unwrap(), &names).unwrap().rendition, 2);
        // Where the others have no names they are called by their numbers.
        let mut names = Names::default();
        names.name_rendition(2, "tiny".to_owned());
        assert_eq!(names.renditions, ["0", "1", "tiny"]);
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
