//! SPA pods: the typed binary values in which PipeWire negotiates.
//!
//! Reading works on any bytes: what does not add up reads as absent. Layout: every pod is a size, a
//! type and a body padded to eight bytes; see PipeWire's `spa/pod/pod.h`. Native byte order.
#![warn(missing_docs)]

use ghoststream_picture::Size;

const TYPE_ID: u32 = 3;
const TYPE_INT: u32 = 4;
const TYPE_LONG: u32 = 5;
const TYPE_RECTANGLE: u32 = 10;
const TYPE_FRACTION: u32 = 11;
const TYPE_OBJECT: u32 = 15;
const TYPE_CHOICE: u32 = 19;

/// `SPA_POD_PROP_FLAG_MANDATORY`.
const FLAG_MANDATORY: u32 = 1 << 3;
/// `SPA_POD_PROP_FLAG_DONT_FIXATE`.
const FLAG_DONT_FIXATE: u32 = 1 << 4;

/// One value, borrowed from the bytes it came in.
#[derive(Clone, Copy, Debug)]
pub struct Pod<'a> {
    kind: u32,
    body: &'a [u8],
}

impl<'a> Pod<'a> {
    /// Reads the pod at the start of `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        Self::split(bytes).map(|(pod, _)| pod)
    }

    /// The pod at the start, and what follows it and its padding.
    fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let size = usize::try_from(word(bytes, 0)?).ok()?;
        let kind = word(bytes, 4)?;
        let body = bytes.get(8..8usize.checked_add(size)?)?;
        let rest = bytes.get(8 + size.checked_next_multiple_of(8)?..).unwrap_or_default();
        Some((Self { kind, body }, rest))
    }

    /// Reads through a choice to its default, which is all that a fixed format has.
    fn plain(self) -> Option<Self> {
        if self.kind != TYPE_CHOICE {
            return Some(self);
        }
        // Kind of choice, flags, then one header for all values, which follow without padding.
        let size = usize::try_from(word(self.body, 8)?).ok()?;
        let kind = word(self.body, 12)?;
        let body = self.body.get(16..16usize.checked_add(size)?)?;
        Some(Self { kind, body })
    }

    fn of(self, kind: u32) -> Option<&'a [u8]> {
        self.plain().filter(|pod| pod.kind == kind).map(|pod| pod.body)
    }

    /// An enumerated value.
    pub fn id(self) -> Option<u32> {
        word(self.of(TYPE_ID)?, 0)
    }

    /// A signed number.
    pub fn int(self) -> Option<i32> {
        word(self.of(TYPE_INT)?, 0).map(u32::cast_signed)
    }

    /// Every long number of a choice, the default first and not again; of a plain value, that one.
    pub fn longs(self) -> Vec<i64> {
        let Some(first) = self.of(TYPE_LONG) else { return Vec::new() };
        let all = if self.kind == TYPE_CHOICE { self.body.get(16..).unwrap_or_default() } else { first };
        let number = |bytes: &[u8]| i64::from_ne_bytes(bytes.try_into().unwrap_or_default());
        let mut longs: Vec<i64> = Vec::new();
        for value in all.chunks_exact(8).map(number) {
            if !longs.contains(&value) {
                longs.push(value);
            }
        }
        longs
    }

    /// Width and height.
    pub fn rectangle(self) -> Option<Size> {
        let body = self.of(TYPE_RECTANGLE)?;
        Some(Size::new(word(body, 0)?, word(body, 4)?))
    }

    /// Numerator and denominator.
    pub fn fraction(self) -> Option<(u32, u32)> {
        let body = self.of(TYPE_FRACTION)?;
        Some((word(body, 0)?, word(body, 4)?))
    }

    /// The object's type and its properties.
    pub fn object(self) -> Option<(u32, Properties<'a>)> {
        if self.kind != TYPE_OBJECT {
            return None;
        }
        Some((word(self.body, 0)?, Properties { rest: self.body.get(8..)? }))
    }
}

/// The properties of an object, as key and value, up to the first that does not add up.
#[derive(Clone, Copy, Debug)]
pub struct Properties<'a> {
    rest: &'a [u8],
}

