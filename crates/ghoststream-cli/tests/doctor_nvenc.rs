//! `ghoststream doctor` over an emulated NVIDIA driver: every GPU as its profile has it, and every way
//! in which a driver fails.

mod common;

use common::{Ran, bounded, ghoststream};
use nvenc_emulator::{Codec, Installed, Machine, gpus};
use serde_json::Value;

fn run(installed: &Installed, arguments: &[&str]) -> Ran {
    let home = tempfile::tempdir().unwrap();
    let ran = bounded(ghoststream(home.path()).envs(installed.environment()).args(arguments));
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    ran
}

fn diagnosis(installed: &Installed) -> Value {
    run(installed, &["doctor", "--json"]).json().remove(0)
}

/// With a fault, on a GPU that could do everything.
fn with_fault(fault: &str) -> Value {
    diagnosis(&Installed::new("rtx-4070", 570).unwrap().with_faults(fault).unwrap())
}

/// What each codec of a GPU is said to do, against its profile.
fn check_codec(machine: &Machine, codec: Codec, found: &Value) {
    let cap = |name: &str| machine.named(codec, name);
    let size = |edge: &str| format!("{}x{}", cap(&format!("WIDTH_{edge}")), cap(&format!("HEIGHT_{edge}")));
    assert_eq!(found["min"], size("MIN"), "{found}");
    assert_eq!(found["max"], size("MAX"), "{found}");
    assert_eq!(found["b_frames"], cap("NUM_MAX_BFRAMES"), "{found}");
    let features = found["features"].as_array().unwrap();
    for (feature, name) in [
        ("10 bit", "SUPPORT_10BIT_ENCODE"),
        ("4:4:4", "SUPPORT_YUV444_ENCODE"),
        ("lossless", "SUPPORT_LOSSLESS_ENCODE"),
        ("B references", "SUPPORT_BFRAME_REF_MODE"),
        ("lookahead", "SUPPORT_LOOKAHEAD"),
        ("temporal AQ", "SUPPORT_TEMPORAL_AQ"),
        ("weighted prediction", "SUPPORT_WEIGHTED_PREDICTION"),
        ("intra-refresh", "SUPPORT_INTRA_REFRESH"),
    ] {
        assert_eq!(features.contains(&feature.into()), cap(name) != 0, "{feature}: {found}");
    }
}

fn check_gpus_under(driver: u32) {
    for gpu in gpus() {
        let machine = Machine::new(&gpu.id, driver).unwrap();
        let found = diagnosis(&Installed::new(&gpu.id, driver).unwrap());
        let nvenc = &found["nvenc"];
        if !machine.is_supported() {
            assert!(nvenc["error"].as_str().unwrap().contains("no NVIDIA GPU that it can use"), "{nvenc}");
            continue;
        }
        let described = &nvenc["gpus"][0];
        assert_eq!(described["name"], gpu.name, "{nvenc}");
        assert_eq!(described["compute"], format!("{}.{}", gpu.compute.0, gpu.compute.1));
        let codecs = described["codecs"].as_array().unwrap();
        let expected: Vec<Codec> = machine.codecs().collect();
        assert_eq!(codecs.len(), expected.len(), "{gpu:?}: {described}");
        for (codec, described) in expected.iter().zip(codecs) {
            check_codec(&machine, *codec, described);
        }
        assert_eq!(described["engines"], gpu.engines(), "{described}");
        assert_eq!(described["refusal"].is_null(), !codecs.is_empty(), "{described}");
    }
}

#[test]
fn each_gpu_is_described_as_its_profile_has_it_under_525() {
    check_gpus_under(525);
}

#[test]
fn each_gpu_is_described_as_its_profile_has_it_under_545() {
    check_gpus_under(545);
}

#[test]
fn each_gpu_is_described_as_its_profile_has_it_under_570() {
    check_gpus_under(570);
}

#[test]
fn each_gpu_is_described_as_its_profile_has_it_under_610() {
    check_gpus_under(610);
}

#[test]
fn each_gpu_has_its_tier() {
    let tiers = [
        ("gtx-1050", "minimum"),
        ("rtx-2070", "minimum"),
        ("rtx-3060", "recommended"),
        ("rtx-4070", "optimal"),
        ("rtx-5070-ti", "optimal"),
        ("rtx-5090", "maximum"),
    ];
    for (gpu, tier) in tiers {
        let found = diagnosis(&Installed::new(gpu, 570).unwrap());
        assert_eq!(found["nvenc"]["gpus"][0]["tier"], tier, "{gpu}");
        assert_eq!(found["tier"], tier, "{gpu}: of the machine, too");
    }
}

