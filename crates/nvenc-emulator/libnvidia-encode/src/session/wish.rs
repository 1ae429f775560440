//! What a client wants of an encoder: its `NV_ENC_INITIALIZE_PARAMS` and `NV_ENC_CONFIG`, with the means to judge it.

use nvenc_emulator::{Codec, Machine};

use super::codecs::{Ability, CodecExt};
use super::presets::{self, Tuning};
use crate::api::ApiVersion;
use crate::schema::{Guid, Record};
use crate::status::{Answer, Refusal, Status};

/// What a client wants.
#[derive(Debug)]
pub struct Wish<'a> {
    /// The version of its header.
    pub api: ApiVersion,
    /// `NV_ENC_INITIALIZE_PARAMS`.
    pub params: &'a Record,
    /// `NV_ENC_CONFIG`: its own, or the preset's where it passed none.
    pub config: Record,
    /// The codec's own part of that.
    pub own: Record,
    /// The codec.
    pub codec: Codec,
    /// What the GPU can do in it.
    pub ability: Ability,
    /// P1 to P7.
    pub preset: u32,
    /// What it is tuned for.
    pub tuning: Tuning,
}

/// The codec of a GUID and what this GPU can do in it.
pub fn codec(guid: Guid, machine: &Machine, api: ApiVersion) -> Answer<(Codec, Ability)> {
    let codec = CodecExt::from_guid(guid)
        .ok_or_else(|| Refusal::new(Status::InvalidParam, format!("encodeGUID {guid} is no codec")))?;
    let known = crate::schema::layout(CodecExt::config_struct(codec), api).is_some();
    let ability = Ability::new(machine, codec).filter(|_| known).ok_or_else(|| {
        let why =
            format!("{} under driver {} does not encode {codec}", machine.gpu.name, machine.driver.branch);
        Refusal::new(Status::UnsupportedParam, why)
    })?;
    Ok((codec, ability))
}

impl<'a> Wish<'a> {
    /// Puts one together.
    pub fn new(
        params: &'a Record,
        config: Option<Record>,
        machine: &Machine,
        api: ApiVersion,
    ) -> Answer<Self> {
        let (codec, ability) = codec(params.guid("encodeGUID"), machine, api)?;
        let preset = presets::number(params.guid("presetGUID"))?;
        let tuning = Tuning::new(params.u32("tuningInfo"), codec, &ability, api)?;
        let config = config.unwrap_or_else(|| {
            let mut config = Record::new("NV_ENC_CONFIG", api);
            presets::fill(&mut config, codec, &ability, preset, tuning);
            config
        });
        let own = config.nested("encodeCodecConfig").nested(codec.config_member());
        Ok(Self { api, params, config, own, codec, ability, preset, tuning })
    }

    /// A capability by its name.
    pub fn can(&self, cap: &str) -> bool {
        self.ability.cap(cap) != 0
    }

    /// Pixels across and down.
    pub fn size(&self) -> (u32, u32) {
        (self.params.u32("encodeWidth"), self.params.u32("encodeHeight"))
    }

    /// B-frames between two others.
    pub fn b_frames(&self) -> u32 {
        (self.config.i32("frameIntervalP") - 1).max(0) as u32
    }

    /// Whether there are no pictures that refer to others.
    pub fn is_intra_only(&self) -> bool {
        self.config.i32("frameIntervalP") == 0 || self.config.u32("gopLength") == 1
    }

    /// Bits a sample of what is coded. Until API 12.1 it is told by how many it exceeds eight.
    pub fn depth(&self) -> u32 {
        match self.own.u32("outputBitDepth") {
            0 => 8 + self.own.u32_or_zero("pixelBitDepthMinus8"),
            depth => depth,
        }
    }

    /// `NV_ENC_PARAMS_RC_MODE`, the modes of old taken as what became of them.
    pub fn rate_mode(&self) -> u32 {
        match self.config.u32("rcParams.rateControlMode") {
            0x8 | 0x10 => 2,
            0x20 => 1,
            mode => mode,
        }
    }

    /// Whether every picture has to be coded exactly.
    pub fn is_lossless(&self) -> bool {
        self.tuning == Tuning::Lossless
    }
}
