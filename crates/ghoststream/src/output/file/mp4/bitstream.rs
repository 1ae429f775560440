//! From the form in which encoders give pictures to the form in which MP4 holds them.

use crate::av::ffi::AVCodecID::{self, *};
use crate::bitstream::{nal, obu};

/// How a track's packets become samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As they are.
    Same,
    /// H.264 in Annex B: start codes become lengths.
    Avc,
    /// HEVC in Annex B; parameter sets are left to the sample description, as `hvc1` demands.
    Hevc,
    /// HEVC in Annex B, with its parameter sets: a file that was cut off has no other place for those
    /// of an encoder that took over.
    HevcInBand,
    /// AV1: without temporal delimiters (AV1-ISOBMFF 2.4).
    Av1,
}

impl Form {
    /// The form for a codec with these headers. Headers that do not begin with a start code say that
    /// packets hold lengths already.
    pub(super) fn of(codec: AVCodecID, extradata: &[u8]) -> Self {
        let annex_b = extradata.is_empty() || extradata.starts_with(&[0, 0]);
        match codec {
            AV_CODEC_ID_H264 if annex_b => Self::Avc,
            AV_CODEC_ID_HEVC if annex_b => Self::Hevc,
            AV_CODEC_ID_AV1 => Self::Av1,
            _ => Self::Same,
        }
    }

    /// The form for an encoder that took over.
    pub(super) fn with_parameter_sets(self) -> Self {
        if self == Self::Hevc { Self::HevcInBand } else { self }
    }

    /// Appends a packet's sample to `out`; returns its size.
    pub(super) fn append(self, packet: &[u8], out: &mut Vec<u8>) -> usize {
        let start = out.len();
        match self {
            Self::Same => out.extend_from_slice(packet),
            Self::Avc | Self::HevcInBand => append_units(packet, out, |_| true),
            Self::Hevc => append_units(packet, out, |header| !matches!(header >> 1 & 0x3f, 32..=34)),
            Self::Av1 => append_obus(packet, out),
        }
        out.len() - start
    }
}

fn append_units(packet: &[u8], out: &mut Vec<u8>, keep: impl Fn(u8) -> bool) {
    for unit in
        nal::units(packet).map(|it| it.bytes).filter(|it| it.first().is_some_and(|&header| keep(header)))
    {
        out.extend(u32::try_from(unit.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(unit);
    }
}

fn append_obus(packet: &[u8], out: &mut Vec<u8>) {
    for obu in obu::all(packet) {
        if !matches!(obu::kind(obu), obu::TEMPORAL_DELIMITER | obu::PADDING) {
            out.extend_from_slice(obu);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn converted(form: Form, packet: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        form.append(packet, &mut out);
        out
    }

    #[test]
    fn start_codes_become_lengths() {
        let stream = [0, 0, 0, 1, 0x65, 1, 2, 0, 0, 1, 0x41, 0, 3, 0, 0];
        assert_eq!(converted(Form::Avc, &stream), [0, 0, 0, 3, 0x65, 1, 2, 0, 0, 0, 3, 0x41, 0, 3]);
        assert!(converted(Form::Avc, &[1, 2, 3]).is_empty(), "no start code, no unit");
    }

    #[test]
    fn hevc_leaves_parameter_sets_to_the_sample_description() {
        let stream = [0, 0, 1, 32 << 1, 1, 9, 0, 0, 1, 33 << 1, 1, 9, 0, 0, 1, 19 << 1, 1, 7];
        assert_eq!(converted(Form::Hevc, &stream), [0, 0, 0, 3, 19 << 1, 1, 7]);
    }

    #[test]
    fn av1_loses_its_temporal_delimiters() {
        let stream = [0x12, 0, 0x32, 2, 8, 9, 0x30, 1, 2, 3];
        assert_eq!(converted(Form::Av1, &stream), [0x32, 2, 8, 9, 0x30, 1, 2, 3]);
        assert_eq!(converted(Form::Av1, &[0x32, 200]), [0x32, 200], "a lie is passed on as it is");
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(1u8), any::<u8>()], 0..100)) {
            for form in [Form::Avc, Form::Hevc, Form::Av1, Form::Same] {
                converted(form, &bytes);
            }
        }

        /// Units without an emulated start code come out as they went in.
        #[test]
        fn units_survive(units in prop::collection::vec(prop::collection::vec(2u8..255, 1..20), 0..8)) {
            let stream: Vec<u8> = units.iter().flat_map(|it| [&[0, 0, 0, 1][..], it].concat()).collect();
            let expected: Vec<u8> = units.iter().flat_map(|it| [&(it.len() as u32).to_be_bytes()[..], it].concat()).collect();
            prop_assert_eq!(converted(Form::Avc, &stream), expected);
        }
    }
}
