//! GPUs and drivers as data: what each of them reports, and where that is known from.

mod cap;
mod driver;
mod gpu;
mod machine;
#[cfg(test)]
mod tests;

pub use cap::Cap;
pub use driver::{ApiVersion, Driver};
pub use gpu::{Change, Codec, Coding, Generation, Gpu, InputFormat};
pub use machine::{Machine, UnknownProfile, drivers, gpus};
