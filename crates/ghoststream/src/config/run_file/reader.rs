//! From TOML to a run file, every mistake with its place.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::RunFile;
use super::named::Names;
use super::output::OutputTable;
use crate::config::profile::Profile;
use crate::config::profile_reader::{Entry, Reader, closest, given, in_order, toml_words};
use crate::config::setting::Setting;
use crate::config::settings::Unfit;
use crate::config::{
    AudioCodec, AudioConfig, AudioSource, ConfigError, EncoderConfig, ProfileError, Settings,
};
use crate::output;

/// What has a table for each of its names.
const TABLES: [&str; 3] = ["rendition", "audio", "output"];
/// Settings that a capture has once, whatever its renditions.
pub(super) const OF_ALL: [&str; 13] = [
    "source",
    "region",
    "fps",
    "cursor",
    "audio",
    "audio_codec",
    "duration",
    "resume",
    "overwrite",
    "adapt",
    "bitrate_floor",
    "hotkeys",
    "half_rate_below",
];

/// Walks one file.
pub(super) struct RunReader<'a> {
    reader: Reader<'a>,
    path: &'a Path,
}

/// A table of a name, and where it begins.
struct Table<T> {
    name: String,
    at: usize,
    says: T,
}

/// All that stands in a file.
#[derive(Default)]
struct Said {
    general: Profile,
    renditions: Vec<Table<Profile>>,
    audio: Vec<Table<AudioConfig>>,
    outputs: Vec<Table<OutputTable>>,
}

impl<'a> RunReader<'a> {
    pub(super) const fn new(text: &'a str, path: &'a Path) -> Self {
        Self { reader: Reader::new(text, path), path }
    }

    pub(super) fn file(&self) -> Result<RunFile, ProfileError> {
        let table = self.reader.parse()?;
        let said = self.read(table.get_ref())?;
        let resolved = said.general.settings().resolve();
        let resolved = resolved.map_err(|error| self.blame(&error, &[&said.general], 0))?;
        let (tracks, audio): (Vec<String>, Vec<_>) = if said.audio.is_empty() {
            resolved.audio.into_iter().map(|it| (it.source.to_string(), it)).unzip()
        } else {
            said.audio.iter().map(|it| (it.name.clone(), it.says.clone())).unzip()
        };
        let renditions = said.renditions.iter().map(|it| it.name.clone()).collect();
        let outputs = said.outputs.iter().map(|it| it.name.clone()).collect();
        let names = Names { renditions, audio: tracks, outputs };
        let encoders = self.encoders(&said, &names)?;
        let outputs = self.outputs(&said, &names, encoders.len(), audio.len())?;
        let warnings = said.outputs.iter().filter_map(|it| it.says.warning(self.directory())).collect();
        let (capture, duration, hotkeys) =
            (resolved.capture, resolved.duration, said.general.settings().hotkeys);
        Ok(RunFile { capture, renditions: encoders, audio, outputs, duration, hotkeys, warnings, names })
    }

    fn read(&self, table: &DeTable<'_>) -> Result<Said, ProfileError> {
        let (mut said, mut general) = (Said::default(), Vec::new());
        for (key, value) in in_order(table) {
            let name = key.get_ref().as_ref();
            match (name, value.get_ref()) {
                ("rendition", DeValue::Table(tables)) => {
                    said.renditions = self.tables(name, tables, |it| self.rendition(it))?
                }
                ("audio", DeValue::Table(tables)) => {
                    said.audio = self.tables(name, tables, |it| self.audio(it))?
                }
                ("output", DeValue::Table(tables)) => {
                    said.outputs = self.tables(name, tables, |it| self.output(it))?
                }
                ("rendition" | "output", _) => {
                    let reason = format!("{name} has a table for each of its names: write [{name}.NAME]");
                    return Err(self.reader.invalid(value.span().start, reason));
                }
                _ if Settings::KEYS.contains(&name) => general.push((key, value)),
                _ => {
                    return Err(self.reader.invalid(
                        key.span().start,
                        unknown(name, &Settings::KEYS.iter().chain(&TABLES).copied().collect::<Vec<_>>()),
                    ));
                }
            }
        }
        said.general = self.reader.profile(general)?;
        Ok(said)
    }

