//! What a session can be asked.

use nvenc_emulator::{Cap, Machine};

use super::codecs::CodecExt;
use super::{Session, wish};
use crate::schema::{Guid, layout};
use crate::status::{Answer, Refusal, Status};

impl Session {
    /// The codecs.
    pub fn codec_guids(&self) -> Vec<Guid> {
        let known = |codec: &nvenc_emulator::Codec| layout(codec.config_struct(), self.api).is_some();
        self.machine().codecs().filter(known).map(CodecExt::guid).collect()
    }

    /// The profiles of a codec. That which the encoder chooses is one of them.
    pub fn profile_guids(&self, codec: Guid) -> Answer<Vec<Guid>> {
        let (codec, ability) = wish::codec(codec, self.machine(), self.api)?;
        let prefix = codec.prefix().to_uppercase();
        let named = |name: &String| Guid::named(&format!("{prefix}_PROFILE_{name}"));
        Ok([Guid::PROFILE_AUTOSELECT]
            .into_iter()
            .chain(ability.coding.profiles.iter().filter_map(named))
            .collect())
    }

    /// The presets of a codec.
    pub fn preset_guids(&self, codec: Guid) -> Answer<Vec<Guid>> {
        wish::codec(codec, self.machine(), self.api)?;
        Ok(Guid::PRESETS.to_vec())
    }

    /// The input formats of a codec.
    pub fn input_formats(&self, codec: Guid) -> Answer<Vec<u32>> {
        let (codec, _) = wish::codec(codec, self.machine(), self.api)?;
        Ok(self.machine().formats(codec).iter().map(|format| format.value()).collect())
    }

    /// A capability's value.
    pub fn capability(&self, codec: Guid, number: u32) -> Answer<u32> {
        let (codec, _) = wish::codec(codec, self.machine(), self.api)?;
        let value = Cap::from_number(number).and_then(|cap| self.machine().cap(codec, cap));
        value.ok_or_else(|| {
            Refusal::new(Status::InvalidParam, format!("capsToQuery is {number}: no such capability"))
        })
    }

    fn machine(&self) -> &Machine {
        &self.emulator.machine
    }
}
