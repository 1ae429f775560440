//! NVIDIA's driver libraries, emulated: what both of them share.
//!
//! Two shared libraries stand in for NVIDIA's: `libcuda.so.1` (package `nvenc-emulator-libcuda`) and
//! `libnvidia-encode.so.1` (package `nvenc-emulator-libnvidia-encode`). They pretend to be a GPU of a
//! [profile](Gpu) under a [driver](Driver) generation, check every call as a strict driver would, write a
//! [trace](Trace) of them, and [fail on demand](Faults).
//!
//! ```text
//! NVENC_EMULATOR_… ──▶ Settings ──▶ Emulator ─┬─ Machine   which GPU under which driver      profile/
//!                                             ├─ Trace     every call as a line of JSON      trace.rs
//!                                             ├─ Faults    what fails, and when              fault/
//!                                             └─ Sessions  how many at once                  sessions.rs
//! account     CPU time that a library has taken, for benches                                 account.rs
//! Installed   both libraries in a directory, for a child process or for this one             install.rs
//! ```

pub mod account;
mod emulator;
mod fault;
mod install;
mod library;
mod profile;
mod sessions;
mod settings;
mod trace;

pub use emulator::{Emulator, Error};
pub use fault::{BadFault, Fault, Faults, Kind, Loss, PictureFault, Span};
pub use install::{InstallError, Installed, load};
pub use library::Library;
pub use profile::{
    ApiVersion, Cap, Change, Codec, Coding, Driver, Generation, Gpu, InputFormat, Machine, UnknownProfile,
    drivers, gpus,
};
pub use sessions::{Session, Sessions};
pub use settings::{BadSetting, Settings};
pub use trace::{Call, Trace};

/// The examples of the README, which must compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