    /// Reads `[what.NAME]` tables.
    fn tables<T>(
        &self,
        what: &str,
        tables: &DeTable<'_>,
        read: impl Fn(&[Entry<'_, '_>]) -> Result<T, Wrong>,
    ) -> Result<Vec<Table<T>>, ProfileError> {
        let mut all = Vec::new();
        for (name, value) in in_order(tables) {
            let at = name.span().start;
            let DeValue::Table(entries) = value.get_ref() else {
                let reason = format!(
                    "{what}.{} must be a table: write [{what}.NAME] above what it says",
                    name.get_ref()
                );
                return Err(self.reader.invalid(at, reason));
            };
            let says = read(&in_order(entries)).map_err(|wrong| match wrong {
                Wrong::Told(error) => error,
                Wrong::At(place, reason) => self.reader.invalid(place.unwrap_or(at), reason),
            })?;
            all.push(Table { name: name.get_ref().to_string(), at, says });
        }
        Ok(all)
    }

    fn rendition(&self, entries: &[Entry<'_, '_>]) -> Result<Profile, Wrong> {
        if let Some((key, _)) = entries.iter().find(|it| OF_ALL.contains(&it.0.get_ref().as_ref())) {
            let reason = format!("{} counts for all renditions: write it above the tables", key.get_ref());
            return Err(Wrong::At(Some(key.span().start), reason));
        }
        self.reader.profile(entries.to_vec()).map_err(Wrong::Told)
    }

    fn audio(&self, entries: &[Entry<'_, '_>]) -> Result<AudioConfig, Wrong> {
        const KEYS: [&str; 5] = ["source", "codec", "bitrate", "title", "language"];
        fn read<T: Setting>(name: &'static str, value: &Spanned<DeValue<'_>>) -> Result<T, Wrong> {
            let given = given(value.get_ref());
            let unfit = |it| Wrong::of(name, value.span(), &given, Unfit::new(name, it), None);
            T::read(&given).map_err(unfit)
        }
        let mut track: Option<AudioConfig> = None;
        if let Some((_, value)) = entries.iter().find(|it| it.0.get_ref() == "source") {
            track = Some(AudioConfig::new(read::<AudioSource>("source", value)?));
        }
        let mut track = track.ok_or_else(|| {
            Wrong::At(
                None,
                "an audio track has a source: desktop, mic, app:NAME, node:ID or test-card".to_owned(),
            )
        })?;
        for (key, value) in entries {
            match key.get_ref().as_ref() {
                "source" => {}
                "codec" => track.codec = Some(read::<AudioCodec>("codec", value)?),
                "bitrate" => track.bitrate_kbps = Some(read("bitrate", value)?),
                "title" => track.title = Some(read("title", value)?),
                "language" => track.language = Some(read("language", value)?),
                other => return Err(Wrong::At(Some(key.span().start), unknown(other, &KEYS))),
            }
            if let Err(error) = track.validate() {
                return Err(Wrong::At(Some(value.span().start), toml_words(&error)));
            }
        }
        Ok(track)
    }

    fn output(&self, entries: &[Entry<'_, '_>]) -> Result<OutputTable, Wrong> {
        let mut table = OutputTable::default();
        for (key, value) in entries {
            let name = key.get_ref().as_ref();
            let given = given(value.get_ref());
            let written = (!OutputTable::is_secret(name)).then(|| self.reader.written(value.span()));
            table.put(name, &given).map_err(|unfit| match unfit {
                Unfit::Unknown => Wrong::At(Some(key.span().start), unknown(name, OutputTable::KEYS)),
                other => Wrong::of(name, value.span(), &given, other, written),
            })?;
        }
        Ok(table)
    }

