//! Where the fields of a struct lie.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::parse::{Description, Descriptions, FieldDescription, Names, descriptions};
use crate::api::{ApiVersion, KNOWN, StructVersion};

/// A struct as one version of the API has it.
#[derive(Debug)]
pub struct Layout {
    /// Its name in the API.
    pub name: &'static str,
    /// The version of the API.
    pub api: ApiVersion,
    /// What its version word says; none for structs without one.
    pub version: Option<StructVersion>,
    /// Whether the fields lie over one another.
    pub union: bool,
    /// In bytes.
    pub size: usize,
    /// In bytes.
    pub align: usize,
    /// In their order.
    pub fields: Vec<Field>,
}

/// A field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name; `reserved` for all that is.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// In bytes from the struct's beginning; of a bit-field, that of the integer which holds it.
    pub offset: usize,
    /// Elements of an array, or 1.
    pub count: usize,
    /// A bit-field's first bit and its width.
    pub bits: Option<(u32, u32)>,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// An integer of so many bytes.
    Unsigned(usize),
    /// A signed integer of so many bytes.
    Signed(usize),
    /// A pointer or handle.
    Pointer,
    /// A GUID.
    Guid,
    /// An enumeration with names for its values.
    Enum(&'static Names),
    /// A struct.
    Nested(&'static Layout),
}

impl Kind {
    /// Size and alignment in bytes.
    pub const fn size_and_align(self) -> (usize, usize) {
        match self {
            Self::Unsigned(size) | Self::Signed(size) => (size, size),
            Self::Pointer => (8, 8),
            Self::Guid => (16, 4),
            Self::Enum(_) => (4, 4),
            Self::Nested(layout) => (layout.size, layout.align),
        }
    }
}

impl Field {
    /// Bytes of all elements together.
    pub const fn size(&self) -> usize {
        self.kind.size_and_align().0 * self.count
    }

    /// Whether clients have to leave it alone.
    pub fn is_reserved(&self) -> bool {
        self.name.starts_with("reserved")
    }
}

impl Layout {
    /// The word that its first field must hold.
    pub fn version_word(&self) -> Option<u32> {
        self.version.map(|version| version.word(self.api))
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// A struct as a version of the API has it: none where that version has no such struct or is not described.
pub fn layout(name: &str, api: ApiVersion) -> Option<&'static Layout> {
    LAYOUTS[api.known()?].get(name).copied()
}

static DESCRIPTIONS: LazyLock<Descriptions> = LazyLock::new(descriptions);

/// By version, by name.
static LAYOUTS: LazyLock<Vec<BTreeMap<&'static str, &'static Layout>>> =
    LazyLock::new(|| KNOWN.iter().map(|&api| layouts(api)).collect());

fn layouts(api: ApiVersion) -> BTreeMap<&'static str, &'static Layout> {
    let mut done = BTreeMap::new();
    for name in DESCRIPTIONS.structs.keys() {
        lay_out(name, api, &mut done);
    }
    done
}

/// Lays out a struct and first those that it nests.
fn lay_out(
    name: &'static str,
    api: ApiVersion,
    done: &mut BTreeMap<&'static str, &'static Layout>,
) -> Option<&'static Layout> {
    if let Some(layout) = done.get(name) {
        return Some(layout);
    }
    let description = DESCRIPTIONS.structs.get(name).filter(|it| it.since <= api)?;
    let mut place = Place { union: description.union, ..Place::default() };
    let fields: Vec<Field> = description
        .fields
        .iter()
        .filter(|field| field.is_in(api))
        .map(|field| place.field(field, kind(field, api, done)))
        .collect();
    let version = version_in(description, api);
    let (size, align) = place.finish();
    let union = description.union;
    let layout: &'static Layout =
        Box::leak(Box::new(Layout { name, api, version, union, size, align, fields }));
    done.insert(name, layout);
    Some(layout)
}

fn version_in(description: &Description, api: ApiVersion) -> Option<StructVersion> {
    description.versions.iter().rfind(|(since, _)| *since <= api).map(|(_, version)| *version)
}

fn kind(
    field: &FieldDescription,
    api: ApiVersion,
    done: &mut BTreeMap<&'static str, &'static Layout>,
) -> Kind {
    match field.kind {
        "u8" => Kind::Unsigned(1),
        "u16" => Kind::Unsigned(2),
        "u32" => Kind::Unsigned(4),
        "u64" => Kind::Unsigned(8),
        "i8" => Kind::Signed(1),
        "i32" => Kind::Signed(4),
        "ptr" => Kind::Pointer,
        "GUID" => Kind::Guid,
        name => match DESCRIPTIONS.enums.get(name) {
            Some(names) => Kind::Enum(names),
            None => Kind::Nested(
                lay_out(name, api, done).unwrap_or_else(|| panic!("{name} is described nowhere")),
            ),
        },
    }
}

/// Where the next field goes, by the System V ABI.
#[derive(Default)]
struct Place {
    union: bool,
    end: usize,
    largest: usize,
    align: usize,
    /// The integer that bit-fields are being put into, and the bits that are taken.
    open: Option<(usize, u32)>,
}

impl Place {
    fn field(&mut self, description: &FieldDescription, kind: Kind) -> Field {
        let (size, align) = kind.size_and_align();
        self.align = self.align.max(align);
        let offset = match (description.bits, self.open) {
            (Some(bits), Some((offset, used))) if used + bits <= size as u32 * 8 => offset,
            _ => self.end.next_multiple_of(align),
        };
        let bits = description.bits.map(|width| {
            let first = self.open.filter(|(open, _)| *open == offset).map_or(0, |(_, used)| used);
            self.open = Some((offset, first + width));
            (first, width)
        });
        if bits.is_none() {
            self.open = None;
        }
        let end = offset + size * description.count;
        self.largest = self.largest.max(end);
        self.end = if self.union { 0 } else { end };
        Field { name: description.name, kind, offset, count: description.count, bits }
    }

    fn finish(self) -> (usize, usize) {
        let align = self.align.max(1);
        (self.largest.next_multiple_of(align), align)
    }
}
