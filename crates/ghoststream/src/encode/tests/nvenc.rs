//! NVENC over the emulated driver: what comes back, and what the driver was asked.

use super::emulator::Emulator;
use super::*;
use crate::{Chroma, EncoderChoice, EncoderPreset, NvencConfig, Preset, RateControl};

fn config(codec: Codec) -> EncoderConfig {
    EncoderConfig::default().with_codec(codec).with_encoder(EncoderChoice::Nvenc)
}

/// What may be encoded twice and compared: in our frames, and in the wrapper's.
fn with_frames(config: &EncoderConfig, device_frames: bool) -> EncoderConfig {
    let nvenc = config.nvenc.clone().with_device_frames(device_frames);
    config.clone().with_nvenc(nvenc)
}

#[test]
fn pictures_come_back_exactly_from_our_frames_and_from_the_wrappers() {
    let _emulator = Emulator::load("rtx-3060", 570);
    for codec in [Codec::H264, Codec::Hevc] {
        for device_frames in [true, false] {
            let config = with_frames(&config(codec), device_frames);
            let run = Job::new(config, 40).run();
            assert!(run.opened.name.ends_with("_nvenc"));
            // One value that is off by one is 100 dB.
            let seen = run.check(150.0);
            assert!(seen.iter().any(|it| it.kind == 'B'), "{codec}: two B-frames by default");
        }
    }
}

#[test]
fn key_frames_come_as_often_in_time_where_pictures_are_dropped() {
    let _emulator = Emulator::load("rtx-3060", 570);
    for low_latency in [false, true] {
        let config = config(Codec::H264).with_gop_seconds(0.5).with_low_latency(low_latency);
        let job = Job::new(config, 23);
        let run = job.run_at(|index| job.time(3 * index));
        assert_eq!(run.keys(), [0, 5, 10, 15, 20]);
        let kinds: String = run.check(150.0).iter().map(|it| it.kind).collect();
        assert_eq!(kinds.contains('B'), !low_latency, "{kinds}");
        let run = Job::new(job.config, 35).run();
        assert_eq!(run.keys(), [0, 15, 30], "none is asked for where none was dropped");
    }
}

#[test]
fn low_latency_gives_a_packet_for_each_picture_at_once() {
    let _emulator = Emulator::load("rtx-3060", 570);
    for codec in [Codec::H264, Codec::Hevc] {
        for control in RateControl::ALL {
            let config = config(codec).with_low_latency(true).with_rate_control(*control);
            let run = Job { force: Some(7), ..Job::new(config, 12) }.run();
            let seen = run.check(150.0);
            assert_eq!(run.after, (1..=12).collect::<Vec<_>>(), "{codec} {control}");
            assert_eq!(run.keys(), [0, 7], "{codec} {control}");
            assert!(seen.iter().all(|it| it.kind != 'B'), "{codec} {control}");
        }
    }
}

#[test]
fn ten_bits_full_chroma_and_lossless_come_back_exactly() {
    let _emulator = Emulator::load("rtx-3060", 570);
    for device_frames in [true, false] {
        for (ten_bit, chroma, lossless) in [
            (true, Chroma::Yuv420, false),
            (false, Chroma::Yuv444, false),
            (true, Chroma::Yuv444, false),
            (false, Chroma::Yuv420, true),
        ] {
            let config =
                config(Codec::Hevc).with_ten_bit(ten_bit).with_chroma(chroma).with_lossless(lossless);
            let run = Job::new(with_frames(&config, device_frames), 8).run();
            assert_eq!(run.opened.input.format.depth(), if ten_bit { 10 } else { 8 });
            run.check(150.0);
        }
    }
}

