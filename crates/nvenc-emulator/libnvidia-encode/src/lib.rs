//! An emulated `libnvidia-encode.so.1`.
//!
//! A client finds what it finds in NVIDIA's: `NvEncodeAPIGetMaxSupportedVersion`, `NvEncodeAPICreateInstance`, and
//! behind them a session that encodes. Every call is checked as a strict driver would check it, written down in the
//! trace, and fails where a fault was asked for.
//!
//! ```text
//! entry/      the functions that C calls; client.rs follows its pointers
//!   schema/   structs by the version of the client's header, as data
//!   registry  handles; nothing that a client passes as a handle is followed
//!     session/  one session: checks, buffers, pictures, packets
//!       cuda      reads device memory through whichever libcuda.so.1 is loaded
//! ```

mod api;
mod client;
mod cuda;
mod entry;
mod registry;
pub mod schema;
mod session;
mod status;

pub use api::{ApiVersion, KNOWN, StructVersion};
pub use entry::{
    NvEncodeAPICreateInstance, NvEncodeAPIGetMaxSupportedVersion, nvenc_emulator_encode_cpu_time,
};
pub use status::Status;
