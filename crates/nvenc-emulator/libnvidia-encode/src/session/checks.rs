//! What a driver refuses when an encoder is initialised or reconfigured.
//!
//! The rules are those of NVIDIA's programming guide and of the comments in its header; a GPU's limits are those of
//! its profile. Where the guide does not say which error a wrong value gives, a value that no GPU takes is
//! `INVALID_PARAM`, and one that this GPU does not take `UNSUPPORTED_PARAM`.

use nvenc_emulator::Codec;

use super::codecs::CodecExt;
use super::wish::Wish;
use crate::api::ApiVersion;
use crate::schema::Guid;
use crate::status::Status::{InvalidParam, Unimplemented, UnsupportedParam};
use crate::status::{Answer, Status, require};

/// Checks everything.
pub fn check(wish: &Wish<'_>) -> Answer {
    sizes(wish)?;
    modes(wish)?;
    structure(wish)?;
    samples(wish)?;
    profile(wish)?;
    rate_control(wish)?;
    analysis(wish)?;
    refresh(wish)
}

fn sizes(wish: &Wish<'_>) -> Answer {
    let (width, height) = wish.size();
    let cap = |name: &str| wish.ability.cap(name);
    require(width > 0 && height > 0, InvalidParam, || format!("a size of {width}x{height}"))?;
    let (least, most) = ((cap("WIDTH_MIN"), cap("HEIGHT_MIN")), (cap("WIDTH_MAX"), cap("HEIGHT_MAX")));
    require(width >= least.0 && height >= least.1, InvalidParam, || {
        format!(
            "Frame Dimension less than the minimum supported value: {width}x{height}, minimum {}x{}",
            least.0, least.1
        )
    })?;
    require(width <= most.0 && height <= most.1, InvalidParam, || {
        format!(
            "Frame Dimension greater than the maximum supported value: {width}x{height}, maximum {}x{}",
            most.0, most.1
        )
    })?;
    let (blocks, room) = (width.div_ceil(16) * height.div_ceil(16), cap("MB_NUM_MAX"));
    require(room == 0 || blocks <= room, InvalidParam, || {
        format!("{blocks} macroblocks; there may be {room}")
    })?;
    let odd = wish.own.u32("chromaFormatIDC") != 3 && (width % 2 != 0 || height % 2 != 0);
    require(!odd, InvalidParam, || format!("{width}x{height} cannot be sampled as 4:2:0"))?;

    let (room_width, room_height) = (wish.params.u32("maxEncodeWidth"), wish.params.u32("maxEncodeHeight"));
    let fits = (room_width == 0 || (width..=most.0).contains(&room_width))
        && (room_height == 0 || (height..=most.1).contains(&room_height));
    require(fits, InvalidParam, || {
        format!("maxEncodeWidth and maxEncodeHeight are {room_width}x{room_height} for {width}x{height}")
    })?;
    let rate = (wish.params.u32("frameRateNum"), wish.params.u32("frameRateDen"));
    require(rate.0 > 0 && rate.1 > 0, InvalidParam, || format!("a frame rate of {}/{}", rate.0, rate.1))
}

/// Modes of operation.
fn modes(wish: &Wish<'_>) -> Answer {
    let refuse = |flag: &str, status: Status, why: &str| {
        require(!wish.params.flag(flag), status, || format!("{flag}: {why}"))
    };
    refuse("enableEncodeAsync", UnsupportedParam, "there is no asynchronous mode on Linux")?;
    refuse("enableMEOnlyMode", Unimplemented, "the emulator encodes only")?;
    refuse("enableExternalMEHints", Unimplemented, "the emulator takes no hints")?;
    refuse("enableOutputInVidmem", Unimplemented, "the emulator writes to system memory")?;
    refuse("enableReconFrameOutput", Unimplemented, "the emulator returns no reconstructed pictures")?;
    refuse("enableOutputStats", Unimplemented, "the emulator has no statistics of blocks")?;
    require(wish.params.flag("enablePTD"), Unimplemented, || {
        "enablePTD is 0: the emulator decides on picture types itself".into()
    })?;
    require(
        !wish.params.flag("enableSubFrameWrite") || wish.can("SUPPORT_SUBFRAME_READBACK"),
        UnsupportedParam,
        || "enableSubFrameWrite: this GPU does not write parts of pictures".into(),
    )?;
    weighted_prediction(wish)?;
    split(wish)
}

