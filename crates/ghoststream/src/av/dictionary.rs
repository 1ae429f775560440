//! An owned dictionary of options.

use std::ffi::{CStr, CString};
use std::ptr;

use super::{AvError, check, ffi};

/// An `AVDictionary`: options by name, as text. What a call understood it takes out.
pub struct Dictionary(*mut ffi::AVDictionary);

impl Dictionary {
    /// A dictionary without entries.
    pub const fn new() -> Self {
        Self(ptr::null_mut())
    }

    /// Adds an entry, or replaces it.
    ///
    /// # Errors
    /// Out of memory, or a zero byte within the text.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), AvError> {
        let invalid = |_| AvError(-libc::EINVAL);
        let key = CString::new(key).map_err(invalid)?;
        let value = CString::new(value).map_err(invalid)?;
        // SAFETY: both strings are NUL-terminated and copied; the pointer is ours to replace.
        check(unsafe { ffi::av_dict_set(&mut self.0, key.as_ptr(), value.as_ptr(), 0) })?;
        Ok(())
    }

    /// The names of the entries.
    pub fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        let mut entry = ptr::null();
        loop {
            // SAFETY: an empty key with IGNORE_SUFFIX walks every entry from the one before.
            entry = unsafe { ffi::av_dict_get(self.0, c"".as_ptr(), entry, ffi::AV_DICT_IGNORE_SUFFIX) };
            if entry.is_null() {
                return keys;
            }
            // SAFETY: the entry is valid until the dictionary changes, its key NUL-terminated.
            keys.push(unsafe { CStr::from_ptr((*entry).key) }.to_string_lossy().into_owned());
        }
    }

    /// The dictionary, for libav* calls that take out what they understood.
    pub fn as_mut_ptr(&mut self) -> *mut *mut ffi::AVDictionary {
        &mut self.0
    }
}

impl Drop for Dictionary {
    fn drop(&mut self) {
        // SAFETY: self owns the dictionary; null is allowed.
        unsafe { ffi::av_dict_free(&mut self.0) };
    }
}
