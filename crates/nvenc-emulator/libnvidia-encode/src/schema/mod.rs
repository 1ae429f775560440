//! The structs of the API, as data.
//!
//! The text files beside this module describe every struct that passes through the API, once for all versions:
//!
//! ```text
//! struct NAME  version 5!@11.1 6!@12.1      the number in its version word, from which API version on;
//!                                           ! where the word's highest bit is set
//!     u32 name[count]:bits  12.0..12.2      a field; counts, bit-field widths and the API versions that
//!                                           have it (the end excluded) where they are not all
//! ```
//!
//! From them [`layout()`] computes where each field lies in a given version, by the rules of the C ABI that NVIDIA's
//! libraries use on Linux; [`Record`] reads and writes the fields by name, and tells them to the trace.

mod guids;
mod layout;
mod parse;
mod record;

pub use guids::Guid;
pub use layout::{Field, Kind, Layout, layout};
pub use record::Record;

/// The descriptions.
const SOURCES: [&str; 5] = [
    include_str!("session.txt"),
    include_str!("config.txt"),
    include_str!("picture.txt"),
    include_str!("buffers.txt"),
    include_str!("enums.txt"),
];