impl<'a> Properties<'a> {
    /// Whether the property is there, and is left to whoever makes the buffers to choose.
    pub fn is_unfixed(mut self, wanted: u32) -> bool {
        self.split().is_some_and(|(key, flags, _)| {
            if key == wanted { flags & FLAG_DONT_FIXATE != 0 } else { self.is_unfixed(wanted) }
        })
    }

    /// Key, flags and value of the next property.
    fn split(&mut self) -> Option<(u32, u32, Pod<'a>)> {
        let (key, flags) = (word(self.rest, 0)?, word(self.rest, 4)?);
        let (pod, rest) = Pod::split(self.rest.get(8..)?)?;
        self.rest = rest;
        Some((key, flags, pod))
    }
}

impl<'a> Iterator for Properties<'a> {
    type Item = (u32, Pod<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.split().map(|(key, _, pod)| (key, pod))
    }
}

/// A 32-bit word at `offset`.
pub fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    let bytes = bytes.get(offset..offset.checked_add(4)?)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

/// A value to write.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Value {
    Id(u32),
    Int(i32),
    Long(i64),
    Rectangle(Size),
    Fraction(u32, u32),
    /// A default, then the alternatives, the default among them.
    Enum(Vec<Value>),
    /// Default, least, most.
    Range(Box<[Value; 3]>),
    /// A set of bits.
    Flags(i32),
    /// Both sides must speak of the property, or there is no agreement. Of what only one side
    /// mentions, an agreement takes over the other's word unasked.
    Mandatory(Box<Value>),
    /// A choice that stays one in the agreement: whoever makes the buffers chooses later.
    Unfixed(Box<Value>),
}

impl Value {
    /// Anything from `least` to `most`, `preferred` if nobody minds.
    pub fn range(preferred: Self, least: Self, most: Self) -> Self {
        Self::Range(Box::new([preferred, least, most]))
    }

    /// The same, as what both sides must speak of.
    pub fn mandatory(self) -> Self {
        Self::Mandatory(Box::new(self))
    }

    /// The same, as a choice that whoever makes the buffers fixes.
    pub fn unfixed(self) -> Self {
        Self::Unfixed(Box::new(self))
    }

    /// The flags of a property with this value.
    fn flags(&self) -> u32 {
        match self {
            Self::Mandatory(value) => FLAG_MANDATORY | value.flags(),
            Self::Unfixed(value) => FLAG_DONT_FIXATE | value.flags(),
            _ => 0,
        }
    }

    fn kind(&self) -> u32 {
        match self {
            Self::Mandatory(value) | Self::Unfixed(value) => value.kind(),
            Self::Id(_) => TYPE_ID,
            Self::Int(_) => TYPE_INT,
            Self::Long(_) => TYPE_LONG,
            Self::Rectangle(_) => TYPE_RECTANGLE,
            Self::Fraction(..) => TYPE_FRACTION,
            Self::Enum(_) | Self::Range(_) | Self::Flags(_) => TYPE_CHOICE,
        }
    }

