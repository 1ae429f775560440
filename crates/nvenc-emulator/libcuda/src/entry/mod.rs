//! The exported functions, by the API's own names.

mod context;
mod copy;
mod device;
mod event;
mod external;
mod host;
mod lookup;
mod memory;
mod stream;
mod unsupported;

pub use context::*;
pub use copy::*;
pub use device::*;
pub use event::*;
pub use external::*;
pub use host::*;
pub use lookup::*;
pub use memory::*;
pub use stream::*;
pub use unsupported::*;
