//! Every function that FFmpeg's loader looks for is there, for each version of its headers.

use std::process::Command;

use crate::api::*;

/// Mandatory from the headers for NVENC 11.1 on.
const MANDATORY: &str = "\
    cuArray3DCreate_v2 cuArrayDestroy cuCtxCreate_v2 cuCtxDestroy_v2 cuCtxGetDevice cuCtxPopCurrent_v2 \
    cuCtxPushCurrent_v2 cuCtxSetLimit cuDeviceComputeCapability cuDeviceGet cuDeviceGetAttribute \
    cuDeviceGetCount cuDeviceGetName cuDevicePrimaryCtxGetState cuDevicePrimaryCtxRelease \
    cuDevicePrimaryCtxReset cuDevicePrimaryCtxRetain cuDevicePrimaryCtxSetFlags cuEventCreate \
    cuEventDestroy_v2 cuEventQuery cuEventRecord cuEventSynchronize cuGLGetDevices_v2 cuGetErrorName \
    cuGetErrorString cuGraphicsGLRegisterImage cuGraphicsMapResources cuGraphicsResourceGetMappedPointer_v2 \
    cuGraphicsSubResourceGetMappedArray cuGraphicsUnmapResources cuGraphicsUnregisterResource cuInit \
    cuLaunchKernel cuLinkAddData cuLinkComplete cuLinkCreate cuLinkDestroy cuMemAllocManaged \
    cuMemAllocPitch_v2 cuMemAlloc_v2 cuMemFree_v2 cuMemcpy cuMemcpy2DAsync_v2 cuMemcpy2D_v2 cuMemcpyAsync \
    cuMemcpyDtoDAsync_v2 cuMemcpyDtoD_v2 cuMemcpyDtoHAsync_v2 cuMemcpyDtoH_v2 cuMemcpyHtoDAsync_v2 \
    cuMemcpyHtoD_v2 cuMemsetD8Async cuModuleGetFunction cuModuleGetGlobal cuModuleLoadData cuModuleUnload \
    cuStreamAddCallback cuStreamCreate cuStreamDestroy_v2 cuStreamQuery cuStreamSynchronize \
    cuTexObjectCreate cuTexObjectDestroy";

/// Mandatory from the headers for NVENC 12.1 on, to 13.0.
const MANDATORY_LATER: &str = "\
    cuArrayCreate_v2 cuCtxGetCurrent cuDriverGetVersion cuStreamWaitEvent";

/// Used where they are there.
const OPTIONAL: &str = "\
    cuDestroyExternalMemory cuDestroyExternalSemaphore cuDeviceGetByPCIBusId cuDeviceGetLuid \
    cuDeviceGetPCIBusId cuDeviceGetUuid cuDeviceGetUuid_v2 cuEGLStreamConsumerDisconnect \
    cuEGLStreamProducerConnect cuEGLStreamProducerDisconnect cuEGLStreamProducerPresentFrame \
    cuEGLStreamProducerReturnFrame cuExternalMemoryGetMappedBuffer cuExternalMemoryGetMappedMipmappedArray \
    cuImportExternalMemory cuImportExternalSemaphore cuMipmappedArrayDestroy cuMipmappedArrayGetLevel \
    cuSignalExternalSemaphoresAsync cuWaitExternalSemaphoresAsync";

#[test]
fn every_function_that_is_looked_for_is_exported() {
    let cuda = Cuda::load();
    let counts = [MANDATORY, MANDATORY_LATER, OPTIONAL].map(|list| {
        for name in list.split_whitespace() {
            // SAFETY: the symbol is looked for, not called.
            let found = unsafe { cuda.library.get::<unsafe extern "C" fn()>(name.as_bytes()) };
            assert!(found.is_ok(), "{name} is missing");
        }
        list.split_whitespace().count()
    });
    assert_eq!(counts, [64, 4, 20]);
}

#[test]
fn functions_are_found_by_name_too() {
    let cuda = Cuda::load();
    let find = |name: &std::ffi::CStr| {
        let mut function = 0;
        let result = cu!(cuda, cuGetProcAddress(
            name.as_ptr() => *const std::ffi::c_char, &mut function => *mut usize, 12080 => i32, 0 => u64));
        (result, function)
    };
    // SAFETY: only the address of the function is taken.
    let exported = unsafe { *cuda.library.get::<usize>(b"cuMemAlloc_v2\0").unwrap() };
    assert_eq!(find(c"cuMemAlloc"), (SUCCESS, exported));
    assert_eq!(find(c"cuInit").0, SUCCESS);
    assert_eq!(find(c"cuNothing"), (500, 0));
}

/// The loader itself, from the headers that are installed.
const PROGRAM: &str = r#"
#include <stdio.h>
#include <ffnvcodec/dynlink_loader.h>
int main(void) {
    CudaFunctions *cuda = NULL;
    int count = 0;
    if (cuda_load_functions(&cuda, NULL)) return 1;
    if (cuda->cuInit(0) || cuda->cuDeviceGetCount(&count)) return 2;
    printf("%d device\n", count);
    cuda_free_functions(&cuda);
    /* Opened again, it is what it was. */
    if (cuda_load_functions(&cuda, NULL) || cuda->cuDeviceGetCount(&count)) return 3;
    return 0;
}
"#;

#[test]
fn ffmpegs_loader_takes_it() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("loader.c");
    let program = directory.path().join("loader");
    std::fs::write(&source, PROGRAM).unwrap();
    let compiled = Command::new("cc").arg(&source).args(["-ldl", "-o"]).arg(&program).output().unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));

    let installed = nvenc_emulator::Installed::new("rtx-4090", 570).unwrap();
    let ran = installed.command(&program).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "1 device\n");
}
