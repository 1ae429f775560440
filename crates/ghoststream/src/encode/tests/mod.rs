//! What is encoded is decoded again by libavcodec and compared with what went in.

mod judge;
mod picture;
mod x264;

use std::time::Duration;

use super::*;
use judge::Seen;

const SIZE: Size = Size::new(320, 180);

/// What came of encoding some pictures.
struct Run {
    opened: Opened,
    packets: Vec<Packet>,
    /// How many packets had come out after each picture.
    after: Vec<usize>,
    /// The pictures' times.
    times: Vec<MediaTime>,
}

fn config() -> EncoderConfig {
    EncoderConfig::default().with_encoder(crate::EncoderChoice::Software)
}

fn open_at(config: &EncoderConfig, fps: f64, containers: &[Container]) -> Result<Opened, EncodeError> {
    config.validate().expect("a valid config");
    open(&Request { config, size: SIZE, fps, containers })
}

/// Encodes so many moving pictures at 30 a second, a key frame forced at `force`.
fn run(config: &EncoderConfig, pictures: usize, force: Option<usize>) -> Run {
    run_at(config, 30.0, pictures, force, |index| {
        MediaTime::from_nanos((index as i64 * 1_000_000_000 + 15) / 30)
    })
}

fn run_at(
    config: &EncoderConfig,
    fps: f64,
    pictures: usize,
    force: Option<usize>,
    time: impl Fn(usize) -> MediaTime,
) -> Run {
    let mut opened = open_at(config, fps, &[Container::Matroska]).unwrap_or_else(|error| panic!("{error}"));
    let mut run_packets = Vec::new();
    let (mut after, mut times) = (vec![], vec![]);
    for index in 0..pictures {
        if force == Some(index) {
            opened.encoder.force_key_frame();
        }
        let pts = time(index);
        let frame = Frame {
            pts,
            picture: picture::moving(&opened.input, index),
            arrived: Timestamp::from_nanos(1000 + index as i64),
        };
        opened.encoder.encode(frame, &mut run_packets).expect("encodes");
        after.push(run_packets.len());
        times.push(pts);
    }
    opened.encoder.flush(&mut run_packets).expect("flushes");
    Run { opened, packets: run_packets, after, times }
}

impl Run {
    /// Decodes it, and checks what is true of every recording: each picture came back once, in
    /// order, at its own time, looking like itself, with its colours named.
    fn check(&self, least_psnr: f64) -> Vec<Seen> {
        self.check_times();
        let seen = judge::decode(&self.opened, &self.packets);
        assert_eq!(seen.len(), self.times.len(), "every picture comes back once");
        for (index, picture) in seen.iter().enumerate() {
            let wanted = picture::moving(&self.opened.input, index);
            let psnr = judge::psnr(&wanted, &self.opened.input, picture);
            assert!(psnr >= least_psnr, "picture {index}: {psnr:.1} dB");
            judge::check_color(picture, self.opened.input.color);
        }
        seen
    }

    fn check_times(&self) {
        let mut pts: Vec<_> = self.packets.iter().map(|it| it.pts).collect();
        pts.sort();
        assert_eq!(pts, self.times, "each picture's time comes back exactly");
        assert!(self.packets.windows(2).all(|two| two[0].dts < two[1].dts), "decoding times increase");
        assert!(self.packets.iter().all(|it| it.dts <= it.pts), "nothing is shown before it is decoded");
        assert!(self.packets[0].key, "it begins with a key frame");
        for packet in &self.packets {
            let index = self.times.binary_search(&packet.pts).expect("a known time");
            assert_eq!(packet.arrived, Some(Timestamp::from_nanos(1000 + index as i64)));
        }
        assert!(!self.opened.track.parameters.extradata().is_empty(), "muxers need the headers");
    }

    /// Indices of key frames, in order of time.
    fn keys(&self) -> Vec<usize> {
        let keys = self.packets.iter().filter(|it| it.key);
        let mut keys: Vec<_> = keys.map(|it| self.times.binary_search(&it.pts).expect("known")).collect();
        keys.sort_unstable();
        keys
    }

    fn kbps(&self, seconds: f64) -> f64 {
        let bytes: usize = self.packets.iter().map(|it| it.data().len()).sum();
        bytes as f64 * 8.0 / 1000.0 / seconds
    }
}
