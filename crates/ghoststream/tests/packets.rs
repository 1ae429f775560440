//! Packets for the caller: what is in them, that nobody copies them, and what becomes of a slow reader.

#[path = "common/card.rs"]
mod card;
#[allow(dead_code)]
#[path = "../examples/raw_packets.rs"]
mod raw_packets;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use card::{fast, small_card};
use ghoststream::{
    AudioCodec, AudioConfig, AudioSource, Codec, Container, EncoderConfig, Error, Media, Output,
    OutputConfig, OutputId, Packet, PacketFormat, PacketOptions, PacketStream, Pipeline, WhenFull,
};

fn encoder(codec: Codec) -> EncoderConfig {
    fast().with_codec(codec).with_gop_seconds(0.5)
}

fn packets(options: PacketOptions) -> OutputConfig {
    OutputConfig::new(Output::Packets).with_packets(options)
}

/// Pictures that FFmpeg decodes from a file, without a word of complaint.
fn decoded(path: &Path) -> usize {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && complaints.is_empty(), "{complaints}");
    String::from_utf8_lossy(&output.stdout).trim().trim_end_matches(',').parse().unwrap()
}

async fn all(mut stream: PacketStream) -> Vec<Packet> {
    let mut all = Vec::new();
    while let Some(packet) = stream.next().await {
        all.push(packet);
    }
    all
}

/// The NAL units behind four bytes of length each.
fn units(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut units = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (unit, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        units.push(unit);
        bytes = rest;
    }
    assert!(bytes.is_empty());
    units
}

#[tokio::test]
async fn the_example_writes_an_elementary_stream_that_ffmpeg_reads() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.h264");
    let packets = raw_packets::write(&path, small_card(), Duration::from_secs(1)).await.unwrap();
    assert_eq!(decoded(&path), packets as usize);
}

#[tokio::test]
async fn two_readers_share_the_bytes_and_a_third_gets_them_with_lengths() {
    let lengths = PacketOptions::new().with_format(PacketFormat::LengthPrefixed);
    let dir = tempfile::tempdir().unwrap();
    for codec in [Codec::H264, Codec::Hevc, Codec::AV1] {
        let pipeline = Pipeline::builder(small_card())
            .rendition(encoder(codec))
            .audio(AudioConfig::new(AudioSource::TestCard).with_codec(AudioCodec::Opus).with_title("Beep"))
            .output(Output::Packets)
            .output(Output::Packets)
            .output(packets(lengths))
            .build()
            .unwrap();
        pipeline.start().await.unwrap();
        let streams = [0, 1, 2].map(|id| pipeline.packets(OutputId::new(id)).unwrap());
        assert!(matches!(pipeline.packets(OutputId::new(0)), Err(Error::State(_))), "one reader each");
        let described = streams.each_ref().map(|it| it.tracks().to_vec());
        while pipeline.status().seconds < 0.8 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let report = pipeline.stop().await.unwrap();
        let [one, other, lengths] = streams;
        let (one, other, lengths) = (all(one).await, all(other).await, all(lengths).await);

        let same = one.iter().zip(&other).all(|(a, b)| std::ptr::eq(a.data(), b.data()));
        assert!(same && one.len() == other.len(), "{codec}: somebody copied");
        let pictures: Vec<_> = one.iter().filter(|it| it.track() == 0).collect();
        assert_eq!(pictures.len() as u64, report.encoded);
        assert!(pictures[0].is_key() && one.iter().any(|it| it.track() == 1), "{codec}");
        let sound: Vec<_> = one.iter().filter(|it| it.track() == 1).collect();
        for track in [&pictures, &sound] {
            assert!(track.is_sorted_by_key(|it| it.dts()), "{codec}: in order of decoding time");
        }
        let [
            Media::Video { codec: told, size, fps, constant, .. },
            Media::Audio { codec: sound, rate, channels, .. },
        ] = [&described[0][0].media, &described[0][1].media]
        else {
            panic!("{described:?}");
        };
        assert_eq!((*told, size.width, size.height, *fps, *constant), (codec, 320, 180, 30.0, true));
        assert_eq!((*sound, *rate, *channels), (AudioCodec::Opus, 48_000, 2));
        assert_eq!(described[0][1].title.as_deref(), Some("Beep"));
        assert!(described[0][1].extradata.starts_with(b"OpusHead"));

        // avcC, hvcC and av1C begin with their version.
        let first = if codec == Codec::AV1 { 0x81 } else { 1 };
        assert_eq!(described[2][0].extradata[0], first, "{codec}");
        let prefixed: Vec<_> = lengths.iter().filter(|it| it.track() == 0).collect();
        assert_eq!(prefixed.len(), pictures.len());
        let mut stream = described[0][0].extradata.clone();
        for (packet, lengths) in pictures.iter().zip(&prefixed) {
            assert_eq!(
                (packet.pts(), packet.dts(), packet.is_key()),
                (lengths.pts(), lengths.dts(), lengths.is_key())
            );
            if codec == Codec::AV1 {
                assert!(packet.data().ends_with(lengths.data()), "all but the temporal delimiter");
                assert_eq!(packet.data()[..2], [0x12, 0], "a temporal delimiter");
            } else {
                for unit in units(lengths.data()) {
                    stream.extend([0, 0, 0, 1]);
                    stream.extend(unit);
                }
            }
        }
        if codec != Codec::AV1 {
            let path = dir.path().join(codec.word()).with_extension(codec.word());
            std::fs::write(&path, &stream).unwrap();
            assert_eq!(decoded(&path), pictures.len(), "{codec}");
        }
    }
}

