//! The stream's buffers: what is asked of them, and their memory where the camera itself makes it, DMA-BUFs or memfds as
//! PipeWire makes them.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd};
use std::ptr::NonNull;
use std::sync::Arc;

use ghoststream_dmabuf::{Mapped, Udmabuf, whole_pages};
use ghoststream_pod::{Object, Value};
use pipewire::sys as pw_sys;

use crate::Memory;
use crate::buffer::MOST_BUFFERS;
use crate::offers::SLACK;
use crate::shared::Agreed;

/// `SPA_DATA_MemFd`.
const MEM_FD: u32 = 2;
/// `SPA_DATA_DmaBuf`.
const DMA_BUF: u32 = 3;
/// `SPA_DATA_FLAG_READWRITE` and `SPA_DATA_FLAG_MAPPABLE`, of which older PipeWires know nothing, and map memfds.
const FLAGS: u32 = 1 | 2 | 8;

/// Whose memory buffers are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Maker {
    PipeWire,
    Camera,
}

/// What is asked of buffers once the format is known: memory that is shared, and a header for the time. PipeWire itself
/// keeps those from us that are still being read. They are many so that some are left. In DMA-BUFs each plane is a
/// block of its own, as GPUs import them, all of the same memory.
pub(crate) fn buffers(agreed: &Agreed, maker: Maker) -> Vec<Object> {
    const OBJECT_BUFFERS: u32 = 0x4_0004;
    const PARAM_BUFFERS: u32 = 5;
    const OBJECT_META: u32 = 0x4_0005;
    const PARAM_META: u32 = 6;
    const MEM_PTR: i32 = 1 << 1;
    const HEADER: u32 = 1;
    let int = |number: usize| Value::Int(i32::try_from(number).unwrap_or(i32::MAX));
    let layout = agreed.layout();
    let (blocks, types) = match (agreed.memory, maker) {
        (Memory::DmaBuf, _) => (layout.spans().count(), 1 << DMA_BUF),
        (Memory::Shared, Maker::Camera) => (1, 1 << MEM_FD),
        (Memory::Shared, Maker::PipeWire) => (1, MEM_PTR | 1 << MEM_FD),
    };
    let buffers = Object::new(
        OBJECT_BUFFERS,
        PARAM_BUFFERS,
        &[
            (1, Value::range(int(8), int(2), int(MOST_BUFFERS as usize))),
            (2, int(blocks)),
            (3, int(layout.bytes + SLACK)),
            (4, int(layout.stride())),
            (6, Value::Flags(types)),
        ],
    );
    let header = Object::new(OBJECT_META, PARAM_META, &[(1, Value::Id(HEADER)), (2, Value::Int(32))]);
    vec![buffers, header]
}

type Raw = NonNull<pw_sys::pw_buffer>;

/// The stream's buffers, and what makes their memory.
#[derive(Debug)]
pub(crate) struct Pool {
    device: Arc<Udmabuf>,
    buffers: Vec<(Raw, Mapped)>,
    /// Of which the next buffer is made.
    spare: Option<Mapped>,
}

impl Pool {
    pub(crate) const fn new(device: Arc<Udmabuf>) -> Self {
        Self { device, buffers: Vec::new(), spare: None }
    }

    /// Whether buffers of this kind can be made.
    ///
    /// # Errors
    /// In words: they cannot.
    pub(crate) fn check(&mut self, agreed: &Agreed) -> Result<(), String> {
        self.spare = Some(self.make(agreed)?);
        Ok(())
    }

    fn make(&self, agreed: &Agreed) -> Result<Mapped, String> {
        let length = whole_pages(agreed.layout().bytes + SLACK);
        match agreed.memory {
            Memory::Shared => Mapped::memfd("ghoststream-camera", length),
            Memory::DmaBuf => self.device.allocate(length).and_then(|fd| Mapped::dmabuf(fd, length)),
        }
        .map_err(|error| format!("a buffer of {length} bytes for {agreed} cannot be made: {error}"))
    }

    /// Makes the memory of a buffer, and tells PipeWire. What cannot be made in a DMA-BUF is made in a memfd.
    ///
    /// # Errors
    /// In words: it could not be made as it was agreed on.
    ///
    /// # Safety
    /// PipeWire has just added the buffer, and [`Pool::remove`] is called before it goes.
    pub(crate) unsafe fn add(&mut self, raw: Raw, agreed: &Agreed) -> Result<(), String> {
        let fits = |it: &Mapped| it.is_dmabuf() == (agreed.memory == Memory::DmaBuf);
        let made = self.spare.take().filter(fits).map_or_else(|| self.make(agreed), Ok);
        let (mapped, told) = match made {
            Ok(mapped) => (mapped, Ok(())),
            Err(why) => {
                let plain = Mapped::memfd("ghoststream-camera", whole_pages(agreed.layout().bytes + SLACK));
                (plain.map_err(|error| error.to_string())?, Err(why))
            }
        };
        // SAFETY: the caller promises that the buffer is there; nobody else has its entries before it is added.
        let datas = unsafe {
            let buffer = raw.as_ref().buffer.as_ref().filter(|it| !it.datas.is_null());
            let buffer = buffer.ok_or("a buffer has no blocks")?;
            std::slice::from_raw_parts_mut(buffer.datas, buffer.n_datas as usize)
        };
        for data in datas {
            data.type_ = if mapped.is_dmabuf() { DMA_BUF } else { MEM_FD };
            data.flags = FLAGS;
            data.fd = i64::from(mapped.as_fd().as_raw_fd());
            data.mapoffset = 0;
            data.maxsize = mapped.len() as u32;
            data.data = std::ptr::null_mut();
        }
        self.buffers.push((raw, mapped));
        told
    }

    /// Lets go of a buffer's memory: whoever still reads it has it for as long.
    pub(crate) fn remove(&mut self, raw: *mut pw_sys::pw_buffer) {
        self.buffers.retain(|(known, _)| known.as_ptr() != raw);
    }

    /// A buffer's memory.
    pub(crate) fn memory(&mut self, raw: Raw) -> Option<&mut Mapped> {
        self.buffers.iter_mut().find(|(known, _)| *known == raw).map(|(_, memory)| memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Format;
    use ghoststream_picture::Size;
    use ghoststream_pod::Pod;

    #[test]
    fn each_plane_of_a_dmabuf_is_a_block() {
        let asked = |format, memory, maker| {
            let agreed = Agreed { format, size: Size::new(640, 360), rate: (30, 1), memory };
            let bytes = buffers(&agreed, maker)[0].to_bytes();
            let (_, properties) = Pod::parse(&bytes).unwrap().object().unwrap();
            [2, 4, 6].map(|key| properties.into_iter().find(|it| it.0 == key).unwrap().1.int().unwrap())
        };
        for (format, planes, stride) in [
            (Format::Nv12, 2, 768),
            (Format::I420, 3, 1024),
            (Format::Yuy2, 1, 1280),
            (Format::Bgrx, 1, 2560),
        ] {
            assert_eq!(asked(format, Memory::DmaBuf, Maker::Camera), [planes, stride, 8], "{format}");
            let stride = format.stride(Size::new(640, 360)) as i32;
            assert_eq!(asked(format, Memory::Shared, Maker::Camera), [1, stride, 4]);
            assert_eq!(asked(format, Memory::Shared, Maker::PipeWire), [1, stride, 6]);
        }
    }
}
