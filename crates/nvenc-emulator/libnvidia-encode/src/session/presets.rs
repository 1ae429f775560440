//! What the presets hold.
//!
//! NVIDIA documents what a preset is for, and of its fields few: which have B-frames, that constant QP begins at
//! 28, 31 and 25, that streams tuned for quality have a key frame each 250 pictures and those tuned for latency only
//! one. The rest is chosen here; clients that care set what they care about.

use nvenc_emulator::Codec;

use super::codecs::{Ability, CodecExt};
use crate::api::ApiVersion;
use crate::schema::{Guid, Record};
use crate::status::{Answer, Refusal, Status, require};

/// `NV_ENC_TUNING_INFO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tuning {
    /// High quality.
    Quality,
    /// Low latency.
    LowLatency,
    /// Ultra-low latency.
    UltraLowLatency,
    /// Lossless.
    Lossless,
    /// Ultra-high quality: HEVC from API 12.2 on, AV1 from 13.0.
    UltraQuality,
}

impl Tuning {
    /// By its value, where this codec, GPU and API have it.
    pub fn new(value: u32, codec: Codec, ability: &Ability, api: ApiVersion) -> Answer<Self> {
        let tuning = match value {
            1 => Self::Quality,
            2 => Self::LowLatency,
            3 => Self::UltraLowLatency,
            4 => Self::Lossless,
            5 => Self::UltraQuality,
            _ => {
                let why = format!("tuningInfo is {value}; the presets P1 to P7 need one");
                return Err(Refusal::new(Status::InvalidParam, why));
            }
        };
        require(
            tuning != Self::Lossless || ability.cap("SUPPORT_LOSSLESS_ENCODE") != 0,
            Status::UnsupportedParam,
            || format!("this GPU codes no lossless {codec}"),
        )?;
        let since = match codec {
            Codec::H264 => None,
            Codec::Hevc => Some(ApiVersion::new(12, 2)),
            Codec::Av1 => Some(ApiVersion::new(13, 0)),
        };
        let ultra = since.is_some_and(|since| api >= since) && ability.cap("SUPPORT_LOOKAHEAD") != 0;
        require(tuning != Self::UltraQuality || ultra, Status::UnsupportedParam, || {
            format!("API {api} has no ultra-high quality in {codec} on this GPU")
        })?;
        Ok(tuning)
    }

    /// Whether pictures have to come out at once.
    pub const fn is_low_latency(self) -> bool {
        matches!(self, Self::LowLatency | Self::UltraLowLatency)
    }
}

/// The number of a preset, 1 to 7.
pub fn number(guid: Guid) -> Answer<u32> {
    let place = Guid::PRESETS.iter().position(|&preset| preset == guid);
    place.map(|place| place as u32 + 1).ok_or_else(|| {
        Refusal::new(Status::UnsupportedParam, format!("presetGUID {guid} is none of the presets P1 to P7"))
    })
}

/// Fills in an `NV_ENC_CONFIG`.
pub fn fill(config: &mut Record, codec: Codec, ability: &Ability, preset: u32, tuning: Tuning) {
    let b_frames = b_frames(codec, ability, preset, tuning);
    let gop = if tuning.is_low_latency() { u32::MAX } else { 250 };
    config.set_guid("profileGUID", Guid::PROFILE_AUTOSELECT);
    config.set("gopLength", u64::from(gop));
    config.set("frameIntervalP", u64::from(b_frames + 1));
    config.set("frameFieldMode", 1);
    config.set("mvPrecision", 3);
    fill_rate_control(config, codec, tuning);

    let mut own = Record::new(codec.config_struct(), config.layout().api);
    own.set("idrPeriod", u64::from(gop));
    own.set("chromaFormatIDC", 1);
    own.set("inputBitDepth", 8);
    own.set("outputBitDepth", 8);
    if b_frames > 0 && preset >= 4 && ability.cap("SUPPORT_BFRAME_REF_MODE") & 2 != 0 {
        own.set("useBFramesAsRef", 2);
    }
    match codec {
        Codec::H264 => {
            own.set("entropyCodingMode", 1);
            own.set("qpPrimeYZeroTransformBypassFlag", u64::from(tuning == Tuning::Lossless));
        }
        Codec::Hevc => {}
        Codec::Av1 => {
            own.set("level", 24);
            own.set("colorPrimaries", 2);
            own.set("transferCharacteristics", 2);
            own.set("matrixCoefficients", 2);
        }
    }
    let mut all = config.nested("encodeCodecConfig");
    all.set_nested(codec.config_member(), &own);
    config.set_nested("encodeCodecConfig", &all);
}

fn fill_rate_control(config: &mut Record, codec: Codec, tuning: Tuning) {
    let mode = match tuning {
        Tuning::Lossless => 0,
        Tuning::Quality | Tuning::UltraQuality => 1,
        Tuning::LowLatency | Tuning::UltraLowLatency => 2,
    };
    // AV1 counts in base_q_idx, 0 to 255, and not in steps of six.
    let scale = if codec == Codec::Av1 { 4 } else { 1 };
    config.set(
        "rcParams.version",
        u64::from(Record::new("NV_ENC_RC_PARAMS", config.layout().api).u32("version")),
    );
    config.set("rcParams.rateControlMode", mode);
    if tuning != Tuning::Lossless {
        config.set("rcParams.constQP.qpInterP", 28 * scale);
        config.set("rcParams.constQP.qpInterB", 31 * scale);
        config.set("rcParams.constQP.qpIntra", 25 * scale);
        config.set("rcParams.averageBitRate", 5_000_000);
    }
    match tuning {
        Tuning::LowLatency => {
            config.set("rcParams.lowDelayKeyFrameScale", 2);
            config.set("rcParams.zeroReorderDelay", 1);
        }
        Tuning::UltraLowLatency => {
            config.set("rcParams.lowDelayKeyFrameScale", 1);
            config.set("rcParams.zeroReorderDelay", 1);
        }
        Tuning::UltraQuality => {
            config.set("rcParams.enableLookahead", 1);
            config.set("rcParams.lookaheadDepth", 16);
        }
        Tuning::Quality | Tuning::Lossless => {}
    }
}

/// B-frames: from P3 on in H.264 and from P2 on in the others, where latency does not matter.
fn b_frames(codec: Codec, ability: &Ability, preset: u32, tuning: Tuning) -> u32 {
    let first = if codec == Codec::H264 { 3 } else { 2 };
    let wanted = if tuning.is_low_latency() || preset < first { 0 } else { 3 };
    wanted.min(ability.cap("NUM_MAX_BFRAMES"))
}
