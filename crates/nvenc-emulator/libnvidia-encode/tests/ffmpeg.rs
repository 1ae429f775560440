//! The `ffmpeg` program over both emulated libraries: libavcodec's wrapper, as it has run on millions of cards.

use std::path::Path;
use std::process::{Command, Output};

use nvenc_emulator::{Installed, Settings};
use serde_json::Value;

/// A moving picture whose every frame differs.
const SOURCE: &str = "testsrc2=size=320x240:rate=30:duration=1";

fn installed(gpu: &str, exact: bool) -> Installed {
    Installed::with_settings(Settings { gpu: gpu.into(), exact, ..Settings::default() }).expect("installed")
}

fn ffmpeg(installed: &Installed, level: &str, source: &str, options: &str, file: &Path) -> Output {
    installed
        .command("ffmpeg")
        .args(["-nostdin", "-v", level, "-y", "-f", "lavfi", "-i", source])
        .args(options.split_whitespace())
        .arg(file)
        .output()
        .expect("ffmpeg runs: scripts/install-packages test installs it")
}

/// Encodes one second.
fn encode(installed: &Installed, source: &str, options: &str, file: &Path) {
    let output = ffmpeg(installed, "error", source, options, file);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{options}: {errors}");
}

/// A checksum of each decoded frame.
fn sums(input: &[&str], pixels: &str) -> Vec<String> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error"])
        .args(input)
        .args(["-fps_mode", "passthrough", "-pix_fmt", pixels, "-f", "framemd5", "-"])
        .output()
        .expect("ffmpeg runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{input:?}: {errors}");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let sum = |line: &str| line.rsplit(',').next().unwrap_or_default().trim().to_owned();
    lines.lines().filter(|line| !line.starts_with('#')).map(sum).collect()
}

/// The picture types in display order.
fn types(file: &Path) -> String {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v", "-show_entries", "frame=pict_type", "-of", "csv=p=0"])
        .arg(file)
        .output()
        .expect("ffprobe runs");
    String::from_utf8_lossy(&output.stdout).chars().filter(char::is_ascii_alphabetic).collect()
}

/// Encodes exactly what is made in one form of pixels and handed over in another, and compares what is decoded with
/// what was made.
fn comes_back(gpu: &str, options: &str, made: &str, handed: &str) {
    let place = tempfile::tempdir().expect("a temporary directory");
    let file = place.path().join("it.mkv");
    let source = format!("{SOURCE},format={made}");
    encode(&installed(gpu, true), &source, &format!("-pix_fmt {handed} {options}"), &file);
    let decoded = sums(&["-i", file.to_str().expect("UTF-8")], made);
    let original = sums(&["-f", "lavfi", "-i", &source], made);
    assert_eq!(decoded.len(), 30, "{options}");
    assert!(decoded == original, "{options}: other pictures came back");
}

#[test]
fn h264_comes_back_exactly() {
    comes_back("rtx-3060", "-c:v h264_nvenc -bf 3", "yuv420p", "yuv420p");
    comes_back("rtx-3060", "-c:v h264_nvenc -bf 0 -tune ull -zerolatency 1 -delay 0", "yuv420p", "nv12");
    comes_back("gtx-1050", "-c:v h264_nvenc -profile:v high444p -bf 0", "yuv444p", "yuv444p");
}

#[test]
fn hevc_comes_back_exactly() {
    comes_back("rtx-3060", "-c:v hevc_nvenc -bf 4 -b_ref_mode middle -rc-lookahead 8", "yuv420p", "yuv420p");
    comes_back("rtx-3060", "-c:v hevc_nvenc -profile:v main10", "yuv420p10le", "p010le");
    comes_back("gtx-1050", "-c:v hevc_nvenc -bf 0", "yuv420p", "nv12");
    comes_back("rtx-3060", "-c:v hevc_nvenc -profile:v rext", "yuv444p", "yuv444p");
}

#[test]
fn cuda_frames_come_back_exactly_and_are_registered_once_each() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let (file, trace) = (place.path().join("it.mkv"), place.path().join("trace"));
    let source = format!("{SOURCE},format=yuv420p");
    let original = sums(&["-f", "lavfi", "-i", &source], "yuv420p");
    for codec in ["h264", "hevc"] {
        let installed = installed("rtx-3060", true).with_trace(&trace);
        encode(
            &installed,
            &source,
            &format!("-vf format=nv12,hwupload_cuda -c:v {codec}_nvenc -bf 2"),
            &file,
        );
        let decoded = sums(&["-i", file.to_str().expect("UTF-8")], "yuv420p");
        assert!(decoded == original, "{codec}: other pictures came back");
        let text = std::fs::read_to_string(&trace).expect("a trace");
        let calls: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let registered: Vec<_> = calls
            .iter()
            .filter(|call| call["call"] == "NvEncRegisterResource")
            .map(|call| call["resourceToRegister"].to_string())
            .collect();
        let mut once = registered.clone();
        once.sort();
        once.dedup();
        assert!(!registered.is_empty() && once.len() == registered.len(), "{codec}: {registered:?}");
        std::fs::remove_file(&trace).expect("removed");
    }
}

