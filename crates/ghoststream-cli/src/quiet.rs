//! Keeps encoders from writing to the terminal past us.
#![allow(unsafe_code)]

/// SVT-AV1 prints its settings to stderr and heeds nothing but this variable. Someone who set it
/// wants to read them.
///
/// To be called first of all, while the process has one thread.
pub fn encoders() {
    const LEVEL: &str = "SVT_LOG";
    if std::env::var_os(LEVEL).is_none() {
        // SAFETY: `main` calls this before anything that starts a thread, so that nothing reads the
        // environment meanwhile.
        unsafe { std::env::set_var(LEVEL, "1") };
    }
}