#[test]
fn our_addresses_are_registered_once_each_and_written_once_a_picture() {
    let emulator = Emulator::load("rtx-3060", 570);
    const PICTURES: usize = 90;
    for preset in [EncoderPreset::Fastest, EncoderPreset::Best] {
        emulator.clear();
        Job::new(config(Codec::Hevc).with_preset(preset), PICTURES).run();
        let registered = emulator.calls_of("NvEncRegisterResource");
        let mut addresses: Vec<_> =
            registered.iter().map(|it| it["resourceToRegister"].to_string()).collect();
        addresses.sort();
        addresses.dedup();
        assert_eq!(addresses.len(), registered.len(), "{preset}: each once");
        assert!((1..=64).contains(&addresses.len()), "{preset}: {} addresses", addresses.len());
        assert_eq!(emulator.calls_of("cuMemAlloc_v2").len(), addresses.len(), "{preset}: all of them ours");
        assert_eq!(
            emulator.calls_of("NvEncLockInputBuffer").len(),
            0,
            "{preset}: nothing is copied by the wrapper"
        );
        let ours = emulator.calls_of("cuMemcpy2DAsync_v2");
        assert_eq!(ours.len(), PICTURES * 2, "{preset}: luma and chroma of each picture go up once");
        assert_eq!(emulator.calls_of("NvEncUnregisterResource").len(), registered.len(), "{preset}");
    }
}

#[test]
fn everything_that_was_taken_is_given_back() {
    let emulator = Emulator::load("rtx-3060", 570);
    Job::new(config(Codec::Hevc), 20).run();
    for (taken, back) in [
        ("cuMemAlloc_v2", "cuMemFree_v2"),
        ("cuCtxCreate_v2", "cuCtxDestroy_v2"),
        ("cuStreamCreate", "cuStreamDestroy_v2"),
        ("cuEventCreate", "cuEventDestroy_v2"),
        ("NvEncOpenEncodeSessionEx", "NvEncDestroyEncoder"),
    ] {
        let process = i64::from(std::process::id());
        let count = |call| emulator.calls_of(call).iter().filter(|it| it["process"] == process).count();
        assert!(count(taken) > 0, "{taken}");
        assert_eq!(count(taken), count(back), "{taken} and {back}");
    }
}

/// What the driver was asked to initialise an encoder with, for a wish.
fn initialised(emulator: &Emulator, config: &EncoderConfig, size: Size, fps: f64) -> serde_json::Value {
    emulator.clear();
    open(&Request { config, size, fps, containers: &[] }).unwrap_or_else(|error| panic!("{error}"));
    let mut calls = emulator.calls_of("NvEncInitializeEncoder");
    assert_eq!(calls.len(), 1);
    calls.remove(0)
}

/// One line of the fields that matter, for comparing.
fn fields(call: &serde_json::Value) -> String {
    let rate = &call["encodeConfig"]["rcParams"];
    let word = |value: &serde_json::Value| value.as_str().map_or(value.to_string(), str::to_owned);
    format!(
        "{} {} {}x{}@{} {} {} max {} vbv {} gop {} P every {} aq {} passes {}",
        word(&call["presetGUID"]).trim_start_matches("PRESET_"),
        word(&call["tuningInfo"]).trim_start_matches("NV_ENC_TUNING_INFO_"),
        call["encodeWidth"],
        call["encodeHeight"],
        call["frameRateNum"],
        word(&rate["rateControlMode"]).trim_start_matches("NV_ENC_PARAMS_RC_"),
        rate["averageBitRate"],
        rate["maxBitRate"],
        rate["vbvBufferSize"],
        call["encodeConfig"]["gopLength"],
        call["encodeConfig"]["frameIntervalP"],
        rate["enableAQ"],
        word(&rate["multiPass"]).trim_start_matches("NV_ENC_"),
    )
}

