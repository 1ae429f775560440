//! What a failure to open means: the wrapper's codes say little, so its log lines are read.

use crate::av::OpenFailure;
use crate::encode::backend::Unmet;

/// What the wrapper's lines mean, the first that is found, and what can be done.
const MEANINGS: &[(&str, &str, &str)] = &[
    (
        "Cannot load libcuda",
        "libcuda.so.1 is not there: no NVIDIA driver is installed",
        "install NVIDIA's driver, 525 or newer, or use a software encoder",
    ),
    (
        "Cannot load libnvidia-encode",
        "libnvidia-encode.so.1 is not there: the NVIDIA driver was installed without its encoder library",
        "install it (Debian: libnvidia-encode1, Ubuntu: libnvidia-encode-VERSION, Fedora: xorg-x11-drv-nvidia-cuda-libs)",
    ),
    (
        "Driver does not support the required nvenc API version",
        "the NVIDIA driver is older than this FFmpeg's NVENC headers",
        "update NVIDIA's driver",
    ),
    (
        "Cannot load nvenc functions",
        "the NVIDIA driver's encoder library lacks a function that FFmpeg needs",
        "update NVIDIA's driver",
    ),
    (
        "Cannot load CUDA functions",
        "the NVIDIA driver's libcuda.so.1 lacks a function that FFmpeg needs",
        "update NVIDIA's driver",
    ),
    (
        "CUDA_ERROR_NO_DEVICE",
        "the NVIDIA driver is installed, but there is no NVIDIA GPU that it can use",
        "check that the GPU is there (nvidia-smi), and that this user or container may use it",
    ),
    (
        "cuInit(0) failed",
        "the NVIDIA driver does not start",
        "check it with nvidia-smi; after a driver update, restart the machine",
    ),
    (
        "unsupported device (2)",
        "this NVIDIA GPU has no encoder",
        "use a GPU with NVENC (GeForce GTX 10 or newer), or a software encoder",
    ),
    (
        "out of memory (10)",
        "the GPU has no encoder session or memory left",
        "end other recordings and streams, or update the driver: newer ones allow more sessions",
    ),
    (
        "incompatible client key (21)",
        "the GPU has no encoder session left",
        "end other recordings and streams, or update the driver: newer ones allow more sessions",
    ),
    (
        "Codec not supported",
        "this NVIDIA GPU does not make this codec",
        "take another codec: H.264 is made by every one, HEVC from GTX 900 on, AV1 from RTX 40 on",
    ),
    (
        "10 bit encode not supported",
        "this NVIDIA GPU does not encode ten bits in this codec",
        "leave ten-bit off, or use a GTX 10 or newer for HEVC and an RTX 40 or newer for AV1",
    ),
    (
        "Width ",
        "the picture is too wide for this NVIDIA GPU",
        "H.264 goes to 4096 pixels: take codec hevc or av1, or a smaller size",
    ),
    (
        "Height ",
        "the picture is too high for this NVIDIA GPU",
        "H.264 goes to 4096 pixels: take codec hevc or av1, or a smaller size",
    ),
    (
        "Max B-frames",
        "this NVIDIA GPU has not so many B-frames in this codec",
        "ask for fewer b-frames; 0 works everywhere",
    ),
    ("B-frames are not supported", "this NVIDIA GPU has no B-frames in this codec", "set b-frames to 0"),
    ("RC lookahead not supported", "this NVIDIA GPU does not look ahead", "leave lookahead away"),
];

/// What a failure to open means, from what the wrapper logged.
pub(in crate::encode) fn explain(failure: &OpenFailure) -> Unmet {
    let found = MEANINGS.iter().find(|(words, ..)| failure.said.iter().any(|line| line.contains(words)));
    let Some(&(_, reason, remedy)) = found else {
        let mut unmet = Unmet::as_said(failure);
        unmet.remedy = Some("use a software encoder; nvidia-smi tells whether the driver works".to_owned());
        return unmet;
    };
    // The numbers, where the line has some: versions required and found, the GPU's limits.
    let detail = failure
        .said
        .iter()
        .find(|line| ["Required:", "minimum required", "exceed"].iter().any(|words| line.contains(words)));
    let reason = match detail {
        Some(line) => format!("{reason} ({})", line.trim_end_matches('.')),
        None => reason.to_owned(),
    };
    Unmet { reason, remedy: Some(remedy.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::av::AvError;

    fn meaning(said: &[&str]) -> Unmet {
        let said = said.iter().map(|&line| line.to_owned()).collect();
        explain(&OpenFailure { error: AvError(-libc::EPERM), said })
    }

    #[test]
    fn a_missing_driver_is_told_from_an_old_one() {
        let missing = meaning(&["Cannot load libcuda.so.1"]);
        assert_eq!(missing.reason, "libcuda.so.1 is not there: no NVIDIA driver is installed");
        let old = meaning(&[
            "Driver does not support the required nvenc API version. Required: 13.0 Found: 12.1",
            "The minimum required Nvidia driver for nvenc is 570.0 or newer",
        ]);
        assert!(old.reason.contains("Required: 13.0 Found: 12.1"), "{old:?}");
        assert_eq!(old.remedy.as_deref(), Some("update NVIDIA's driver"));
    }

    #[test]
    fn limits_of_the_gpu_keep_their_numbers() {
        let wide = meaning(&["Width 7680 exceeds 4096", "No capable devices found"]);
        assert!(wide.reason.contains("too wide") && wide.reason.contains("7680 exceeds 4096"), "{wide:?}");
        let sessions = meaning(&["OpenEncodeSessionEx failed: out of memory (10): (no details)"]);
        assert!(sessions.reason.contains("session"), "{sessions:?}");
        let none = meaning(&["OpenEncodeSessionEx failed: unsupported device (2): (no details)"]);
        assert!(none.reason.contains("no encoder"), "{none:?}");
    }

    #[test]
    fn what_is_not_known_keeps_its_own_words() {
        let other = meaning(&["something new"]);
        assert_eq!(other.reason, "something new");
        assert!(other.remedy.is_some());
        assert!(!meaning(&[]).reason.is_empty());
    }
}
