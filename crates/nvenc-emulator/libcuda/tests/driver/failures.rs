//! Faults.

use std::os::unix::process::ExitStatusExt;

use crate::api::*;

/// The signal of a broken access.
const SIGSEGV: i32 = 11;

#[test]
fn memory_runs_out_at_the_allocation_that_was_named() {
    let cuda = Cuda::load_with(|installed| installed.with_faults("out-of-memory@2").unwrap());
    assert_eq!(cu!(cuda, cuInit(0 => u32)), SUCCESS);
    cuda.context();
    let allocate = || cu!(cuda, cuMemAlloc_v2(&mut 0 => *mut u64, 64 => usize));
    assert_eq!([allocate(), allocate(), allocate()], [SUCCESS, OUT_OF_MEMORY, SUCCESS]);
}

#[test]
fn a_lost_device_takes_its_contexts_with_it() {
    let (cuda, context) = Cuda::start();
    let memory = cuda.memory(64);
    let lose = |gone| cu!(cuda, nvenc_emulator_lose_device(gone => i32));
    assert_eq!(lose(0), SUCCESS);
    assert_eq!(cuda.read(memory, 1), Err(LAUNCH_FAILED));
    assert_eq!(cu!(cuda, cuCtxSynchronize()), LAUNCH_FAILED);
    assert_eq!(cu!(cuda, cuCtxDestroy_v2(context => usize)), SUCCESS);

    // A reset device works again.
    cuda.context();
    let memory = cuda.memory(64);
    assert!(cuda.read(memory, 1).is_ok());
    assert_eq!(lose(1), SUCCESS);
    assert_eq!(cu!(cuda, cuCtxCreate_v2(&mut 0 => *mut usize, 0 => u32, 0 => i32)), UNKNOWN);
    assert_eq!(cu!(cuda, cuInit(0 => u32)), NO_DEVICE);
}

#[test]
fn a_fault_without_meaning_fails_the_calls_that_would_look_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let faults = directory.path().join("faults");
    std::fs::write(&faults, "out-of-memroy").unwrap();
    let cuda = Cuda::load_with(|installed| installed.with_faults_file(&faults));
    assert_eq!(cu!(cuda, cuInit(0 => u32)), UNKNOWN);
    std::fs::remove_file(&faults).unwrap();
    assert_eq!(cu!(cuda, cuInit(0 => u32)), SUCCESS);
}

#[test]
fn a_driver_finds_no_gpu_that_it_does_not_know() {
    let installed = nvenc_emulator::Installed::new("rtx-5090", 545).unwrap();
    installed.load().unwrap();
    // SAFETY: the emulated library runs nothing when it is loaded.
    let library = unsafe { libloading::Library::new("libcuda.so.1") }.unwrap();
    let cuda = Cuda { library, _installed: installed };
    assert_eq!(cu!(cuda, cuInit(0 => u32)), NO_DEVICE);
}

#[test]
fn a_library_that_is_to_be_missing_is_not_found() {
    let installed = nvenc_emulator::Installed::new("rtx-3060", 570).unwrap();
    let installed = installed.with_faults("no-libcuda").unwrap();
    installed.load().unwrap();
    let path = installed.directory().join("libcuda.so.1");
    // SAFETY: it is no library at all.
    assert!(unsafe { libloading::Library::new(path) }.is_err());
    // SAFETY: the emulated library runs nothing when it is loaded.
    assert!(unsafe { libloading::Library::new("libnvidia-encode.so.1") }.is_ok());
}

#[test]
fn a_program_that_touches_device_memory_dies() {
    let Some(child) = in_child("failures::a_program_that_touches_device_memory_dies") else {
        let (cuda, _) = Cuda::start();
        let memory = cuda.memory(64) as *mut u8;
        // SAFETY: none: this is what a program does wrong.
        unsafe { memory.write_volatile(1) };
        return;
    };
    assert_eq!(child.status.signal(), Some(SIGSEGV), "{child:?}");
}

#[test]
fn a_driver_that_crashes_takes_the_process_down() {
    let Some(child) = in_child("failures::a_driver_that_crashes_takes_the_process_down") else {
        let cuda = Cuda::load_with(|installed| installed.with_faults("crash").unwrap());
        cu!(cuda, cuInit(0 => u32));
        return;
    };
    assert_eq!(child.status.signal(), Some(SIGSEGV), "{child:?}");
}

#[test]
fn a_driver_that_hangs_comes_back_only_when_it_is_let() {
    let directory = tempfile::tempdir().unwrap();
    let faults = directory.path().join("faults");
    std::fs::write(&faults, "hang").unwrap();
    let cuda = Cuda::load_with(|installed| installed.with_faults_file(&faults));
    std::thread::scope(|scope| {
        let (started, wait) = std::sync::mpsc::channel();
        let cuda = &cuda;
        let initializing = scope.spawn(move || {
            started.send(()).unwrap();
            cu!(cuda, cuInit(0 => u32))
        });
        wait.recv().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert!(!initializing.is_finished());
        std::fs::remove_file(&faults).unwrap();
        assert_eq!(initializing.join().unwrap(), SUCCESS);
    });
}
