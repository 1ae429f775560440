//! A struct's bytes, read and written by name.

use serde_json::{Map, Value};

use super::Guid;
use super::layout::{Field, Kind, Layout, layout};
use crate::api::{ApiVersion, KNOWN};

/// A copy of a struct that a client passed, or one that is made for it.
#[derive(Clone, Debug)]
pub struct Record {
    layout: &'static Layout,
    bytes: Vec<u8>,
}

impl Record {
    /// A struct of zeros, with its version word where it has one.
    ///
    /// # Panics
    ///
    /// Where this version of the API has no such struct.
    pub fn new(name: &str, api: ApiVersion) -> Self {
        let layout = layout(name, api).unwrap_or_else(|| panic!("API {api} has no {name}"));
        let mut record = Self { layout, bytes: vec![0; layout.size] };
        if let Some(word) = layout.version_word() {
            record.set("version", u64::from(word));
        }
        record
    }

    /// What lies in memory.
    ///
    /// # Panics
    ///
    /// Where these are more or fewer bytes than the layout's.
    pub fn from_bytes(layout: &'static Layout, bytes: Vec<u8>) -> Self {
        assert_eq!(layout.size, bytes.len(), "{}", layout.name);
        Self { layout, bytes }
    }

    /// Where its fields lie.
    pub const fn layout(&self) -> &'static Layout {
        self.layout
    }

    /// As it lies in memory.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// An integer, enumeration, bit-field or pointer; of an array the first element. A field that this version of
    /// the API lacks reads as zero, which is what its reserved bytes have to hold.
    ///
    /// # Panics
    ///
    /// Where no version has such a field, or it is a struct.
    pub fn get(&self, path: &str) -> u64 {
        let Some((base, field)) = self.find(path) else { return 0 };
        self.element(base, &field, 0) as u64
    }

    /// [`get`](Self::get), for what has 32 bits or fewer.
    pub fn u32(&self, path: &str) -> u32 {
        self.get(path) as u32
    }

    /// Whether this version has a field of this name.
    pub fn has(&self, path: &str) -> bool {
        find(self.layout, path).is_some()
    }

    /// [`u32`](Self::u32), or 0 where not even another version has such a field.
    pub fn u32_or_zero(&self, path: &str) -> u32 {
        if self.has(path) { self.u32(path) } else { 0 }
    }

    /// [`get`](Self::get), for what is signed.
    pub fn i32(&self, path: &str) -> i32 {
        self.get(path) as i32
    }

    /// Whether a field is not zero.
    pub fn flag(&self, path: &str) -> bool {
        self.get(path) != 0
    }

    /// A GUID.
    pub fn guid(&self, path: &str) -> Guid {
        let Some((base, field)) = self.find(path) else { return Guid::NONE };
        self.guid_at(base + field.offset)
    }

    /// Writes an integer, enumeration, bit-field or pointer. Does nothing where this version of the API lacks the
    /// field.
    ///
    /// # Panics
    ///
    /// As [`get`](Self::get).
    pub fn set(&mut self, path: &str, value: u64) {
        let Some((base, field)) = self.find(path) else { return };
        let (size, _) = field.kind.size_and_align();
        let at = base + field.offset;
        let value = match field.bits {
            None => value,
            Some((first, width)) => {
                let mask = ((1_u64 << width) - 1) << first;
                (self.unsigned(at, size) & !mask) | (value << first & mask)
            }
        };
        self.bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
    }

    /// Writes a GUID.
    pub fn set_guid(&mut self, path: &str, guid: Guid) {
        if let Some((base, field)) = self.find(path) {
            let at = base + field.offset;
            self.bytes[at..at + 16].copy_from_slice(&guid.to_memory());
        }
    }

    /// A copy of a nested struct.
    ///
    /// # Panics
    ///
    /// Where it is none.
    pub fn nested(&self, path: &str) -> Self {
        let (at, layout) = self.place_of(path);
        Self { layout, bytes: self.bytes[at..at + layout.size].to_vec() }
    }

    /// Writes a nested struct.
    ///
    /// # Panics
    ///
    /// Where it is none, or another.
    pub fn set_nested(&mut self, path: &str, record: &Self) {
        let (at, layout) = self.place_of(path);
        assert_eq!(layout.name, record.layout.name, "{path}");
        self.bytes[at..at + layout.size].copy_from_slice(&record.bytes);
    }

    /// The values of an integer array.
    pub fn array(&self, path: &str) -> Vec<u64> {
        let Some((base, field)) = self.find(path) else { return Vec::new() };
        (0..field.count).map(|index| self.element(base, &field, index) as u64).collect()
    }

    /// All fields but the reserved ones, by name. Of a union only the member that `member` chooses is told.
    pub fn to_json(&self, member: &str) -> Map<String, Value> {
        self.json_of(self.layout, 0, member)
    }

    fn json_of(&self, layout: &Layout, base: usize, member: &str) -> Map<String, Value> {
        let told = |field: &&Field| !field.is_reserved() && (!layout.union || field.name.starts_with(member));
        layout
            .fields
            .iter()
            .filter(told)
            .map(|field| (field.name.to_owned(), self.value(field, base, member)))
            .collect()
    }

    fn value(&self, field: &Field, base: usize, member: &str) -> Value {
        let mut values: Vec<Value> = (0..field.count)
            .map(|index| {
                let at = base + field.offset + index * field.kind.size_and_align().0;
                match field.kind {
                    Kind::Nested(layout) => Value::Object(self.json_of(layout, at, member)),
                    Kind::Guid => self.guid_at(at).to_string().into(),
                    Kind::Pointer => format!("{:#x}", self.element(base, field, index)).into(),
                    Kind::Signed(_) => self.element(base, field, index).into(),
                    Kind::Unsigned(_) => (self.element(base, field, index) as u64).into(),
                    Kind::Enum(names) => {
                        let number = self.element(base, field, index) as u32;
                        let name = names.iter().find(|(_, value)| *value == number).map(|(name, _)| *name);
                        name.map_or_else(|| number.into(), Into::into)
                    }
                }
            })
            .collect();
        if values.len() == 1 { values.remove(0) } else { Value::Array(values) }
    }

    /// Follows a path: the offset of the struct that has the field, and the field.
    fn find(&self, path: &str) -> Option<(usize, Field)> {
        let found = find(self.layout, path);
        if found.is_none() {
            let known = |api: &ApiVersion| {
                layout(self.layout.name, *api).is_some_and(|other| find(other, path).is_some())
            };
            assert!(KNOWN.iter().any(known), "{} has no field {path}", self.layout.name);
        }
        found.map(|(base, field)| (base, field.clone()))
    }

    fn place_of(&self, path: &str) -> (usize, &'static Layout) {
        match self.find(path) {
            Some((base, Field { kind: Kind::Nested(layout), offset, .. })) => (base + offset, layout),
            _ => panic!("{} has no struct {path} in API {}", self.layout.name, self.layout.api),
        }
    }

    fn element(&self, base: usize, field: &Field, index: usize) -> i64 {
        let (size, _) = field.kind.size_and_align();
        let value = self.unsigned(base + field.offset + index * size, size);
        match (field.kind, field.bits) {
            (Kind::Nested(_) | Kind::Guid, _) => panic!("{} is no number", field.name),
            (_, Some((first, width))) => (value >> first & ((1 << width) - 1)) as i64,
            (Kind::Signed(_), None) => {
                let unused = 64 - size as u32 * 8;
                (value << unused) as i64 >> unused
            }
            _ => value as i64,
        }
    }

    fn unsigned(&self, at: usize, size: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(&self.bytes[at..at + size]);
        u64::from_le_bytes(bytes)
    }

    fn guid_at(&self, at: usize) -> Guid {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.bytes[at..at + 16]);
        Guid::from_memory(bytes)
    }
}

