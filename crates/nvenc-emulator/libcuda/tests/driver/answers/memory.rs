//! Memory and copies.

use std::ffi::c_void;
use std::ptr::null_mut;

use super::{Question, question};
use crate::api::*;
use crate::copy2d::{Copy2D, EMPTY, Side, device, host};

/// Asks in a context of its own.
macro_rules! inside {
    ($what:literal, $nvidia:expr, |$cuda:ident| $body:expr) => {
        question($what, $nvidia, |$cuda| {
            let context = $cuda.context();
            let answer = $body;
            let _ = cu!($cuda, cuCtxDestroy_v2(context => usize));
            answer
        })
    };
}
pub(super) use inside;

fn allocate(cuda: &Cuda, size: usize) -> u32 {
    cu!(cuda, cuMemAlloc_v2(&mut 0 => *mut u64, size => usize))
}

fn free(cuda: &Cuda, pointer: u64) -> u32 {
    cu!(cuda, cuMemFree_v2(pointer => u64))
}

fn read(cuda: &Cuda, from: u64, length: usize) -> u32 {
    cuda.read(from, length).err().unwrap_or(SUCCESS)
}

/// Allocating, freeing, and asking what there is.
pub fn allocations() -> Vec<Question> {
    vec![
        inside!("cuMemAlloc of nothing", INVALID_VALUE, |cuda| allocate(cuda, 0)),
        inside!("cuMemAlloc, to nowhere", INVALID_VALUE, |cuda| {
            cu!(cuda, cuMemAlloc_v2(null_mut() => *mut u64, 64 => usize))
        }),
        inside!("cuMemAlloc of a petabyte", OUT_OF_MEMORY, |cuda| allocate(cuda, 1 << 50)),
        inside!("cuMemFree of null", SUCCESS, |cuda| free(cuda, 0)),
        inside!("cuMemFree of the second byte", INVALID_VALUE, |cuda| free(cuda, cuda.memory(64) + 1)),
        inside!("cuMemFree, twice", INVALID_VALUE, |cuda| {
            let memory = cuda.memory(64);
            assert_eq!(free(cuda, memory), SUCCESS);
            free(cuda, memory)
        }),
        inside!("cuMemAllocPitch: the pitch for 100 bytes", 512, |cuda| {
            let mut pitch = 0_usize;
            let answer = cu!(cuda, cuMemAllocPitch_v2(
                &mut 0 => *mut u64, &mut pitch => *mut usize, 100 => usize, 8 => usize, 4 => u32));
            assert_eq!(answer, SUCCESS);
            pitch as u32
        }),
        inside!("cuMemAllocPitch for elements of 3 bytes", INVALID_VALUE, |cuda| {
            cu!(cuda, cuMemAllocPitch_v2(
                &mut 0 => *mut u64, &mut 0 => *mut usize, 100 => usize, 8 => usize, 3 => u32))
        }),
        inside!("cuMemAllocPitch of no rows", INVALID_VALUE, |cuda| {
            cu!(cuda, cuMemAllocPitch_v2(
                &mut 0 => *mut u64, &mut 0 => *mut usize, 100 => usize, 0 => usize, 4 => u32))
        }),
        inside!("cuMemGetAddressRange: bytes of an allocation of 1000", 1000, |cuda| {
            let mut size = 0_usize;
            let answer = cu!(cuda, cuMemGetAddressRange_v2(
                &mut 0 => *mut u64, &mut size => *mut usize, cuda.memory(1000) + 10 => u64));
            assert_eq!(answer, SUCCESS);
            size as u32
        }),
        inside!("cuMemGetAddressRange of what is not there", NOT_FOUND, |cuda| {
            cu!(cuda, cuMemGetAddressRange_v2(&mut 0 => *mut u64, &mut 0 => *mut usize, 4096 => u64))
        }),
        inside!("cuPointerGetAttribute of what is not there", INVALID_VALUE, |cuda| {
            cu!(cuda, cuPointerGetAttribute(&mut 0 => *mut u32, 2 => u32, 64 => u64))
        }),
        inside!("cuPointerGetAttribute of number 999", INVALID_VALUE, |cuda| {
            cu!(cuda, cuPointerGetAttribute(&mut 0_u64 => *mut u64, 999 => u32, cuda.memory(64) => u64))
        }),
    ]
}

