//! Which GPU is taken, and what is left away on it.

use super::*;

#[test]
fn defaults_that_the_gpu_lacks_are_left_away_and_told_where_quality_was_asked_for() {
    let best = config(Codec::Hevc).with_preset(EncoderPreset::Best);
    let settled = settle(&best, pascal()).expect("nothing was asked for by name");
    assert_eq!(settled.choices.b_frames.value, Some(0));
    assert_eq!(settled.choices.b_reference.value, Some(BReference::Off));
    assert!(!settled.choices.temporal_aq.value);
    assert_eq!(
        settled.notes,
        ["encoder preset best without B-frames, temporal AQ: this NVIDIA GeForce GTX 1050 has none in HEVC"
            .to_owned()]
    );
    let balanced = settle(&config(Codec::Hevc), pascal()).expect("nothing was asked for by name");
    assert_eq!(balanced.notes, Vec::<String>::new(), "of a middling preset nobody expects them");
    let h264 = settle(&config(Codec::H264).with_preset(EncoderPreset::Best), ampere()).expect("settled");
    assert_eq!(h264.choices.b_frames.value, Some(4));
    assert_eq!(h264.notes, Vec::<String>::new());
}

#[test]
fn the_first_gpu_that_can_is_taken_unless_one_is_named() {
    let machine = machine(&[hopper(), ampere(), ada()]);
    let at = |config: &EncoderConfig| settle_at(config, (HD, 60.0), &machine, &everything());
    assert_eq!(at(&config(Codec::Hevc)).expect("the second").gpu, 1);
    assert_eq!(at(&config(Codec::AV1)).expect("the third").gpu, 2);
    let on = |gpu| config(Codec::AV1).with_nvenc(NvencConfig::default().with_gpu(gpu));
    assert_eq!(at(&on(2)).expect("the third").gpu, 2);
    told(
        at(&on(1)),
        "AV1 needs a GeForce RTX 40 or newer; this is an NVIDIA GeForce RTX 3060",
        "take codec hevc or h264, or encoder software",
    );
    told(
        at(&on(0)),
        "NVIDIA H100 PCIe: this GPU has no encoder",
        "use a GPU with NVENC (GeForce GTX 10 or newer), or a software encoder",
    );
    told(
        at(&on(5)),
        "there is no NVIDIA GPU 5: 0 is a NVIDIA H100 PCIe, 1 is a NVIDIA GeForce RTX 3060, 2 is a NVIDIA GeForce RTX 4090"
            .replace("a NVIDIA", "an NVIDIA")
            .as_str(),
        "leave gpu away, or name another",
    );
    told(
        settle_at(&config(Codec::AV1), (HD, 60.0), &super::machine(&[hopper(), ampere()]), &everything()),
        "AV1 needs a GeForce RTX 40 or newer; this is an NVIDIA GeForce RTX 3060",
        "take codec hevc or h264, or encoder software",
    );
    told(
        settle_at(&config(Codec::AV1), (HD, 60.0), &super::machine(&[]), &everything()),
        "the NVIDIA driver is installed, but there is no NVIDIA GPU that it can use",
        "check that the GPU is there (nvidia-smi), and that this user or container may use it",
    );
}
