//! What all exported functions do: trace the call, and never let a panic out.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nvenc_emulator::{Call, Emulator, Library};

use crate::code::{Code, Result};
use crate::state::Driver;

/// This process's emulator. What is wrong with its settings was told on standard error.
pub(crate) fn emulator() -> Result<&'static Emulator> {
    Emulator::of_process(Library::Cuda).map_err(|_| Code::ERROR_UNKNOWN)
}

/// A fault without meaning fails the call in which it is found; it was told on standard error.
pub(crate) fn fault<T>(answer: std::result::Result<T, nvenc_emulator::BadFault>) -> Result<T> {
    answer.map_err(|_| Code::ERROR_UNKNOWN)
}

/// Runs an exported function that may be called at any time.
pub(crate) fn enter(name: &'static str, body: impl FnOnce(&mut Call<'_>) -> Result) -> u32 {
    let Ok(emulator) = emulator() else { return Code::ERROR_UNKNOWN.number() };
    let mut call = emulator.trace.call(Library::Cuda, name);
    let result = catch_unwind(AssertUnwindSafe(|| body(&mut call)));
    // A panic is a mistake of ours; it was told on standard error by the panic itself.
    let code = result.unwrap_or(Err(Code::ERROR_UNKNOWN)).err().unwrap_or(Code::SUCCESS);
    call.end(code.name());
    code.number()
}

/// Runs an exported function that needs `cuInit` to have been called.
pub(crate) fn enter_initialized(name: &'static str, body: impl FnOnce(&mut Call<'_>) -> Result) -> u32 {
    enter(name, |call| {
        Driver::lock().check_initialized()?;
        body(call)
    })
}

/// Exported functions. Every argument is traced. `any time` ones need no `cuInit`.
macro_rules! entries {
    ($($(#[$meta:meta])* $(any $time:ident)? fn $name:ident($($argument:ident: $type:ty),* $(,)?) |$call:ident| $body:block)*) => {
        $(
            $(#[$meta])*
            ///
            /// # Safety
            /// Every pointer is null or good for what CUDA's driver API says of the function of this name.
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name($($argument: $type),*) -> u32 {
                $crate::call::entries!(@enter $($time)?)(stringify!($name), |$call| {
                    $($call.field(stringify!($argument), || $crate::argument::Shown::shown(&$argument));)*
                    $body
                })
            }
        )*
    };
    (@enter time) => { $crate::call::enter };
    (@enter) => { $crate::call::enter_initialized };
}

pub(crate) use entries;
