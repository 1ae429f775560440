//! Ready-made combinations of size, rate and bitrate.

use crate::config::words;
use crate::{CaptureConfig, EncoderConfig, Size};

words! {
    /// A size, a rate and a bitrate that go together.
    Preset: "preset" {
        /// 1280x720 at 30, 3 Mbit/s.
        Discord720p = "discord-720p",
        /// 1920x1080 at 60, 6 Mbit/s.
        Stream1080p60 = "stream-1080p60",
        /// 2560x1440 at 60, 12 Mbit/s.
        Quality1440p60 = "quality-1440p60",
        /// 2560x1440 at 120, 15 Mbit/s.
        Gaming1440p120 = "gaming-1440p120",
        /// 3840x2160 at 60, 25 Mbit/s.
        Ultra4K60 = "ultra-4k60",
        /// 3840x2160 at 120, 35 Mbit/s.
        Maximum4K120 = "maximum-4k120",
    }
}

impl Preset {
    /// Output size.
    pub const fn size(self) -> Size {
        match self {
            Self::Discord720p => Size::new(1280, 720),
            Self::Stream1080p60 => Size::new(1920, 1080),
            Self::Quality1440p60 | Self::Gaming1440p120 => Size::new(2560, 1440),
            Self::Ultra4K60 | Self::Maximum4K120 => Size::new(3840, 2160),
        }
    }

    /// Pictures a second.
    pub const fn fps(self) -> u32 {
        match self {
            Self::Discord720p => 30,
            Self::Stream1080p60 | Self::Quality1440p60 | Self::Ultra4K60 => 60,
            Self::Gaming1440p120 | Self::Maximum4K120 => 120,
        }
    }

    /// Bits a second, in thousands.
    pub const fn bitrate_kbps(self) -> u32 {
        match self {
            Self::Discord720p => 3_000,
            Self::Stream1080p60 => 6_000,
            Self::Quality1440p60 => 12_000,
            Self::Gaming1440p120 => 15_000,
            Self::Ultra4K60 => 25_000,
            Self::Maximum4K120 => 35_000,
        }
    }

    /// The defaults with this preset's rate.
    pub fn capture(self) -> CaptureConfig {
        CaptureConfig::default().with_fps(self.fps())
    }

    /// The defaults with this preset's size and bitrate.
    pub fn encoder(self) -> EncoderConfig {
        let size = self.size();
        EncoderConfig::default()
            .with_resolution(size.width, size.height)
            .with_bitrate_kbps(self.bitrate_kbps())
    }
}
