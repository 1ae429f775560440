//! What libavcodec is told in the end.

use super::*;

/// The value of an option in a plan.
fn option<'p>(plan: &'p Plan, key: &str) -> Option<&'p str> {
    plan.options.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str())
}

fn planned(config: &EncoderConfig, fps: f64, gpu: GpuAbilities) -> Plan {
    let machine = machine(&[gpu]);
    with_wish(config, HD, fps, |wish| plan_with(wish, || Ok(&machine))).expect("a plan")
}

#[test]
fn low_latency_holds_nothing_back() {
    for preset in EncoderPreset::ALL {
        let config = config(Codec::Hevc).with_preset(*preset).with_low_latency(true);
        let plan = planned(&config, 60.0, ampere());
        for (key, value) in
            [("tune", "ull"), ("zerolatency", "1"), ("delay", "0"), ("bf", "0"), ("multipass", "disabled")]
        {
            assert_eq!(option(&plan, key), Some(value), "{key} at {preset}");
        }
        assert_eq!(option(&plan, "rc-lookahead"), None);
    }
}

#[test]
fn what_waits_inside_is_what_the_structure_needs_and_less_where_pictures_are_rare() {
    let delay = |config: &EncoderConfig, fps| {
        let plan = planned(config, fps, ampere());
        option(&plan, "delay").map(|it| it.parse::<u32>().expect("a number"))
    };
    let fast = config(Codec::Hevc).with_preset(EncoderPreset::Fast);
    assert_eq!(delay(&fast, 60.0), Some(3));
    assert_eq!(delay(&fast, 4.0), Some(1));
    assert_eq!(delay(&fast, 1.0), Some(0));
    assert_eq!(delay(&config(Codec::Hevc), 60.0), Some(5), "two B-frames, their P and two more");
    let best = config(Codec::Hevc).with_preset(EncoderPreset::Best);
    assert_eq!(delay(&best, 60.0), Some(24), "15 ahead, a row of 5 and what the wrapper adds");
    assert_eq!(delay(&best, 12.0), Some(3), "no lookahead and no B-frames where pictures are rare");
}

#[test]
fn nothing_that_some_gpus_lack_is_set_for_a_gpu_of_which_nothing_is_known() {
    let best = config(Codec::Hevc).with_preset(EncoderPreset::Best);
    let plan =
        with_wish(&best, HD, 60.0, |wish| plan_with(wish, || Err(ProbeFailure::Busy))).expect("a plan");
    for key in ["bf", "b_ref_mode", "rc-lookahead", "delay", "gpu"] {
        assert_eq!(option(&plan, key), None, "{key}");
    }
    assert_eq!(option(&plan, "temporal-aq"), Some("0"));
    assert_eq!(option(&plan, "preset"), Some("p7"));
    let notes = &plan.notes[..];
    assert!(
        matches!(notes, [it] if it.contains("no encoder session left") && it.contains("system memory")),
        "{notes:?}"
    );
    let asked = best.with_b_frames(3).with_nvenc(NvencConfig::default().with_gpu(1));
    let plan =
        with_wish(&asked, HD, 60.0, |wish| plan_with(wish, || Err(ProbeFailure::Busy))).expect("a plan");
    assert_eq!((option(&plan, "bf"), option(&plan, "gpu")), (Some("3"), Some("1")));
    assert!(!plan.notes[0].contains("system memory"), "{:?}", plan.notes);
}

#[test]
fn av1_quantisers_are_on_the_scale_of_its_index() {
    for (quality, index) in [(0, "0"), (32, "128"), (61, "244"), (62, "249"), (63, "255")] {
        let config = config(Codec::AV1).with_rate_control(RateControl::Cqp).with_quality(quality);
        assert_eq!(option(&planned(&config, 60.0, ada()), "qp"), Some(index));
    }
    let config = config(Codec::Hevc).with_rate_control(RateControl::Cqp).with_quality(23);
    assert_eq!(option(&planned(&config, 60.0, ada()), "qp"), Some("23"));
}
