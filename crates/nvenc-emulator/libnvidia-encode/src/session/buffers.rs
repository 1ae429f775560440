//! Input buffers, bitstream buffers, and what clients register.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::codecs::Ability;
use super::output::Packet;
use super::pixels::{Surface, input_format};
use super::{Session, not_initialized};
use crate::client::SharedBuffer;
use crate::schema::Record;
use crate::status::Status::{
    InvalidCall, InvalidParam, InvalidPtr, ResourceNotMapped, ResourceNotRegistered,
};
use crate::status::{Answer, Refusal, Status, require};

/// What a session has handed out, by handle.
#[derive(Debug, Default)]
pub struct Buffers {
    pub inputs: BTreeMap<usize, Input>,
    pub bitstreams: BTreeMap<usize, Bitstream>,
    pub resources: BTreeMap<usize, Resource>,
    /// Mapped resources: the handle of the mapping, and that of the resource.
    pub mapped: BTreeMap<usize, usize>,
}

/// A buffer for pictures in system memory.
#[derive(Debug)]
pub struct Input {
    pub surface: Surface,
    pub memory: SharedBuffer,
    pub locked: bool,
}

/// A buffer for a coded picture.
#[derive(Debug)]
pub enum Bitstream {
    /// Holds nothing.
    Free,
    /// Given with a picture that is not coded yet.
    Waiting,
    /// Holds a coded picture.
    Ready(Packet),
    /// The client reads what is held here.
    Locked { _packet: Packet },
}

/// Device memory that the client registered.
#[derive(Debug)]
pub struct Resource {
    pub surface: Surface,
    pub address: u64,
}

impl Input {
    /// What the client has written. Only for buffers that are not locked.
    pub fn with_bytes<T>(&self, body: impl FnOnce(&[u8]) -> T) -> T {
        assert!(!self.locked, "the client may be writing");
        self.memory.with_bytes(body)
    }
}

/// A handle that no other thing has, in this process. It points nowhere.
pub fn handle() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0x6e76_0000_0000);
    NEXT.fetch_add(64, Ordering::Relaxed)
}

impl Session {
    /// `NvEncCreateInputBuffer`.
    pub fn create_input(&mut self, params: &mut Record) -> Answer {
        let surface = self.surface(params, "bufferFmt", 0)?;
        self.allocate()?;
        let memory = SharedBuffer::new(surface.allocation());
        let handle = handle();
        self.buffers.inputs.insert(handle, Input { surface, memory, locked: false });
        params.set("inputBuffer", handle as u64);
        Ok(())
    }

    /// `NvEncDestroyInputBuffer`.
    pub fn destroy_input(&mut self, handle: usize) -> Answer {
        require(handle != 0, InvalidPtr, || "inputBuffer is null".into())?;
        let removed = self.buffers.inputs.remove(&handle);
        require(removed.is_some(), InvalidParam, || "inputBuffer is none of this session's".into())
    }

    /// `NvEncLockInputBuffer`.
    pub fn lock_input(&mut self, params: &mut Record) -> Answer {
        let input = self.input(params.get("inputBuffer") as usize)?;
        require(!input.locked, InvalidCall, || "inputBuffer is locked already".into())?;
        input.locked = true;
        params.set("bufferDataPtr", input.memory.address() as u64);
        params.set("pitch", input.surface.pitch as u64);
        Ok(())
    }

    /// `NvEncUnlockInputBuffer`.
    pub fn unlock_input(&mut self, handle: usize) -> Answer {
        let input = self.input(handle)?;
        require(input.locked, InvalidCall, || "inputBuffer is not locked".into())?;
        input.locked = false;
        Ok(())
    }

    fn input(&mut self, handle: usize) -> Answer<&mut Input> {
        require(handle != 0, InvalidPtr, || "inputBuffer is null".into())?;
        let unknown = || Refusal::new(InvalidParam, "inputBuffer is none of this session's");
        self.buffers.inputs.get_mut(&handle).ok_or_else(unknown)
    }

    /// `NvEncCreateBitstreamBuffer`.
    pub fn create_bitstream(&mut self, params: &mut Record) -> Answer {
        self.encoding()?;
        self.allocate()?;
        let handle = handle();
        self.buffers.bitstreams.insert(handle, Bitstream::Free);
        params.set("bitstreamBuffer", handle as u64);
        Ok(())
    }

    /// `NvEncDestroyBitstreamBuffer`. A picture that waits for it is lost.
    pub fn destroy_bitstream(&mut self, handle: usize) -> Answer {
        require(handle != 0, InvalidPtr, || "bitstreamBuffer is null".into())?;
        let removed = self.buffers.bitstreams.remove(&handle);
        require(removed.is_some(), InvalidParam, || "bitstreamBuffer is none of this session's".into())
    }

