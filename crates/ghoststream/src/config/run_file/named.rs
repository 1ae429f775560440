//! Renditions and audio tracks by the names that a file gives them.

use crate::config::ConfigError;
use crate::config::setting::{Given, Refused, Setting};

/// What names stand for: the first for number 0, and so on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) renditions: Vec<String>,
    pub(crate) audio: Vec<String>,
}

/// A rendition or a track, by its name or by its number from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Name(String),
    Number(usize),
}

impl Named {
    pub(super) fn number(&self, what: &'static str, names: &[String]) -> Result<usize, ConfigError> {
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
