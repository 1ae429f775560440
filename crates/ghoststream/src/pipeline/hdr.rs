//! What becomes of a source in HDR, once its first frame has come.

use crate::capture::CapturedFrame;
use crate::{Color, ColorSpace, EncoderConfig, Hdr, Transfer};

/// The wishes for this source: HDR that is kept stays as it is, in BT.2020 and ten bits. And what is
/// to be said about it.
pub(super) fn settle(wishes: &EncoderConfig, first: &CapturedFrame) -> (EncoderConfig, Option<String>) {
    let mut config = wishes.clone();
    config.hdr_metadata = wishes.hdr_metadata.or(first.hdr.unwrap_or_default());
    if wishes.hdr != Hdr::Keep {
        return (config, None);
    }
    let Some(transfer) = kept(first.color) else {
        let note = "hdr keep: the source is not in HDR, so the recording is SDR".to_owned();
        return (config, Some(note));
    };
    config.color = Color { space: ColorSpace::Bt2020, transfer, ..wishes.color };
    config.ten_bit = true;
    (config, None)
}

/// How an HDR source is encoded: light itself, which no codec carries, as PQ.
const fn kept(source: Color) -> Option<Transfer> {
    match source.transfer {
        Transfer::Pq | Transfer::Linear => Some(Transfer::Pq),
        Transfer::Hlg => Some(Transfer::Hlg),
        Transfer::Sdr => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ghoststream_picture::hdr::ContentLight;

    use super::*;
    use crate::capture::{CpuBuffer, Damage, Memory, Plane};
    use crate::{ColorRange, HdrMetadata, PixelFormat, Rect, Size, Timestamp, Transform};

    fn frame(transfer: Transfer, hdr: Option<HdrMetadata>) -> CapturedFrame {
        let (size, format) = (Size::new(2, 2), PixelFormat::Xbgr2101010);
        let planes = [Plane { offset: 0, stride: 8 }];
        let memory = CpuBuffer::new(Arc::new(vec![0u8; 16]), format, size, &planes).unwrap();
        CapturedFrame {
            stream: 0,
            sequence: 0,
            pts: Timestamp::now(),
            arrived: Timestamp::now(),
            size,
            format,
            color: Color::new(ColorSpace::Bt2020, ColorRange::Full).with_transfer(transfer),
            crop: Rect::of(size),
            transform: Transform::default(),
            damage: Damage::Full,
            cursor: None,
            hdr,
            memory: Memory::Cpu(memory),
        }
    }

    #[test]
    fn hdr_is_kept_where_it_is_asked_for_and_there_is_any() {
        let keep = EncoderConfig::default().with_hdr(Hdr::Keep);
        for (source, encoded) in
            [(Transfer::Pq, Transfer::Pq), (Transfer::Hlg, Transfer::Hlg), (Transfer::Linear, Transfer::Pq)]
        {
            let (config, note) = settle(&keep, &frame(source, None));
            let color = Color::new(ColorSpace::Bt2020, ColorRange::Limited).with_transfer(encoded);
            assert_eq!((config.color, config.ten_bit, note), (color, true, None));
            let (config, note) = settle(&EncoderConfig::default(), &frame(source, None));
            assert_eq!((config, note), (EncoderConfig::default(), None), "SDR unless told otherwise");
        }
        let (config, note) = settle(&keep, &frame(Transfer::Sdr, None));
        assert_eq!((config.color, config.ten_bit), (Color::default(), false));
        assert!(note.unwrap().contains("not in HDR"));
    }

    #[test]
    fn what_the_user_says_of_the_source_goes_before_what_it_says() {
        let light = |most| HdrMetadata {
            light: Some(ContentLight { most, most_average: 0 }),
            ..HdrMetadata::default()
        };
        let said = frame(Transfer::Pq, Some(light(1000)));
        let of = |config: EncoderConfig| settle(&config, &said).0.hdr_metadata;
        assert_eq!(of(EncoderConfig::default()), light(1000));
        assert_eq!(of(EncoderConfig::default().with_hdr_metadata(light(400))), light(400));
    }
}
