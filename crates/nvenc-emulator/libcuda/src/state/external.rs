//! Memory of other APIs, such as Vulkan's.

use std::sync::Arc;

use crate::mapping::Mapping;

/// Imported memory.
#[derive(Debug)]
pub(crate) struct External {
    /// Its pages, which live on while a buffer is mapped from them.
    pub(crate) pages: Arc<Mapping>,
}