    fn write_body(&self, out: &mut Vec<u8>) {
        match self {
            Self::Mandatory(value) | Self::Unfixed(value) => value.write_body(out),
            Self::Id(value) => push(out, *value),
            Self::Int(value) => push(out, value.cast_unsigned()),
            Self::Long(value) => out.extend_from_slice(&value.to_ne_bytes()),
            Self::Rectangle(size) => {
                push(out, size.width);
                push(out, size.height);
            }
            Self::Fraction(numerator, denominator) => {
                push(out, *numerator);
                push(out, *denominator);
            }
            Self::Range(values) => write_choice(out, 1, &values[..]),
            Self::Enum(values) => write_choice(out, 3, values),
            Self::Flags(bits) => write_choice(out, 4, &[Self::Int(*bits)]),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        self.write_body(&mut body);
        push(out, length(&body));
        push(out, self.kind());
        out.extend_from_slice(&body);
        out.resize(out.len().next_multiple_of(8), 0);
    }
}

fn write_choice(out: &mut Vec<u8>, kind: u32, values: &[Value]) {
    let mut first = Vec::new();
    if let Some(value) = values.first() {
        value.write_body(&mut first);
    }
    push(out, kind);
    push(out, 0);
    push(out, length(&first));
    push(out, values.first().map_or(TYPE_INT, Value::kind));
    for value in values {
        value.write_body(out);
    }
}

/// A finished object, aligned as PipeWire wants it.
#[derive(Clone, Debug)]
pub struct Object {
    words: Vec<u64>,
}

impl Object {
    /// An object of a type, under a parameter's id, with these properties.
    pub fn new(kind: u32, id: u32, properties: &[(u32, Value)]) -> Self {
        let mut body = Vec::new();
        push(&mut body, kind);
        push(&mut body, id);
        for (key, value) in properties {
            push(&mut body, *key);
            push(&mut body, value.flags());
            value.write(&mut body);
        }
        let mut bytes = Vec::new();
        push(&mut bytes, length(&body));
        push(&mut bytes, TYPE_OBJECT);
        bytes.extend_from_slice(&body);
        let words = bytes.chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_ne_bytes(word)
        });
        Self { words: words.collect() }
    }

    /// Where it starts; valid for as long as the object.
    pub fn as_ptr<T>(&self) -> *const T {
        self.words.as_ptr().cast()
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }
}

fn push(out: &mut Vec<u8>, word: u32) {
    out.extend_from_slice(&word.to_ne_bytes());
}

fn length(body: &[u8]) -> u32 {
    u32::try_from(body.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_reads_back() {
        let object = Object::new(
            7,
            9,
            &[
                (1, Value::Id(5)),
                (2, Value::range(Value::Int(-4), Value::Int(-9), Value::Int(8))),
                (3, Value::Rectangle(Size::new(640, 480))),
                (4, Value::Enum(vec![Value::Fraction(60, 1), Value::Fraction(30, 1)])),
                (5, Value::Flags(6)),
                (6, Value::Id(3).mandatory()),
            ],
        );
        let bytes = object.to_bytes();
        let (kind, properties) = Pod::parse(&bytes).unwrap().object().unwrap();
        assert_eq!(kind, 7);
        let found: Vec<_> = properties.collect();
        assert_eq!(found.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(found[0].1.id(), Some(5));
        assert_eq!(found[0].1.int(), None, "an id is not a number");
        assert_eq!(found[1].1.int(), Some(-4));
        assert_eq!(found[2].1.rectangle(), Some(Size::new(640, 480)));
        assert_eq!(found[3].1.fraction(), Some((60, 1)));
        assert_eq!(found[4].1.int(), Some(6));
        assert_eq!(found[5].1.id(), Some(3));
    }

    #[test]
    fn a_choice_tells_all_its_values_and_who_fixes_them() {
        let choice = Value::Enum([7, 7, -1, 9].map(Value::Long).to_vec());
        let object = |value: Value| Object::new(7, 9, &[(1, Value::Id(5)), (2, value)]).to_bytes();
        for (value, unfixed, expected) in [
            (choice.clone().mandatory().unfixed(), true, vec![7, -1, 9]),
            (choice.mandatory(), false, vec![7, -1, 9]),
            (Value::Long(3), false, vec![3]),
            (Value::Int(3), false, vec![]),
        ] {
            let bytes = object(value);
            let (_, mut properties) = Pod::parse(&bytes).unwrap().object().unwrap();
            assert_eq!(properties.is_unfixed(2), unfixed);
            assert!(!properties.is_unfixed(1) && !properties.is_unfixed(3));
            assert_eq!(properties.nth(1).unwrap().1.longs(), expected);
        }
    }

    #[test]
    fn a_size_beyond_the_bytes_reads_as_nothing() {
        let mut bytes = Object::new(7, 9, &[(1, Value::Id(5))]).to_bytes();
        bytes[0] = 0xff;
        assert!(Pod::parse(&bytes).is_none());
        assert!(Pod::parse(&[]).is_none());
        assert!(Pod::parse(&[0xff; 64]).is_none());
    }
}
