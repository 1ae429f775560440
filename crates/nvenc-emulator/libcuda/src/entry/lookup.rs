//! Finding functions by name: `cuGetProcAddress`.

use std::ffi::{CString, c_int, c_void};

use crate::argument::{Out, Text};
use crate::call::entries;
use crate::code::{Code, Result};

/// The exported function of a name; where there are versions of it, the newest.
fn find(name: &str) -> Result<*mut c_void> {
    let this = find as fn(&str) -> Result<*mut c_void> as *const c_void;
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::uninit();
    // SAFETY: any address may be asked about; the answer is written where there is one.
    let known = unsafe { libc::dladdr(this, info.as_mut_ptr()) != 0 };
    if !known {
        return Err(Code::ERROR_NOT_FOUND);
    }
    // SAFETY: dladdr succeeded, so that its answer is there, with the path of this very library, which is
    // loaded: this opens nothing new.
    let library = unsafe {
        let path = info.assume_init().dli_fname;
        libc::dlopen(path, libc::RTLD_NOW | libc::RTLD_NOLOAD)
    };
    if library.is_null() {
        return Err(Code::ERROR_NOT_FOUND);
    }
    for versioned in [format!("{name}_v2"), name.to_owned()] {
        let text = CString::new(versioned).map_err(|_| Code::ERROR_INVALID_VALUE)?;
        // SAFETY: the library is loaded, the text ends.
        let function = unsafe { libc::dlsym(library, text.as_ptr()) };
        if !function.is_null() {
            return Ok(function);
        }
    }
    Err(Code::ERROR_NOT_FOUND)
}

entries! {
    /// The address of a function, by its name without version.
    any time fn cuGetProcAddress(
        symbol: Text, function: Out<*mut c_void>, version: c_int, _flags: usize
    ) |_call| {
        function.check()?;
        if version <= 0 {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        function.put(find(symbol.get()?)?)
    }

    /// As the first version, and says why there is none.
    any time fn cuGetProcAddress_v2(
        symbol: Text, function: Out<*mut c_void>, version: c_int, _flags: usize, status: Out<u32>
    ) |_call| {
        function.check()?;
        if version <= 0 {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        let found = find(symbol.get()?);
        // CU_GET_PROC_ADDRESS_SUCCESS, or _SYMBOL_NOT_FOUND.
        status.put_if_wanted(found.is_err().into());
        function.put(found?)
    }
}
