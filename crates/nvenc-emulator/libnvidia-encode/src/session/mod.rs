//! One encoding session: what a client holds, and what it may do next.
//!
//! ```text
//! open ─▶ initialize ─▶ buffers, resources ─▶ encode ─▶ lock ─▶ unlock … ─▶ destroy
//!         checks.rs      buffers.rs           encode.rs output.rs
//! ```

mod buffers;
mod checks;
mod codecs;
mod encode;
mod encoding;
mod output;
mod pixels;
mod plan;
mod presets;
mod query;
mod rgb;
mod wish;

use std::ffi::CString;

use nvenc_emulator::{Codec, Emulator, Kind, Loss};

pub use buffers::handle;
pub use codecs::CodecExt;
pub use output::Lock;
pub use presets::Tuning;
pub use wish::Wish;

use crate::api::ApiVersion;
use crate::cuda::Device;
use crate::schema::{Guid, Record};
use crate::status::{Answer, Refusal, Status, require};
use buffers::Buffers;
use encoding::Encoding;
use plan::Plan;

/// A session.
#[derive(Debug)]
pub struct Session {
    /// The version of the client's header.
    pub api: ApiVersion,
    emulator: &'static Emulator,
    device: Device,
    /// The CUDA stream after whose work pictures are read; 0 where the client set none.
    stream: usize,
    /// Held for as long as the session is in use.
    _slot: nvenc_emulator::Session,
    buffers: Buffers,
    encoding: Option<Encoding>,
    /// How the GPU was lost, if it was.
    lost: Option<Loss>,
    last_error: CString,
}

impl Session {
    /// Opens one by `NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS`.
    pub fn open(emulator: &'static Emulator, params: &Record, api: ApiVersion) -> Answer<Self> {
        let machine = &emulator.machine;
        require(ApiVersion::from_word(params.u32("apiVersion")) == api, Status::InvalidVersion, || {
            format!("apiVersion is {:#x}; the struct's version is of API {api}", params.u32("apiVersion"))
        })?;
        let kind = params.u32("deviceType");
        require(kind == 1, Status::UnsupportedDevice, || {
            format!("deviceType is {kind}; on Linux the emulator knows CUDA (1) only")
        })?;
        require(params.flag("device"), Status::InvalidEncoderDevice, || "device is null".into())?;
        let gone = emulator.faults.device_is_gone().map_err(bad_fault)?;
        require(!gone, Status::NoEncodeDevice, || "the GPU is lost".into())?;
        let device = Device::new(params.get("device") as usize)?;
        require(machine.codecs().next().is_some(), Status::UnsupportedDevice, || {
            format!("{} has no encoder", machine.gpu.name)
        })?;
        let refused = emulator.faults.next_session().map_err(bad_fault)?;
        let taken = emulator.sessions.take(machine.session_limit());
        let slot = taken
            .map_err(|error| Refusal::new(Status::Generic, format!("sessions are not counted: {error}")))?;
        let slot = slot.filter(|_| !refused).ok_or_else(|| {
            Refusal::new(Status::OutOfMemory, "all encoding sessions of this GPU are in use")
        })?;
        let (buffers, last_error) = (Buffers::default(), CString::default());
        Ok(Self {
            api,
            emulator,
            device,
            stream: 0,
            _slot: slot,
            buffers,
            encoding: None,
            lost: None,
            last_error,
        })
    }

    /// Refuses everything once the GPU is lost.
    pub fn require_device(&self) -> Answer {
        let gone = self.emulator.faults.device_is_gone().map_err(bad_fault)?;
        require(self.lost.is_none() && !gone, Status::DeviceNotExist, || "the GPU is lost".into())
    }

    /// The codec, once it is known.
    pub fn codec(&self) -> Option<Codec> {
        self.encoding.as_ref().map(|encoding| encoding.plan.codec)
    }

    /// `NvEncInitializeEncoder`.
    pub fn initialize(&mut self, params: &Record, config: Option<Record>) -> Answer {
        require(self.encoding.is_none(), Status::InvalidCall, || {
            "the encoder is initialised already".into()
        })?;
        let plan = self.plan(params, config)?;
        self.allocate()?;
        let mut encoding = Encoding::new(plan, params.clone());
        if self.emulator.settings.unread {
            encoding.prepare_unread()?;
        }
        self.encoding = Some(encoding);
        Ok(())
    }