/// Copies of bytes and of rows.
pub fn copies() -> Vec<Question> {
    fn copy(cuda: &Cuda, change: impl FnOnce(&mut Copy2D)) -> u32 {
        let mut picture = vec![0; 4096];
        let dst = device(cuda.memory(1000), 100);
        let mut description = Copy2D { src: host(&mut picture, 100), dst, width: 100, height: 10 };
        change(&mut description);
        cu!(cuda, cuMemcpy2D_v2(&description => *const Copy2D))
    }
    fn fill16(cuda: &Cuda, to: u64) -> u32 {
        cu!(cuda, cuMemsetD16_v2(to => u64, 0 => u16, 2 => usize))
    }
    vec![
        inside!("cuMemcpyHtoD of nothing", SUCCESS, |cuda| cuda.write(cuda.memory(64), &[])),
        inside!("cuMemcpyHtoD to null", INVALID_VALUE, |cuda| cuda.write(0, &[0; 2])),
        inside!("cuMemcpyHtoD to what is not there", INVALID_VALUE, |cuda| cuda.write(4096, &[0; 2])),
        inside!("cuMemcpyHtoD of 1001 bytes into 1000", INVALID_VALUE, |cuda| {
            cuda.write(cuda.memory(1000), &[0; 1001])
        }),
        inside!("cuMemcpyHtoD into one byte before", INVALID_VALUE, |cuda| {
            cuda.write(cuda.memory(1000) - 1, &[0; 2])
        }),
        inside!("cuMemcpyHtoD to null, of nothing", SUCCESS, |cuda| cuda.write(0, &[])),
        inside!("cuMemcpyDtoH of memory that is freed", INVALID_VALUE, |cuda| {
            let memory = cuda.memory(64);
            assert_eq!(free(cuda, memory), SUCCESS);
            read(cuda, memory, 1)
        }),
        inside!("cuMemcpyDtoH, to nowhere", INVALID_VALUE, |cuda| {
            let memory = cuda.memory(64);
            cu!(cuda, cuMemcpyDtoH_v2(null_mut() => *mut u8, memory => u64, 64 => usize))
        }),
        inside!("cuMemsetD8 of 1001 bytes of 1000", INVALID_VALUE, |cuda| {
            cu!(cuda, cuMemsetD8_v2(cuda.memory(1000) => u64, 0 => u8, 1001 => usize))
        }),
        inside!("cuMemsetD16 at an odd address", INVALID_VALUE, |cuda| fill16(cuda, cuda.memory(64) + 1)),
        inside!("cuMemcpy2D that fits to the byte", SUCCESS, |cuda| copy(cuda, |_| ())),
        inside!("cuMemcpy2D of no rows", SUCCESS, |cuda| copy(cuda, |it| it.height = 0)),
        inside!("cuMemcpy2D of rows wider than the pitch", INVALID_VALUE, |cuda| {
            copy(cuda, |it| it.dst.pitch = 99)
        }),
        inside!("cuMemcpy2D of one row wider than the pitch", INVALID_VALUE, |cuda| {
            copy(cuda, |it| (it.dst.pitch, it.height) = (99, 1))
        }),
        inside!("cuMemcpy2D without pitches", SUCCESS, |cuda| {
            copy(cuda, |it| (it.dst.pitch, it.src.pitch) = (0, 0))
        }),
        inside!("cuMemcpy2D whose last row ends beyond the memory", INVALID_VALUE, |cuda| {
            copy(cuda, |it| it.dst.pitch = 101)
        }),
        inside!("cuMemcpy2D one row down", INVALID_VALUE, |cuda| copy(cuda, |it| it.dst.y = 1)),
        inside!("cuMemcpy2D of rows that the offset moves over the pitch", INVALID_VALUE, |cuda| {
            copy(cuda, |it| (it.dst.x, it.height) = (1, 9))
        }),
        inside!("cuMemcpy2D from null", INVALID_VALUE, |cuda| copy(cuda, |it| it.src.host = null_mut())),
        inside!("cuMemcpy2D from a null array", INVALID_VALUE, |cuda| {
            copy(cuda, |it| it.src = Side { memory_type: 3, ..EMPTY })
        }),
        inside!("cuMemcpy2D from memory of kind 9", INVALID_VALUE, |cuda| {
            copy(cuda, |it| it.src.memory_type = 9)
        }),
        inside!("cuMemcpy2D, nothing described", INVALID_VALUE, |cuda| {
            cu!(cuda, cuMemcpy2D_v2(std::ptr::null() => *const Copy2D))
        }),
    ]
}