    /// One encoder for each rendition; without any, the one that stands at the top. What a live server takes
    /// has its rate control and key frames, and the bitrate of its service, unless the file says otherwise.
    fn encoders(&self, said: &Said, names: &Names) -> Result<Vec<EncoderConfig>, ProfileError> {
        let mut live = Vec::new();
        for it in said.outputs.iter().filter(|it| it.says.is_live()) {
            let rendition = it.says.rendition(names);
            let rendition = rendition.map_err(|error| self.reader.invalid(it.at, toml_words(&error)))?;
            live.push((rendition, it.says.usual_kbps()));
        }
        let empty = Profile::default();
        let only = [(0, &empty)];
        let tables: Vec<_> = said.renditions.iter().map(|it| (it.at, &it.says)).collect();
        let tables = if tables.is_empty() { &only[..] } else { &tables };
        tables
            .iter()
            .enumerate()
            .map(|(number, (at, own))| {
                let mut taken = live.iter().filter(|it| it.0 == number).peekable();
                let is_live = taken.peek().is_some();
                let mut below = if is_live { Settings::for_live() } else { Settings::default() };
                below.bitrate = taken.filter_map(|it| it.1).min();
                let all = own.settings().clone().over(said.general.settings().clone()).over(below);
                let resolved =
                    all.resolve().map_err(|error| self.blame(&error, &[own, &said.general], *at))?;
                Ok(resolved.encoder)
            })
            .collect()
    }

    fn outputs(
        &self,
        said: &Said,
        names: &Names,
        renditions: usize,
        tracks: usize,
    ) -> Result<Vec<crate::OutputConfig>, ProfileError> {
        if said.outputs.is_empty() {
            let reason = "there is no output: write an [output.NAME] table with file, url, camera or replay";
            return Err(self.reader.invalid(0, reason.to_owned()));
        }
        let mut all: Vec<crate::OutputConfig> = Vec::new();
        for it in &said.outputs {
            let invalid =
                |reason: String| self.reader.invalid(it.at, format!("output {}: {reason}", it.name));
            let mut config =
                it.says.config(names, self.directory()).map_err(|error| invalid(toml_words(&error)))?;
            let general = said.general.settings();
            config.overwrite |= general.overwrite.unwrap_or(false);
            config.adaptation = it.says.adaptation(general.adaptation());
            if config.rendition >= renditions {
                return Err(invalid(format!("there is no rendition {}", config.rendition)));
            }
            if let Some(track) = config.audio_tracks.iter().flatten().find(|it| **it >= tracks) {
                return Err(invalid(format!("there is no audio track {track}")));
            }
            if all.iter().any(|other| other.output == config.output) {
                return Err(invalid("another output is the same".to_owned()));
            }
            output::check(&config).map_err(|error| invalid(error.to_string()))?;
            all.push(config);
        }
        Ok(all)
    }

    /// The error at the place that says it, in one of these tables; else at the table.
    fn blame(&self, error: &ConfigError, tables: &[&Profile], at: usize) -> ProfileError {
        let blamed = tables.iter().find_map(|it| it.blame(error));
        blamed.unwrap_or_else(|| self.reader.invalid(at, toml_words(error)))
    }

    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}

/// What is wrong within a table.
enum Wrong {
    /// With its place.
    Told(ProfileError),
    /// At this byte, else at the table itself.
    At(Option<usize>, String),
}

impl Wrong {
    /// Of a value; `written` is how it stands there, where that may be repeated.
    fn of(
        name: &str,
        at: Range<usize>,
        given: &crate::config::setting::Given<'_>,
        unfit: Unfit,
        written: Option<&str>,
    ) -> Self {
        let reason = match unfit {
            Unfit::Unknown => format!("there is no {name}"),
            Unfit::Type { expects, .. } => format!("{name} takes {expects}, not {}", given.kind()),
            Unfit::Value(error) => match written {
                Some(written) => toml_words(&ConfigError { value: written.to_owned(), ..error }),
                None => format!("{name} is not possible: {}", error.allowed),
            },
        };
        Self::At(Some(at.start), reason)
    }
}

fn unknown(name: &str, known: &[&str]) -> String {
    match closest(name, known.iter().copied()) {
        Some(near) => format!("there is no {name:?} here; did you mean {near:?}?"),
        None => format!("there is no {name:?} here; there are {}", known.join(", ")),
    }
}