    /// Judges a wish and plans how to fulfil it.
    fn plan(&self, params: &Record, config: Option<Record>) -> Answer<Plan> {
        let wish = Wish::new(params, config, &self.emulator.machine, self.api)?;
        checks::check(&wish)?;
        Ok(Plan::new(&wish, self.emulator.settings.exact))
    }

    /// `NvEncReconfigureEncoder`.
    pub fn reconfigure(
        &mut self,
        params: &Record,
        config: Option<Record>,
        reset: bool,
        force_key: bool,
    ) -> Answer {
        let before = self.encoding()?.params.clone();
        for field in ["encodeGUID", "presetGUID"] {
            require(params.guid(field) == before.guid(field), Status::InvalidParam, || {
                format!("{field} cannot be reconfigured")
            })?;
        }
        for field in ["enableEncodeAsync", "enablePTD", "maxEncodeWidth", "maxEncodeHeight"] {
            require(params.get(field) == before.get(field), Status::InvalidParam, || {
                format!(
                    "{field} cannot be reconfigured: it was {}, and would be {}",
                    before.get(field),
                    params.get(field)
                )
            })?;
        }
        let wish = Wish::new(params, config, &self.emulator.machine, self.api)?;
        checks::check(&wish)?;
        let plan = Plan::new(&wish, self.emulator.settings.exact);
        let unread = self.emulator.settings.unread;
        let encoding = self.encoding_mut()?;
        let begins_anew = encoding.reconfigure(&wish, plan, reset, force_key)?;
        if unread && begins_anew {
            encoding.prepare_unread()?;
        }
        self.deliver();
        Ok(())
    }

    /// `NvEncGetEncodePresetConfigEx`.
    pub fn preset_config(&self, codec: Guid, preset: Guid, tuning: u32) -> Answer<Record> {
        let (codec, ability) = wish::codec(codec, &self.emulator.machine, self.api)?;
        let preset = presets::number(preset)?;
        let tuning = Tuning::new(tuning, codec, &ability, self.api)?;
        let mut config = Record::new("NV_ENC_CONFIG", self.api);
        presets::fill(&mut config, codec, &ability, preset, tuning);
        Ok(config)
    }

    /// Parameter sets, or AV1's sequence header.
    pub fn headers(&self) -> Answer<Vec<u8>> {
        Ok(self.encoding()?.headers())
    }

    /// The same for an encoder that is not initialised yet.
    pub fn headers_of(&self, params: &Record, config: Option<Record>) -> Answer<Vec<u8>> {
        if self.encoding.is_some() {
            return self.headers();
        }
        Ok(Encoding::new(self.plan(params, config)?, params.clone()).headers())
    }

    /// `NvEncSetIOCudaStreams`. Nothing is done on the output stream: coded pictures are in system memory.
    pub fn set_streams(&mut self, input: usize) {
        self.stream = input;
    }

    /// `NvEncInvalidateRefFrames`. Nothing that is invalid is referred to: the next picture refers to nothing.
    pub fn invalidate_references(&mut self) -> Answer {
        self.encoding_mut()?.force_key_next();
        Ok(())
    }

    /// Counts an allocation, which may be refused by a fault.
    fn allocate(&self) -> Answer {
        let refused = self.emulator.faults.next_allocation().map_err(bad_fault)?;
        require(!refused, Status::OutOfMemory, || "out of memory, as asked for".into())
    }

    fn encoding(&self) -> Answer<&Encoding> {
        self.encoding.as_ref().ok_or_else(not_initialized)
    }

    fn encoding_mut(&mut self) -> Answer<&mut Encoding> {
        self.encoding.as_mut().ok_or_else(not_initialized)
    }

    /// Keeps a reason for `NvEncGetLastErrorString`.
    pub fn remember(&mut self, refusal: &Refusal) {
        self.last_error = CString::new(refusal.why.clone()).unwrap_or_default();
    }

    /// What was wrong last; it lives until the next error.
    pub fn last_error(&self) -> &CString {
        &self.last_error
    }
}

fn not_initialized() -> Refusal {
    Refusal::new(Status::EncoderNotInitialized, "the encoder is not initialised")
}

/// A fault that means nothing fails the call that asks for it.
pub fn bad_fault(error: nvenc_emulator::BadFault) -> Refusal {
    Refusal::new(Status::Generic, error.to_string())
}

/// Whether the driver is to be older than any client.
pub fn is_too_old(emulator: &Emulator) -> Answer<bool> {
    emulator.faults.has(Kind::DriverTooOld).map_err(bad_fault)
}
