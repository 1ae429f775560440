//! HDR metadata in the bitstream: mastering display and content light, in every key picture.
//!
//! Which encoder writes them, and from which FFmpeg on, differs: with FFmpeg 5.1 NVENC writes none.
//! So they are put into what comes out of any encoder, and left alone where they are already.

mod obu;
mod sei;

use ghoststream_picture::HdrMetadata;

use crate::Codec;

/// Puts metadata into key pictures.
#[derive(Debug)]
pub(super) struct Injector {
    codec: Codec,
    messages: Vec<Message>,
}

/// One kind of metadata, in the codec's words.
#[derive(Debug, PartialEq, Eq)]
struct Message {
    /// What it is known by: the type of an SEI message or of a metadata OBU.
    kind: u64,
    /// The whole unit.
    unit: Vec<u8>,
}

impl Injector {
    /// `None` where there is nothing to say, or the codec is not one for HDR.
    pub(super) fn new(codec: Codec, metadata: HdrMetadata) -> Option<Self> {
        let messages = match codec {
            Codec::Hevc => sei::messages(metadata),
            Codec::AV1 => obu::messages(metadata),
            Codec::H264 | Codec::Auto => return None,
        };
        (!messages.is_empty()).then_some(Self { codec, messages })
    }

    /// A key picture with what it lacks; `None` where it lacks nothing, or is no key picture.
    pub(super) fn complete(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let (at, present) = match self.codec {
            Codec::Hevc => sei::place(packet)?,
            _ => obu::place(packet)?,
        };
        let missing: Vec<_> = self.messages.iter().filter(|it| !present.contains(&it.kind)).collect();
        if missing.is_empty() {
            return None;
        }
        let (before, after) = packet.split_at(at);
        let added: usize = missing.iter().map(|it| it.unit.len()).sum();
        let mut complete = Vec::with_capacity(packet.len() + added);
        complete.extend_from_slice(before);
        missing.iter().for_each(|it| complete.extend_from_slice(&it.unit));
        complete.extend_from_slice(after);
        Some(complete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ghoststream_picture::hdr::{ContentLight, MasteringDisplay};
    use proptest::prelude::*;

    pub(super) fn metadata() -> HdrMetadata {
        let display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)";
        let light = ContentLight { most: 1000, most_average: 400 };
        HdrMetadata { mastering: display.parse::<MasteringDisplay>().ok(), light: Some(light) }
    }

    #[test]
    fn nothing_to_say_is_nothing_to_do() {
        assert!(Injector::new(Codec::Hevc, HdrMetadata::default()).is_none());
        assert!(Injector::new(Codec::AV1, HdrMetadata::default()).is_none());
        assert!(Injector::new(Codec::H264, metadata()).is_none());
        let light = HdrMetadata { mastering: None, ..metadata() };
        assert_eq!(Injector::new(Codec::AV1, light).unwrap().messages.len(), 1);
    }

    proptest! {
        /// What is not a picture goes through, and what is complete stays as it is.
        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(1u8), Just(0x26), any::<u8>()], 0..200)) {
            for codec in [Codec::Hevc, Codec::AV1] {
                let injector = Injector::new(codec, metadata()).unwrap();
                if let Some(complete) = injector.complete(&bytes) {
                    prop_assert!(complete.len() > bytes.len());
                    prop_assert_eq!(injector.complete(&complete), None);
                }
            }
        }
    }
}
