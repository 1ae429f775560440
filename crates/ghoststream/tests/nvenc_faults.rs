//! NVENC that fails, at the start and while it records: through real libavcodec, over an emulated
//! driver that fails on demand.
//!
//! Each test runs itself again in a child process whose `LD_LIBRARY_PATH` leads to the emulated
//! libraries, so that everything finds them as it would find a real driver's.

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{calls_of, over_emulator};

use ghoststream::{
    AudioConfig, AudioSource, CaptureConfig, CaptureSource, Codec, Container, EncoderConfig, EncoderFailure,
    EncoderPreset, Output, OutputConfig, Pipeline, PipelineState, RateControl, Report,
};
use nvenc_emulator::Installed;
use testkit::judge::{Options, Verdict, judge, judge_with};

// Cargo builds the emulated libraries beside this test because it depends on them.
use emulated_cuda as _;
use emulated_nvidia_encode as _;

fn with_faults(faults: &'static str) -> impl FnOnce(Installed) -> Installed {
    move |it| it.with_faults(faults).unwrap()
}

/// A file that tells the emulator from now on what fails.
fn faults_file() -> PathBuf {
    std::env::var_os("NVENC_EMULATOR_FAULTS_FILE").expect("the child was told").into()
}

struct Recorded {
    dir: tempfile::TempDir,
    report: Report,
}

impl Recorded {
    fn failures(&self) -> &[EncoderFailure] {
        &self.report.renditions[0].failures
    }

    fn successors(&self) -> Vec<&str> {
        self.failures().iter().map(|it| it.replaced_by.as_deref().unwrap_or("nobody")).collect()
    }

    fn encoder(&self) -> &str {
        &self.report.renditions[0].encoder
    }

    /// The reason and the remedy of what was refused at the start.
    fn refusal(&self, encoder: &str) -> String {
        let refused = &self.report.renditions[0].refused;
        let it = refused.iter().find(|it| it.encoder == encoder).expect("it was refused");
        format!("{}; {}", it.reason, it.remedy.as_deref().unwrap_or("no remedy"))
    }

    /// The file of this name is whole, and has all that the report says.
    fn whole(&self, name: &str) -> Verdict {
        let verdict = judge(self.dir.path().join(name)).unwrap();
        println!("{verdict}\n{:#?}", self.report);
        let (video, card) = (verdict.video.as_ref().unwrap(), verdict.card.as_ref().unwrap());
        assert_eq!(
            video.decode_errors + video.backwards + card.unreadable + card.out_of_order,
            0,
            "{verdict}"
        );
        assert!(!verdict.cut && verdict.unordered_packets == 0, "{verdict}");
        assert_eq!(video.frames, self.report.encoded, "every picture that the report counts is there");
        assert!(card.lost <= self.report.dropped + self.report.skipped, "what is not there is counted");
        verdict
    }

    /// The same, and nothing is wrong but what the report says that this machine had no time for.
    fn clean(&self, name: &str) -> Verdict {
        let verdict = self.whole(name);
        verdict.must_be_clean_but_for(self.report.dropped + self.report.skipped, self.report.repeated);
        verdict
    }
}

/// Records the test card and its sound. `meanwhile` is called once a second is recorded; it ends when
/// `seconds` are.
async fn record(
    container: Container,
    config: EncoderConfig,
    seconds: f64,
    meanwhile: impl FnOnce(&Pipeline),
) -> Recorded {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(format!("a.{container}"));
    let pipeline = Pipeline::builder(card())
        .rendition(config)
        .audio(AudioConfig::new(AudioSource::TestCard))
        .output(Output::File { path, container })
        .build()
        .unwrap();
    pipeline.start().await.unwrap();
    until(&pipeline, 1.0).await;
    meanwhile(&pipeline);
    until(&pipeline, seconds).await;
    Recorded { report: pipeline.stop().await.unwrap(), dir }
}

