//! What each codec's name stands for: containers, quality scales, what a bit buys.

use crate::output::OutputError;
use crate::{Codec, Container, RateControl};

impl Codec {
    /// Whether a container takes it. WebM takes AV1 only: of its codecs it is the one that is made
    /// here. `Auto` fits everywhere.
    pub(crate) const fn fits(self, container: Container) -> bool {
        match container {
            Container::Matroska | Container::Mp4 => true,
            Container::WebM => matches!(self, Self::AV1 | Self::Auto),
            Container::Flv => true,
            Container::MpegTs => !matches!(self, Self::AV1),
        }
    }

    /// Whether `Auto` may choose it: ingest servers take anything but H.264 only by arrangement.
    pub(crate) const fn is_usual_in(self, container: Container) -> bool {
        !matches!(container, Container::Flv | Container::MpegTs) || matches!(self, Self::H264 | Self::Auto)
    }

    /// Whether players show HDR that it carries. H.264 could say the same of its pictures; none looks.
    pub(crate) const fn carries_hdr(self) -> bool {
        matches!(self, Self::Hevc | Self::AV1)
    }

    /// Refuses the first container that does not take it.
    ///
    /// # Errors
    /// [`OutputError::Unsuitable`], with what would work.
    pub(crate) fn check_fits(self, containers: &[Container]) -> Result<(), OutputError> {
        match containers.iter().find(|&&container| !self.fits(container)) {
            None => Ok(()),
            Some(&container) => Err(OutputError::Unsuitable {
                container,
                codec: self.to_string(),
                remedy: remedy(container).to_owned(),
            }),
        }
    }

    /// The worst quantiser or quality on its scale.
    pub(crate) const fn worst_quality(self) -> u32 {
        if matches!(self, Self::AV1) { 63 } else { 51 }
    }

    /// The quality where none was asked for.
    pub(crate) const fn default_quality(self) -> u32 {
        if matches!(self, Self::AV1) { 32 } else { 23 }
    }

    /// Bits that it needs for the same picture, as a share of H.264's.
    const fn efficiency(self) -> f64 {
        match self {
            Self::H264 | Self::Auto => 1.0,
            Self::Hevc => 0.7,
            Self::AV1 => 0.6,
        }
    }

    /// Bits a second where none were asked for, in thousands.
    ///
    /// 0.08 bits a pixel for H.264 at 30 pictures a second, what a desktop needs to look clean;
    /// a faster rate repeats more, so the bits grow with its power of 0.75 only. 1080p60 comes to
    /// about 8.4 Mbit/s. Ten bits cost nothing extra: they compress better by what they add.
    pub(crate) fn default_kbps(self, size: crate::Size, fps: f64) -> u32 {
        let pixels = f64::from(size.width) * f64::from(size.height);
        let bits = pixels * 0.08 * 30.0 * (fps / 30.0).powf(0.75) * self.efficiency();
        (bits / 1000.0).clamp(200.0, 800_000.0) as u32
    }
}

/// What to do where a container does not take the codec.
const fn remedy(container: Container) -> &'static str {
    match container {
        Container::MpegTs => "take codec h264 or hevc for SRT, or stream to RTMP",
        _ => "take codec av1 or auto, or a .mkv or .mp4 file",
    }
}

impl RateControl {
    /// Whether it aims at a bitrate, rather than at a quality.
    pub(crate) const fn has_bitrate(self) -> bool {
        matches!(self, Self::Cbr | Self::Vbr)
    }
}
