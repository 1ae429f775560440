//! What tests of CUDA's memory need.

use std::ffi::c_void;

use ghoststream_gpu::cuda::Context;

/// Reads device memory back.
pub fn download(context: &Context, address: u64, length: usize) -> Vec<u8> {
    let _current = context.push().expect("a current context");
    let mut bytes = vec![0u8; length];
    // SAFETY: the symbol has this signature in CUDA's reference, and the place is as long as said.
    let code = unsafe {
        let library = libloading::Library::new("libcuda.so.1").expect("loaded already");
        let copy: libloading::Symbol<'_, unsafe extern "C" fn(*mut c_void, u64, usize) -> i32> =
            library.get(b"cuMemcpyDtoH_v2\0").expect("a symbol");
        copy(bytes.as_mut_ptr().cast(), address, length)
    };
    assert_eq!(code, 0);
    bytes
}
