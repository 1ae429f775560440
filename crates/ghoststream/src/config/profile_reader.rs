//! From TOML to profiles, every mistake with its place.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::ConfigError;
use super::profile::{Place, Profile, ProfileError, Profiles};
use super::setting::Given;
use super::settings::{Settings, Unfit};

/// Walks one file.
pub(super) struct Reader<'a> {
    text: &'a str,
    path: &'a Path,
}

pub(super) type Entry<'t, 'i> = (&'t Spanned<Cow<'i, str>>, &'t Spanned<DeValue<'i>>);

impl<'a> Reader<'a> {
    pub(super) const fn new(text: &'a str, path: &'a Path) -> Self {
        Self { text, path }
    }

    pub(super) fn file(&self) -> Result<Profiles, ProfileError> {
        let table = self.parse()?;
        let mut named = BTreeMap::new();
        let mut general = Vec::new();
        for (key, value) in in_order(table.get_ref()) {
            if key.get_ref() == "profile" {
                named = self.profiles(value)?;
            } else {
                general.push((key, value));
            }
        }
        Ok(Profiles { path: self.path.to_owned(), general: self.profile(general)?, named })
    }

    pub(super) fn parse(&self) -> Result<Spanned<DeTable<'a>>, ProfileError> {
        DeTable::parse(self.text).map_err(|error| {
            let start = error.span().map_or(0, |it| it.start);
            self.invalid(start, format!("this is not TOML: {}", error.message()))
        })
    }

    fn profiles(&self, value: &Spanned<DeValue<'_>>) -> Result<BTreeMap<String, Profile>, ProfileError> {
        let DeValue::Table(table) = value.get_ref() else {
            let reason = "profile holds the profiles: write [profile.NAME] above the settings of one";
            return Err(self.invalid(value.span().start, reason.to_owned()));
        };
        let mut named = BTreeMap::new();
        for (name, value) in in_order(table) {
            let DeValue::Table(entries) = value.get_ref() else {
                let reason = format!(
                    "profile.{0} must be a table: write [profile.NAME] above its settings",
                    name.get_ref()
                );
                return Err(self.invalid(name.span().start, reason));
            };
            named.insert(name.get_ref().to_string(), self.profile(in_order(entries))?);
        }
        Ok(named)
    }

    pub(super) fn profile(&self, entries: Vec<Entry<'_, '_>>) -> Result<Profile, ProfileError> {
        let mut profile = Profile { path: self.path.to_owned(), ..Profile::default() };
        for (key, value) in entries {
            let name = key.get_ref().as_ref();
            // The word of the command line is no key: a file has one spelling.
            if !Settings::KEYS.contains(&name) {
                return Err(self.invalid(key.span().start, unknown(name)));
            }
            let given = given(value.get_ref());
            if let Err(unfit) = profile.settings.put(name, &given) {
                return Err(self.unfit(name, value.span(), &given, unfit));
            }
            profile.places.insert(name.to_owned(), Place::of(self.text, value.span().start));
        }
        if let Err(error) = profile.settings.check_layer() {
            let blamed = profile.blame(&error);
            return Err(blamed.unwrap_or_else(|| self.invalid(0, toml_words(&error))));
        }
        Ok(profile)
    }

    fn unfit(&self, name: &str, at: Range<usize>, given: &Given<'_>, unfit: Unfit) -> ProfileError {
        let start = at.start;
        let reason = match unfit {
            Unfit::Unknown => unknown(name),
            Unfit::Type { expects, .. } => {
                let allowed = allowed(name, expects);
                format!("{name} takes {expects}, not {}{allowed}", given.kind())
            }
            Unfit::Value(error) => toml_words(&ConfigError { value: self.written(at).to_owned(), ..error }),
        };
        self.invalid(start, reason)
    }

    /// The value as it was written, shortened to what fits a message.
    pub(super) fn written(&self, range: Range<usize>) -> &str {
        let written = self.text.get(range).unwrap_or_default();
        let line = written.lines().next().unwrap_or_default();
        let end = line.char_indices().nth(60).map_or(line.len(), |(at, _)| at);
        &line[..end]
    }

    pub(super) fn invalid(&self, offset: usize, reason: String) -> ProfileError {
        Place::of(self.text, offset).invalid(self.path, reason)
    }
}

/// Entries as they stand in the file, so that the first mistake is the one reported.
pub(super) fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<Entry<'t, 'i>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

pub(super) fn given<'t>(value: &'t DeValue<'_>) -> Given<'t> {
    match value {
        DeValue::String(text) => Given::Text(text),
        DeValue::Integer(number) => Given::Number(integer(number)),
        DeValue::Float(number) => Given::Number(number.as_str().parse().ok()),
        DeValue::Boolean(flag) => Given::Flag(*flag),
        DeValue::Array(items) => Given::List(items.iter().map(|it| given(it.get_ref())).collect()),
        DeValue::Datetime(_) => Given::Other("a date"),
        DeValue::Table(_) => Given::Other("a table"),
    }
}

/// No setting comes near 2^53, so that a double holds every usable integer.
fn integer(number: &DeInteger<'_>) -> Option<f64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok().map(|it| it as f64)
}

/// The words of an error, with the names that TOML uses.
pub(super) fn toml_words(error: &ConfigError) -> String {
    let ConfigError { name, value, allowed } = error;
    format!("{} = {value} is not possible: {allowed}", name.replace('-', "_"))
}

/// What a setting allows, learnt by giving it a value of the right type that none does.
fn allowed(name: &str, expects: &str) -> String {
    let probe = if expects == "a number" { Given::Number(None) } else { Given::Text("") };
    match Settings::default().put(name, &probe) {
        Err(Unfit::Value(error)) => format!(": {}", error.allowed),
        _ => String::new(),
    }
}

fn unknown(name: &str) -> String {
    let keys = Settings::KEYS.iter().copied().chain(["profile"]);
    match closest(name, keys) {
        Some(near) => format!("there is no setting {name:?}; did you mean {near:?}?"),
        None => format!("there is no setting {name:?}; there are {}", Settings::KEYS.join(", ")),
    }
}

/// The candidate that a mistyped word most likely stands for.
pub(super) fn closest<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let word: Vec<char> = word.chars().take(64).map(|it| if it == '-' { '_' } else { it }).collect();
    candidates
        .map(|it| (distance(&word, it), it))
        .min_by_key(|(steps, _)| *steps)
        .filter(|(steps, it)| *steps <= 1 + it.len() / 4)
        .map(|(_, it)| it)
}

/// Insertions, deletions, replacements and swapped neighbours between two words (optimal string
/// alignment).
fn distance(from: &[char], to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut steps = vec![vec![0; to.len() + 1]; from.len() + 1];
    for i in 0..=from.len() {
        for j in 0..=to.len() {
            steps[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let same = from[i - 1].eq_ignore_ascii_case(&to[j - 1]);
                let replaced = steps[i - 1][j - 1] + usize::from(!same);
                let swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
                let swap = if swapped { steps[i - 2][j - 2] + 1 } else { usize::MAX };
                replaced.min(swap).min(steps[i - 1][j] + 1).min(steps[i][j - 1] + 1)
            };
        }
    }
    steps[from.len()][to.len()]
}
