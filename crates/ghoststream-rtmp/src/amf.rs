//! AMF0, in which commands and metadata are written (Adobe's *Action Message Format*, AMF 0).

use crate::bytes::take;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Boolean(bool),
    String(String),
    Object(Vec<(String, Value)>),
    /// An object that says how many properties it has: metadata is written as one.
    EcmaArray(Vec<(String, Value)>),
    Array(Vec<Value>),
    Null,
}

/// Markers of AMF 0, section 2.1.
mod marker {
    pub(super) const NUMBER: u8 = 0;
    pub(super) const BOOLEAN: u8 = 1;
    pub(super) const STRING: u8 = 2;
    pub(super) const OBJECT: u8 = 3;
    pub(super) const NULL: u8 = 5;
    pub(super) const UNDEFINED: u8 = 6;
    pub(super) const ECMA_ARRAY: u8 = 8;
    pub(super) const OBJECT_END: u8 = 9;
    pub(super) const STRICT_ARRAY: u8 = 10;
    pub(super) const DATE: u8 = 11;
    pub(super) const LONG_STRING: u8 = 12;
}

/// Values within values at most: more is an attack.
const DEPTH: u32 = 16;

impl Value {
    pub(crate) fn string(text: &str) -> Self {
        Self::String(text.to_owned())
    }

    /// The text, where it is one.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, where it is one.
    pub(crate) const fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A property, where it has any.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(all) | Self::EcmaArray(all) => all.iter().find(|it| it.0 == name).map(|it| &it.1),
            _ => None,
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Number(number) => {
                out.push(marker::NUMBER);
                out.extend(number.to_be_bytes());
            }
            Self::Boolean(it) => out.extend([marker::BOOLEAN, u8::from(*it)]),
            Self::String(text) if text.len() <= usize::from(u16::MAX) => {
                out.push(marker::STRING);
                write_name(text, out);
            }
            Self::String(text) => {
                out.push(marker::LONG_STRING);
                out.extend((text.len() as u32).to_be_bytes());
                out.extend(text.as_bytes());
            }
            Self::Object(all) => {
                out.push(marker::OBJECT);
                write_properties(all, out);
            }
            Self::EcmaArray(all) => {
                out.push(marker::ECMA_ARRAY);
                out.extend((all.len() as u32).to_be_bytes());
                write_properties(all, out);
            }
            Self::Array(all) => {
                out.push(marker::STRICT_ARRAY);
                out.extend((all.len() as u32).to_be_bytes());
                all.iter().for_each(|it| it.write(out));
            }
            Self::Null => out.push(marker::NULL),
        }
    }

    /// Reads all values of a message; `None` where it is not AMF0.
    pub(crate) fn read_all(mut bytes: &[u8]) -> Option<Vec<Self>> {
        let mut values = Vec::new();
        while !bytes.is_empty() {
            values.push(read(&mut bytes, DEPTH)?);
        }
        Some(values)
    }
}

fn write_properties(all: &[(String, Value)], out: &mut Vec<u8>) {
    for (name, value) in all {
        write_name(name, out);
        value.write(out);
    }
    out.extend([0, 0, marker::OBJECT_END]);
}

/// Names are short; a longer one is cut, at a character.
fn write_name(name: &str, out: &mut Vec<u8>) {
    let mut end = name.len().min(usize::from(u16::MAX));
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    out.extend((end as u16).to_be_bytes());
    out.extend(&name.as_bytes()[..end]);
}

fn read(bytes: &mut &[u8], depth: u32) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    Some(match take::<1>(bytes)?[0] {
        marker::NUMBER => Value::Number(f64::from_be_bytes(take(bytes)?)),
        marker::BOOLEAN => Value::Boolean(take::<1>(bytes)?[0] != 0),
        marker::STRING => Value::String(read_name(bytes)?),
        marker::LONG_STRING => {
            let length = u32::from_be_bytes(take(bytes)?);
            Value::String(read_text(bytes, length as usize)?)
        }
        marker::OBJECT => Value::Object(read_properties(bytes, depth)?),
        marker::ECMA_ARRAY => {
            // The count is a hint only; the end is marked.
            take::<4>(bytes)?;
            Value::EcmaArray(read_properties(bytes, depth)?)
        }
        marker::STRICT_ARRAY => {
            let count = u32::from_be_bytes(take(bytes)?);
            // Each takes a byte at least: what is announced beyond the end is found out there.
            Value::Array((0..count).map(|_| read(bytes, depth)).collect::<Option<_>>()?)
        }
        marker::DATE => {
            let milliseconds = f64::from_be_bytes(take(bytes)?);
            take::<2>(bytes)?;
            Value::Number(milliseconds)
        }
        marker::NULL | marker::UNDEFINED => Value::Null,
        _ => return None,
    })
}

fn read_properties(bytes: &mut &[u8], depth: u32) -> Option<Vec<(String, Value)>> {
    let mut all = Vec::new();
    loop {
        let name = read_name(bytes)?;
        if name.is_empty() && bytes.first() == Some(&marker::OBJECT_END) {
            take::<1>(bytes)?;
            return Some(all);
        }
        all.push((name, read(bytes, depth)?));
    }
}

fn read_name(bytes: &mut &[u8]) -> Option<String> {
    let length = u16::from_be_bytes(take(bytes)?);
    read_text(bytes, length.into())
}

fn read_text(bytes: &mut &[u8], length: usize) -> Option<String> {
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(|it| Value::Number(it.into())),
            any::<bool>().prop_map(Value::Boolean),
            ".{0,20}".prop_map(Value::String),
            Just(Value::Null),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            let properties = prop::collection::vec(("[a-z]{1,8}", inner.clone()), 0..4);
            prop_oneof![
                properties.clone().prop_map(Value::Object),
                properties.prop_map(Value::EcmaArray),
                prop::collection::vec(inner, 0..4).prop_map(Value::Array),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in prop::collection::vec(value(), 0..5)) {
            let mut bytes = Vec::new();
            values.iter().for_each(|it| it.write(&mut bytes));
            prop_assert_eq!(Value::read_all(&bytes), Some(values));
        }

        #[test]
        fn garbage_harms_nothing(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Value::read_all(&bytes);
        }
    }

    #[test]
    fn depth_and_announced_lengths_are_bounded() {
        let deep: Vec<u8> = [marker::STRICT_ARRAY, 0, 0, 0, 1].repeat(1000);
        assert_eq!(Value::read_all(&deep), None);
        assert_eq!(Value::read_all(&[marker::STRICT_ARRAY, 255, 255, 255, 255, marker::NULL]), None);
        assert_eq!(Value::read_all(&[marker::LONG_STRING, 255, 255, 255, 255]), None);
    }

    #[test]
    fn bytes_are_those_of_the_specification() {
        let mut bytes = Vec::new();
        Value::Object(vec![("app".into(), Value::string("x"))]).write(&mut bytes);
        Value::Number(1.0).write(&mut bytes);
        assert_eq!(bytes, b"\x03\x00\x03app\x02\x00\x01x\x00\x00\x09\x00\x3f\xf0\x00\x00\x00\x00\x00\x00");
    }
}
