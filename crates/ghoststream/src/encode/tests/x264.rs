//! libx264, the encoder that every machine falls back to.

use super::*;
use crate::PixelFormat;

#[test]
fn h264_reorders_and_takes_nv12_as_it_is() {
    let run = Job::new(config().with_codec(Codec::H264).with_bitrate_kbps(2000), 30).run();
    assert_eq!(run.opened.name, "libx264");
    assert_eq!(run.opened.input.format, PixelFormat::Nv12, "no planes to split");
    let seen = run.check(30.0);
    assert!(seen.iter().any(|it| it.kind == 'B'), "the preset has B-frames");
    assert!(run.packets[0].dts < MediaTime::ZERO, "which are decoded before they are shown");
    let tick = Duration::from_nanos(33_333_333);
    assert!(run.packets.iter().all(|it| it.duration.abs_diff(tick).as_nanos() < 2));
}

#[test]
fn the_smallest_picture_is_encoded_by_every_encoder() {
    for codec in [Codec::H264, Codec::Hevc, Codec::AV1] {
        let config = config().with_codec(codec);
        let size = Size::new(16, 16);
        let request = Request { config: &config, size, fps: 30.0, containers: &[Container::Matroska] };
        match open(&request) {
            Ok(mut opened) => {
                let picture = picture::moving(&opened.input, 0);
                let frame =
                    Frame { pts: MediaTime::ZERO, picture: picture.into(), arrived: Timestamp::default() };
                let mut packets = vec![];
                opened.encoder.encode(frame, &mut packets).expect("encodes");
                opened.encoder.flush(&mut packets).expect("flushes");
                assert_eq!(judge::decode(&opened, &packets).len(), 1, "{codec}");
            }
            Err(error) => panic!("{codec}: {error}"),
        }
    }
}
