//! The functions that a client calls.
//!
//! Each of them is traced, and none lets a panic out. What they have in common is here: [`traced`], then
//! [`in_session`], then [`with_struct`].
#![allow(unsafe_code)]

mod list;
mod pictures;
mod queries;
mod sessions;

pub use sessions::{
    NvEncodeAPICreateInstance, NvEncodeAPIGetMaxSupportedVersion, nvenc_emulator_encode_cpu_time,
};

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nvenc_emulator::{Call, Emulator, Library};

use crate::client::Pointer;
use crate::registry;
use crate::schema::{Guid, Record};
use crate::session::{CodecExt, Session};
use crate::status::{Answer, Refusal, Status};

/// C's GUID, which is passed by value.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct CGuid {
    first: u32,
    second: u16,
    third: u16,
    rest: [u8; 8],
}

impl From<CGuid> for Guid {
    fn from(guid: CGuid) -> Self {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&guid.first.to_ne_bytes());
        bytes[4..6].copy_from_slice(&guid.second.to_ne_bytes());
        bytes[6..8].copy_from_slice(&guid.third.to_ne_bytes());
        bytes[8..].copy_from_slice(&guid.rest);
        Self::from_memory(bytes)
    }
}

/// A pointer as it came in.
///
/// Safe to call in the entry points only: every one is `unsafe`, and asks of its caller what [`Pointer::new`] asks.
fn passed(pointer: *mut c_void) -> Pointer {
    // SAFETY: the caller of the entry point keeps to NVIDIA's header, which says what each pointer points to.
    unsafe { Pointer::new(pointer) }
}

/// Traces a call, and makes a status of its answer.
fn traced(name: &'static str, body: impl FnOnce(&'static Emulator, &mut Call<'_>) -> Answer) -> u32 {
    let Ok(emulator) = Emulator::of_process(Library::NvidiaEncode) else {
        return Status::Generic as u32;
    };
    let mut call = emulator.trace.call(Library::NvidiaEncode, name);
    let answer = catch_unwind(AssertUnwindSafe(|| body(emulator, &mut call)));
    let status = match answer {
        Ok(Ok(())) => Status::Success,
        Ok(Err(refusal)) => {
            if !refusal.why.is_empty() {
                call.field("error", || refusal.why);
            }
            refusal.status
        }
        Err(_) => {
            call.field("error", || "the emulator panicked");
            Status::Generic
        }
    };
    call.end(status.name());
    status as u32
}

/// A call on a session.
fn in_session(
    name: &'static str,
    encoder: *mut c_void,
    body: impl FnOnce(&mut Session, &mut Call<'_>) -> Answer,
) -> u32 {
    let encoder = encoder.addr();
    traced(name, |_, call| {
        call.field("encoder", || format!("{encoder:#x}"));
        let shared = registry::find(encoder)?;
        let mut session = shared.enter();
        let answer = session.require_device().and_then(|()| body(&mut session, call));
        if let Err(refusal) = &answer {
            session.remember(refusal);
        }
        drop(session);
        shared.notify();
        answer
    })
}

/// A call on a session with a struct, into which the answer is written.
fn with_struct(
    name: &'static str,
    encoder: *mut c_void,
    params: *mut c_void,
    kind: &'static str,
    body: impl FnOnce(&mut Session, &mut Record) -> Answer,
) -> u32 {
    in_session(name, encoder, |session, call| {
        let params = passed(params);
        let before = params.read(kind, session.api)?;
        let mut record = before.clone();
        let answer = body(session, &mut record);
        tell(call, &record, session);
        if record.bytes() != before.bytes() {
            params.write(&record)?;
        }
        answer
    })
}

/// Writes the fields of a struct down.
fn tell(call: &mut Call<'_>, record: &Record, session: &Session) {
    let mut fields = serde_json::Map::new();
    call.field("struct", || {
        fields = record.to_json(session.codec().map_or("", CodecExt::prefix));
        record.layout().name
    });
    for (name, value) in fields {
        call.field(&name, || value);
    }
}

/// Fills in an array for a client, as far as it has room, and how many it has got.
fn fill<T>(items: &[T], room: u32, array: Pointer, count: Pointer, bytes: impl Fn(&T) -> Vec<u8>) -> Answer {
    let given = &items[..items.len().min(room as usize)];
    if !given.is_empty() {
        let all: Vec<u8> = given.iter().flat_map(bytes).collect();
        array.write_bytes(&all, "the array")?;
    }
    count.write_u32(given.len() as u32, "the count")
}

/// An answer without a reason that is worth telling.
fn refuse<T>(status: Status, why: &str) -> Answer<T> {
    Err(Refusal::new(status, why))
}
