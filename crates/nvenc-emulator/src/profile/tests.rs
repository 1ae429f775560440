//! The profiles are consistent, and machines tell what they should.

use super::*;

fn machine(gpu: &str, driver: u32) -> Machine {
    Machine::new(gpu, driver).unwrap()
}

/// Every GPU under every driver that knows it.
fn machines() -> impl Iterator<Item = Machine> {
    let pairs = gpus().iter().flat_map(|gpu| drivers().iter().map(move |driver| Machine { gpu, driver }));
    pairs.filter(Machine::is_supported)
}

#[test]
fn an_unknown_profile_is_told_with_those_that_there_are() {
    let error = Machine::new("rtx-9999", 570).unwrap_err().to_string();
    assert!(error.contains("rtx-9999") && error.contains("rtx-3060"), "{error}");
    let error = Machine::new("rtx-3060", 1).unwrap_err().to_string();
    assert!(error.contains("525, 545, 570, 610"), "{error}");
}

#[test]
fn every_gpu_is_whole() {
    let mut ids = std::collections::BTreeSet::new();
    for gpu in gpus() {
        let id = &gpu.id;
        assert!(ids.insert(id), "{id} is there twice");
        assert!(gpu.name.starts_with("NVIDIA ") && !gpu.chip.is_empty(), "{id}");
        assert!(!gpu.source.is_empty() && gpu.source.iter().all(|source| source.len() > 20), "{id}");
        assert_eq!(gpu.geforce, gpu.name.contains("GeForce"), "{id}");
        assert_eq!(gpu.engines() >= 1, gpu.generation != Generation::Hopper, "{id}");
        assert!(gpu.memory_mib >= 2048 && gpu.multiprocessors > 0 && gpu.memory_bus_bits >= 128, "{id}");
        assert!(gpu.last_driver.is_none_or(|last| last >= gpu.first_driver), "{id}");
        let has_av1 = gpu.codecs.contains_key(&Codec::Av1);
        let should = matches!(gpu.generation, Generation::Ada | Generation::Blackwell);
        assert_eq!(has_av1, should, "{id}: AV1 came with Ada");
        assert_eq!(gpu.last_driver.is_some(), gpu.generation == Generation::Pascal, "{id}");
    }
    for pair in drivers().windows(2) {
        assert!(
            pair[0].branch < pair[1].branch && pair[0].nvenc < pair[1].nvenc && pair[0].cuda < pair[1].cuda
        );
        assert!(pair[0].geforce_sessions <= pair[1].geforce_sessions);
    }
    assert!(drivers().iter().all(|driver| driver.source.len() >= 3));
}

#[test]
fn every_codec_is_consistent() {
    for machine in machines() {
        for codec in machine.codecs() {
            let what = format!("{} under {}, {codec}", machine.gpu.id, machine.driver.branch);
            let cap = |name| machine.named(codec, name);
            assert!(cap("WIDTH_MIN") > 0 && cap("WIDTH_MAX") > cap("WIDTH_MIN"), "{what}");
            assert!(cap("HEIGHT_MIN") > 0 && cap("HEIGHT_MAX") > cap("HEIGHT_MIN"), "{what}");
            assert_eq!(cap("MB_NUM_MAX"), cap("WIDTH_MAX") / 16 * (cap("HEIGHT_MAX") / 16), "{what}");
            assert!(cap("LEVEL_MAX") > cap("LEVEL_MIN"), "{what}");
            assert_eq!(cap("NUM_ENCODER_ENGINES"), machine.gpu.engines(), "{what}");
            assert_eq!(cap("SUPPORT_BFRAME_REF_MODE") > 0, cap("NUM_MAX_BFRAMES") > 0, "{what}");
            assert_eq!(cap("SUPPORTED_RATECONTROL_MODES") & 3, 3, "{what}: VBR and CBR");
            assert_eq!(cap("ASYNC_ENCODE_SUPPORT"), 0, "{what}: only Windows has it");
            assert_eq!(cap("SUPPORT_CABAC"), u32::from(codec == Codec::H264), "{what}");

            let formats = machine.formats(codec);
            let takes = |format| u32::from(formats.contains(&format));
            assert_eq!(takes(InputFormat::Nv12), 1, "{what}");
            assert_eq!(takes(InputFormat::Yuv444), cap("SUPPORT_YUV444_ENCODE"), "{what}");
            assert_eq!(takes(InputFormat::Yuv420Ten), cap("SUPPORT_10BIT_ENCODE"), "{what}");
            assert_eq!(takes(InputFormat::Nv16), cap("SUPPORT_YUV422_ENCODE"), "{what}");
            assert!(machine.profiles(codec).contains(&"MAIN"), "{what}");

            let speed = machine.coding(codec).unwrap().speed;
            assert!(speed.is_sorted_by(|a, b| a >= b) && speed[6] > 60, "{what}: slower presets are slower");
        }
    }
}

