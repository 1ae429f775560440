//! Every second picture left out for a while: bitrate and key frames stay what they were in time.

use super::emulator::Emulator;
use super::*;
use crate::{EncoderChoice, EncoderPreset, RateControl};

/// Encodes so many seconds of all pictures, then of half of them, then of all again, at 30 Hz with a key frame every
/// second.
fn halved(config: EncoderConfig, containers: &'static [Container], seconds: usize) -> Run {
    let job = Job { containers, ..Job::new(config.with_gop_seconds(1.0), 3 * 30 * seconds) };
    let mut opened = job.open();
    assert!(opened.follows_bitrate);
    let half = 30 * seconds..2 * 30 * seconds;
    let (mut packets, mut times, mut after) = (vec![], vec![], vec![]);
    for index in (0..job.pictures).filter(|it| !half.contains(it) || it % 2 == 0) {
        opened.encoder.set_half_rate(half.contains(&index));
        let picture = picture::moving(&opened.input, index);
        let frame = Frame { pts: job.time(index), picture: picture.into(), arrived: Timestamp::default() };
        opened.encoder.encode(frame, &mut packets).expect("encodes");
        times.push(job.time(index));
        after.push(packets.len());
    }
    opened.encoder.flush(&mut packets).expect("flushes");
    Run { opened, packets, after, times }
}

impl Run {
    /// The mean rate from one second to another, in kbit/s.
    fn kbps_within(&self, from: f64, to: f64) -> f64 {
        let within = self.packets.iter().filter(|it| (from..to).contains(&it.pts.as_secs_f64()));
        within.map(|it| it.data().len()).sum::<usize>() as f64 / 125.0 / (to - from)
    }

    /// When key frames are shown, in thousandths of a second.
    fn keys_ms(&self) -> Vec<i64> {
        self.keys().into_iter().map(|it| (self.times[it].as_secs_f64() * 1000.0).round() as i64).collect()
    }
}

fn x264(low_latency: bool, preset: EncoderPreset) -> EncoderConfig {
    config()
        .with_codec(Codec::H264)
        .with_rate_control(RateControl::Cbr)
        .with_low_latency(low_latency)
        .with_preset(preset)
        .with_bitrate_kbps(600)
}

/// That bitrate and key frames stay what they were, at the full rate, at half of it and at the full one again.
fn x264_keeps_them(low_latency: bool) {
    for preset in [EncoderPreset::Fastest, EncoderPreset::Balanced] {
        for containers in [&[Container::Flv], &[Container::Mp4]] {
            let run = halved(x264(low_latency, preset), containers, 4);
            let rates = [(1.0, 4.0), (5.0, 8.0), (9.0, 12.0)].map(|(from, to)| run.kbps_within(from, to));
            let what = format!("{preset}, low latency {low_latency}, {containers:?}");
            eprintln!("{what}: {rates:.0?} kbit/s, key frames at {:?}", run.keys_ms());
            // In MP4, without filler, it climbs over some seconds.
            let near = if containers == &[Container::Mp4] { 0.3 } else { 0.2 };
            assert!(rates.iter().all(|it| (it / 600.0 - 1.0).abs() < near), "{what}: {rates:.0?}");
            assert_eq!(run.keys_ms(), (0..12).map(|it| it * 1000).collect::<Vec<_>>(), "{what}");
            assert_eq!(run.packets.len(), run.times.len(), "{what}");
            assert_eq!(judge::decode(&run.opened, &run.packets).len(), run.times.len(), "{what}");
        }
    }
}

/// It goes by time.
#[test]
fn x264_keeps_bitrate_and_key_frames() {
    x264_keeps_them(false);
}

/// It counts pictures.
#[test]
fn x264_keeps_bitrate_and_key_frames_with_low_latency() {
    x264_keeps_them(true);
}

/// Its rate control knows the rate that it was told, and no times.
#[test]
fn nvenc_is_asked_for_twice_the_bits_for_half_the_pictures() {
    let emulator = Emulator::load("rtx-3060", 570);
    for (low_latency, buffer) in [(false, 600_000), (true, 150_000)] {
        emulator.clear();
        let config = x264(low_latency, EncoderPreset::Fast).with_encoder(EncoderChoice::Nvenc);
        let run = halved(config, &[Container::Flv], 2);
        assert_eq!(run.opened.name, "h264_nvenc");
        let asked: Vec<_> = emulator.calls_of("NvEncReconfigureEncoder").iter().map(rate_control).collect();
        assert_eq!(asked, [[1_200_000, 1_200_000, buffer], [600_000, 600_000, buffer]]);
        let keys = run.keys_ms();
        assert!(keys.windows(2).all(|it| it[1] - it[0] <= 1000), "{keys:?}");
        assert!((0..6).all(|it| keys.contains(&(it * 1000))), "{keys:?}");
        assert_eq!(judge::decode(&run.opened, &run.packets).len(), run.times.len());
    }
}

/// Average, ceiling and buffer in a call, wherever it has them.
fn rate_control(call: &serde_json::Value) -> [u64; 3] {
    let text = call.to_string();
    ["averageBitRate", "maxBitRate", "vbvBufferSize"].map(|field| {
        let (_, value) = text.split_once(&format!("\"{field}\":")).expect("a field of the call");
        value.split([',', '}']).next().and_then(|it| it.parse().ok()).expect("a number")
    })
}
