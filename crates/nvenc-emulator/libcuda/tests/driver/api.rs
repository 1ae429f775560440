//! The library, and calling it.

use nvenc_emulator::Installed;

/// Results that the tests look for.
pub const SUCCESS: u32 = 0;
pub const INVALID_VALUE: u32 = 1;
pub const OUT_OF_MEMORY: u32 = 2;
pub const NOT_INITIALIZED: u32 = 3;
pub const NO_DEVICE: u32 = 100;
pub const INVALID_DEVICE: u32 = 101;
pub const INVALID_CONTEXT: u32 = 201;
pub const INVALID_HANDLE: u32 = 400;
pub const NOT_FOUND: u32 = 500;
pub const NOT_READY: u32 = 600;
pub const PRIMARY_CONTEXT_ACTIVE: u32 = 708;
pub const CONTEXT_IS_DESTROYED: u32 = 709;
pub const HOST_MEMORY_ALREADY_REGISTERED: u32 = 712;
pub const HOST_MEMORY_NOT_REGISTERED: u32 = 713;
pub const LAUNCH_FAILED: u32 = 719;
pub const NOT_SUPPORTED: u32 = 801;
pub const UNKNOWN: u32 = 999;

/// The loaded library.
pub struct Cuda {
    pub library: libloading::Library,
    /// Held: its directory goes away with it.
    pub _installed: Installed,
}

/// Set in a test that was started anew as a child.
const CHILD: &str = "NVENC_EMULATOR_TEST_CHILD";

/// Runs the same test once more, in a process that may come to grief. None in that process.
pub fn in_child(test: &str) -> Option<std::process::Output> {
    if std::env::var_os(CHILD).is_some() {
        return None;
    }
    Some(child_test(test).env(CHILD, "1").output().unwrap())
}

/// One test of this program, in a process of its own.
pub fn child_test(test: &str) -> std::process::Command {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--test-threads=1"]);
    child
}

/// Calls a function by name: `cu!(cuda, cuMemAlloc_v2(&mut pointer => *mut u64, 4096 => usize))`.
macro_rules! cu {
    ($cuda:expr, $name:ident($($value:expr => $type:ty),* $(,)?)) => {{
        // SAFETY: the types are those of the function in CUDA's API, and what is pointed to lives.
        unsafe {
            let name = concat!(stringify!($name), "\0").as_bytes();
            let function = $cuda.library.get::<unsafe extern "C" fn($($type),*) -> u32>(name).unwrap();
            function($($value),*)
        }
    }};
}
pub(crate) use cu;

impl Cuda {
    /// Loads it as an RTX 3060 under driver 570, after a change to what is installed.
    pub fn load_with(change: impl FnOnce(Installed) -> Installed) -> Self {
        let installed = change(Installed::new("rtx-3060", 570).unwrap());
        installed.load().unwrap();
        // SAFETY: the emulated library runs nothing when it is loaded.
        let library = unsafe { libloading::Library::new("libcuda.so.1") }.unwrap();
        Self { library, _installed: installed }
    }

    /// Loads it.
    pub fn load() -> Self {
        Self::load_with(|installed| installed)
    }

    /// Loads and initialises it, and makes a context current.
    pub fn start() -> (Self, usize) {
        let cuda = Self::load();
        assert_eq!(cu!(cuda, cuInit(0 => u32)), SUCCESS);
        let context = cuda.context();
        (cuda, context)
    }

    /// A new context, which is current then.
    pub fn context(&self) -> usize {
        let mut context = 0;
        assert_eq!(cu!(self, cuCtxCreate_v2(&mut context => *mut usize, 0 => u32, 0 => i32)), SUCCESS);
        assert_ne!(context, 0);
        context
    }

    /// Device memory.
    pub fn memory(&self, size: usize) -> u64 {
        let mut pointer = 0;
        assert_eq!(cu!(self, cuMemAlloc_v2(&mut pointer => *mut u64, size => usize)), SUCCESS);
        pointer
    }

    /// Copies to the device.
    pub fn write(&self, to: u64, bytes: &[u8]) -> u32 {
        cu!(self, cuMemcpyHtoD_v2(to => u64, bytes.as_ptr() => *const u8, bytes.len() => usize))
    }

    /// Copies from the device.
    pub fn read(&self, from: u64, length: usize) -> Result<Vec<u8>, u32> {
        let mut bytes = vec![0; length];
        match cu!(self, cuMemcpyDtoH_v2(bytes.as_mut_ptr() => *mut u8, from => u64, length => usize)) {
            SUCCESS => Ok(bytes),
            error => Err(error),
        }
    }
}
