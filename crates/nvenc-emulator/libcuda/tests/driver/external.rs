//! Memory of another API: a descriptor that can be mapped, as software Vulkan exports it.

use std::io::Write;
use std::os::fd::IntoRawFd;
use std::os::unix::fs::FileExt;

use crate::api::*;

/// `CUDA_EXTERNAL_MEMORY_HANDLE_DESC`.
#[repr(C)]
struct Import {
    kind: u32,
    fd: i64,
    name: u64,
    size: u64,
    flags: u32,
    reserved: [u32; 16],
}

/// `CUDA_EXTERNAL_MEMORY_BUFFER_DESC`.
#[repr(C)]
struct Buffer {
    offset: u64,
    size: u64,
    flags: u32,
    reserved: [u32; 16],
}

#[test]
fn imported_memory_is_the_exporters() {
    let (cuda, _) = Cuda::start();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&[1; 8192]).unwrap();
    let import = |memory: &mut usize, fd: i32, kind, size| {
        let description = Import { kind, fd: fd.into(), name: 0, size, flags: 0, reserved: [0; 16] };
        cu!(cuda, cuImportExternalMemory(memory => *mut usize, &description => *const Import))
    };
    // Each is the driver's, also where it refuses.
    let given = || file.try_clone().unwrap().into_raw_fd();
    let mut memory = 0;
    assert_eq!(import(&mut memory, given(), 1, 8193), INVALID_VALUE, "more than there is");
    assert_eq!(import(&mut memory, given(), 2, 8192), NOT_SUPPORTED, "a Windows handle");
    assert_eq!(import(&mut memory, -1, 1, 8192), INVALID_VALUE);
    assert_eq!(import(&mut memory, given(), 1, 8192), SUCCESS);

    let map = |pointer: &mut u64, offset, size| {
        let description = Buffer { offset, size, flags: 0, reserved: [0; 16] };
        cu!(cuda, cuExternalMemoryGetMappedBuffer(
            pointer => *mut u64, memory => usize, &description => *const Buffer))
    };
    let mut pointer = 0;
    assert_eq!(map(&mut pointer, 4096, 4097), INVALID_VALUE);
    assert_eq!(map(&mut pointer, 4096, 4096), SUCCESS);

    assert_eq!(cuda.write(pointer + 10, &[9; 6]), SUCCESS);
    let mut seen = [0; 8];
    file.read_exact_at(&mut seen, 4096 + 9).unwrap();
    assert_eq!(seen, [1, 9, 9, 9, 9, 9, 9, 1]);
    file.write_all_at(&[4; 4], 4096).unwrap();
    assert_eq!(cuda.read(pointer, 5).unwrap(), [4, 4, 4, 4, 1]);
    assert_eq!(cuda.read(pointer, 4097), Err(INVALID_VALUE));

    // The import may end before the buffer, which is freed as all memory is.
    assert_eq!(cu!(cuda, cuDestroyExternalMemory(memory => usize)), SUCCESS);
    assert_eq!(cu!(cuda, cuDestroyExternalMemory(memory => usize)), INVALID_HANDLE);
    assert_eq!(cuda.read(pointer, 4).unwrap(), [4; 4]);
    assert_eq!(cu!(cuda, cuMemFree_v2(pointer => u64)), SUCCESS);
    assert_eq!(cuda.read(pointer, 4), Err(INVALID_VALUE));
}

/// Mesa's software driver puts a header into what it exports; a real driver's memory begins at its start.
#[test]
fn the_header_of_mesas_software_driver_is_passed_over() {
    let (cuda, _) = Cuda::start();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&[12288u64.to_ne_bytes(), 4096u64.to_ne_bytes()].concat()).unwrap();
    file.set_len(4096 + 8192).unwrap();
    file.write_all_at(&[5; 8192], 4096).unwrap();
    let import = |memory: &mut usize, size| {
        let fd = file.try_clone().unwrap().into_raw_fd();
        let description = Import { kind: 1, fd: fd.into(), name: 0, size, flags: 0, reserved: [0; 16] };
        cu!(cuda, cuImportExternalMemory(memory => *mut usize, &description => *const Import))
    };
    let mut memory = 0;
    assert_eq!(import(&mut memory, 8193), INVALID_VALUE, "more than there is behind the header");
    assert_eq!(import(&mut memory, 8192), SUCCESS);
    let mut pointer = 0;
    let description = Buffer { offset: 0, size: 8192, flags: 0, reserved: [0; 16] };
    assert_eq!(
        cu!(cuda, cuExternalMemoryGetMappedBuffer(
            &mut pointer => *mut u64, memory => usize, &description => *const Buffer)),
        SUCCESS
    );
    assert_eq!(cuda.read(pointer, 8192).unwrap(), [5; 8192]);
}

#[test]
fn what_is_not_emulated_says_so() {
    let (cuda, _) = Cuda::start();
    let mut handle = 0;
    assert_eq!(cu!(cuda, cuImportExternalSemaphore(&mut handle => *mut usize, 0 => usize)), NOT_SUPPORTED);
    assert_eq!(cu!(cuda, cuModuleLoadData(&mut handle => *mut usize, 0 => usize)), NOT_SUPPORTED);
    assert_eq!(cu!(cuda, cuArrayCreate_v2(&mut handle => *mut usize, 0 => usize)), NOT_SUPPORTED);
    assert_eq!(handle, 0);
}
