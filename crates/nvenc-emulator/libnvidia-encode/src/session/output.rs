//! Coded pictures on their way to the client.

use std::time::Instant;

use nvenc_emulator_bitstream::Kind;

use super::Session;
use super::buffers::Bitstream;
use crate::schema::Record;
use crate::status::Status::{InvalidCall, InvalidParam, InvalidPtr, LockBusy};
use crate::status::{Answer, Refusal, require};

/// A coded picture.
#[derive(Debug)]
pub struct Packet {
    pub bytes: Vec<u8>,
    pub kind: Kind,
    pub quantizer: u8,
    pub order: u32,
    /// `frameIdx` of the picture that went in.
    pub frame: u32,
    pub time: u64,
    pub duration: u64,
    /// When the chip is done with it.
    pub ready_at: Instant,
}

/// What becomes of a wish to lock a bitstream.
#[derive(Clone, Copy, Debug)]
pub enum Lock {
    /// It is locked.
    Done,
    /// It is coded at this moment.
    Until(Instant),
    /// It needs further pictures.
    NeedsInput,
}

impl Session {
    /// `NvEncLockBitstream`, without waiting.
    pub fn lock_bitstream(&mut self, params: &mut Record) -> Answer<Lock> {
        self.encoding()?;
        let handle = params.get("outputBitstream") as usize;
        require(handle != 0, InvalidPtr, || "outputBitstream is null".into())?;
        let unknown = || Refusal::new(InvalidParam, "outputBitstream is none of this session's");
        let buffer = self.buffers.bitstreams.get_mut(&handle).ok_or_else(unknown)?;
        let wait = match buffer {
            Bitstream::Free => {
                return Err(Refusal::new(InvalidCall, "nothing was encoded into outputBitstream"));
            }
            Bitstream::Locked { .. } => {
                return Err(Refusal::new(InvalidCall, "outputBitstream is locked already"));
            }
            Bitstream::Waiting => Some(Lock::NeedsInput),
            Bitstream::Ready(packet) => {
                (packet.ready_at > Instant::now()).then_some(Lock::Until(packet.ready_at))
            }
        };
        if let Some(wait) = wait {
            require(!params.flag("doNotWait"), LockBusy, || "the picture is not encoded yet".into())?;
            return Ok(wait);
        }
        if let Bitstream::Ready(packet) = std::mem::replace(buffer, Bitstream::Free) {
            describe(&packet, params);
            *buffer = Bitstream::Locked { _packet: packet };
        }
        Ok(Lock::Done)
    }

    /// `NvEncUnlockBitstream`.
    pub fn unlock_bitstream(&mut self, handle: usize) -> Answer {
        require(handle != 0, InvalidPtr, || "bitstreamBuffer is null".into())?;
        let unknown = || Refusal::new(InvalidParam, "bitstreamBuffer is none of this session's");
        let buffer = self.buffers.bitstreams.get_mut(&handle).ok_or_else(unknown)?;
        require(matches!(buffer, Bitstream::Locked { .. }), InvalidCall, || {
            "bitstreamBuffer is not locked".into()
        })?;
        *buffer = Bitstream::Free;
        Ok(())
    }
}

/// `NV_ENC_PIC_TYPE` of a picture.
const fn picture_type(packet: &Packet) -> u64 {
    match packet.kind {
        Kind::P => 0,
        Kind::B => 1,
        Kind::Intra => 2,
        Kind::Key => 3,
    }
}

fn describe(packet: &Packet, params: &mut Record) {
    params.set("frameIdx", u64::from(packet.frame));
    params.set("hwEncodeStatus", 2);
    params.set("numSlices", 1);
    params.set("bitstreamSizeInBytes", packet.bytes.len() as u64);
    params.set("bitstreamBufferPtr", packet.bytes.as_ptr().expose_provenance() as u64);
    params.set("outputTimeStamp", packet.time);
    params.set("outputDuration", packet.duration);
    params.set("pictureType", picture_type(packet));
    params.set("pictureStruct", 1);
    params.set("frameAvgQP", u64::from(packet.quantizer));
    params.set("frameIdxDisplay", u64::from(packet.order));
}
