//! An emulated `libnvidia-encode.so.1`.