fn weighted_prediction(wish: &Wish<'_>) -> Answer {
    if !wish.params.flag("enableWeightedPrediction") {
        return Ok(());
    }
    require(wish.can("SUPPORT_WEIGHTED_PREDICTION"), UnsupportedParam, || {
        format!("enableWeightedPrediction: this GPU has none in {}", wish.codec)
    })?;
    require(wish.b_frames() == 0, InvalidParam, || {
        "enableWeightedPrediction goes without B-frames only".into()
    })
}

/// Fewer engines than strips are no error: there are as many strips as engines then.
fn split(wish: &Wish<'_>) -> Answer {
    let mode = wish.params.u32("splitEncodeMode");
    let most = if wish.api >= ApiVersion::new(13, 0) { 4 } else { 3 };
    require(mode <= most || mode == 15, InvalidParam, || format!("splitEncodeMode is {mode}"))?;
    require(wish.codec != Codec::H264 || matches!(mode, 0 | 15), InvalidParam, || {
        "splitEncodeMode: H.264 cannot be split".into()
    })
}

/// Key pictures, B-frames and references.
fn structure(wish: &Wish<'_>) -> Answer {
    let (gop, interval) = (wish.config.u32("gopLength"), wish.config.i32("frameIntervalP"));
    require(gop > 0, InvalidParam, || "gopLength is 0".into())?;
    require(interval >= 0, InvalidParam, || format!("frameIntervalP is {interval}"))?;
    require(gop == u32::MAX || interval as u32 <= gop, InvalidParam, || {
        format!("frameIntervalP is {interval}, gopLength only {gop}")
    })?;
    let most = wish.ability.cap("NUM_MAX_BFRAMES");
    require(wish.b_frames() <= most, InvalidParam, || {
        format!("{} B-frames in {}; this GPU has up to {most}", wish.b_frames(), wish.codec)
    })?;
    let idr = wish.own.u32("idrPeriod");
    require(idr == 0 || idr >= gop, InvalidParam, || format!("idrPeriod is {idr}, gopLength {gop}"))?;
    require(idr == 0 || idr == gop, Unimplemented, || {
        format!("idrPeriod is {idr}, gopLength {gop}: the emulator begins each GOP with an IDR picture")
    })?;
    let mode = wish.own.u32("useBFramesAsRef");
    require(mode <= 2, InvalidParam, || format!("useBFramesAsRef is {mode}"))?;
    require(mode & !wish.ability.cap("SUPPORT_BFRAME_REF_MODE") == 0, UnsupportedParam, || {
        let name = if mode == 1 { "each" } else { "middle" };
        format!("useBFramesAsRef: this GPU has no mode \"{name}\" in {}", wish.codec)
    })?;
    for field in REFERENCE_COUNTS.into_iter().filter(|field| wish.own.has(field)) {
        let count = wish.own.u32(field);
        require(count <= 7, InvalidParam, || format!("{field} is {count}"))?;
        require(count <= 1 || wish.can("SUPPORT_MULTIPLE_REF_FRAMES"), UnsupportedParam, || {
            format!("{field} is {count}: this GPU refers to one picture only")
        })?;
    }
    let mode = wish.config.u32("frameFieldMode");
    require((1..=3).contains(&mode), InvalidParam, || format!("frameFieldMode is {mode}"))?;
    require(mode == 1 || wish.can("SUPPORT_FIELD_ENCODING"), UnsupportedParam, || {
        format!("frameFieldMode: this GPU codes no interlaced {}", wish.codec)
    })?;
    require(mode == 1, Unimplemented, || {
        "frameFieldMode: the emulator codes progressive pictures only".into()
    })
}

const REFERENCE_COUNTS: [&str; 4] = ["numRefL0", "numRefL1", "numFwdRefs", "numBwdRefs"];

