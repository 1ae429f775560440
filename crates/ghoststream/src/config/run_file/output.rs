//! One `[output.NAME]` table, from a file or from a control message.

use std::path::{Path, PathBuf};

use super::named::{Named, Names};
use super::secret;
use crate::config::query::{is_srt, with_option};
use crate::config::setting::{Given, Refused, Setting};
use crate::config::settings::Unfit;
use crate::config::{Adaptation, ByteSize, ConfigError, Container};
use crate::{Output, OutputConfig, ReplayOptions, Service};

macro_rules! table {
    ($($(#[$meta:meta])* $key:ident $word:literal: $ty:ty),+ $(,)?) => {
        /// What a table says, each value optional.
        #[derive(Clone, Default)]
        pub(super) struct OutputTable {
            $($(#[$meta])* $key: Option<$ty>),+
        }

        impl OutputTable {
            /// Every key.
            pub(super) const KEYS: &'static [&'static str] = &[$(stringify!($key)),+];

            pub(super) fn put(&mut self, key: &str, given: &Given<'_>) -> Result<(), Unfit> {
                match key {
                    $(stringify!($key) => {
                        let value = <$ty>::read(given).map_err(|it| Unfit::new($word, it))?;
                        self.$key = Some(value);
                    })+
                    _ => return Err(Unfit::Unknown),
                }
                Ok(self.check_values()?)
            }
        }
    };
}

table! {
    file "file": String,
    url "url": String,
    camera "camera": String,
    /// In seconds.
    replay "replay": u32,
    directory "directory": String,
    container "container": Container,
    overwrite "overwrite": bool,
    max_size "max-size": ByteSize,
    disk_dir "disk-dir": String,
    disk_size "disk-size": ByteSize,
    v4l2 "v4l2": String,
    dmabuf "dmabuf": bool,
    key_file "key-file": String,
    key_env "key-env": String,
    mode "mode": String,
    /// In milliseconds.
    latency "latency": u32,
    stream_id "stream-id": String,
    adapt "adapt": bool,
    /// In kbit/s.
    bitrate_floor "bitrate-floor": u32,
    /// In kbit/s.
    half_rate_below "half-rate-below": u32,
    rendition "rendition": Named,
    audio "audio": Vec<Named>,
}

impl OutputTable {
    /// Whether an error may repeat the key's value.
    pub(super) fn is_secret(key: &str) -> bool {
        matches!(key, "url" | "stream_id")
    }

    /// Whether what is said can be, whatever kind of output it is.
    fn check_values(&self) -> Result<(), ConfigError> {
        const MODES: [&str; 3] = ["caller", "listener", "rendezvous"];
        if let Some(mode) = self.mode.as_ref().filter(|it| !MODES.contains(&it.as_str())) {
            return Err(ConfigError::new("mode", mode, MODES.join(", ")));
        }
        if let Some(latency) = self.latency.filter(|it| *it > 30_000) {
            return Err(ConfigError::new("latency", latency, "0 to 30000 milliseconds"));
        }
        self.adaptation(Adaptation::default()).validate()
    }

    /// Whether it is a live server's, which wants another rate control than a file.
    pub(super) fn is_live(&self) -> bool {
        self.url.is_some()
    }

    /// The bitrate that the service behind the URL, where it is a known one, is usually sent.
    pub(super) fn usual_kbps(&self) -> Option<u32> {
        Some(Service::of_url(self.url.as_ref()?)?.usual_kbps)
    }

    /// The rendition that it takes.
    pub(super) fn rendition(&self, names: &Names) -> Result<usize, ConfigError> {
        self.rendition.as_ref().map_or(Ok(0), |it| it.number("rendition", &names.renditions))
    }

    /// The output. Relative paths are relative to `directory`.
    pub(super) fn config(&self, names: &Names, directory: &Path) -> Result<OutputConfig, ConfigError> {
        let mut config = OutputConfig::new(self.output(directory)?)
            .with_rendition(self.rendition(names)?)
            .with_overwrite(self.overwrite.unwrap_or(false));
        config.replay = self.replay_options(directory);
        config.v4l2 = self.v4l2.as_ref().map(PathBuf::from);
        config.dmabuf = self.dmabuf.unwrap_or(false);
        if let Some(audio) = &self.audio {
            let tracks = audio.iter().map(|it| it.number("audio", &names.audio));
            config = config.with_audio_tracks(tracks.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(config)
    }

    /// How it follows its path: as the table says, else as it is said for all.
    pub(super) fn adaptation(&self, of_all: Adaptation) -> Adaptation {
        Adaptation {
            follows: self.adapt.unwrap_or(of_all.follows),
            floor_kbps: self.bitrate_floor.or(of_all.floor_kbps),
            half_rate_below_kbps: self.half_rate_below.or(of_all.half_rate_below_kbps),
        }
    }

    fn replay_options(&self, directory: &Path) -> ReplayOptions {
        let mut options = ReplayOptions::new();
        if let (Some(_), Some(container)) = (self.replay, self.container) {
            options.container = container;
        }
        options.max_bytes = self.max_size.map(|it| it.0);
        if let (Some(disk), Some(size)) = (&self.disk_dir, self.disk_size) {
            options = options.with_disk(resolved(disk, directory), size.0);
        }
        options
    }

    fn output(&self, directory: &Path) -> Result<Output, ConfigError> {
        let kinds = [
            ("file", self.file.is_some()),
            ("url", self.url.is_some()),
            ("camera", self.camera.is_some()),
            ("replay", self.replay.is_some()),
        ];
        let said: Vec<_> = kinds.iter().filter(|it| it.1).map(|it| it.0).collect();
        let [kind] = said[..] else {
            let value = if said.is_empty() { "none of them".to_owned() } else { said.join(" and ") };
            return Err(ConfigError::new("output", value, "exactly one of file, url, camera and replay"));
        };
        self.fits(kind)?;
        match self {
            Self { file: Some(file), .. } => self.file(resolved(file, directory)),
            Self { url: Some(url), .. } => self.live(url, directory),
            Self { camera: Some(name), .. } => Ok(Output::VirtualCamera { name: name.clone() }),
            Self { replay, .. } => {
                let to = self.directory.as_ref().ok_or_else(|| {
                    ConfigError::new("directory", "nothing", "where the replay's clips are saved")
                })?;
                Ok(Output::Replay { seconds: replay.unwrap_or_default(), directory: resolved(to, directory) })
            }
        }
    }

    /// Whether all that was said is of this kind of output.
    fn fits(&self, kind: &str) -> Result<(), ConfigError> {
        let wrong = |name, of: &str| Err(ConfigError::new(name, "set", format!("with {of} alone")));
        let without =
            |name, other: &str| Err(ConfigError::new(name, "set", format!("together with {other}")));
        let of_kinds: [(&'static str, bool, &[&str]); 16] = [
            ("container", self.container.is_some(), &["file", "replay"]),
            ("overwrite", self.overwrite.is_some(), &["file"]),
            ("directory", self.directory.is_some(), &["replay"]),
            ("max-size", self.max_size.is_some(), &["replay"]),
            ("disk-dir", self.disk_dir.is_some(), &["replay"]),
            ("disk-size", self.disk_size.is_some(), &["replay"]),
            ("v4l2", self.v4l2.is_some(), &["camera"]),
            ("dmabuf", self.dmabuf.is_some(), &["camera"]),
            ("key-file", self.key_file.is_some(), &["url"]),
            ("key-env", self.key_env.is_some(), &["url"]),
            ("adapt", self.adapt.is_some(), &["url"]),
            ("bitrate-floor", self.bitrate_floor.is_some(), &["url"]),
            ("half-rate-below", self.half_rate_below.is_some(), &["url"]),
            ("mode", self.mode.is_some(), &["url"]),
            ("latency", self.latency.is_some(), &["url"]),
            ("stream-id", self.stream_id.is_some(), &["url"]),
        ];
        if let Some((name, _, kinds)) = of_kinds.iter().find(|it| it.1 && !it.2.contains(&kind)) {
            return wrong(*name, &kinds.join(" and "));
        }
        if self.key_file.is_some() && self.key_env.is_some() {
            return wrong("key-file", "url, and without key_env");
        }
        match (&self.disk_dir, self.disk_size) {
            (Some(_), None) => without("disk-dir", "disk_size, which says how much it may take"),
            (None, Some(_)) => without("disk-size", "disk_dir, which says where"),
            _ => Ok(()),
        }
    }

    fn file(&self, path: PathBuf) -> Result<Output, ConfigError> {
        let container = self.container.or_else(|| Container::from_extension(&path)).ok_or_else(|| {
            ConfigError::new(
                "file",
                path.display(),
                "a name that ends in .mkv, .mp4 or .webm, or a container",
            )
        })?;
        Ok(Output::File { path, container })
    }

    fn live(&self, url: &str, directory: &Path) -> Result<Output, ConfigError> {
        let key = match (&self.key_file, &self.key_env) {
            (Some(path), _) => Some(secret::from_file(&resolved(path, directory))?),
            (None, Some(name)) => Some(secret::from_env(name)?),
            (None, None) => None,
        };
        Output::live(&self.with_srt_options(url)?, key.as_deref())
    }

    /// The URL with those options of SRT that have keys of their own.
    fn with_srt_options(&self, url: &str) -> Result<String, ConfigError> {
        let said = [
            ("mode", "mode", self.mode.clone()),
            ("latency", "latency", self.latency.map(|it| it.to_string())),
            ("stream-id", "streamid", self.stream_id.clone()),
        ];
        let mut url = url.to_owned();
        for (key, option, value) in said.into_iter().filter_map(|(key, option, it)| Some((key, option, it?)))
        {
            if !is_srt(&url) {
                return Err(ConfigError::new(key, "set", "with an SRT URL alone"));
            }
            url = with_option(&url, option, &value);
        }
        Ok(url)
    }

    /// Of the file that holds a key, what to tell where others can read it.
    pub(super) fn warning(&self, directory: &Path) -> Option<String> {
        secret::warning(&resolved(self.key_file.as_ref()?, directory))
    }
}

/// A path as a user writes it.
fn resolved(path: &str, directory: &Path) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => directory.join(path),
    }
}

impl Setting for String {
    fn read(given: &Given<'_>) -> Result<Self, Refused> {
        match given {
            Given::Typed(text) | Given::Text(text) if text.contains('\0') => {
                Err(Refused::Value("text without a NUL".to_owned()))
            }
            Given::Typed(text) | Given::Text(text) => Ok((*text).to_owned()),
            _ => Err(Refused::Type("text")),
        }
    }
}