/// Memory of the host that the device reads.
pub fn host_memory() -> Vec<Question> {
    fn pinned(cuda: &Cuda) -> *mut c_void {
        let mut pinned = null_mut();
        assert_eq!(cu!(cuda, cuMemAllocHost_v2(&mut pinned => *mut *mut c_void, 4096 => usize)), SUCCESS);
        pinned
    }
    fn register(cuda: &Cuda, at: *mut c_void) -> u32 {
        cu!(cuda, cuMemHostRegister_v2(at => *mut c_void, 4096 => usize, 0 => u32))
    }
    /// Pages that stay for as long as the process.
    fn pages() -> *mut c_void {
        let pages = vec![1_u8; 5 * 4096].leak().as_mut_ptr();
        pages.wrapping_add(pages.align_offset(4096)).cast()
    }
    vec![
        inside!("cuMemAllocHost of nothing", SUCCESS, |cuda| {
            cu!(cuda, cuMemAllocHost_v2(&mut null_mut() => *mut *mut c_void, 0 => usize))
        }),
        inside!("cuMemFreeHost, twice", INVALID_VALUE, |cuda| {
            let pinned = pinned(cuda);
            assert_eq!(cu!(cuda, cuMemFreeHost(pinned => *mut c_void)), SUCCESS);
            cu!(cuda, cuMemFreeHost(pinned => *mut c_void))
        }),
        inside!("cuMemFreeHost of null", SUCCESS, |cuda| cu!(cuda, cuMemFreeHost(null_mut() => *mut c_void))),
        inside!("cuMemFree of the host's memory", INVALID_VALUE, |cuda| free(cuda, pinned(cuda) as u64)),
        inside!("cuMemHostRegister of null", INVALID_VALUE, |cuda| register(cuda, null_mut())),
        inside!("cuMemHostRegister, twice", HOST_MEMORY_ALREADY_REGISTERED, |cuda| {
            let pages = pages();
            assert_eq!(register(cuda, pages), SUCCESS);
            register(cuda, pages)
        }),
        inside!("cuMemHostRegister of a part again", HOST_MEMORY_ALREADY_REGISTERED, |cuda| {
            let pages = pages();
            assert_eq!(register(cuda, pages), SUCCESS);
            register(cuda, pages.wrapping_byte_add(100))
        }),
        inside!("cuMemHostUnregister of what is not", HOST_MEMORY_NOT_REGISTERED, |cuda| {
            cu!(cuda, cuMemHostUnregister(pages() => *mut c_void))
        }),
        inside!("cuPointerGetAttribute: the kind of the host's memory", 1, |cuda| {
            let mut kind = 0_u32;
            let address = pinned(cuda) as u64;
            assert_eq!(
                cu!(cuda, cuPointerGetAttribute(&mut kind => *mut u32, 2 => u32, address => u64)),
                SUCCESS
            );
            kind
        }),
    ]
}
