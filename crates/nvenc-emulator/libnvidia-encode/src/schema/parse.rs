//! Reading the descriptions.

use std::collections::BTreeMap;

use super::SOURCES;
use crate::api::{ApiVersion, KNOWN, StructVersion};

/// A struct or union as described: all versions of it.
#[derive(Debug)]
pub struct Description {
    pub union: bool,
    /// The first version of the API that has it.
    pub since: ApiVersion,
    /// From which version of the API on it has which version of its own.
    pub versions: Vec<(ApiVersion, StructVersion)>,
    pub fields: Vec<FieldDescription>,
}

/// A field as described.
#[derive(Debug)]
pub struct FieldDescription {
    pub name: &'static str,
    pub kind: &'static str,
    pub count: usize,
    pub bits: Option<u32>,
    pub since: ApiVersion,
    /// The first version without it.
    pub until: Option<ApiVersion>,
}

impl FieldDescription {
    pub fn is_in(&self, api: ApiVersion) -> bool {
        api >= self.since && self.until.is_none_or(|until| api < until)
    }
}

/// The values of an enumeration with their names.
pub type Names = Vec<(&'static str, u32)>;

/// All that is described.
#[derive(Debug, Default)]
pub struct Descriptions {
    pub structs: BTreeMap<&'static str, Description>,
    pub enums: BTreeMap<&'static str, Names>,
}

/// Reads all descriptions.
///
/// # Panics
///
/// Where one is malformed: they are part of the program, and the tests read all of them.
pub fn descriptions() -> Descriptions {
    let mut all = Descriptions::default();
    let mut current = "";
    for line in SOURCES.iter().flat_map(|text| text.lines()) {
        let line = line.split('#').next().unwrap_or_default();
        let words: Vec<&'static str> = line.split_whitespace().collect();
        let [first, second, rest @ ..] = &words[..] else {
            assert!(words.is_empty(), "not understood: {line}");
            continue;
        };
        if line.starts_with(' ') {
            if let Some(names) = all.enums.get_mut(current) {
                names.push((first, second.parse().unwrap_or_else(|_| panic!("no value: {line}"))));
            } else {
                let owner =
                    all.structs.get_mut(current).unwrap_or_else(|| panic!("a field of nothing: {line}"));
                owner.fields.push(field(first, second, rest));
            }
            continue;
        }
        current = second;
        match *first {
            "enum" => _ = all.enums.insert(current, Vec::new()),
            "struct" | "union" => {
                all.structs.insert(current, description(*first == "union", rest));
            }
            _ => panic!("neither struct, union nor enum: {line}"),
        }
    }
    all
}

/// Reads what follows a struct's name: `version 5!@11.1 6!@12.1` or `12.0..` or nothing.
fn description(union: bool, words: &[&str]) -> Description {
    let (versions, since) = match words {
        [] => (Vec::new(), KNOWN[0]),
        ["version", words @ ..] => {
            let versions = versions(words);
            let since = versions.first().map_or(KNOWN[0], |(since, _)| *since);
            (versions, since)
        }
        [range, ..] => {
            let since = range.strip_suffix("..").and_then(ApiVersion::parse);
            (Vec::new(), since.unwrap_or_else(|| panic!("neither version nor range: {range}")))
        }
    };
    Description { union, since, versions, fields: Vec::new() }
}

/// Reads `5!@11.1 6!@12.1`; a number without `@` holds from the first version on.
fn versions(words: &[&str]) -> Vec<(ApiVersion, StructVersion)> {
    let one = |word: &&str| {
        let (number, since) =
            word.split_once('@').map_or((*word, Some(KNOWN[0])), |(a, b)| (a, ApiVersion::parse(b)));
        let (number, nests) = number.strip_suffix('!').map_or((number, false), |number| (number, true));
        let number = number.parse().unwrap_or_else(|_| panic!("no version: {word}"));
        (since.unwrap_or_else(|| panic!("no API version: {word}")), StructVersion { number, nests })
    };
    words.iter().map(one).collect()
}

/// Reads `u32 name[count]:bits  since..until`.
fn field(kind: &'static str, word: &'static str, rest: &[&'static str]) -> FieldDescription {
    let number = |text: &str| text.parse::<u32>().unwrap_or_else(|_| panic!("no number: {word}"));
    let (word, bits) = word.split_once(':').map_or((word, None), |(word, bits)| (word, Some(number(bits))));
    let (name, count) = word
        .split_once('[')
        .map_or((word, 1), |(name, count)| (name, number(count.trim_end_matches(']')) as usize));
    let (since, until) = rest.first().map_or(("", ""), |range| {
        range.split_once("..").unwrap_or_else(|| panic!("no range of versions: {range}"))
    });
    let version = |text: &str| {
        (!text.is_empty())
            .then(|| ApiVersion::parse(text).unwrap_or_else(|| panic!("no API version: {text}")))
    };
    FieldDescription {
        name,
        kind,
        count,
        bits,
        since: version(since).unwrap_or(KNOWN[0]),
        until: version(until),
    }
}