/// The driver's failure, what NVENC's encoders then say, and that a recording would go on without.
fn check_refused(found: &Value, reason: &str, remedy: &str) {
    let nvenc = &found["nvenc"];
    assert!(nvenc["error"].as_str().is_some_and(|it| it.contains(reason)), "{nvenc}");
    assert!(nvenc["remedy"].as_str().is_some_and(|it| it.contains(remedy)), "{nvenc}");
    let encoders = found["encoders"].as_array().unwrap();
    let refusals = encoders.iter().filter(|it| it["kind"] == "nvenc" && it["encoder"] != "av1_nvenc");
    for refusal in refusals.map(|it| &it["refusal"]) {
        assert!(refusal["reason"].as_str().is_some_and(|it| it.contains(reason)), "{refusal}");
    }
    for preset in found["presets"].as_array().unwrap() {
        assert!(preset["encoder"].as_str().is_some_and(|it| it.starts_with("lib")), "{preset}");
    }
}

fn is_a_problem(found: &Value, what: &str) -> bool {
    let problems = found["problems"].as_array().unwrap();
    problems.iter().any(|it| it["what"].as_str().unwrap().contains(what))
}

#[test]
fn a_driver_that_crashes_takes_nothing_down() {
    let found = with_fault("crash");
    check_refused(&found, "crashed in cuInit (signal 11 SIGSEGV)", "restart the machine");
    assert!(is_a_problem(&found, "crashed in cuInit"), "{}", found["problems"]);
}

#[test]
fn a_driver_that_hangs_is_given_up() {
    let found = with_fault("hang");
    check_refused(&found, "hangs in cuInit", "restart the machine");
    assert!(is_a_problem(&found, "hangs in cuInit"), "{}", found["problems"]);
}

#[test]
fn a_driver_without_libcuda_is_none() {
    check_refused(&with_fault("no-libcuda"), "no NVIDIA driver is installed", "install NVIDIA's driver");
}

#[test]
fn a_driver_without_its_encoder_library_is_told_from_none() {
    let found = with_fault("no-libnvidia-encode");
    check_refused(&found, "libnvidia-encode.so.1 is not there", "libnvidia-encode1");
    assert!(is_a_problem(&found, "libnvidia-encode.so.1 is not there"), "{}", found["problems"]);
}

#[test]
fn a_driver_that_is_too_old_is_told_with_the_versions() {
    check_refused(&with_fault("driver-too-old"), "too old: it speaks NVENC", "525 or newer");
}

#[test]
fn a_hopper_has_cuda_and_no_encoder() {
    let found = diagnosis(&Installed::new("h100", 570).unwrap());
    let gpu = &found["nvenc"]["gpus"][0];
    assert_eq!(gpu["refusal"], "it has no encoder", "{gpu}");
    assert_eq!(found["nvenc"]["error"], Value::Null);
    let encoders = found["encoders"].as_array().unwrap();
    let h264 = encoders.iter().find(|it| it["encoder"] == "h264_nvenc").unwrap();
    assert!(h264["refusal"]["reason"].as_str().unwrap().contains("no encoder"), "{h264}");
    assert!(h264["refusal"]["remedy"].is_string(), "{h264}");
}

#[test]
fn sessions_that_are_all_taken_are_told_and_tried_again_later() {
    let found = with_fault("session-limit");
    assert!(found["nvenc"]["error"].as_str().unwrap().contains("no encoder session left"), "{found}");
    assert!(is_a_problem(&found, "no encoder session left"), "{}", found["problems"]);
}

#[test]
fn the_page_reads_from_the_driver_to_the_codecs() {
    let page = run(&Installed::new("rtx-3060", 570).unwrap(), &["doctor"]).stdout;
    for line in [
        "tier               recommended: H.264 and HEVC up to 4K60",
        "driver             ok NVENC 13.0, CUDA 12.8",
        "h264             ok 145x49 to 4096x4096, 4 B-frames",
        "hevc             ok 129x33 to 8192x8192, 5 B-frames",
        "engines          1",
    ] {
        assert!(page.contains(line), "{line} is not in:\n{page}");
    }
}
