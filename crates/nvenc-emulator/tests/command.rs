//! The command, driven as a user drives it.

use std::process::{Command, Output};

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_nvenc-emulator"))
}

fn output(arguments: &[&str]) -> (Output, String, String) {
    let output = command().args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.clone(), text(&output.stdout), text(&output.stderr))
}

/// The words of the line that begins with these.
fn line<'a>(text: &'a str, begin: &str) -> Vec<&'a str> {
    let found = text.lines().find_map(|line| line.trim_start().strip_prefix(begin));
    found.unwrap_or_else(|| panic!("no line begins with {begin}:\n{text}")).split_whitespace().collect()
}

#[test]
fn a_profile_is_shown_as_a_table() {
    let (output, text, _) = output(&["--print", "rtx-5090", "--driver", "570"]);
    assert!(output.status.success());
    assert_eq!(line(&text, "smallest picture"), ["145x49", "129x33", "192x128"]);
    assert_eq!(line(&text, "largest picture"), ["4096x4096", "8192x8192", "8192x8192"]);
    assert_eq!(line(&text, "engines"), ["3", "3", "3"]);
    assert_eq!(line(&text, "NUM_MAX_BFRAMES"), ["4", "5", "7"]);
    assert!(text.contains("driver 570.133.07: NVENC 13.0, CUDA 12.8, 8 sessions"), "{text}");
    assert!(text.contains("rigaya/NVEnc"), "sources are named:\n{text}");
}

#[test]
fn what_cannot_be_had_is_told() {
    assert!(output(&["--print", "h100"]).1.contains("No encoder"));
    assert!(output(&["--print", "rtx-5090", "--driver", "545"]).1.contains("does not know this GPU"));
    let (failed, _, told) = output(&["--print", "rtx-1"]);
    assert_eq!(failed.status.code(), Some(2));
    assert!(told.contains("there is no GPU profile \"rtx-1\""), "{told}");
}

#[test]
fn all_profiles_are_listed() {
    let (_, text, _) = output(&["--list"]);
    assert_eq!(line(&text, "gtx-1050 "), ["NVIDIA", "GeForce", "GTX", "1050", "H.264,", "HEVC"]);
    assert_eq!(line(&text, "h100 ")[4..], ["no", "encoder"]);
    assert_eq!(line(&text, "610 "), ["NVENC", "13.1,", "CUDA", "13.3"]);
}

#[test]
fn a_program_runs_over_the_libraries_and_its_status_is_passed_on() {
    let script = "test -e ${LD_LIBRARY_PATH%%:*}/libcuda.so.1 && echo $NVENC_EMULATOR_GPU && exit 7";
    let (ran, text, _) = output(&["run", "--gpu", "rtx-4090", "--", "sh", "-c", script]);
    assert_eq!((ran.status.code(), text.as_str()), (Some(7), "rtx-4090\n"));
    let script = "cd ${LD_LIBRARY_PATH%%:*} && ls && echo $NVENC_EMULATOR_REAL_CUDA";
    let (_, alone, _) = output(&["run", "--real-cuda", "--", "sh", "-c", script]);
    assert_eq!(alone, "libnvidia-encode.so.1\n1\n", "the machine's own libcuda is not hidden");
    let (killed, ..) = output(&["run", "--", "sh", "-c", "kill -9 $$"]);
    assert_eq!(killed.status.code(), Some(128 + 9));
    let (refused, _, told) = output(&["run", "--faults", "slow", "--", "true"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(told.contains("by how many milliseconds"), "{told}");
}
