//! An emulated `libcuda.so.1`.
