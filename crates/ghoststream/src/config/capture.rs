//! What to capture.

use std::time::Duration;

use super::{ConfigError, words};
use crate::{Rect, Size};

words! {
    /// What becomes of the mouse pointer.
    CursorMode: "cursor" {
        /// It is not in the picture.
        Hidden = "hidden",
        /// The compositor draws it into the picture.
        Embedded = "embedded",
        /// The compositor sends it beside the picture and GhostStream draws it.
        Metadata = "metadata",
    }
}

/// Where pictures come from.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CaptureSource {
    /// The ScreenCast portal: the user picks, or a remembered choice is restored.
    #[default]
    Portal,
    /// A moving picture with a machine-readable frame number and time.
    TestCard,
    /// The same, drawn into a GPU's memory and lent from there, as a compositor lends its pictures. For trying
    /// what becomes of such pictures without a desktop: it needs processing on a GPU.
    GpuTestCard,
    /// A PipeWire node by its object id, serial or `node.name`, taken without the portal.
    Node(String),
}

impl CaptureSource {
    /// Whether it is the test card, wherever that is drawn.
    pub const fn is_test_card(&self) -> bool {
        matches!(self, Self::TestCard | Self::GpuTestCard)
    }
}

impl std::str::FromStr for CaptureSource {
    type Err = ConfigError;
    fn from_str(word: &str) -> Result<Self, ConfigError> {
        match word {
            "portal" => Ok(Self::Portal),
            "test-card" => Ok(Self::TestCard),
            "test-card:gpu" => Ok(Self::GpuTestCard),
            _ => match word.strip_prefix("node:") {
                Some(id) if !id.is_empty() => Ok(Self::Node(id.to_owned())),
                _ => Err(ConfigError::new("source", word, "portal, test-card, test-card:gpu or node:ID")),
            },
        }
    }
}

impl std::fmt::Display for CaptureSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Portal => f.write_str("portal"),
            Self::TestCard => f.write_str("test-card"),
            Self::GpuTestCard => f.write_str("test-card:gpu"),
            Self::Node(id) => write!(f, "node:{id}"),
        }
    }
}

/// What the portal's dialog offers. At least one must be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct SourceKinds {
    pub monitor: bool,
    pub window: bool,
    /// A monitor that exists only for this session.
    pub virtual_monitor: bool,
}

impl Default for SourceKinds {
    fn default() -> Self {
        Self { monitor: true, window: true, virtual_monitor: false }
    }
}

impl SourceKinds {
    /// These kinds.
    pub const fn new(monitor: bool, window: bool, virtual_monitor: bool) -> Self {
        Self { monitor, window, virtual_monitor }
    }
}

/// What to capture and how.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CaptureConfig {
    /// Where pictures come from.
    pub source: CaptureSource,
    /// Pictures a second, 1 to 240. May be a fraction, such as 59.94.
    pub fps: f64,
    /// The mouse pointer.
    pub cursor: CursorMode,
    /// What the portal's dialog offers.
    pub kinds: SourceKinds,
    /// Whether the dialog lets the user pick several sources; renditions choose among them.
    pub multiple: bool,
    /// The part of the picture to take, in pixels of the upright picture. `None` is all of it.
    pub region: Option<Rect>,
    /// Whether to ask for the HDR picture of a desktop in HDR, which else maps it to SDR itself. Set where
    /// a rendition keeps HDR.
    pub hdr: bool,
    /// The size of the test card. `None` is 1920x1080.
    pub test_card_size: Option<Size>,
    /// Under which name the portal's restore token is kept. `None` keeps none and always asks.
    pub restore_profile: Option<String>,
    /// Whether to look for the source again when it vanishes.
    pub resume: bool,
    /// How long `start` waits for the first picture once the user has answered the dialog.
    pub first_frame_timeout: Duration,
    /// How long the user has to answer the dialog.
    pub dialog_timeout: Duration,
}

impl Default for CaptureConfig {
    fn default() -> Self {
        Self {
            source: CaptureSource::Portal,
            fps: 60.0,
            cursor: CursorMode::Embedded,
            kinds: SourceKinds::default(),
            multiple: false,
            region: None,
            hdr: false,
            test_card_size: None,
            restore_profile: Some("default".to_owned()),
            resume: false,
            first_frame_timeout: Duration::from_secs(5),
            dialog_timeout: Duration::from_secs(120),
        }
    }
}

impl CaptureConfig {
    /// Where pictures come from.
    #[must_use]
    pub fn with_source(mut self, source: CaptureSource) -> Self {
        self.source = source;
        self
    }

    /// Pictures a second, 1 to 240.
    #[must_use]
    pub fn with_fps(mut self, fps: impl Into<f64>) -> Self {
        self.fps = fps.into();
        self
    }

    /// Whether the pointer is in the picture; see also [`CaptureConfig::with_cursor`].
    #[must_use]
    pub fn with_show_cursor(self, show: bool) -> Self {
        self.with_cursor(if show { CursorMode::Embedded } else { CursorMode::Hidden })
    }

    /// What becomes of the pointer.
    #[must_use]
    pub fn with_cursor(mut self, cursor: CursorMode) -> Self {
        self.cursor = cursor;
        self
    }

    /// What the portal's dialog offers.
    #[must_use]
    pub fn with_kinds(mut self, kinds: SourceKinds) -> Self {
        self.kinds = kinds;
        self
    }

    /// Whether the dialog lets the user pick several sources.
    #[must_use]
    pub fn with_multiple(mut self, multiple: bool) -> Self {
        self.multiple = multiple;
        self
    }

    /// The part of the upright picture to take, in pixels.
    #[must_use]
    pub fn with_region(mut self, region: Rect) -> Self {
        self.region = Some(region);
        self
    }

    /// Whether to ask for the HDR picture of a desktop in HDR.
    #[must_use]
    pub fn with_hdr(mut self, hdr: bool) -> Self {
        self.hdr = hdr;
        self
    }

    /// The size of the test card.
    #[must_use]
    pub fn with_test_card_size(mut self, width: u32, height: u32) -> Self {
        self.test_card_size = Some(Size::new(width, height));
        self
    }

    /// Under which name the restore token is kept; `None` always asks.
    #[must_use]
    pub fn with_restore_profile(mut self, profile: Option<String>) -> Self {
        self.restore_profile = profile;
        self
    }

    /// Whether to look for the source again when it vanishes.
    #[must_use]
    pub fn with_resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// How long `start` waits for the first picture.
    #[must_use]
    pub fn with_first_frame_timeout(mut self, timeout: Duration) -> Self {
        self.first_frame_timeout = timeout;
        self
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if !(1.0..=240.0).contains(&self.fps) {
            return Err(ConfigError::new("fps", self.fps, "1 to 240"));
        }
        if let Some(region) = self.region
            && region.is_empty()
        {
            let value = format!("{},{},{}", region.x, region.y, region.size());
            return Err(ConfigError::new("region", value, "a width and a height of at least 1"));
        }
        if let Some(size) = self.test_card_size {
            super::encoder::check_size("size", size)?;
        }
        let kinds = self.kinds;
        if !(kinds.monitor || kinds.window || kinds.virtual_monitor) {
            return Err(ConfigError::new("kinds", "none", "at least one of monitor, window, virtual"));
        }
        Ok(())
    }
}
