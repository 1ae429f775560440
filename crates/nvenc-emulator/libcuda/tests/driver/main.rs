//! Drives the built `libcuda.so.1` as a program does: opened by its name, called by C function pointers.
//!
//! Each test needs a process of its own, which cargo-nextest gives it: the library keeps one state a process.

#![allow(unsafe_code, reason = "the tests speak C")]

mod answers;
mod api;
mod contexts;
mod copy2d;
mod external;
mod failures;
mod ffmpeg;
mod leaks;
mod memory;
mod streams;
mod symbols;