async fn until(pipeline: &Pipeline, seconds: f64) {
    let goes_on = || pipeline.status().state == PipelineState::Running;
    while goes_on() && pipeline.status().seconds < seconds {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn card() -> CaptureConfig {
    CaptureConfig::default().with_source(CaptureSource::TestCard).with_test_card_size(320, 180).with_fps(30)
}

fn encoder(codec: Codec) -> EncoderConfig {
    EncoderConfig::default().with_codec(codec).with_bitrate_kbps(2000).with_preset(EncoderPreset::Fastest)
}

const NOTHING: fn(&Pipeline) = |_| {};

/// A recording that begins with the software encoder, and says why.
async fn begins_in_software(words: &str) {
    let recorded = record(Container::Matroska, encoder(Codec::H264), 1.5, NOTHING).await;
    assert_eq!(recorded.encoder(), "libx264");
    let refusal = recorded.refusal("h264_nvenc");
    assert!(refusal.contains(words), "{refusal}");
    recorded.clean("a.mkv");
}

#[test]
fn nothing_fails() {
    over_emulator(
        "nothing_fails",
        |it| it,
        || async {
            let recorded = record(Container::Matroska, encoder(Codec::H264), 2.0, NOTHING).await;
            assert_eq!(recorded.encoder(), "h264_nvenc");
            recorded.clean("a.mkv").must_be_in_sync(5.0);
        },
    );
}

#[test]
fn session_limit_at_the_start() {
    over_emulator("session_limit_at_the_start", with_faults("session-limit"), || {
        begins_in_software("session")
    });
}

#[test]
fn sessions_taken_by_another_process() {
    let sessions = tempfile::tempdir().unwrap();
    // This process is the other one: it holds every session that the driver has.
    let locks: Vec<_> = (0..64)
        .map(|number| {
            let file = std::fs::File::create(sessions.path().join(format!("session-{number}"))).unwrap();
            if std::env::var_os("NVENC_EMULATOR_SESSIONS").is_none() {
                file.lock().unwrap();
            }
            file
        })
        .collect();
    let install = |it: Installed| it.with_sessions(sessions.path());
    over_emulator("sessions_taken_by_another_process", install, || begins_in_software("session"));
    drop(locks);
}

#[test]
fn session_taken_while_it_records() {
    let dir = tempfile::tempdir().unwrap();
    let install = |it: Installed| it.with_faults_file(dir.path().join("faults"));
    over_emulator("session_taken_while_it_records", install, || async {
        // The driver takes the session back, and another process is faster.
        let taken = |_: &Pipeline| std::fs::write(faults_file(), "driver-reset@1 session-limit").unwrap();
        let recorded = record(Container::Matroska, encoder(Codec::H264), 3.0, taken).await;
        assert_eq!(recorded.successors(), ["libx264"]);
        assert!(recorded.failures()[0].refused[0].reason.contains("session"), "{}", recorded.failures()[0]);
        recorded.whole("a.mkv").must_be_in_sync(5.0);
    });
}

#[test]
fn driver_too_old() {
    over_emulator("driver_too_old", with_faults("driver-too-old"), || begins_in_software("driver"));
}

#[test]
fn device_lost() {
    over_emulator("device_lost", with_faults("device-lost@40"), || device_lost_in(Container::Matroska));
}

#[test]
fn device_lost_while_an_mp4_is_written() {
    let name = "device_lost_while_an_mp4_is_written";
    over_emulator(name, with_faults("device-lost@40"), || device_lost_in(Container::Mp4));
}

/// The software encoder of the same codec takes over, in the same file.
async fn device_lost_in(container: Container) {
    let recorded = record(container, encoder(Codec::H264), 2.5, NOTHING).await;
    assert_eq!(recorded.successors(), ["libx264"], "{:#?}", recorded.report);
    assert!(recorded.report.outputs[0].continued.is_empty(), "H.264 goes on in its file");
    recorded.whole(&format!("a.{container}")).must_be_in_sync(5.0);
}

#[test]
fn device_lost_with_hevc() {
    let name = "device_lost_with_hevc";
    over_emulator(name, with_faults("device-lost@40"), || device_lost_with_hevc_in(Container::Matroska));
}

#[test]
fn device_lost_with_hevc_while_an_mp4_is_written() {
    let name = "device_lost_with_hevc_while_an_mp4_is_written";
    over_emulator(name, with_faults("device-lost@40"), || device_lost_with_hevc_in(Container::Mp4));
}

/// libx265 takes chroma in planes: the pictures made for NVENC are rearranged.
async fn device_lost_with_hevc_in(container: Container) {
    let recorded = record(container, encoder(Codec::Hevc), 2.5, NOTHING).await;
    assert_eq!(recorded.successors(), ["libx265"], "{:#?}", recorded.report);
    assert!(recorded.report.outputs[0].continued.is_empty(), "HEVC goes on in its file");
    recorded.whole(&format!("a.{container}")).must_be_in_sync(5.0);
}

#[test]
fn driver_reset() {
    over_emulator("driver_reset", with_faults("driver-reset@40"), || async {
        let recorded = record(Container::Mp4, encoder(Codec::H264), 2.5, NOTHING).await;
        assert_eq!(recorded.successors(), ["h264_nvenc"], "what is made anew works");
        recorded.whole("a.mp4").must_be_in_sync(5.0);
    });
}

#[test]
fn encode_error() {
    over_emulator("encode_error", with_faults("encode-error@40"), || async {
        let recorded = record(Container::Matroska, encoder(Codec::H264), 2.5, NOTHING).await;
        assert_eq!(recorded.successors(), ["h264_nvenc"]);
        recorded.whole("a.mkv").must_be_in_sync(5.0);
    });
}

#[test]
fn slow_frames() {
    over_emulator("slow_frames", with_faults("slow:60@20-60"), || async {
        let recorded =
            record(Container::Matroska, encoder(Codec::H264).with_low_latency(true), 3.0, NOTHING).await;
        assert_eq!(recorded.encoder(), "h264_nvenc", "slow is not broken");
        assert_eq!(recorded.failures(), []);
        assert!(recorded.report.dropped > 0, "two pictures wait at most: the others are counted");
        recorded.whole("a.mkv");
    });
}

#[test]
fn a_frame_that_takes_for_ever() {
    over_emulator("a_frame_that_takes_for_ever", with_faults("slow:600000@40-40"), || async {
        let recorded = record(Container::Matroska, encoder(Codec::H264), 4.5, NOTHING).await;
        assert_eq!(recorded.successors(), ["libx264"]);
        assert!(recorded.failures()[0].left_behind);
        recorded.whole("a.mkv");
    });
}

#[test]
fn out_of_memory() {
    over_emulator("out_of_memory", with_faults("out-of-memory"), || begins_in_software("memory"));
}

#[test]
fn missing_libcuda() {
    over_emulator("missing_libcuda", with_faults("no-libcuda"), || begins_in_software("libcuda.so.1"));
}

#[test]
fn missing_libnvidia_encode() {
    let name = "missing_libnvidia_encode";
    over_emulator(name, with_faults("no-libnvidia-encode"), || begins_in_software("libnvidia-encode.so.1"));
}

#[test]
fn two_renditions_are_two_sessions_at_once() {
    over_emulator(
        "two_renditions_are_two_sessions_at_once",
        |it| it,
        || async {
            let dir = tempfile::tempdir().unwrap();
            let file =
                |name: &str| Output::File { path: dir.path().join(name), container: Container::Matroska };
            let pipeline = Pipeline::builder(card())
                .rendition(encoder(Codec::H264))
                .rendition(encoder(Codec::Hevc).with_resolution(256, 144))
                .output(file("h264.mkv"))
                .output(OutputConfig::new(file("hevc.mkv")).with_rendition(1))
                .build()
                .unwrap();
            pipeline.start().await.unwrap();
            until(&pipeline, 2.0).await;
            let report = pipeline.stop().await.unwrap();
            let encoders: Vec<_> = report.renditions.iter().map(|it| it.encoder.as_str()).collect();
            assert_eq!(encoders, ["h264_nvenc", "hevc_nvenc"]);
            let frames = ["h264.mkv", "hevc.mkv"].map(|name| {
                // Colours blur where the card is scaled down to so little.
                let options = Options { colors: false, ..Options::default() };
                let verdict = judge_with(dir.path().join(name), &options).unwrap();
                verdict.must_be_clean_but_for(report.dropped + report.skipped, report.repeated);
                verdict.must_have_video().frames
            });
            assert_eq!(frames.iter().sum::<u64>(), report.encoded);
        },
    );
}

#[test]
fn a_bitrate_changes_without_a_new_session() {
    let dir = tempfile::tempdir().unwrap();
    let install = |it: Installed| it.with_trace(dir.path().join("trace"));
    over_emulator("a_bitrate_changes_without_a_new_session", install, || async {
        let config = encoder(Codec::H264).with_rate_control(RateControl::Cbr);
        let change = |pipeline: &Pipeline| pipeline.set_bitrate(800).unwrap();
        let recorded = record(Container::Matroska, config, 2.5, change).await;
        assert_eq!(recorded.report.renditions[0].bitrate_changes[0].kbps, 800);
        recorded.clean("a.mkv");
        let trace = std::env::var_os("NVENC_EMULATOR_TRACE").unwrap();
        let calls = |name: &str| lines(Path::new(&trace), name);
        let reconfigured = calls("NvEncReconfigureEncoder");
        assert_eq!(reconfigured.len(), 1, "{reconfigured:#?}");
        for field in ["\"averageBitRate\":800000", "\"maxBitRate\":800000", "\"vbvBufferSize\":800000"] {
            assert!(reconfigured[0].contains(field), "{field} in {}", reconfigured[0]);
        }
    });
}

/// The calls of this name in a trace, as they were written.
fn lines(trace: &Path, call: &str) -> Vec<String> {
    let text = std::fs::read_to_string(trace).unwrap();
    let named = format!("\"call\":\"{call}\"");
    text.lines().filter(|line| line.contains(&named)).map(str::to_owned).collect()
}

/// Pictures lie in pinned memory, which is allocated once for each that processing keeps, and given back.
/// Answers how many copies up began in it.
fn pinned_memory_is_used_and_given_back() -> u64 {
    let sorted = |function: &str, field: &str| {
        let mut all: Vec<_> = calls_of(function).iter().map(|it| it[field].to_string()).collect();
        all.sort();
        all
    };
    let pinned = sorted("cuMemAllocHost_v2", "host");
    assert!((1..=8).contains(&pinned.len()), "{pinned:?}");
    assert_eq!(pinned, sorted("cuMemFreeHost", "pointer"), "all of it is freed, once");
    let copies = calls_of("cuMemcpy2DAsync_v2");
    let from = |it: &&serde_json::Value| pinned.contains(&it["from"]["at"].to_string());
    copies.iter().filter(from).count() as u64
}

#[test]
fn pictures_lie_in_pinned_memory() {
    let dir = tempfile::tempdir().unwrap();
    let install = |it: Installed| it.with_trace(dir.path().join("trace"));
    over_emulator("pictures_lie_in_pinned_memory", install, || async {
        let recorded = record(Container::Matroska, encoder(Codec::H264), 2.0, NOTHING).await;
        assert_eq!(recorded.encoder(), "h264_nvenc");
        recorded.clean("a.mkv");
        assert_eq!(pinned_memory_is_used_and_given_back(), recorded.report.encoded, "the luma of each");
    });
}

#[test]
fn pinned_memory_outlives_the_encoder_that_it_was_made_for() {
    let dir = tempfile::tempdir().unwrap();
    let install =
        |it: Installed| it.with_faults("encode-error@20").unwrap().with_trace(dir.path().join("trace"));
    over_emulator("pinned_memory_outlives_the_encoder_that_it_was_made_for", install, || async {
        let recorded = record(Container::Matroska, encoder(Codec::H264), 2.0, NOTHING).await;
        assert_eq!(recorded.successors(), ["h264_nvenc"]);
        recorded.whole("a.mkv");
        let copies = pinned_memory_is_used_and_given_back();
        assert!(copies > 30, "the second encoder's pictures come from it too: {copies}");
        assert_eq!(calls_of("cuCtxCreate_v2").len(), calls_of("cuCtxDestroy_v2").len());
    });
}
