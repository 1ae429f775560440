//! From the form in which encoders give pictures to the form in which MP4 and FLV hold them.

use std::ops::Range;

use super::{nal, obu};
use crate::av::ffi::AVCodecID::{self, *};

/// How a track's packets become samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
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
    pub(crate) fn of(codec: AVCodecID, extradata: &[u8]) -> Self {
        let annex_b = extradata.is_empty() || extradata.starts_with(&[0, 0]);
        match codec {
            AV_CODEC_ID_H264 if annex_b => Self::Avc,
            AV_CODEC_ID_HEVC if annex_b => Self::Hevc,
            AV_CODEC_ID_AV1 => Self::Av1,
            _ => Self::Same,
        }
    }

    /// The form for an encoder that took over.
    pub(crate) fn with_parameter_sets(self) -> Self {
        if self == Self::Hevc { Self::HevcInBand } else { self }
    }

    /// Appends a packet's sample to `out`; returns its size.
    pub(crate) fn append(self, packet: &[u8], out: &mut Vec<u8>) -> usize {
        let start = out.len();
        self.each(packet, |length, bytes| {
            out.extend(length.into_iter().flatten());
            out.extend_from_slice(&packet[bytes]);
        });
        out.len() - start
    }

    /// Hands on what a packet's sample consists of, in order: where in the packet bytes are, and the length that stands
    /// before them, if there is one.
    pub(crate) fn each(self, packet: &[u8], mut take: impl FnMut(Option<[u8; 4]>, Range<usize>)) {
        match self {
            Self::Same => take(None, 0..packet.len()),
            Self::Avc | Self::HevcInBand => each_unit(packet, take, |_| true),
            Self::Hevc => each_unit(packet, take, |header| !matches!(header >> 1 & 0x3f, 32..=34)),
            Self::Av1 => {
                let mut from = 0;
                for obu in obu::all(packet) {
                    let bytes = from..from + obu.len();
                    from = bytes.end;
                    if !matches!(obu::kind(obu), obu::TEMPORAL_DELIMITER | obu::PADDING) {
                        take(None, bytes);
                    }
                }
            }
        }
    }
}

fn each_unit(packet: &[u8], mut take: impl FnMut(Option<[u8; 4]>, Range<usize>), keep: impl Fn(u8) -> bool) {
    for unit in nal::units(packet).filter(|it| it.bytes.first().is_some_and(|&header| keep(header))) {
        let length = u32::try_from(unit.bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
        take(Some(length), unit.from..unit.from + unit.bytes.len());
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
