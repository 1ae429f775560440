//! What callers pass, made safe: pointers that are checked before they are followed.
//!
//! These types have the layout of C's pointers and come into being as arguments of exported functions only.
//! Those are `unsafe`: their caller guarantees that a pointer is null or good for what the API says of it,
//! for the time of the call. That is what every block here relies on.

use std::ffi::{CStr, c_char, c_void};

use serde_json::Value;

use crate::code::{Code, Result};

/// Where a result goes.
#[repr(transparent)]
#[derive(Debug)]
pub struct Out<T>(*mut T);

impl<T> Out<T> {
    /// Fails where it is null.
    pub(crate) fn check(&self) -> Result {
        if self.0.is_null() { Err(Code::ERROR_INVALID_VALUE) } else { Ok(()) }
    }

    /// Stores a result.
    pub(crate) fn put(self, value: T) -> Result {
        self.check()?;
        // SAFETY: not null, so the caller has room for a `T` here.
        unsafe { self.0.write(value) };
        Ok(())
    }

    /// Stores a result where one is wanted.
    pub(crate) fn put_if_wanted(self, value: T) {
        let _ = self.put(value);
    }
}

impl Out<c_void> {
    /// The same place, for a result whose type another argument says.
    pub(crate) fn cast<T>(self) -> Out<T> {
        Out(self.0.cast())
    }
}

impl Out<c_char> {
    /// Stores a text of at most `room` bytes with its end, cut where it is longer.
    pub(crate) fn put_text(self, text: &str, room: i32) -> Result {
        self.check()?;
        let room = usize::try_from(room).ok().filter(|room| *room > 0).ok_or(Code::ERROR_INVALID_VALUE)?;
        let length = text.len().min(room - 1);
        // SAFETY: the caller has `room` bytes here, of which `length + 1` are written.
        unsafe {
            std::ptr::copy_nonoverlapping(text.as_ptr(), self.0.cast(), length);
            self.0.add(length).write(0);
        }
        Ok(())
    }
}

/// A structure that is read.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct In<T>(*const T);

impl<T: Copy> In<T> {
    /// Reads it.
    pub(crate) fn get(self) -> Result<T> {
        if self.0.is_null() {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        // SAFETY: not null, so there is a `T`, of which any bits are one: the API has plain structures only.
        Ok(unsafe { self.0.read() })
    }
}

/// A text.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct Text(*const c_char);

impl Text {
    /// Reads it.
    pub(crate) fn get(&self) -> Result<&str> {
        if self.0.is_null() {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        // SAFETY: not null, so it is a text with an end, and stays as it is during the call.
        unsafe { CStr::from_ptr(self.0) }.to_str().map_err(|_| Code::ERROR_INVALID_VALUE)
    }
}

/// An opaque handle of CUDA's: never followed, only compared.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handle(pub(crate) usize);

/// Host memory, whose length the call says.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct Host(pub(crate) *mut c_void);

/// What a trace shows of an argument.
pub(crate) trait Shown {
    fn shown(&self) -> Value;
}

macro_rules! shown_as_number {
    ($($type:ty)*) => { $(impl Shown for $type {
        fn shown(&self) -> Value { (*self).into() }
    })* };
}

shown_as_number!(i32 u32 u8 u16 usize);

/// Addresses are written in hexadecimal: they are compared, not reckoned with.
pub(crate) fn address(value: u64) -> Value {
    format!("{value:#x}").into()
}

/// In this API 64 bits of fixed size are always an address.
impl Shown for u64 {
    fn shown(&self) -> Value {
        address(*self)
    }
}

impl Shown for Handle {
    fn shown(&self) -> Value {
        address(self.0 as u64)
    }
}

impl Shown for Host {
    fn shown(&self) -> Value {
        address(self.0 as u64)
    }
}

impl Shown for Text {
    fn shown(&self) -> Value {
        self.get().unwrap_or("?").into()
    }
}

/// Where a result goes is of no interest; the result is traced by its function.
impl<T> Shown for Out<T> {
    fn shown(&self) -> Value {
        if self.0.is_null() { Value::Null } else { "out".into() }
    }
}

impl<T> Shown for In<T> {
    fn shown(&self) -> Value {
        if self.0.is_null() { Value::Null } else { "in".into() }
    }
}

/// Functions to call back.
impl<F> Shown for Option<F> {
    fn shown(&self) -> Value {
        if self.is_none() { Value::Null } else { "function".into() }
    }
}
