//! The client's memory: the one place where its pointers are followed.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ptr::NonNull;

use crate::api::ApiVersion;
use crate::schema::{Layout, Record, layout};
use crate::status::{Answer, Refusal, Status};

/// A pointer that a client passed.
#[derive(Clone, Copy, Debug)]
pub struct Pointer(*mut c_void);

impl Pointer {
    /// A pointer as it came through the API, for the time of the call.
    ///
    /// # Safety
    ///
    /// It is null, or points to what the API says that the client passes at this place: the struct of the
    /// function's signature as the header of the client's API version lays it out, or an array of the stated
    /// length. It stays so until the call returns.
    pub const unsafe fn new(pointer: *mut c_void) -> Self {
        Self(pointer)
    }

    /// Whether the client passed nothing.
    pub const fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// The version word with which versioned structs begin.
    pub fn version_word(self) -> Answer<u32> {
        self.not_null("a struct")?;
        // SAFETY: every struct that this is asked for begins with a 32-bit word, by `new`.
        Ok(unsafe { self.0.cast::<u32>().read_unaligned() })
    }

    /// The struct of this name, once its version word has proven to be that of `api`.
    pub fn read(self, name: &str, api: ApiVersion) -> Answer<Record> {
        let found = self.version_word()?;
        let layout = find(name, api)?;
        if let Some(expected) = layout.version_word()
            && found != expected
        {
            let why = format!("{name}.version is {found:#010x}; API {api} has {expected:#010x}");
            return Err(Refusal::new(Status::InvalidVersion, why));
        }
        let bytes = self.bytes(layout.size, name)?;
        Ok(Record::from_bytes(layout, bytes))
    }

    /// So many bytes.
    pub fn bytes(self, count: usize, what: &str) -> Answer<Vec<u8>> {
        self.not_null(what)?;
        // SAFETY: the client passed a struct or array of this size, by `new`; the copy ends the borrow at once.
        Ok(unsafe { std::slice::from_raw_parts(self.0.cast::<u8>(), count) }.to_vec())
    }

    /// Writes a struct back.
    pub fn write(self, record: &Record) -> Answer {
        self.write_bytes(record.bytes(), record.layout().name)
    }

    /// Writes bytes.
    pub fn write_bytes(self, bytes: &[u8], what: &str) -> Answer {
        self.not_null(what)?;
        // SAFETY: the client passed room for these, by `new`; our own bytes do not lie in its memory.
        unsafe { self.0.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(())
    }

    /// Writes a 32-bit number.
    pub fn write_u32(self, value: u32, what: &str) -> Answer {
        self.write_bytes(&value.to_ne_bytes(), what)
    }

    /// Writes a pointer or handle.
    pub fn write_address(self, value: usize, what: &str) -> Answer {
        self.write_bytes(&value.to_ne_bytes(), what)
    }

    /// A pointer inside a struct that was passed, which points to what the API says that stands there.
    pub fn inside(record: &Record, field: &str) -> Self {
        Self(record.get(field) as usize as *mut c_void)
    }

    fn not_null(self, what: &str) -> Answer {
        if self.is_null() { Err(Refusal::new(Status::InvalidPtr, format!("{what} is null"))) } else { Ok(()) }
    }
}

fn find(name: &str, api: ApiVersion) -> Answer<&'static Layout> {
    layout(name, api).ok_or_else(|| Refusal::new(Status::InvalidVersion, format!("API {api} has no {name}")))
}

/// Memory that the client writes to through a pointer of ours, between a lock and its unlock.
#[derive(Debug)]
pub struct SharedBuffer {
    memory: NonNull<u8>,
    size: usize,
}

// SAFETY: it owns its memory, which no thread holds on to.
unsafe impl Send for SharedBuffer {}

impl SharedBuffer {
    /// Zeros.
    pub fn new(size: usize) -> Self {
        let memory = NonNull::from(Box::leak(vec![0; size].into_boxed_slice())).cast();
        Self { memory, size }
    }

    /// Where the client writes.
    pub fn address(&self) -> usize {
        self.memory.as_ptr().expose_provenance()
    }

    /// What it has written. The client does not write meanwhile: the API allows it to between a lock and its
    /// unlock only, and [`Input`](crate::session) hands out no buffer that is locked.
    pub fn with_bytes<T>(&self, body: impl FnOnce(&[u8]) -> T) -> T {
        // SAFETY: allocated by `new` with this size, initialised there, and not written to, as said above.
        body(unsafe { std::slice::from_raw_parts(self.memory.as_ptr(), self.size) })
    }
}

impl Drop for SharedBuffer {
    fn drop(&mut self) {
        let memory = std::ptr::slice_from_raw_parts_mut(self.memory.as_ptr(), self.size);
        // SAFETY: made from a box of this size by `new`.
        drop(unsafe { Box::from_raw(memory) });
    }
}
