//! CUDA's result codes.

use std::ffi::CStr;

/// A `CUresult`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(u32);

/// Success, or the code of an error.
pub(crate) type Result<T = ()> = std::result::Result<T, Code>;

macro_rules! codes {
    ($($name:ident $number:literal $text:literal)*) => {
        #[allow(missing_docs, reason = "the API's own names")]
        impl Code {
            $(pub const $name: Self = Self($number);)*
        }

        /// Number, name and meaning of each.
        const CODES: &[(u32, &CStr, &CStr)] = &[
            $(($number, match CStr::from_bytes_with_nul(concat!("CUDA_", stringify!($name), "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => unreachable!(),
            }, $text)),*
        ];
    };
}

codes! {
    SUCCESS 0 c"no error"
    ERROR_INVALID_VALUE 1 c"invalid argument"
    ERROR_OUT_OF_MEMORY 2 c"out of memory"
    ERROR_NOT_INITIALIZED 3 c"initialization error"
    ERROR_DEINITIALIZED 4 c"driver shutting down"
    ERROR_NO_DEVICE 100 c"no CUDA-capable device is detected"
    ERROR_INVALID_DEVICE 101 c"invalid device ordinal"
    ERROR_INVALID_CONTEXT 201 c"invalid device context"
    ERROR_INVALID_HANDLE 400 c"invalid resource handle"
    ERROR_NOT_FOUND 500 c"named symbol not found"
    ERROR_NOT_READY 600 c"device not ready"
    ERROR_LAUNCH_TIMEOUT 702 c"the launch timed out and was terminated"
    ERROR_PRIMARY_CONTEXT_ACTIVE 708 c"cannot set while device is active in this process"
    ERROR_CONTEXT_IS_DESTROYED 709 c"context is destroyed"
    ERROR_HOST_MEMORY_ALREADY_REGISTERED 712 c"part or all of the requested memory range is already mapped"
    ERROR_HOST_MEMORY_NOT_REGISTERED 713 c"pointer does not correspond to a registered memory region"
    ERROR_LAUNCH_FAILED 719 c"unspecified launch failure"
    ERROR_NOT_SUPPORTED 801 c"operation not supported"
    ERROR_UNKNOWN 999 c"unknown error"
}

impl Code {
    /// Its number in C.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Its name in C, such as `CUDA_ERROR_INVALID_VALUE`.
    pub fn name(self) -> &'static str {
        name_and_text(self.0).map_or("?", |(name, _)| name.to_str().unwrap_or("?"))
    }
}

/// Name and meaning of a number, where it has them.
pub(crate) fn name_and_text(number: u32) -> Option<(&'static CStr, &'static CStr)> {
    CODES.iter().find(|(known, ..)| *known == number).map(|(_, name, text)| (*name, *text))
}
