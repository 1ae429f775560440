//! Which sound to record.

use super::{ConfigError, words};

words! {
    /// An audio codec.
    AudioCodec: "audio-codec" {
        /// MPEG-4 AAC-LC.
        Aac = "aac",
        /// Opus, RFC 6716.
        Opus = "opus",
        /// FLAC, lossless.
        Flac = "flac",
    }
}

/// Where sound comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AudioSource {
    /// What the default sink plays.
    Desktop,
    /// The default source.
    Microphone,
    /// What one application plays, by its `application.name`, `application.process.binary` or
    /// `node.name`.
    Application(String),
    /// A PipeWire node by object id, serial or `node.name`; a sink's monitor when it is a sink.
    Node(String),
    /// The test card's beep at each of its flashes.
    TestCard,
}

impl std::str::FromStr for AudioSource {
    type Err = ConfigError;
    fn from_str(word: &str) -> Result<Self, ConfigError> {
        let named = |prefix| word.strip_prefix(prefix).filter(|it: &&str| !it.is_empty());
        match word {
            "desktop" => Ok(Self::Desktop),
            "mic" => Ok(Self::Microphone),
            "test-card" => Ok(Self::TestCard),
            _ => named("app:")
                .map(|it| Self::Application(it.to_owned()))
                .or_else(|| named("node:").map(|it| Self::Node(it.to_owned())))
                .ok_or_else(|| {
                    ConfigError::new("audio", word, "desktop, mic, app:NAME, node:ID, test-card or none")
                }),
        }
    }
}

impl std::fmt::Display for AudioSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Desktop => f.write_str("desktop"),
            Self::Microphone => f.write_str("mic"),
            Self::Application(name) => write!(f, "app:{name}"),
            Self::Node(id) => write!(f, "node:{id}"),
            Self::TestCard => f.write_str("test-card"),
        }
    }
}

/// A PipeWire node id, as other crates hand it out.
impl From<u32> for AudioSource {
    fn from(id: u32) -> Self {
        Self::Node(id.to_string())
    }
}

/// A PipeWire node by name.
impl From<&str> for AudioSource {
    fn from(name: &str) -> Self {
        Self::Node(name.to_owned())
    }
}

/// A PipeWire node by name.
impl From<String> for AudioSource {
    fn from(name: String) -> Self {
        Self::Node(name)
    }
}

/// One audio track.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioConfig {
    /// Where it comes from.
    pub source: AudioSource,
    /// The codec. `None` is Opus in MKV and WebM, AAC in MP4.
    pub codec: Option<AudioCodec>,
    /// Bits a second, in thousands, 6 to 512. `None` is 160. Nothing for FLAC.
    pub bitrate_kbps: Option<u32>,
    /// The track's title. `None` is the source's name.
    pub title: Option<String>,
    /// The track's language, ISO 639-2. `None` leaves it undetermined.
    pub language: Option<String>,
}

impl AudioConfig {
    /// A track of this source.
    pub fn new(source: impl Into<AudioSource>) -> Self {
        Self { source: source.into(), codec: None, bitrate_kbps: None, title: None, language: None }
    }

    /// The codec.
    #[must_use]
    pub fn with_codec(mut self, codec: AudioCodec) -> Self {
        self.codec = Some(codec);
        self
    }

    /// Bits a second, in thousands.
    #[must_use]
    pub fn with_bitrate_kbps(mut self, kbps: u32) -> Self {
        self.bitrate_kbps = Some(kbps);
        self
    }

    /// The track's title.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// The track's language, three letters of ISO 639-2.
    #[must_use]
    pub fn with_language(mut self, language: impl Into<String>) -> Self {
        self.language = Some(language.into());
        self
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if let Some(kbps) = self.bitrate_kbps
            && !(6..=512).contains(&kbps)
        {
            return Err(ConfigError::new("audio-bitrate", kbps, "6 to 512"));
        }
        if let Some(language) = &self.language
            && !(language.len() == 3 && language.bytes().all(|b| b.is_ascii_lowercase()))
        {
            return Err(ConfigError::new("language", language, "three lower-case letters of ISO 639-2"));
        }
        Ok(())
    }
}
