//! What is encoded is decoded again by libavcodec and compared with what went in.

mod bitrate;
mod cells;
mod emulator;
mod half_rate;
mod hdr;
mod judge;
mod latency;
mod lifecycle;
mod matrix;
mod nvenc;
mod picture;
mod rate;
mod refusals;
mod speed;
mod times;
mod x264;

use std::time::Duration;

use super::*;
use judge::Seen;

const SIZE: Size = Size::new(320, 180);

/// The software encoders.
const ROWS: [(&str, Codec); 4] = [
    ("libx264", Codec::H264),
    ("libx265", Codec::Hevc),
    ("libsvtav1", Codec::AV1),
    ("libaom-av1", Codec::AV1),
];

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

/// What to encode.
#[derive(Clone)]
struct Job<'a> {
    config: EncoderConfig,
    /// This row of the table alone, by name.
    row: Option<&'a str>,
    fps: f64,
    containers: &'a [Container],
    pictures: usize,
    /// A key frame is forced at this picture.
    force: Option<usize>,
    /// Whether the picture moves.
    moving: bool,
}

impl Job<'_> {
    fn new(config: EncoderConfig, pictures: usize) -> Self {
        let containers = &[Container::Matroska];
        Self { config, row: None, fps: 30.0, containers, pictures, force: None, moving: true }
    }

    /// The time of a picture at a constant rate, as the pacer rounds it.
    fn time(&self, index: usize) -> MediaTime {
        MediaTime::from_nanos((index as f64 * 1e9 / self.fps).round() as i64)
    }

    fn open(&self) -> Opened {
        self.config.validate().expect("a valid config");
        let request =
            Request { config: &self.config, size: SIZE, fps: self.fps, containers: self.containers };
        match self.row {
            None => open(&request).unwrap_or_else(|error| panic!("{error}")),
            Some(name) => {
                let row = table::TABLE.iter().find(|row| row.name == name).expect("a row of the table");
                table::try_open(row, &request).unwrap_or_else(|refusal| panic!("{refusal:?}"))
            }
        }
    }

    fn run(&self) -> Run {
        self.run_at(|index| self.time(index))
    }

    fn run_at(&self, time: impl Fn(usize) -> MediaTime) -> Run {
        self.run_in(self.open(), time)
    }

    fn run_in(&self, mut opened: Opened, time: impl Fn(usize) -> MediaTime) -> Run {
        let mut packets = Vec::new();
        let (mut after, mut times) = (vec![], vec![]);
        for index in 0..self.pictures {
            if self.force == Some(index) {
                opened.encoder.force_key_frame();
            }
            let pts = time(index);
            let picture = picture::moving(&opened.input, if self.moving { index } else { 0 });
            let frame =
                Frame { pts, picture: picture.into(), arrived: Timestamp::from_nanos(1000 + index as i64) };
            opened.encoder.encode(frame, &mut packets).expect("encodes");
            after.push(packets.len());
            times.push(pts);
        }
        opened.encoder.flush(&mut packets).expect("flushes");
        Run { opened, packets, after, times }
    }
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
            assert!(psnr >= least_psnr, "picture {index}: {psnr:.1} dB of {least_psnr}");
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
