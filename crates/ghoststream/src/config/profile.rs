//! Profiles: settings kept in TOML.
//!
//! One file, `ghoststream/config.toml` in the XDG configuration directory. What stands at its top
//! counts for every run; a `[profile.NAME]` table lies over that when it is asked for. Keys are the
//! words of the command line with underscores. Every mistake is an error with its place: a profile
//! that is half understood would record something else than was meant.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::profile_reader::{Reader, closest, toml_words};
use super::{ConfigError, Settings};

/// The largest file that is read. A profile is a few lines; this keeps a mistaken path from filling
/// memory.
const LARGEST: u64 = 1 << 20;

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The file cannot be read.
    #[error("the profile file {} cannot be read: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no profile of this name.
    #[error("there is no profile {name:?} in {}: {known}", path.display())]
    Missing {
        /// What was asked for.
        name: String,
        /// Where it was looked for.
        path: PathBuf,
        /// Which there are, in words.
        known: String,
    },
    /// Something in the file cannot be used.
    #[error("{}:{line}:{column}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// In characters, counted from 1.
        column: usize,
        /// What is wrong and what is allowed.
        reason: String,
    },
}

/// Where a value stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
}

impl Place {
    /// The place of a byte of `text`.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |it| it + 1);
        Self { line: before.matches('\n').count() + 1, column: before[start..].chars().count() + 1 }
    }

    pub(super) fn invalid(self, path: &Path, reason: String) -> ProfileError {
        ProfileError::Invalid { path: path.to_owned(), line: self.line, column: self.column, reason }
    }
}

/// Settings from a file, and where each of them stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    pub(super) settings: Settings,
    pub(super) places: BTreeMap<String, Place>,
    pub(super) path: PathBuf,
}

impl Profile {
    /// What it says.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The same error with the file and line that said it; `None` where this profile did not.
    pub fn blame(&self, error: &ConfigError) -> Option<ProfileError> {
        let place = self.places.get(&error.name.replace('-', "_"))?;
        Some(place.invalid(&self.path, toml_words(error)))
    }
}

/// A profile file: what counts for every run, and what counts by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profiles {
    pub(super) path: PathBuf,
    pub(super) general: Profile,
    pub(super) named: BTreeMap<String, Profile>,
}

impl Profiles {
    /// Where the file is unless another is named: `$XDG_CONFIG_HOME/ghoststream/config.toml`, by
    /// default `~/.config/ghoststream/config.toml`. `None` where neither variable is set to an
    /// absolute path.
    pub fn default_path() -> Option<PathBuf> {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|it| it.is_absolute());
        let config = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
        Some(config.join("ghoststream/config.toml"))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or something in it cannot be used.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        let text =
            read_bounded(path).map_err(|source| ProfileError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Reads the default file; where there is none, nothing is set.
    ///
    /// # Errors
    /// It is there and cannot be read, or something in it cannot be used.
    pub fn read_default() -> Result<Self, ProfileError> {
        let Some(path) = Self::default_path() else { return Ok(Self::default()) };
        match Self::read(&path) {
            Err(ProfileError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self { path, ..Self::default() })
            }
            other => other,
        }
    }

    /// Understands the text of a file; `path` is only for messages.
    ///
    /// # Errors
    /// Something in it cannot be used.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ProfileError> {
        Reader::new(text, path).file()
    }

    /// The settings of a profile, over what counts for every run. `None` is the latter alone.
    ///
    /// # Errors
    /// There is no such profile.
    pub fn get(&self, name: Option<&str>) -> Result<Profile, ProfileError> {
        let Some(name) = name else { return Ok(self.general.clone()) };
        let Some(named) = self.named.get(name) else { return Err(self.missing(name)) };
        let mut places = self.general.places.clone();
        places.extend(named.places.clone());
        let settings = named.settings.clone().over(self.general.settings.clone());
        Ok(Profile { settings, places, path: self.path.clone() })
    }

    /// The names that `get` takes, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }

    fn missing(&self, name: &str) -> ProfileError {
        let names: Vec<_> = self.names().collect();
        let known = match (closest(name, names.iter().copied()), names.is_empty()) {
            (Some(near), _) => format!("did you mean {near:?}?"),
            (None, false) => format!("it has {}", names.join(", ")),
            (None, true) => format!("it has none; add a [profile.{name}] table"),
        };
        ProfileError::Missing { name: name.to_owned(), path: self.path.clone(), known }
    }
}

pub(super) fn read_bounded(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    let mut file = std::fs::File::open(path)?.take(LARGEST + 1);
    file.read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(std::io::Error::other("it is larger than 1 MiB, which no profile is"));
    }
    Ok(text)
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;
