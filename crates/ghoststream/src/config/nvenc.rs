//! What can be asked of NVIDIA's encoder alone.

use super::{ConfigError, words};

words! {
    /// What NVENC is tuned for.
    Tune: "tune" {
        /// High quality: recordings.
        HighQuality = "hq",
        /// Ultra-high quality: slower, HEVC and AV1 on new GPUs.
        UltraHighQuality = "uhq",
        /// Low latency: live streams.
        LowLatency = "ll",
        /// Ultra-low latency: calls, remote play.
        UltraLowLatency = "ull",
    }
}

words! {
    /// Whether rate control looks at a picture twice.
    Multipass: "multipass" {
        /// Once.
        Off = "off",
        /// First at a quarter of the resolution.
        Quarter = "quarter",
        /// First at the full resolution.
        Full = "full",
    }
}

words! {
    /// Which B-frames others may refer to.
    BReference: "b-ref" {
        /// None.
        Off = "off",
        /// The one in the middle of a row.
        Middle = "middle",
        /// Each.
        Each = "each",
    }
}

words! {
    /// Whether a picture is cut in strips that several encoders of the GPU encode at once.
    SplitEncode: "split-encode" {
        /// Where the picture rate needs it and the GPU has the encoders.
        Auto = "auto",
        /// Never.
        Off = "off",
        /// Into as many strips as the driver finds best.
        On = "on",
        /// Into two.
        Two = "2",
        /// Into three.
        Three = "3",
    }
}

/// What is asked of NVENC beyond what every encoder understands.
///
/// `None` leaves a value to the encoder preset, within what the GPU can do. What is asked for here
/// and is not possible refuses the encoder, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NvencConfig {
    /// What it is tuned for. `None` is `hq`, with low latency `ull`.
    pub tune: Option<Tune>,
    /// Whether rate control looks twice.
    pub multipass: Option<Multipass>,
    /// Spend bits where the eye sees them, within a picture.
    pub spatial_aq: Option<bool>,
    /// Spend bits where they last, across pictures.
    pub temporal_aq: Option<bool>,
    /// Which B-frames are references.
    pub b_reference: Option<BReference>,
    /// Predict fades: H.264 and HEVC without B-frames.
    pub weighted_prediction: Option<bool>,
    /// Refresh a part of each picture instead of sending key frames: only the first picture is one,
    /// so a file can be played from its start alone. H.264 and HEVC without B-frames.
    pub intra_refresh: Option<bool>,
    /// Several encoders of the GPU on one picture: HEVC and AV1.
    pub split_encode: Option<SplitEncode>,
    /// The GPU, as CUDA counts them. `None` is the first that can do what is asked.
    pub gpu: Option<u32>,
    /// Whether pictures are put into the GPU's memory by ourselves, where that can be.
    #[doc(hidden)]
    pub device_frames: bool,
}

impl Default for NvencConfig {
    fn default() -> Self {
        Self {
            tune: None,
            multipass: None,
            spatial_aq: None,
            temporal_aq: None,
            b_reference: None,
            weighted_prediction: None,
            intra_refresh: None,
            split_encode: None,
            gpu: None,
            device_frames: true,
        }
    }
}

macro_rules! setters {
    ($($(#[$meta:meta])* $setter:ident($field:ident: $ty:ty);)+) => {
        $(
            $(#[$meta])*
            #[must_use]
            pub const fn $setter(mut self, $field: $ty) -> Self {
                self.$field = Some($field);
                self
            }
        )+
    };
}

impl NvencConfig {
    setters! {
        /// What it is tuned for.
        with_tune(tune: Tune);
        /// Whether rate control looks twice.
        with_multipass(multipass: Multipass);
        /// Spend bits where the eye sees them.
        with_spatial_aq(spatial_aq: bool);
        /// Spend bits where they last.
        with_temporal_aq(temporal_aq: bool);
        /// Which B-frames are references.
        with_b_reference(b_reference: BReference);
        /// Predict fades.
        with_weighted_prediction(weighted_prediction: bool);
        /// Refresh a part of each picture instead of sending key frames.
        with_intra_refresh(intra_refresh: bool);
        /// Several encoders of the GPU on one picture.
        with_split_encode(split_encode: SplitEncode);
        /// The GPU, as CUDA counts them.
        with_gpu(gpu: u32);
    }

    /// Whether pictures are put into the GPU's memory by ourselves: for tests and benches that compare.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_device_frames(mut self, device_frames: bool) -> Self {
        self.device_frames = device_frames;
        self
    }

    /// Checks what does not depend on the GPU.
    ///
    /// # Errors
    /// The first value that contradicts another.
    pub(super) fn validate(&self, b_frames: Option<u32>, low_latency: bool) -> Result<(), ConfigError> {
        let some_b = b_frames.filter(|&count| count > 0);
        let needs_none =
            [(self.weighted_prediction, "weighted-prediction"), (self.intra_refresh, "intra-refresh")];
        for (wanted, name) in needs_none {
            if wanted == Some(true) && some_b.is_some() {
                return Err(ConfigError::new(name, true, "false, or b-frames 0"));
            }
        }
        if low_latency && let Some(tune @ (Tune::HighQuality | Tune::UltraHighQuality)) = self.tune {
            return Err(ConfigError::new("tune", tune, "ll or ull with low-latency"));
        }
        match self.b_reference {
            Some(mode @ (BReference::Middle | BReference::Each)) if low_latency || b_frames == Some(0) => {
                Err(ConfigError::new("b-ref", mode, "off without B-frames"))
            }
            Some(BReference::Middle) if b_frames == Some(1) => {
                Err(ConfigError::new("b-ref", BReference::Middle, "off or each with a single B-frame"))
            }
            _ if self.gpu.is_some_and(|gpu| gpu > 63) => {
                Err(ConfigError::new("gpu", self.gpu.unwrap_or(0), "0 to 63"))
            }
            _ => Ok(()),
        }
    }
}