#[test]
fn b_frames_are_where_they_were_asked_for() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let file = place.path().join("it.mkv");
    for codec in ["h264", "hevc"] {
        let options = format!("-pix_fmt nv12 -c:v {codec}_nvenc -preset p4 -bf 2 -g 15 -b_ref_mode disabled");
        encode(&installed("rtx-3060", false), SOURCE, &options, &file);
        assert_eq!(types(&file), "IBBPBBPBBPBBPBPIBBPBBPBBPBBPBP", "{codec}");
        let options = format!("-pix_fmt nv12 -c:v {codec}_nvenc -preset p4 -tune ll -g 10");
        encode(&installed("rtx-3060", false), SOURCE, &options, &file);
        assert_eq!(types(&file), "IPPPPPPPPP".repeat(3), "{codec}");
    }
}

#[test]
fn lossless_is_lossless_without_being_told_so_by_the_environment() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let file = place.path().join("it.mkv");
    for codec in ["h264", "hevc"] {
        let options = format!("-pix_fmt yuv420p -c:v {codec}_nvenc -tune lossless -bf 0");
        encode(&installed("rtx-3060", false), SOURCE, &options, &file);
        let decoded = sums(&["-i", file.to_str().expect("UTF-8")], "yuv420p");
        assert_eq!(decoded, sums(&["-f", "lavfi", "-i", SOURCE], "yuv420p"), "{codec}");
    }
}

#[test]
fn a_constant_bitrate_is_what_was_asked_for() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let file = place.path().join("it.ts");
    let source = "testsrc2=size=320x240:rate=30:duration=4,noise=alls=20:allf=t";
    for codec in ["h264", "hevc"] {
        let options =
            format!("-pix_fmt nv12 -c:v {codec}_nvenc -rc cbr -b:v 800k -bufsize 400k -tune ll -f {codec}");
        encode(&installed("rtx-3060", false), source, &options, &file);
        let rate = std::fs::metadata(&file).expect("written").len() * 8 / 4;
        assert!((720_000..880_000).contains(&rate), "{codec}: {rate} bits a second");
    }
}

#[test]
fn every_call_is_in_the_trace_with_its_fields() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let (file, trace) = (place.path().join("it.mkv"), place.path().join("trace"));
    let installed = installed("rtx-3060", false).with_trace(&trace);
    let options = "-pix_fmt nv12 -c:v hevc_nvenc -preset p5 -tune ll -rc cbr -b:v 6M -bufsize 6M -g 60";
    encode(&installed, SOURCE, options, &file);
    let text = std::fs::read_to_string(&trace).expect("a trace");
    let calls: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let ours = |name: &str| {
        let named = |call: &&Value| call["library"] == "nvenc" && call["call"] == name;
        calls.iter().filter(named).collect::<Vec<_>>()
    };
    let initialize = ours("NvEncInitializeEncoder")[0];
    assert_eq!(initialize["result"], "NV_ENC_SUCCESS");
    assert_eq!(initialize["presetGUID"], "PRESET_P5");
    assert_eq!(initialize["tuningInfo"], "NV_ENC_TUNING_INFO_LOW_LATENCY");
    let config = &initialize["encodeConfig"];
    assert_eq!(config["gopLength"], 60);
    assert_eq!(config["frameIntervalP"], 1);
    assert_eq!(config["rcParams"]["rateControlMode"], "NV_ENC_PARAMS_RC_CBR");
    assert_eq!(config["rcParams"]["averageBitRate"], 6_000_000);
    assert_eq!(config["rcParams"]["vbvBufferSize"], 6_000_000);
    assert_eq!(config["encodeCodecConfig"]["hevcConfig"]["idrPeriod"], 60);
    let is_picture = |call: &&&Value| call["inputBuffer"] != "0x0";
    assert_eq!(
        ours("NvEncEncodePicture").iter().filter(is_picture).count(),
        30,
        "what is no picture ends the stream"
    );
    assert_eq!(ours("NvEncLockBitstream").len(), 30);
    assert_eq!(ours("NvEncLockBitstream")[0]["pictureType"], "NV_ENC_PIC_TYPE_IDR");
    assert_eq!(ours("NvEncDestroyEncoder").len(), 1);
}

/// What libavcodec says of a refusal, for those who look for the message.
fn refused(installed: &Installed, options: &str) -> String {
    let place = tempfile::tempdir().expect("a temporary directory");
    let output = ffmpeg(installed, "verbose", SOURCE, options, &place.path().join("it.mkv"));
    assert!(!output.status.success(), "{options}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn what_cannot_be_had_is_refused_as_by_a_card() {
    let installed = |gpu: &str| installed(gpu, false);
    let told = refused(&installed("gtx-1050"), "-pix_fmt nv12 -c:v hevc_nvenc -bf 2");
    assert!(told.contains("Max B-frames 2 exceed 0"), "{told}");
    let told = refused(&installed("h100"), "-pix_fmt nv12 -c:v h264_nvenc");
    assert!(told.contains("unsupported device"), "{told}");
    let limit = installed("rtx-3060").with_faults("session-limit").expect("a fault");
    let told = refused(&limit, "-pix_fmt nv12 -c:v h264_nvenc");
    assert!(told.contains("out of memory"), "{told}");
    let old = installed("rtx-3060").with_faults("driver-too-old").expect("a fault");
    let told = refused(&old, "-pix_fmt nv12 -c:v h264_nvenc");
    assert!(told.contains("Driver does not support the required nvenc API version"), "{told}");
}
