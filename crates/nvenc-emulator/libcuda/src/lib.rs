//! An emulated `libcuda.so.1`: CUDA's driver API, as far as video encoding needs it.
//!
//! Every call is checked as the driver checks it, and traced: a context must be current, handles must be
//! known, and every byte of a copy must lie in a live allocation. Device pointers are numbers that no
//! processor can follow, so that a program which touches device memory directly dies as it would on a real
//! card. Kernels, arrays and graphics are not emulated: they answer `CUDA_ERROR_NOT_SUPPORTED`.
//!
//! Work on streams is done at once, in the caller's thread: it is ordered, but a program that forgets to
//! synchronise is not found out.
//!
//! ```text
//! entry/   the exported functions: what the caller passes, made safe        argument.rs, call.rs
//! state/   contexts, memory, streams and events: plain data behind one lock
//! copy.rs  the one place where bytes move
//! ```

#![allow(unsafe_code, reason = "this crate is a C library")]
#![allow(non_snake_case, reason = "the API's own names")]

mod abi;
mod argument;
mod attribute;
mod call;
mod code;
mod copy;
mod leaks;
mod mapping;
mod state;

pub mod entry;

pub use code::Code;
