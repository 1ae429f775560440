//! Whatever a PipeWire producer writes into pods, metadata and chunks, nothing is read out of bounds.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ghoststream::internals::read_untrusted(bytes));
