//! An owned packet of libavcodec's.

use std::ptr::NonNull;

use super::{AvError, check, ffi};

/// An `AVPacket`.
pub struct PacketRef(NonNull<ffi::AVPacket>);

// SAFETY: an AVPacket has no thread affinity, and its buffers' reference counts are atomic.
unsafe impl Send for PacketRef {}
// SAFETY: through `&PacketRef` the packet is only read.
unsafe impl Sync for PacketRef {}

impl PacketRef {
    /// A packet without bytes.
    ///
    /// # Errors
    /// Out of memory.
    pub fn empty() -> Result<Self, AvError> {
        // SAFETY: returns a fresh packet that we own, or null.
        let packet = unsafe { ffi::av_packet_alloc() };
        NonNull::new(packet).map(Self).ok_or(AvError(-libc::ENOMEM))
    }

    /// What is said beside the bytes (side data), where anything is: a copy without bytes.
    ///
    /// # Errors
    /// Out of memory.
    pub fn beside(&self) -> Result<Option<Self>, AvError> {
        if self.fields().side_data_elems == 0 {
            return Ok(None);
        }
        let copy = Self::empty()?;
        // SAFETY: copy is an empty packet, self a valid one.
        check(unsafe { ffi::av_packet_copy_props(copy.0.as_ptr(), self.0.as_ptr()) })?;
        Ok(Some(copy))
    }

    /// A copy with other bytes.
    ///
    /// # Errors
    /// Out of memory.
    pub fn with_data(&self, bytes: &[u8]) -> Result<Self, AvError> {
        let copy = Self::empty()?;
        let size = i32::try_from(bytes.len()).map_err(|_| AvError(-libc::EINVAL))?;
        // SAFETY: copy is an empty packet, which av_new_packet gives a buffer of `size` bytes that
        // nothing else refers to, as many as are copied there; self is a valid packet.
        unsafe {
            check(ffi::av_new_packet(copy.0.as_ptr(), size))?;
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), copy.0.as_ref().data, bytes.len());
            check(ffi::av_packet_copy_props(copy.0.as_ptr(), self.0.as_ptr()))?;
        }
        Ok(copy)
    }

    /// The payload.
    pub fn data(&self) -> &[u8] {
        // SAFETY: data and size describe the packet's buffer, which lives as long as self.
        unsafe {
            let packet = self.0.as_ref();
            if packet.data.is_null() || packet.size <= 0 {
                return &[];
            }
            std::slice::from_raw_parts(packet.data, packet.size as usize)
        }
    }

    /// Codec headers that came with the packet, where an encoder knows them no sooner.
    pub fn new_extradata(&self) -> Option<&[u8]> {
        let kind = ffi::AVPacketSideDataType::AV_PKT_DATA_NEW_EXTRADATA;
        let mut size = 0;
        // SAFETY: self owns a valid packet; its side data lives as long as it does.
        unsafe {
            let data = ffi::av_packet_get_side_data(self.0.as_ptr(), kind, &mut size);
            (!data.is_null()).then(|| std::slice::from_raw_parts(data, size))
        }
    }

    /// Gives up what an encoder says of a picture's quality, where it says nothing else beside the bytes. Nothing is
    /// made of it, and it takes some 200 bytes, as long as the packet is held.
    pub fn forget_statistics(&mut self) {
        // SAFETY: self owns a valid packet, whose list of side data has as many entries as it says.
        unsafe {
            let packet = self.0.as_mut();
            let is_alone = packet.side_data_elems == 1;
            let kind = ffi::AVPacketSideDataType::AV_PKT_DATA_QUALITY_STATS;
            if is_alone && packet.side_data.as_ref().is_some_and(|it| it.type_ == kind) {
                ffi::av_packet_free_side_data(packet);
            }
        }
    }

    /// The packet's fields.
    pub fn fields(&self) -> &ffi::AVPacket {
        // SAFETY: self owns a valid packet.
        unsafe { self.0.as_ref() }
    }

    /// The packet's fields, for writing.
    pub fn fields_mut(&mut self) -> &mut ffi::AVPacket {
        // SAFETY: self owns a valid packet.
        unsafe { self.0.as_mut() }
    }

    /// The packet, for libav* calls. It stays owned by self.
    pub fn as_mut_ptr(&mut self) -> *mut ffi::AVPacket {
        self.0.as_ptr()
    }
}

impl Drop for PacketRef {
    fn drop(&mut self) {
        let mut packet = self.0.as_ptr();
        // SAFETY: self owns the packet; av_packet_free drops its references and frees it.
        unsafe { ffi::av_packet_free(&mut packet) };
    }
}

impl std::fmt::Debug for PacketRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PacketRef({} bytes)", self.data().len())
    }
}

#[cfg(test)]
mod tests {
    use super::ffi::AVPacketSideDataType::{self, AV_PKT_DATA_NEW_EXTRADATA, AV_PKT_DATA_QUALITY_STATS};
    use super::*;

    fn packet(beside: &[AVPacketSideDataType]) -> PacketRef {
        let mut packet = PacketRef::empty().unwrap().with_data(b"picture").unwrap();
        for &kind in beside {
            // SAFETY: the packet is ours; it owns what is made here, which nobody reads before it is written.
            unsafe {
                let data = ffi::av_packet_new_side_data(packet.as_mut_ptr(), kind, 8);
                data.write_bytes(1, 8);
            }
        }
        packet
    }

    #[test]
    fn statistics_alone_are_forgotten() {
        let mut counted = packet(&[AV_PKT_DATA_QUALITY_STATS]);
        counted.forget_statistics();
        assert_eq!(counted.fields().side_data_elems, 0);
        assert_eq!(counted.data(), b"picture");
        let mut described = packet(&[AV_PKT_DATA_NEW_EXTRADATA]);
        described.forget_statistics();
        assert_eq!(described.new_extradata(), Some(&[1; 8][..]));
        let mut both = packet(&[AV_PKT_DATA_QUALITY_STATS, AV_PKT_DATA_NEW_EXTRADATA]);
        both.forget_statistics();
        assert!(both.new_extradata().is_some());
        packet(&[]).forget_statistics();
    }
}
