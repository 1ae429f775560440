//! Renditions and audio tracks by the names that a file gives them.

use crate::config::ConfigError;
use crate::config::setting::{Given, Refused, Setting};

/// What names stand for: the first for number 0, and so on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) renditions: Vec<String>,
    pub(crate) audio: Vec<String>,
    /// Those that were there from the start.
    pub(crate) outputs: Vec<String>,
}

impl Names {
    /// The most characters of a name that is given while it runs.
    const LONGEST: usize = 64;

    /// Whether a further rendition may be called so.
    pub(crate) fn check_new_rendition(&self, name: &str) -> Result<(), ConfigError> {
        let refused = |allowed: &str| Err(ConfigError::new("name", name, allowed));
        if name.is_empty() || name.chars().count() > Self::LONGEST || name.chars().any(char::is_control) {
            return refused("1 to 64 characters, none of them a control character");
        }
        if name.parse::<f64>().is_ok() {
            return refused("a name that is no number, for renditions have numbers, too");
        }
        if self.renditions.iter().any(|it| it == name) {
            return refused("a name that no other rendition has");
        }
        Ok(())
    }

    /// Names a rendition. Those before it that have no name are called by their numbers.
    pub(crate) fn name_rendition(&mut self, number: usize, name: String) {
        while self.renditions.len() < number {
            self.renditions.push(self.renditions.len().to_string());
        }
        self.renditions.truncate(number);
        self.renditions.push(name);
    }
}

/// A rendition, a track or an output, by its name or by its number from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Name(String),
    Number(usize),
}

impl Named {
    /// Its number; a name is one of these.
    pub(crate) fn number(&self, what: &'static str, names: &[String]) -> Result<usize, ConfigError> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Name(name) => names.iter().position(|it| it == name).ok_or_else(|| {
                let known = if names.is_empty() {
                    "a number".to_owned()
                } else {
                    format!("one of {}", names.join(", "))
                };
                ConfigError::new(what, name, known)
            }),
        }
    }
}

impl Setting for Named {
    fn read(given: &Given<'_>) -> Result<Self, Refused> {
        match given {
            Given::Text(name) => Ok(Self::Name((*name).to_owned())),
            Given::Number(Some(number)) if number.fract() == 0.0 && (0.0..1e6).contains(number) => {
                Ok(Self::Number(*number as usize))
            }
            Given::Number(_) => Err(Refused::Value("a number from 0".to_owned())),
            _ => Err(Refused::Type("a name or a number")),
        }
    }
}

impl Setting for Vec<Named> {
    fn read(given: &Given<'_>) -> Result<Self, Refused> {
        match given {
            Given::List(items) => items.iter().map(Named::read).collect(),
            Given::Text("none") => Ok(Vec::new()),
            one => Ok(vec![Named::read(one).map_err(|_| Refused::Type("a list of tracks"))?]),
        }
    }
}
