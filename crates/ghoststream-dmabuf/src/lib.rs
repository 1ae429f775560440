//! DMA-BUFs of ordinary memory: a GPU can import them, and the CPU writes them as fast as any other memory.
//!
//! [`Udmabuf`] makes them of a memfd's pages, without a GPU. It needs a kernel with `CONFIG_UDMABUF` and the right to
//! open `/dev/udmabuf`, which desktops give to whoever sits at them, or to the group `kvm`. [`Mapped`] is such memory,
//! or a plain memfd, as the CPU writes it.
//!
//! ```no_run
//! # fn main() -> std::io::Result<()> {
//! use ghoststream_dmabuf::{Mapped, Udmabuf};
//!
//! let mut memory = Mapped::dmabuf(Udmabuf::open()?.allocate(1 << 20)?, 1 << 20)?;
//! memory.write(|bytes| bytes.fill(0x80))?;
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

mod mapped;
mod udmabuf;

pub use mapped::Mapped;
pub use udmabuf::Udmabuf;

/// The bytes of whole pages, of any machine's size, that hold so many bytes.
pub fn whole_pages(length: usize) -> usize {
    length.max(1).next_multiple_of(1 << 16)
}