#[test]
fn generations_differ_in_what_they_are_known_for() {
    let cap = |gpu, codec, name| machine(gpu, 570).named(codec, name);
    assert_eq!(cap("gtx-1050", Codec::Hevc, "NUM_MAX_BFRAMES"), 0);
    assert_eq!(cap("gtx-1050", Codec::Hevc, "SUPPORT_TEMPORAL_AQ"), 0);
    assert_eq!(cap("gtx-1050", Codec::H264, "SUPPORT_MULTIPLE_REF_FRAMES"), 0);
    assert_eq!(cap("rtx-2070", Codec::Hevc, "NUM_MAX_BFRAMES"), 5);
    assert_eq!(cap("rtx-3060", Codec::H264, "SUPPORT_BFRAME_REF_MODE"), 2);
    assert_eq!(cap("rtx-4090", Codec::Av1, "SUPPORT_YUV444_ENCODE"), 0);
    assert_eq!(cap("rtx-4090", Codec::H264, "SUPPORT_10BIT_ENCODE"), 0);
    assert_eq!(cap("rtx-5090", Codec::H264, "SUPPORT_10BIT_ENCODE"), 1);
    assert_eq!(cap("rtx-5090", Codec::H264, "WIDTH_MIN"), 145);
    assert_eq!(cap("rtx-5090", Codec::Av1, "HEIGHT_MIN"), 128);
    let engines = ["rtx-3060", "rtx-4070", "rtx-4090", "rtx-5070-ti", "rtx-5090", "h100"];
    assert_eq!(engines.map(|gpu| machine(gpu, 570).gpu.engines()), [1, 1, 2, 2, 3, 0]);
}

#[test]
fn a_driver_hides_what_its_api_does_not_know() {
    let cap = Cap::from_name("SUPPORT_YUV422_ENCODE").unwrap();
    assert_eq!(machine("rtx-3060", 545).cap(Codec::Hevc, cap), None);
    assert_eq!(machine("rtx-3060", 570).cap(Codec::Hevc, cap), Some(0));
    assert_eq!(machine("rtx-5090", 570).cap(Codec::Hevc, cap), Some(1));
    assert!(machine("rtx-4070", 525).coding(Codec::Av1).is_some());
    assert!(!machine("rtx-5090", 545).is_supported());
    assert!(!machine("gtx-1050", 610).is_supported());
    assert_eq!([525, 545, 570, 610].map(|d| machine("rtx-3060", d).session_limit()), [3, 5, 8, 12].map(Some));
    assert_eq!(machine("h100", 570).session_limit(), None);
}

#[test]
fn a_driver_may_report_otherwise_than_those_before_it() {
    let b_frames = |driver| machine("rtx-5070-ti", driver).named(Codec::H264, "NUM_MAX_BFRAMES");
    assert_eq!([570, 610].map(b_frames), [4, 7]);
}

#[test]
fn each_gpu_has_a_uuid_of_its_own() {
    let uuids: std::collections::BTreeSet<_> = gpus().iter().map(Gpu::uuid).collect();
    assert_eq!(uuids.len(), gpus().len());
}
