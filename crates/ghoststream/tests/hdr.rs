//! HDR from a desktop to a file: a producer that sends PQ, real encoders, real containers, and what
//! ffprobe reads of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ghoststream::{
    CaptureConfig, CaptureSource, Codec, Color, ColorRange, ColorSpace, Container, ContentLight,
    EncoderChoice, EncoderConfig, EncoderPreset, Hdr, HdrMetadata, MasteringDisplay, Output, Pipeline,
    Report, Size, ToneCurve, Transfer,
};
use ghoststream_picture::matrix::{Levels, to_ycbcr};
use ghoststream_picture::{Conversion, Tone};
use serde_json::Value;
use testkit::Session;
use testkit::judge::judge;
use testkit::producer::{Draft, Offer, Producer, Script};

// Cargo builds the emulated libraries beside this test because it depends on them.
use emulated_cuda as _;
use emulated_nvidia_encode as _;

const SIZE: Size = Size::new(320, 160);

const DISPLAY: &str = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)";

/// Columns of one colour, in ten-bit code values of red, green and blue: greys from black to 10 000
/// cd/m², and colours as bright as they come.
const BARS: [[u32; 3]; 8] = [
    [0, 0, 0],
    [520, 520, 520],
    [769, 769, 769],
    [1023, 1023, 1023],
    [1023, 0, 0],
    [0, 1023, 0],
    [0, 0, 1023],
    [594, 301, 77],
];

fn session() -> Session {
    let session = Session::start().unwrap();
    session.enter();
    session
}

fn paint(draft: &mut Draft<'_>) {
    let (stride, width) = (draft.stride, draft.size.width as usize);
    for row in draft.blocks[0].chunks_exact_mut(stride) {
        for (x, pixel) in row.as_chunks_mut().0.iter_mut().enumerate().take(width) {
            let [red, green, blue] = BARS[x * BARS.len() / width];
            // xBGR_210LE.
            *pixel = (blue << 20 | green << 10 | red).to_le_bytes();
        }
    }
}

/// A desktop in HDR: its picture in PQ for those who speak of it, or one mapped to SDR.
fn desktop() -> Producer {
    let id = ghoststream::internals::pod::Value::Id;
    let extra = vec![(0x2_000e, id(14).mandatory()), (0x2_000f, id(7).mandatory())];
    let offers = vec![Offer { extra, ..Offer::new("xBGR_210LE", SIZE) }, Offer::new("BGRx", SIZE)];
    let script = Script { offers, ..Script::new("desktop", "BGRx", SIZE, 30.0) };
    Producer::start(script, Box::new(paint)).unwrap()
}

fn metadata() -> HdrMetadata {
    let mastering = Some(DISPLAY.parse::<MasteringDisplay>().unwrap());
    HdrMetadata { mastering, light: Some(ContentLight { most: 1000, most_average: 400 }) }
}

fn keep(codec: Codec, encoder: EncoderChoice) -> EncoderConfig {
    EncoderConfig::default()
        .with_codec(codec)
        .with_encoder(encoder)
        .with_preset(EncoderPreset::Fast)
        .with_hdr(Hdr::Keep)
        .with_hdr_metadata(metadata())
}

struct Recorded {
    path: PathBuf,
    report: Report,
    _dir: tempfile::TempDir,
}

/// Records a node for a moment.
fn record(node: &str, encoder: EncoderConfig, container: Container) -> Recorded {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(format!("a.{}", container.word()));
    let capture = CaptureConfig::default().with_source(CaptureSource::Node(node.to_owned())).with_fps(30);
    let output = Output::File { path: path.clone(), container };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(async {
        let pipeline = Pipeline::new(capture, encoder, output).unwrap();
        pipeline.start().await.unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
        pipeline.stop().await.unwrap()
    });
    Recorded { path, report, _dir: dir }
}