/// Chroma and depth.
fn samples(wish: &Wish<'_>) -> Answer {
    let chroma = wish.own.u32("chromaFormatIDC");
    match chroma {
        1 => {}
        2 => {
            let newer = wish.api >= ApiVersion::new(13, 0) && wish.can("SUPPORT_YUV422_ENCODE");
            require(newer, UnsupportedParam, || format!("this GPU codes no 4:2:2 {}", wish.codec))?;
            require(false, Unimplemented, || "the emulator codes no 4:2:2".into())?;
        }
        3 => require(wish.can("SUPPORT_YUV444_ENCODE"), UnsupportedParam, || {
            format!("this GPU codes no 4:4:4 {}", wish.codec)
        })?,
        _ => require(false, InvalidParam, || format!("chromaFormatIDC is {chroma}"))?,
    }
    let depth = wish.depth();
    require(matches!(depth, 8 | 10), InvalidParam, || format!("{depth} bits a sample"))?;
    require(depth == 8 || wish.can("SUPPORT_10BIT_ENCODE"), UnsupportedParam, || {
        format!("this GPU codes no {} of 10 bits", wish.codec)
    })?;
    let input = wish.own.u32("inputBitDepth");
    require(matches!(input, 0 | 8 | 10), InvalidParam, || format!("inputBitDepth is {input}"))?;
    require(
        !wish.config.flag("monoChromeEncoding") || wish.can("SUPPORT_MONOCHROME"),
        UnsupportedParam,
        || format!("monoChromeEncoding: this GPU codes no monochrome {}", wish.codec),
    )?;
    require(!wish.config.flag("monoChromeEncoding"), Unimplemented, || {
        "the emulator codes no monochrome".into()
    })?;
    require(wish.own.u32_or_zero("separateColourPlaneFlag") == 0, Unimplemented, || {
        "separateColourPlaneFlag: the emulator codes no separate planes".into()
    })
}

fn profile(wish: &Wish<'_>) -> Answer {
    let profile = wish.config.guid("profileGUID");
    if profile == Guid::PROFILE_AUTOSELECT || profile == Guid::NONE {
        return Ok(());
    }
    let prefix = format!("{}_PROFILE_", wish.codec.prefix().to_uppercase());
    let name = profile.name().and_then(|name| name.strip_prefix(&prefix)).unwrap_or_default();
    require(!name.is_empty(), InvalidParam, || {
        format!("profileGUID {profile} is no profile of {}", wish.codec)
    })?;
    require(wish.ability.coding.profiles.iter().any(|known| known == name), UnsupportedParam, || {
        format!("profileGUID: this GPU has no profile {name} of {}", wish.codec)
    })?;
    let (full, deep) = (wish.own.u32("chromaFormatIDC") == 3, wish.depth() > 8);
    let suits = match (wish.codec, name) {
        (Codec::H264, "HIGH_444") => true,
        (Codec::H264, "HIGH_10" | "HIGH_422") => !full,
        (Codec::H264, "BASELINE") => !full && !deep && wish.b_frames() == 0 && !wish.is_lossless(),
        (Codec::H264, _) => !full && !deep && !wish.is_lossless(),
        (Codec::Hevc, "MAIN") => !full && !deep,
        (Codec::Hevc, "MAIN10") => !full,
        _ => true,
    };
    require(suits, InvalidParam, || {
        let chroma = if full { "4:4:4" } else { "4:2:0" };
        format!("profileGUID {name} has no {chroma} of {} bits, {} B-frames", wish.depth(), wish.b_frames())
    })
}

fn rate_control(wish: &Wish<'_>) -> Answer {
    let rate = |field: &str| wish.config.u32(&format!("rcParams.{field}"));
    let mode = rate("rateControlMode");
    let old = wish.api < ApiVersion::new(12, 1) && matches!(mode, 0x8 | 0x10 | 0x20);
    require(mode <= 2 || old, InvalidParam, || format!("rateControlMode is {mode}"))?;
    let worst = wish.codec.worst_quantizer();
    let mut groups = vec![("constQP", wish.rate_mode() == 0)];
    groups.push(("minQP", rate("enableMinQP") != 0));
    groups.push(("maxQP", rate("enableMaxQP") != 0));
    groups.push(("initialRCQP", rate("enableInitialRCQP") != 0));
    for (group, _) in groups.into_iter().filter(|(_, used)| *used) {
        for field in ["qpIntra", "qpInterP", "qpInterB"] {
            let value = rate(&format!("{group}.{field}"));
            require(value <= worst, InvalidParam, || {
                format!("{group}.{field} is {value}; the largest is {worst}")
            })?;
        }
    }
    let (quality, best) = (rate("targetQuality"), if wish.codec == Codec::Av1 { 63 } else { 51 });
    require(quality <= best, InvalidParam, || format!("targetQuality is {quality}; the largest is {best}"))?;
    let (average, peak) = (rate("averageBitRate"), rate("maxBitRate"));
    require(wish.rate_mode() != 1 || peak == 0 || peak >= average, InvalidParam, || {
        format!("maxBitRate is {peak}, less than averageBitRate {average}")
    })?;
    let (buffer, delay) = (rate("vbvBufferSize"), rate("vbvInitialDelay"));
    require(buffer == 0 || delay <= buffer, InvalidParam, || {
        format!("vbvInitialDelay is {delay}, more than vbvBufferSize {buffer}")
    })?;
    require(buffer == 0 || wish.can("SUPPORT_CUSTOM_VBV_BUF_SIZE"), UnsupportedParam, || {
        "vbvBufferSize: this GPU's buffer cannot be chosen".into()
    })?;
    let passes = rate("multiPass");
    require(passes <= 2, InvalidParam, || format!("multiPass is {passes}"))?;
    require(!wish.is_lossless() || wish.rate_mode() == 0, InvalidParam, || {
        "lossless goes with constant QP only".into()
    })
}

