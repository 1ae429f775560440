//! What a device says of itself.

use nvenc_emulator::Gpu;

/// The device's bus number.
pub(crate) const BUS: i32 = 1;

/// Where the device sits.
pub(crate) const ADDRESS: &str = "0000:01:00.0";

/// The numbers of `CUdevice_attribute` end before this.
const END: u32 = 150;

/// The value of a `CUdevice_attribute`. None where there is no such attribute; 0 where it is one that means
/// nothing for video.
pub(crate) fn value(gpu: &Gpu, attribute: u32) -> Option<i32> {
    Some(match attribute {
        1 => 1024,                                // MAX_THREADS_PER_BLOCK
        2 | 3 => 1024,                            // MAX_BLOCK_DIM_X, Y
        4 => 64,                                  // MAX_BLOCK_DIM_Z
        5 => i32::MAX,                            // MAX_GRID_DIM_X
        6 | 7 => 65535,                           // MAX_GRID_DIM_Y, Z
        8 => 49152,                               // MAX_SHARED_MEMORY_PER_BLOCK
        9 => 65536,                               // TOTAL_CONSTANT_MEMORY
        10 => 32,                                 // WARP_SIZE
        11 => i32::MAX,                           // MAX_PITCH
        12 => 65536,                              // MAX_REGISTERS_PER_BLOCK
        13 => gpu.clock_mhz as i32 * 1000,        // CLOCK_RATE, kHz
        14 => 512,                                // TEXTURE_ALIGNMENT
        15 => 1,                                  // GPU_OVERLAP
        16 => gpu.multiprocessors as i32,         // MULTIPROCESSOR_COUNT
        19 => 1,                                  // CAN_MAP_HOST_MEMORY
        31 => 1,                                  // CONCURRENT_KERNELS
        33 => BUS,                                // PCI_BUS_ID
        36 => gpu.memory_clock_mhz as i32 * 1000, // MEMORY_CLOCK_RATE, kHz
        37 => gpu.memory_bus_bits as i32,         // GLOBAL_MEMORY_BUS_WIDTH
        40 => 2,                                  // ASYNC_ENGINE_COUNT
        41 => 1,                                  // UNIFIED_ADDRESSING
        51 => 32,                                 // TEXTURE_PITCH_ALIGNMENT
        75 => gpu.compute.0 as i32,               // COMPUTE_CAPABILITY_MAJOR
        76 => gpu.compute.1 as i32,               // COMPUTE_CAPABILITY_MINOR
        0 | END.. => return None,
        _ => 0,
    })
}
