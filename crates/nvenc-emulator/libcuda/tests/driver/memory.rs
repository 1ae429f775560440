//! Memory and copies.

use crate::api::*;
use crate::copy2d::{Copy2D, EMPTY, Side, device, host};

fn copy(cuda: &Cuda, description: Copy2D) -> u32 {
    cu!(cuda, cuMemcpy2D_v2(&description => *const Copy2D))
}

#[test]
fn what_is_copied_up_comes_back() {
    let (cuda, _) = Cuda::start();
    let bytes: Vec<u8> = (0..=255).collect();
    let (first, second) = (cuda.memory(256), cuda.memory(256));
    assert_eq!(cuda.write(first, &bytes), SUCCESS);
    assert_eq!(cu!(cuda, cuMemcpyDtoD_v2(second => u64, first => u64, 256 => usize)), SUCCESS);
    assert_eq!(cuda.read(second, 256).unwrap(), bytes);
    assert_eq!(cuda.read(second + 10, 20).unwrap(), bytes[10..30]);
    assert_eq!(cu!(cuda, cuMemsetD8Async(first + 16 => u64, 7 => u8, 16 => usize, 0 => usize)), SUCCESS);
    let set = cuda.read(first, 48).unwrap();
    assert_eq!((set[15], &set[16..32], set[32]), (15, &[7; 16][..], 32));
    assert_eq!(cu!(cuda, cuMemsetD16_v2(first + 2 => u64, 0x0102 => u16, 2 => usize)), SUCCESS);
    assert_eq!(cuda.read(first, 8).unwrap(), [0, 1, 2, 1, 2, 1, 6, 7]);
    assert_eq!(cu!(cuda, cuMemsetD16_v2(first + 1 => u64, 0 => u16, 2 => usize)), INVALID_VALUE);
}

#[test]
fn rows_keep_their_pitches() {
    let (cuda, _) = Cuda::start();
    let (mut pointer, mut pitch) = (0, 0);
    let allocated = cu!(cuda, cuMemAllocPitch_v2(
        &mut pointer => *mut u64, &mut pitch => *mut usize, 100 => usize, 8 => usize, 4 => u32));
    assert_eq!((allocated, pitch), (SUCCESS, 512));

    let mut picture: Vec<u8> = (0..64 * 8).map(|index| index as u8).collect();
    let up = Copy2D { src: host(&mut picture, 64), dst: device(pointer, pitch), width: 60, height: 8 };
    assert_eq!(copy(&cuda, up), SUCCESS);

    // Rows 2 to 4, from the third byte on, to the second row of a smaller picture.
    let mut part = vec![0xee; 16 * 5];
    let down = Copy2D {
        src: Side { x: 3, y: 2, ..device(pointer, pitch) },
        dst: Side { x: 1, y: 1, ..host(&mut part, 16) },
        width: 10,
        height: 3,
    };
    assert_eq!(copy(&cuda, down), SUCCESS);
    for row in 0..5 {
        for column in 0..16 {
            let inside = (1..4).contains(&row) && (1..11).contains(&column);
            let expected = if inside { ((row + 1) * 64 + column + 2) as u8 } else { 0xee };
            assert_eq!(part[row * 16 + column], expected, "row {row}, column {column}");
        }
    }
}

#[test]
fn no_byte_outside_an_allocation_is_touched() {
    let (cuda, _) = Cuda::start();
    let memory = cuda.memory(1000);
    cuda.memory(1000);
    assert_eq!(cuda.write(memory, &[0; 1001]), INVALID_VALUE);
    assert_eq!(cuda.write(memory + 999, &[0; 2]), INVALID_VALUE);
    assert_eq!(cuda.write(memory - 1, &[0; 2]), INVALID_VALUE);
    assert_eq!(cuda.write(0, &[0; 2]), INVALID_VALUE);
    assert_eq!(cu!(cuda, cuMemsetD8_v2(memory => u64, 0 => u8, 1001 => usize)), INVALID_VALUE);
    assert_eq!(cu!(cuda, cuMemcpyDtoD_v2(memory => u64, memory + 1 => u64, 1000 => usize)), INVALID_VALUE);

    let mut picture = vec![0; 4096];
    let mut try_copy = |pitch, width, height, x, y| {
        let src = host(&mut picture, 0);
        copy(&cuda, Copy2D { src, dst: Side { x, y, ..device(memory, pitch) }, width, height })
    };
    // Ten rows of a hundred bytes fit to the byte.
    assert_eq!(try_copy(100, 100, 10, 0, 0), SUCCESS);
    assert_eq!(try_copy(101, 100, 10, 0, 0), INVALID_VALUE, "the last row ends beyond");
    assert_eq!(try_copy(100, 100, 10, 0, 1), INVALID_VALUE, "one row down");
    assert_eq!(try_copy(100, 99, 10, 1, 0), SUCCESS);
    assert_eq!(try_copy(100, 100, 9, 1, 0), INVALID_VALUE, "wider than the pitch");
    assert_eq!(try_copy(99, 100, 2, 0, 0), INVALID_VALUE, "wider than the pitch");
    assert_eq!(try_copy(100, usize::MAX, 1, 0, 0), INVALID_VALUE);
    assert_eq!(try_copy(usize::MAX, 100, 3, 0, 0), INVALID_VALUE);
    assert_eq!(try_copy(100, 0, 10, 0, 0), SUCCESS, "nothing to copy");

    let mut null = host(&mut picture, 100);
    null.host = std::ptr::null_mut();
    assert_eq!(
        copy(&cuda, Copy2D { src: null, dst: device(memory, 100), width: 1, height: 1 }),
        INVALID_VALUE
    );
    let array = Side { memory_type: 3, ..EMPTY };
    assert_eq!(
        copy(&cuda, Copy2D { src: array, dst: device(memory, 100), width: 1, height: 1 }),
        INVALID_VALUE
    );
}

