//! The two libraries by name.

use std::fmt;

/// One of the driver's two libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// CUDA's driver API.
    Cuda,
    /// The encoder.
    NvidiaEncode,
}

impl Library {
    /// Both, in the order in which a client opens them.
    pub const ALL: [Self; 2] = [Self::Cuda, Self::NvidiaEncode];

    /// The name by which clients open it.
    pub const fn soname(self) -> &'static str {
        match self {
            Self::Cuda => "libcuda.so.1",
            Self::NvidiaEncode => "libnvidia-encode.so.1",
        }
    }

    /// The file that cargo builds.
    pub const fn built_name(self) -> &'static str {
        match self {
            Self::Cuda => "libemulated_cuda.so",
            Self::NvidiaEncode => "libemulated_nvidia_encode.so",
        }
    }

    /// The package that it is built from.
    pub const fn package(self) -> &'static str {
        match self {
            Self::Cuda => "nvenc-emulator-libcuda",
            Self::NvidiaEncode => "nvenc-emulator-libnvidia-encode",
        }
    }

    /// The function that it exports beside NVIDIA's, which tells the CPU time that it has taken so far:
    /// `uint64_t (void)`, in nanoseconds.
    pub const fn cpu_time_symbol(self) -> &'static str {
        match self {
            Self::Cuda => "nvenc_emulator_cuda_cpu_time",
            Self::NvidiaEncode => "nvenc_emulator_encode_cpu_time",
        }
    }

    /// Its name in a trace.
    pub const fn trace_name(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::NvidiaEncode => "nvenc",
        }
    }
}

impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.soname())
    }
}
