//! What CUDA answers when something fails.

/// A call that failed: which, and what the driver says of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call} failed: {text} ({name}, {code})")]
pub struct CudaError {
    /// The function.
    pub call: &'static str,
    /// Its `CUresult`.
    pub code: i32,
    /// The code's name, such as `CUDA_ERROR_OUT_OF_MEMORY`.
    pub name: String,
    /// The driver's words.
    pub text: String,
}

impl CudaError {
    /// Whether the device has no memory left.
    pub fn is_out_of_memory(&self) -> bool {
        self.code == 2
    }
}

/// The driver's library cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It is not there, or lacks a function.
    #[error("libcuda.so.1 cannot be used: {0}; install NVIDIA's driver, or update it")]
    Library(#[from] libloading::Error),
    /// It does not start.
    #[error("NVIDIA's driver does not start: {0}; check it with nvidia-smi")]
    Init(#[from] CudaError),
}