#[test]
fn memory_is_freed_once_and_by_its_first_address() {
    let (cuda, _) = Cuda::start();
    let memory = cuda.memory(64);
    let free = |pointer| cu!(cuda, cuMemFree_v2(pointer => u64));
    assert_eq!(free(memory + 1), INVALID_VALUE);
    assert_eq!(free(memory), SUCCESS);
    assert_eq!(free(memory), INVALID_VALUE);
    assert_eq!(free(0), SUCCESS);
    assert_eq!(cuda.read(memory, 1), Err(INVALID_VALUE));
    assert_eq!(cu!(cuda, cuMemAlloc_v2(&mut 0 => *mut u64, 0 => usize)), INVALID_VALUE);
    assert_eq!(cu!(cuda, cuMemAlloc_v2(std::ptr::null_mut() => *mut u64, 64 => usize)), INVALID_VALUE);
}

#[test]
fn a_card_has_only_so_much_memory() {
    let (cuda, _) = Cuda::start();
    let info = || {
        let (mut free, mut total) = (0, 0);
        let result = cu!(cuda, cuMemGetInfo_v2(&mut free => *mut usize, &mut total => *mut usize));
        assert_eq!((result, total), (SUCCESS, 12 << 30));
        free
    };
    let before = info();
    let memory = cuda.memory(8 << 30);
    assert_eq!(info(), before - (8 << 30));
    assert_eq!(cu!(cuda, cuMemAlloc_v2(&mut 0 => *mut u64, 5 << 30 => usize)), OUT_OF_MEMORY);
    assert_eq!(cu!(cuda, cuMemFree_v2(memory => u64)), SUCCESS);
    assert_eq!(info(), before);
}

#[test]
fn page_locked_memory_is_the_hosts() {
    let (cuda, _) = Cuda::start();
    let mut pinned: *mut u8 = std::ptr::null_mut();
    assert_eq!(cu!(cuda, cuMemAllocHost_v2(&mut pinned => *mut *mut u8, 4096 => usize)), SUCCESS);
    // SAFETY: just allocated, with this size.
    unsafe { pinned.write_bytes(5, 4096) };
    let (memory, mut kind) = (cuda.memory(4096), 0);
    let copied = cu!(cuda, cuMemcpyHtoDAsync_v2(
        memory => u64, pinned => *const u8, 4096 => usize, 0 => usize));
    assert_eq!((copied, cuda.read(memory, 4096).unwrap()), (SUCCESS, vec![5; 4096]));
    for (pointer, expected) in [(pinned as u64 + 9, 1), (memory + 9, 2)] {
        let asked = cu!(cuda, cuPointerGetAttribute(&mut kind => *mut u32, 2 => u32, pointer => u64));
        assert_eq!((asked, kind), (SUCCESS, expected));
    }
    assert_eq!(cu!(cuda, cuPointerGetAttribute(&mut kind => *mut u32, 2 => u32, 64 => u64)), INVALID_VALUE);
    assert_eq!(cu!(cuda, cuMemFree_v2(pinned as u64 => u64)), INVALID_VALUE);
    assert_eq!(cu!(cuda, cuMemFreeHost(pinned => *mut u8)), SUCCESS);
    assert_eq!(cu!(cuda, cuMemFreeHost(pinned => *mut u8)), INVALID_VALUE);

    let mut own = vec![0_u8; 8192];
    let own = own.as_mut_ptr();
    let register = |at: *mut u8| cu!(cuda, cuMemHostRegister_v2(at => *mut u8, 4096 => usize, 0 => u32));
    assert_eq!(register(own), SUCCESS);
    assert_eq!(register(own.wrapping_add(100)), HOST_MEMORY_ALREADY_REGISTERED);
    assert_eq!(cu!(cuda, cuMemHostUnregister(own => *mut u8)), SUCCESS);
    assert_eq!(cu!(cuda, cuMemHostUnregister(own => *mut u8)), HOST_MEMORY_NOT_REGISTERED);
}

#[test]
fn threads_do_not_get_in_each_others_way() {
    let (cuda, context) = Cuda::start();
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            let cuda = &cuda;
            scope.spawn(move || {
                assert_eq!(cu!(cuda, cuCtxPushCurrent_v2(context => usize)), SUCCESS);
                for round in 0..50 {
                    let (memory, bytes) = (cuda.memory(3000), vec![thread ^ round; 3000]);
                    assert_eq!(cuda.write(memory, &bytes), SUCCESS);
                    assert_eq!(cuda.read(memory, 3000).unwrap(), bytes);
                    assert_eq!(cu!(cuda, cuMemFree_v2(memory => u64)), SUCCESS);
                }
            });
        }
    });
}
