//! Faults as text.

use super::{Fault, Kind, Span};

/// A fault has no meaning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the fault {text:?} means nothing: {why}")]
pub struct BadFault {
    /// What was asked for.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

/// Reads a list of faults.
pub(super) fn list(text: &str) -> Result<Vec<Fault>, BadFault> {
    text.lines()
        .map(|line| line.split('#').next().unwrap_or(""))
        .flat_map(|line| line.split(|c: char| c == ',' || c.is_whitespace()))
        .filter(|word| !word.is_empty())
        .map(fault)
        .collect()
}

fn fault(text: &str) -> Result<Fault, BadFault> {
    let bad = |why: String| BadFault { text: text.into(), why };
    let (head, span) = match text.split_once('@') {
        None => (text, None),
        Some((head, span)) => (head, Some(span)),
    };
    let (word, milliseconds) = match head.split_once(':') {
        None => (head, None),
        Some((word, number)) => (word, Some(number)),
    };
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word).ok_or_else(|| {
        let known: Vec<_> = Kind::ALL.into_iter().map(Kind::word).collect();
        bad(format!("no fault is called {word:?}; there are {}", known.join(", ")))
    })?;

    let milliseconds = match (kind, milliseconds) {
        (Kind::Slow, Some(number)) => {
            number.parse().map_err(|_| bad(format!("{number:?} is not a number of milliseconds")))?
        }
        (Kind::Slow, None) => return Err(bad("by how many milliseconds? Such as slow:40".into())),
        (_, Some(_)) => return Err(bad(format!("{word} takes no milliseconds"))),
        (_, None) => 0,
    };
    let span = match (kind.counts(), span) {
        (_, None) if matches!(kind, Kind::DeviceLost | Kind::DriverReset | Kind::EncodeError) => {
            return Err(bad(format!("at which picture? Such as {word}@30")));
        }
        (_, None) => Span::ALL,
        (None, Some(_)) => return Err(bad(format!("{word} takes no numbers"))),
        (Some(what), Some(span)) => read_span(span, kind.is_single())
            .ok_or_else(|| bad(format!("{span:?} is not a span of {what}, which are counted from 1")))?,
    };
    Ok(Fault { kind, span, milliseconds })
}

/// `5`, `5-` or `5-9`.
fn read_span(text: &str, single: bool) -> Option<Span> {
    let (first, last) = match text.split_once('-') {
        None => (text.parse().ok()?, None),
        Some((first, "")) => (first.parse().ok()?, Some(u64::MAX)),
        Some((first, last)) => (first.parse().ok()?, Some(last.parse().ok()?)),
    };
    let last = last.unwrap_or(if single { first } else { u64::MAX });
    (1 <= first && first <= last).then_some(Span { first, last })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let span = |first, last| Span { first, last };
        let fault = |kind, span, milliseconds| Fault { kind, span, milliseconds };
        let text = "session-limit, session-limit@3\nslow:40@10-20 # by then\nencode-error@5,device-lost@9 \
                    out-of-memory out-of-memory@2 out-of-memory@2- hang";
        assert_eq!(
            list(text).unwrap(),
            [
                fault(Kind::SessionLimit, Span::ALL, 0),
                fault(Kind::SessionLimit, span(3, u64::MAX), 0),
                fault(Kind::Slow, span(10, 20), 40),
                fault(Kind::EncodeError, span(5, 5), 0),
                fault(Kind::DeviceLost, span(9, u64::MAX), 0),
                fault(Kind::OutOfMemory, Span::ALL, 0),
                fault(Kind::OutOfMemory, span(2, 2), 0),
                fault(Kind::OutOfMemory, span(2, u64::MAX), 0),
                fault(Kind::Hang, Span::ALL, 0),
            ]
        );
        assert_eq!(list("").unwrap(), []);
    }

    #[test]
    fn nonsense_is_refused_with_the_reason() {
        for (text, why) in [
            ("sesion-limit", "no fault is called"),
            ("slow", "by how many milliseconds"),
            ("slow:x", "not a number of milliseconds"),
            ("crash:3", "takes no milliseconds"),
            ("encode-error", "at which picture"),
            ("encode-error@0", "counted from 1"),
            ("device-lost@9-3", "not a span of pictures"),
            ("device-lost@", "not a span of pictures"),
            ("hang@3", "takes no numbers"),
        ] {
            let error = list(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
