//! What a packet carries, in memory of its own size.

use std::sync::Arc;

use crate::av::{AvError, PacketRef};

/// A packet's bytes and, where an encoder says something beside them, that. Clones share both.
///
/// libavcodec's own packets have padding behind their bytes, lie at times in a buffer from a pool of the largest, and
/// take two structures and a list of references: half a kilobyte and more beside each. A packet of sound has no more
/// than that itself, and may be kept for hours. So the bytes are copied out once, when they leave the encoder, into
/// one block of their size.
#[derive(Clone)]
pub(crate) struct Payload {
    bytes: Arc<[u8]>,
    /// A packet of libavcodec's without bytes.
    beside: Option<Arc<PacketRef>>,
}

impl Payload {
    /// What came out of an encoder.
    ///
    /// # Errors
    /// Out of memory.
    pub(crate) fn of(packet: &PacketRef) -> Result<Self, AvError> {
        Self::with(packet.data(), packet)
    }

    /// These bytes in place of those that came out of an encoder, with what it says beside them.
    ///
    /// # Errors
    /// Out of memory.
    pub(crate) fn with(bytes: &[u8], packet: &PacketRef) -> Result<Self, AvError> {
        let beside = packet.beside()?.map(Arc::new);
        Ok(Self { bytes: bytes.into(), beside })
    }

    /// The bytes.
    pub(crate) const fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// The same with other bytes.
    pub(crate) fn with_bytes(&self, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { bytes: bytes.into(), beside: self.beside.clone() }
    }

    /// A packet for libav* calls, with the padding that they want.
    ///
    /// # Errors
    /// Out of memory.
    pub(crate) fn to_packet(&self) -> Result<PacketRef, AvError> {
        match &self.beside {
            Some(beside) => beside.with_data(&self.bytes),
            None => PacketRef::empty()?.with_data(&self.bytes),
        }
    }
}

impl From<&[u8]> for Payload {
    /// Bytes alone.
    fn from(bytes: &[u8]) -> Self {
        Self { bytes: bytes.into(), beside: None }
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Payload({} bytes)", self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::av::ffi::{self, AVPacketSideDataType::AV_PKT_DATA_NEW_EXTRADATA};

    #[test]
    fn of_a_buffer_from_a_pool_only_the_bytes_are_kept() {
        let mut roomy = PacketRef::empty().unwrap().with_data(&[7; 100_000]).unwrap();
        roomy.fields_mut().size = 1000;
        let payload = Payload::of(&roomy).unwrap();
        assert_eq!(payload.bytes()[..], [7; 1000]);
        assert!(payload.beside.is_none());
        assert!(Arc::ptr_eq(payload.bytes(), payload.clone().bytes()), "clones share them");
        let packet = payload.to_packet().unwrap();
        assert_eq!(packet.data(), [7; 1000]);
        assert!(packet.fields().buf != roomy.fields().buf);
    }

    #[test]
    #[allow(unsafe_code)]
    fn what_an_encoder_says_beside_the_bytes_stays_with_them() {
        let mut said = PacketRef::empty().unwrap().with_data(b"picture").unwrap();
        // SAFETY: the packet is ours, and owns the eight bytes that are made here.
        unsafe {
            let data = ffi::av_packet_new_side_data(said.as_mut_ptr(), AV_PKT_DATA_NEW_EXTRADATA, 8);
            data.write_bytes(3, 8);
        }
        let payload = Payload::of(&said).unwrap();
        let changed = Payload::with(b"complete", &said).unwrap().to_packet().unwrap();
        assert_eq!((changed.data(), changed.new_extradata()), (&b"complete"[..], Some(&[3; 8][..])));
        drop(said);
        let other = payload.with_bytes(*b"another").to_packet().unwrap();
        assert_eq!((other.data(), other.new_extradata()), (&b"another"[..], Some(&[3; 8][..])));
        assert_eq!(payload.to_packet().unwrap().data(), b"picture");
    }
}