fn run(program: &str, args: &[&str], file: &Path) -> Vec<u8> {
    let output = Command::new(program).args(["-v", "error"]).args(args).arg(file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{program} {args:?} {}: {said}", file.display());
    output.stdout
}

/// The track and the first of its frames, as ffprobe has them.
fn probe(file: &Path) -> (Value, Value) {
    let args = ["-select_streams", "v", "-show_streams", "-show_frames", "-of", "json"];
    let mut found: Value = serde_json::from_slice(&run("ffprobe", &args, file)).unwrap();
    (found["streams"][0].take(), found["frames"][0].take())
}

/// The video alone, without its container.
fn bare(recorded: &Recorded, format: &str) -> PathBuf {
    let to = recorded.path.with_extension(format);
    let input = recorded.path.to_str().unwrap();
    run("ffmpeg", &["-y", "-i", input, "-map", "0:v", "-c", "copy", "-f", format], &to);
    to
}

fn check_tags(what: &Value) {
    let tags = ["color_range", "color_space", "color_transfer", "color_primaries", "pix_fmt"];
    let found = tags.map(|it| what[it].as_str().unwrap_or("nothing"));
    assert_eq!(found, ["tv", "bt2020nc", "smpte2084", "bt2020", "yuv420p10le"], "{what:#}");
}

/// The metadata is there, once.
fn check_metadata(what: &Value) {
    let side_data = what["side_data_list"].as_array().unwrap_or_else(|| panic!("no metadata: {what:#}"));
    let of = |kind: &str| {
        let mut found = side_data.iter().filter(|it| it["side_data_type"] == kind);
        let first = found.next().unwrap_or_else(|| panic!("no {kind}: {what:#}"));
        assert!(found.next().is_none(), "{kind} twice: {what:#}");
        first
    };
    let light = of("Content light level metadata");
    assert_eq!((&light["max_content"], &light["max_average"]), (&1000.into(), &400.into()));
    let display = of("Mastering display metadata");
    let wanted = [
        ("red_x", 0.68),
        ("red_y", 0.32),
        ("green_x", 0.265),
        ("green_y", 0.69),
        ("blue_x", 0.15),
        ("blue_y", 0.06),
        ("white_point_x", 0.3127),
        ("white_point_y", 0.329),
        ("min_luminance", 0.0001),
        ("max_luminance", 1000.0),
    ];
    for (name, wanted) in wanted {
        let (numerator, denominator) = display[name].as_str().unwrap().split_once('/').unwrap();
        let value = numerator.parse::<f64>().unwrap() / denominator.parse::<f64>().unwrap();
        // AV1 counts the least luminance in steps of 1/16384.
        assert!((value - wanted).abs() < 4e-5, "{name} is {value}, not {wanted}");
    }
}

fn has_metadata(what: &Value) -> bool {
    let text = what["side_data_list"].to_string();
    text.contains("Mastering display") || text.contains("Content light")
}

/// Tags and metadata stand in the file's header, and in the bitstream without it.
fn check_kept(recorded: &Recorded, codec: Codec) {
    println!("{:#?}", recorded.report);
    let verdict = judge(&recorded.path).unwrap();
    let hdr = &verdict.must_have_video().hdr;
    assert_eq!(hdr.mastering_display.as_deref(), Some(DISPLAY), "{verdict}");
    assert_eq!(hdr.content_light.as_deref(), Some("1000,400"), "{verdict}");
    let (stream, frame) = probe(&recorded.path);
    check_tags(&stream);
    check_tags(&frame);
    check_metadata(&stream);
    let (stream, frame) = probe(&bare(recorded, if codec == Codec::Hevc { "hevc" } else { "obu" }));
    check_tags(&stream);
    check_tags(&frame);
    check_metadata(&frame);
}

fn kept_in(codec: Codec, encoder: EncoderChoice, containers: &[Container]) {
    let _session = session();
    let desktop = desktop();
    for &container in containers {
        check_kept(&record(desktop.name(), keep(codec, encoder), container), codec);
    }
}

#[test]
fn hevc_keeps_hdr_in_matroska_and_mp4() {
    kept_in(Codec::Hevc, EncoderChoice::Software, &[Container::Matroska, Container::Mp4]);
}

#[test]
fn av1_keeps_hdr_in_every_container() {
    let all = [Container::Matroska, Container::Mp4, Container::WebM];
    kept_in(Codec::AV1, EncoderChoice::Software, &all);
}

#[test]
fn nvenc_keeps_hdr_in_matroska_and_mp4() {
    let _emulated = nvenc_emulator::load("rtx-3060", 570).unwrap();
    kept_in(Codec::Hevc, EncoderChoice::Nvenc, &[Container::Matroska, Container::Mp4]);
}

#[test]
fn a_free_choice_of_codec_keeps_hdr() {
    let _session = session();
    let desktop = desktop();
    let recorded = record(desktop.name(), keep(Codec::Auto, EncoderChoice::Software), Container::Matroska);
    assert_eq!(recorded.report.renditions[0].codec, "av1");
    check_kept(&recorded, Codec::AV1);
}

/// The middle of each bar of a lossless recording, in code values of luma and chroma, against what its
/// colour should be: red, green and blue from 0 to 1.
fn check_bars(
    recorded: &Recorded,
    color: Color,
    depth: u32,
    within: f64,
    wanted: impl Fn([f64; 3]) -> [f64; 3],
) {
    let raw = recorded.path.with_extension("yuv");
    let input = recorded.path.to_str().unwrap();
    run("ffmpeg", &["-i", input, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "yuv420p16le"], &raw);
    let bytes = std::fs::read(&raw).unwrap();
    // libswscale widens samples of a limited range by shifting them.
    let unit = f64::from(1u32 << (16 - depth));
    let sample = |at: usize| f64::from(u16::from_le_bytes([bytes[at * 2], bytes[at * 2 + 1]])) / unit;
    let (matrix, levels) = (to_ycbcr(color, depth), Levels::new(color.range, depth));
    let offsets = [levels.black, levels.neutral, levels.neutral];
    let (width, height) = (SIZE.width as usize, SIZE.height as usize);
    for (bar, rgb) in BARS.iter().enumerate() {
        let code = wanted(rgb.map(|it| f64::from(it) / 1023.0));
        let x = (2 * bar + 1) * width / (2 * BARS.len());
        let chroma = height / 4 * (width / 2) + x / 2;
        let places = [height / 2 * width + x, width * height + chroma, width * height * 5 / 4 + chroma];
        for (channel, at) in places.into_iter().enumerate() {
            let wanted = offsets[channel] + matrix[channel].iter().zip(code).map(|(k, c)| k * c).sum::<f64>();
            let found = sample(at);
            assert!((found - wanted).abs() <= within, "{rgb:?}, {channel}: {found}, not {wanted:.2}");
        }
    }
}

/// What is PQ stays PQ: code values are those of the matrix, to within one.
#[test]
fn pixels_pass_through_unmapped() {
    let _session = session();
    let desktop = desktop();
    let config = keep(Codec::Hevc, EncoderChoice::Software).with_lossless(true);
    let recorded = record(desktop.name(), config, Container::Matroska);
    let color = Color::new(ColorSpace::Bt2020, ColorRange::Limited).with_transfer(Transfer::Pq);
    check_bars(&recorded, color, 10, 1.0, |code| code);
}

/// A producer that sends PQ to everyone: it is mapped here, by the curve, the white and the peak that were
/// asked for, and the file says nothing of HDR.
#[test]
fn hdr_that_is_not_kept_is_mapped_as_asked() {
    let _session = session();
    let id = ghoststream::internals::pod::Value::Id;
    let extra = vec![(0x2_000e, id(14)), (0x2_000f, id(7))];
    let offers = vec![Offer { extra, ..Offer::new("xBGR_210LE", SIZE) }];
    let script = Script { offers, ..Script::new("pq", "BGRx", SIZE, 30.0) };
    let producer = Producer::start(script, Box::new(paint)).unwrap();
    let source = Color::new(ColorSpace::Bt2020, ColorRange::Full).with_transfer(Transfer::Pq);
    let color = Color::default();
    for (curve, white) in [(ToneCurve::Bt2390, 203.0), (ToneCurve::Hable, 100.0)] {
        let config = keep(Codec::Hevc, EncoderChoice::Software)
            .with_hdr(Hdr::Auto)
            .with_lossless(true)
            .with_tone_curve(curve)
            .with_sdr_white(white);
        let recorded = record(producer.name(), config, Container::Matroska);
        let (stream, frame) = probe(&recorded.path);
        assert_eq!([&stream["color_transfer"], &stream["pix_fmt"]], ["bt709", "yuv420p"]);
        assert!(!has_metadata(&stream) && !has_metadata(&frame), "{stream:#} {frame:#}");
        // MaxCLL is the peak.
        let tone = Tone { curve: curve.into(), white, peak: 1000.0 };
        let conversion = Conversion::new(source, color, tone).unwrap();
        // One for rounding, one for dithering.
        check_bars(&recorded, color, 8, 2.0, |code| conversion.apply(code));
    }
}

#[test]
fn without_a_wish_the_recording_is_sdr() {
    let _session = session();
    let desktop = desktop();
    let config = keep(Codec::Hevc, EncoderChoice::Software).with_hdr(Hdr::Auto);
    let recorded = record(desktop.name(), config, Container::Mp4);
    let (stream, frame) = probe(&recorded.path);
    for it in [&stream, &frame] {
        let tags = ["color_space", "color_transfer", "color_primaries", "pix_fmt"].map(|tag| &it[tag]);
        assert_eq!(tags, ["bt709", "bt709", "bt709", "yuv420p"], "{it:#}");
        assert!(!has_metadata(it), "{it:#}");
    }
}

#[test]
fn where_there_is_no_hdr_to_keep_a_note_says_so() {
    let _session = session();
    let script = Script::new("plain", "BGRx", SIZE, 30.0);
    let producer = Producer::start(script, testkit::producer::patterned()).unwrap();
    let recorded = record(producer.name(), keep(Codec::Hevc, EncoderChoice::Software), Container::Mp4);
    let notes = &recorded.report.notes;
    assert!(notes.iter().any(|it| it.contains("the source is not in HDR")), "{notes:?}");
    let (stream, _) = probe(&recorded.path);
    assert_eq!([&stream["color_transfer"], &stream["pix_fmt"]], ["bt709", "yuv420p"]);
    assert!(!has_metadata(&stream), "{stream:#}");
}
