//! The system's `ffmpeg` over the emulated library.

use std::process::Output;

use nvenc_emulator::Installed;
use serde_json::Value;

/// Runs it on a moving picture through the given filters; gives back the checksum of each picture.
fn checksums(installed: &Installed, format: &str, filters: &str) -> Vec<String> {
    let Output { status, stdout, stderr } = installed
        .command("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-init_hw_device", "cuda=gpu:0", "-filter_hw_device", "gpu"])
        .args(["-f", "lavfi", "-i", "testsrc2=size=322x182:rate=25", "-frames:v", "20"])
        .args(["-vf", &format!("format={format}{filters}"), "-f", "framemd5", "-"])
        .output()
        .unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    let text = String::from_utf8(stdout).unwrap();
    let pictures = text.lines().filter(|line| !line.starts_with('#'));
    pictures.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

#[test]
fn pictures_come_back_from_the_device_as_they_went() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("trace");
    let installed = Installed::new("rtx-3060", 570).unwrap().with_trace(&trace);
    for format in ["nv12", "yuv420p", "yuv444p", "p010le", "bgr0"] {
        let expected = checksums(&installed, format, "");
        assert_eq!(expected.len(), 20);
        let through = checksums(&installed, format, &format!(",hwupload_cuda,hwdownload,format={format}"));
        assert_eq!(through, expected, "{format}");
    }

    let text = std::fs::read_to_string(trace).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let copies = lines.iter().filter(|line| line["call"] == "cuMemcpy2DAsync_v2");
    assert!(copies.count() >= 2 * 2 * 20, "each plane went up and down");
    let failed: Vec<_> = lines.iter().filter(|line| line["result"] != "CUDA_SUCCESS").collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn a_machine_without_a_gpu_is_told_as_such() {
    let installed = Installed::new("rtx-5090", 545).unwrap();
    let mut command = installed.command("ffmpeg");
    command.args(["-nostdin", "-loglevel", "error", "-init_hw_device", "cuda=gpu:0"]);
    command.args(["-f", "lavfi", "-i", "testsrc2=size=64x64", "-frames:v", "1", "-f", "null", "-"]);
    let output = command.output().unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("CUDA_ERROR_NO_DEVICE"), "{told}");
}

#[test]
fn pictures_are_encoded_where_they_lie_on_the_device() {
    let directory = tempfile::tempdir().unwrap();
    let (file, trace) = (directory.path().join("out.mkv"), directory.path().join("trace"));
    let installed = Installed::new("rtx-3060", 570).unwrap().with_trace(&trace).with_exact();
    let source = "testsrc2=size=320x180:rate=25,format=nv12";
    let mut encode = installed.command("ffmpeg");
    encode.args(["-nostdin", "-loglevel", "error", "-init_hw_device", "cuda=gpu:0"]);
    encode.args(["-filter_hw_device", "gpu", "-f", "lavfi", "-i", source, "-vf", "hwupload_cuda"]);
    encode.args(["-frames:v", "20", "-c:v", "hevc_nvenc"]).arg(&file);
    let encoded = encode.output().unwrap();
    assert!(encoded.status.success(), "{}", String::from_utf8_lossy(&encoded.stderr));

    let pictures = |input: &[&std::ffi::OsStr]| {
        let mut decode = std::process::Command::new("ffmpeg");
        decode.args(["-nostdin", "-loglevel", "error"]).args(input);
        decode.args(["-frames:v", "20", "-pix_fmt", "nv12", "-f", "rawvideo", "-"]);
        decode.output().unwrap().stdout
    };
    let expected = pictures(&["-f".as_ref(), "lavfi".as_ref(), "-i".as_ref(), source.as_ref()]);
    assert_eq!(expected.len(), 20 * 320 * 180 * 3 / 2);
    assert!(pictures(&["-i".as_ref(), file.as_os_str()]) == expected, "every sample is as it was");

    let text = std::fs::read_to_string(trace).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let to_device = |line: &&Value| line["call"] == "cuMemcpy2DAsync_v2" && line["to"]["type"] == 2;
    // Newer releases filter ahead: a picture more is uploaded than is encoded.
    let up = lines.iter().filter(to_device).count();
    assert!([2 * 20, 2 * 21].contains(&up), "two planes up, once a picture: {up}");
    let from_device = |line: &&Value| line["call"] == "cuMemcpy2DAsync_v2" && line["from"]["type"] == 2;
    assert_eq!(lines.iter().filter(from_device).count(), 0, "and none moved again by ffmpeg");
}
