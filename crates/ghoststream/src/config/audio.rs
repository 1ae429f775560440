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
    /// The sum of other tracks, by their numbers from 0; of all others that are no mixes themselves where none is
    /// named. They are added at their own levels; where the sum would be too loud it is turned down, smoothly, to
    /// at most -1 dBFS, and it never clips.
    Mix(Vec<usize>),
}

impl std::str::FromStr for AudioSource {
    type Err = ConfigError;
    fn from_str(word: &str) -> Result<Self, ConfigError> {
        let named = |prefix| word.strip_prefix(prefix).filter(|it: &&str| !it.is_empty());
        match word {
            "desktop" => Ok(Self::Desktop),
            "mic" => Ok(Self::Microphone),
            "test-card" => Ok(Self::TestCard),
            "mix" => Ok(Self::Mix(Vec::new())),
            _ => named("app:")
                .map(|it| Self::Application(it.to_owned()))
                .or_else(|| named("node:").map(|it| Self::Node(it.to_owned())))
                .or_else(|| named("mix:").and_then(numbers).map(Self::Mix))
                .ok_or_else(|| {
                    let allowed = "desktop, mic, app:NAME, node:ID, mix, mix:0,1 (tracks), test-card or none";
                    ConfigError::new("audio", word, allowed)
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
            Self::Mix(tracks) if tracks.is_empty() => f.write_str("mix"),
            Self::Mix(tracks) => {
                let tracks: Vec<String> = tracks.iter().map(ToString::to_string).collect();
                write!(f, "mix:{}", tracks.join(","))
            }
        }
    }
}

/// Numbers with commas between them.
fn numbers(list: &str) -> Option<Vec<usize>> {
    list.split(',').map(|it| it.trim().parse().ok()).collect()
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

    /// The tracks among `all` that it adds up; none where it is no mix.
    pub(crate) fn mixes(&self, all: &[Self]) -> Vec<usize> {
        let is_mix =
            |it: &usize| matches!(all.get(*it).map(|it| &it.source), Some(AudioSource::Mix(_)) | None);
        match &self.source {
            AudioSource::Mix(tracks) if tracks.is_empty() => {
                (0..all.len()).filter(|it| !is_mix(it)).collect()
            }
            AudioSource::Mix(tracks) => tracks.iter().copied().filter(|it| !is_mix(it)).collect(),
            _ => Vec::new(),
        }
    }

    /// Checks a mix against the tracks that there are.
    pub(crate) fn validate_among(&self, all: &[Self]) -> Result<(), ConfigError> {
        self.validate()?;
        let AudioSource::Mix(tracks) = &self.source else { return Ok(()) };
        let mixed = self.mixes(all);
        let twice = tracks.iter().enumerate().any(|(at, it)| tracks[..at].contains(it));
        if mixed.is_empty() || twice || (!tracks.is_empty() && mixed.len() != tracks.len()) {
            let allowed = "a mix of other tracks that there are and that are no mixes, each once";
            return Err(ConfigError::new("audio", &self.source, allowed));
        }
        Ok(())
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