    /// `NvEncRegisterResource`.
    pub fn register(&mut self, params: &mut Record) -> Answer {
        let kind = params.u32("resourceType");
        require(kind == 1, Status::UnsupportedParam, || {
            format!("resourceType is {kind}; the emulator takes CUDA device memory (1) only")
        })?;
        let usage = params.u32("bufferUsage");
        require(usage == 0, Status::UnsupportedParam, || {
            format!("bufferUsage is {usage}; the emulator takes pictures (0) only")
        })?;
        require(params.flag("resourceToRegister"), InvalidPtr, || "resourceToRegister is null".into())?;
        let mut surface = self.surface(params, "bufferFormat", params.u32("pitch") as usize)?;
        let chroma = params.array("chromaOffsetIn").first().copied().unwrap_or(0);
        surface.chroma = (chroma != 0).then_some(chroma as usize);
        let handle = handle();
        let address = params.get("resourceToRegister");
        self.buffers.resources.insert(handle, Resource { surface, address });
        params.set("registeredResource", handle as u64);
        Ok(())
    }

    /// `NvEncUnregisterResource`.
    pub fn unregister(&mut self, handle: usize) -> Answer {
        require(self.buffers.resources.contains_key(&handle), ResourceNotRegistered, || {
            "registeredResource is none of this session's".into()
        })?;
        let mapped = self.buffers.mapped.values().any(|&resource| resource == handle);
        require(!mapped, InvalidCall, || "registeredResource is mapped".into())?;
        self.buffers.resources.remove(&handle);
        Ok(())
    }

    /// `NvEncMapInputResource`.
    pub fn map(&mut self, params: &mut Record) -> Answer {
        let resource = params.get("registeredResource") as usize;
        let found = self.buffers.resources.get(&resource);
        let found = found.ok_or_else(|| {
            Refusal::new(ResourceNotRegistered, "registeredResource is none of this session's")
        })?;
        let mapped = self.buffers.mapped.values().any(|&other| other == resource);
        require(!mapped, Status::MapFailed, || "registeredResource is mapped already".into())?;
        let format = found.surface.format.value();
        let handle = handle();
        self.buffers.mapped.insert(handle, resource);
        params.set("mappedResource", handle as u64);
        params.set("mappedBufferFmt", u64::from(format));
        Ok(())
    }

    /// `NvEncUnmapInputResource`.
    pub fn unmap(&mut self, handle: usize) -> Answer {
        let removed = self.buffers.mapped.remove(&handle);
        require(removed.is_some(), ResourceNotMapped, || "mappedInputBuffer is not mapped".into())
    }

    /// The surface that a struct describes; a pitch of 0 is chosen here.
    fn surface(&self, params: &Record, format: &str, pitch: usize) -> Answer<Surface> {
        let encoding = self.encoding.as_ref().ok_or_else(not_initialized)?;
        let codec = encoding.plan.codec;
        let value = params.u32(format);
        let listed = self.emulator.machine.formats(codec);
        let format = input_format(value).filter(|format| listed.contains(format)).ok_or_else(|| {
            Refusal::new(
                InvalidParam,
                format!("{format} is {value:#x}: no form of pictures that this GPU takes"),
            )
        })?;
        let (width, height) = (params.u32("width") as usize, params.u32("height") as usize);
        require(width > 0 && height > 0, InvalidParam, || format!("a size of {width}x{height}"))?;
        let (coding_width, coding_height) = self.limits(codec);
        require(width <= coding_width && height <= coding_height, InvalidParam, || {
            format!(
                "{width}x{height} is larger than the {coding_width}x{coding_height} that this GPU encodes"
            )
        })?;
        let mut surface = Surface { format, width, height, pitch, chroma: None };
        if pitch == 0 {
            surface.pitch = surface.row_bytes().next_multiple_of(512);
        }
        require(surface.pitch >= surface.row_bytes(), InvalidParam, || {
            format!(
                "pitch is {pitch}; a row of {width} pixels of {format:?} has {} bytes",
                surface.row_bytes()
            )
        })?;
        Ok(surface)
    }

    fn limits(&self, codec: nvenc_emulator::Codec) -> (usize, usize) {
        let ability = Ability::new(&self.emulator.machine, codec);
        let cap = |name| ability.map_or(0, |ability| ability.cap(name)) as usize;
        (cap("WIDTH_MAX"), cap("HEIGHT_MAX"))
    }
}