/// Checked by hand against the presets' sizes, rates and bitrates: half as much again at the most, two
/// seconds of that to smooth it, a key frame every two seconds, two B-frames.
#[test]
fn presets_give_these_fields() {
    let emulator = Emulator::load("rtx-4090", 570);
    #[rustfmt::skip]
    let expected = [
        (Preset::Discord720p,    "P4 HIGH_QUALITY 1280x720@30 VBR 3000000 max 4500000 vbv 9000000 gop 60 P every 3 aq 1 passes MULTI_PASS_DISABLED"),
        (Preset::Stream1080p60,  "P4 HIGH_QUALITY 1920x1080@60 VBR 6000000 max 9000000 vbv 18000000 gop 120 P every 3 aq 1 passes MULTI_PASS_DISABLED"),
        (Preset::Quality1440p60, "P4 HIGH_QUALITY 2560x1440@60 VBR 12000000 max 18000000 vbv 36000000 gop 120 P every 3 aq 1 passes MULTI_PASS_DISABLED"),
        (Preset::Gaming1440p120, "P4 HIGH_QUALITY 2560x1440@120 VBR 15000000 max 22500000 vbv 45000000 gop 240 P every 3 aq 1 passes MULTI_PASS_DISABLED"),
        (Preset::Ultra4K60,      "P4 HIGH_QUALITY 3840x2160@60 VBR 25000000 max 37500000 vbv 75000000 gop 120 P every 3 aq 1 passes MULTI_PASS_DISABLED"),
        (Preset::Maximum4K120,   "P4 HIGH_QUALITY 3840x2160@120 VBR 35000000 max 52500000 vbv 105000000 gop 240 P every 3 aq 1 passes MULTI_PASS_DISABLED"),
    ];
    for (preset, wanted) in expected {
        for codec in [Codec::H264, Codec::Hevc, Codec::AV1] {
            // This FFmpeg may have no AV1 by NVENC: then there are two lines to check and not three.
            if codec == Codec::AV1 && crate::av::EncoderInfo::find("av1_nvenc").is_none() {
                continue;
            }
            let config = preset.encoder().with_codec(codec).with_encoder(EncoderChoice::Nvenc);
            let call = initialised(&emulator, &config, preset.size(), f64::from(preset.fps()));
            assert_eq!(fields(&call), wanted, "{preset} {codec}");
        }
    }
}

#[test]
fn a_live_stream_at_a_constant_bitrate_gives_these_fields() {
    let emulator = Emulator::load("rtx-3060", 570);
    let live = config(Codec::H264)
        .with_rate_control(RateControl::Cbr)
        .with_bitrate_kbps(6000)
        .with_low_latency(true)
        .with_preset(EncoderPreset::Quality)
        .with_nvenc(NvencConfig::default().with_tune(crate::Tune::LowLatency));
    let call = initialised(&emulator, &live, Size::new(1920, 1080), 60.0);
    assert_eq!(
        fields(&call),
        "P6 LOW_LATENCY 1920x1080@60 CBR 6000000 max 6000000 vbv 1500000 gop 120 P every 1 aq 1 passes \
         MULTI_PASS_DISABLED"
    );
    assert_eq!(call["encodeConfig"]["rcParams"]["zeroReorderDelay"], 1);
    assert_eq!(call["encodeConfig"]["encodeCodecConfig"]["h264Config"]["idrPeriod"], 120);
}

#[test]
fn intra_refresh_is_told_what_it_costs() {
    let _emulator = Emulator::load("rtx-3060", 570);
    let told = |on: bool| {
        let nvenc = NvencConfig::default().with_intra_refresh(on);
        let run =
            Job { fps: 30.0, ..Job::new(config(Codec::H264).with_b_frames(0).with_nvenc(nvenc), 70) }.run();
        let told = run.opened.notes.iter().any(|it| it.contains("only the first picture is a key frame"));
        (told, run.keys().len() > 1)
    };
    assert_eq!(told(true), (true, false));
    assert_eq!(told(false), (false, true), "a key frame every two seconds, and nothing to tell");
}

/// A machine that is too slow leaves ticks out, here and there and for long.
#[test]
fn ticks_that_were_left_out_keep_decoding_times_in_order() {
    let _emulator = Emulator::load("rtx-3060", 570);
    for codec in [Codec::H264, Codec::Hevc] {
        for b_frames in [0, 1, 2, 4] {
            let job = Job::new(config(codec).with_b_frames(b_frames), 60);
            let run = job.run_at(|index| job.time(index + 7 * (index / 4) + 40 * (index / 25)));
            run.check(150.0);
        }
    }
}