/// Lookahead, adaptive quantisation and filters.
fn analysis(wish: &Wish<'_>) -> Answer {
    let rate = |field: &str| wish.config.u32(&format!("rcParams.{field}"));
    if rate("enableLookahead") != 0 {
        require(wish.can("SUPPORT_LOOKAHEAD"), UnsupportedParam, || {
            format!("enableLookahead: this GPU has none in {}", wish.codec)
        })?;
        let (depth, most) = (rate("lookaheadDepth"), 31 - wish.b_frames());
        require(depth <= most, InvalidParam, || format!("lookaheadDepth is {depth}; the largest is {most}"))?;
    }
    let level = rate("lookaheadLevel");
    require(matches!(level, 0..=3 | 15), InvalidParam, || format!("lookaheadLevel is {level}"))?;
    require(matches!(level, 0 | 15) || wish.can("SUPPORT_LOOKAHEAD_LEVEL"), UnsupportedParam, || {
        "lookaheadLevel: this GPU has none".into()
    })?;
    require(rate("enableTemporalAQ") == 0 || wish.can("SUPPORT_TEMPORAL_AQ"), UnsupportedParam, || {
        format!("enableTemporalAQ: this GPU has none in {}", wish.codec)
    })?;
    let filter = wish.own.u32_or_zero("tfLevel");
    require(matches!(filter, 0 | 4), InvalidParam, || format!("tfLevel is {filter}"))?;
    require(filter == 0 || wish.can("SUPPORT_TEMPORAL_FILTER"), UnsupportedParam, || {
        format!("tfLevel: this GPU does not filter {}", wish.codec)
    })?;
    require(filter == 0 || wish.config.i32("frameIntervalP") >= 5, InvalidParam, || {
        "tfLevel needs a frameIntervalP of 5 or more".into()
    })
}

/// Intra refresh, and what else makes streams robust.
fn refresh(wish: &Wish<'_>) -> Answer {
    if wish.own.flag("enableIntraRefresh") {
        require(wish.can("SUPPORT_INTRA_REFRESH"), UnsupportedParam, || {
            format!("enableIntraRefresh: this GPU has none in {}", wish.codec)
        })?;
        let (period, count) = (wish.own.u32("intraRefreshPeriod"), wish.own.u32("intraRefreshCnt"));
        require(count < period, InvalidParam, || {
            format!("intraRefreshCnt is {count}, intraRefreshPeriod {period}")
        })?;
    }
    let single = wish.own.u32_or_zero("singleSliceIntraRefresh") != 0;
    require(!single || wish.can("SINGLE_SLICE_INTRA_REFRESH"), UnsupportedParam, || {
        "singleSliceIntraRefresh: this GPU has none".into()
    })?;
    let constrained = wish.own.u32_or_zero("enableConstrainedEncoding") != 0;
    require(!constrained || wish.can("SUPPORT_CONSTRAINED_ENCODING"), UnsupportedParam, || {
        "enableConstrainedEncoding: this GPU has none".into()
    })?;
    for (flag, what) in [
        ("enableTemporalSVC", "temporal layers"),
        ("enableLTR", "long-term references"),
        ("enableStereoMVC", "stereo"),
        ("enableMVHEVC", "several views"),
        ("enableAlphaLayerEncoding", "alpha"),
        ("outputAnnexBFormat", "AV1's Annex B"),
    ] {
        require(wish.own.u32_or_zero(flag) == 0, Unimplemented, || {
            format!("{flag}: the emulator codes no {what}")
        })?;
    }
    Ok(())
}