#[tokio::test]
async fn a_reader_that_is_too_slow_loses_whole_groups_and_is_told_where() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("beside.mkv");
    let pipeline = Pipeline::builder(small_card())
        .rendition(encoder(Codec::H264))
        .output(packets(PacketOptions::new().with_bounds(20, 64 << 20)))
        .output(Output::File { path: path.clone(), container: Container::Matroska })
        .build()
        .unwrap();
    pipeline.start().await.unwrap();
    let mut stream = pipeline.packets(OutputId::new(0)).unwrap();
    let until = async |seconds: f64| {
        while pipeline.status().seconds < seconds {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    until(1.5).await;
    assert!(stream.dropped() > 0);
    let mut got = Vec::new();
    while let std::task::Poll::Ready(Some(packet)) = stream.wait(Duration::ZERO) {
        got.push(packet);
    }
    assert_eq!(got.len(), 20, "what was queued first has stayed");
    assert!(got.iter().all(|it| it.lost_before() == 0));
    // Until a key frame has found room, read as it comes.
    let next = stream.next().await.unwrap();
    assert!(next.is_key() && next.lost_before() > 0, "{next:?}");
    got.push(next);
    let stopping = pipeline.stop();
    let reading = async {
        while let Some(packet) = stream.next().await {
            got.push(packet);
        }
    };
    let (report, ()) = tokio::join!(stopping, reading);
    let report = report.unwrap();
    assert_eq!(got.len() as u64 + stream.dropped(), report.encoded, "each is there or counted");
    assert_eq!(report.outputs[0].dropped, stream.dropped());
    assert_eq!(report.encoded as usize, decoded(&path), "the file has them all");
}

#[tokio::test]
async fn a_reader_who_would_rather_wait_loses_nothing_and_a_stop_does_not_hang_on_it() {
    let options = PacketOptions::new().with_bounds(8, 64 << 20).with_when_full(WhenFull::Wait);
    let pipeline = Pipeline::builder(small_card())
        .rendition(encoder(Codec::H264))
        .output(packets(options))
        .build()
        .unwrap();
    pipeline.start().await.unwrap();
    let mut stream = pipeline.packets(OutputId::new(0)).unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    let mut last = None;
    for _ in 0..60 {
        let packet = stream.next().await.unwrap();
        assert_eq!(packet.lost_before(), 0);
        assert!(last < Some(packet.dts()));
        last = Some(packet.dts());
    }
    assert_eq!(stream.dropped(), 0);
    // Nobody reads any more.
    let report = pipeline.stop().await.unwrap();
    assert!(report.outputs[0].dropped > 0 || report.encoded <= 68, "{report:?}");
    assert!(
        Pipeline::new(small_card(), encoder(Codec::H264), packets(PacketOptions::new().with_bounds(1, 1)))
            .is_err()
    );
}
