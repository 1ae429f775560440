//! An emulated `libnvidia-encode.so.1`.

mod api;
pub mod schema;

pub use api::{ApiVersion, KNOWN, StructVersion};