fn find<'layout>(layout: &'layout Layout, path: &str) -> Option<(usize, &'layout Field)> {
    let mut layout = layout;
    let mut base = 0;
    let mut names = path.split('.').peekable();
    loop {
        let field = layout.field(names.next()?)?;
        if names.peek().is_none() {
            return Some((base, field));
        }
        let Kind::Nested(inner) = field.kind else { return None };
        base += field.offset;
        layout = inner;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_back_where_they_were_written() {
        for api in KNOWN {
            let mut config = Record::new("NV_ENC_CONFIG", api);
            config.set("rcParams.averageBitRate", 6_000_000);
            config.set("rcParams.aqStrength", 9);
            config.set("rcParams.enableLookahead", 1);
            config.set("frameIntervalP", 3);
            config.set_guid("profileGUID", Guid::PROFILE_AUTOSELECT);
            config.set("encodeCodecConfig.h264Config.repeatSPSPPS", 1);
            assert_eq!(config.u32("rcParams.averageBitRate"), 6_000_000);
            assert_eq!((config.u32("rcParams.aqStrength"), config.u32("rcParams.enableAQ")), (9, 0));
            let told = config.to_json("h264");
            assert_eq!(told["rcParams"]["enableLookahead"], 1);
            assert_eq!(told["profileGUID"], "CODEC_PROFILE_AUTOSELECT");
            assert_eq!(told["rcParams"]["rateControlMode"], "NV_ENC_PARAMS_RC_CONSTQP");
            assert_eq!(told["encodeCodecConfig"]["h264Config"]["repeatSPSPPS"], 1);
            assert!(told["encodeCodecConfig"].get("hevcConfig").is_none());
        }
    }

    #[test]
    fn a_field_of_a_later_version_reads_as_zero_and_is_not_written() {
        let mut config = Record::new("NV_ENC_CONFIG_HEVC", KNOWN[0]);
        config.set("outputBitDepth", 10);
        assert_eq!(config.get("outputBitDepth"), 0);
        assert!(config.bytes().iter().all(|&byte| byte == 0));
    }

    #[test]
    #[should_panic(expected = "has no field")]
    fn a_field_of_no_version_is_a_mistake() {
        Record::new("NV_ENC_CONFIG", KNOWN[0]).get("bitrate");
    }
}
