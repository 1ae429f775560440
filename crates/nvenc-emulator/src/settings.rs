//! The environment variables, all of which begin with `NVENC_EMULATOR_`.

use std::env::VarError;
use std::ffi::OsString;
use std::path::PathBuf;

/// What can be said by environment variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `NVENC_EMULATOR_GPU`: a profile, such as `rtx-3060`, which is also the default.
    pub gpu: String,
    /// `NVENC_EMULATOR_UUID`: 32 hexadecimal digits, so that the GPU is taken for another interface's;
    /// without it each profile has its own.
    pub uuid: Option<[u8; 16]>,
    /// `NVENC_EMULATOR_DRIVER`: a driver generation, by default 570.
    pub driver: u32,
    /// `NVENC_EMULATOR_TRACE`: a file to which every call is appended as a line of JSON.
    pub trace: Option<PathBuf>,
    /// `NVENC_EMULATOR_FAULTS`: what fails, such as `session-limit,slow:40@100-200`.
    pub faults: Option<String>,
    /// `NVENC_EMULATOR_FAULTS_FILE`: a file with the same, read again whenever it changes. It may be made
    /// later.
    pub faults_file: Option<PathBuf>,
    /// `NVENC_EMULATOR_EXACT=1`: every picture is coded exactly, whatever rate was asked for.
    pub exact: bool,
    /// `NVENC_EMULATOR_SESSIONS`: a directory in which the sessions of all processes are counted together.
    /// Without it a process counts its own only.
    pub sessions: Option<PathBuf>,
    /// `NVENC_EMULATOR_LATENCY=1`: pictures take as long as they do on the GPU of the profile.
    pub latency: bool,
    /// `NVENC_EMULATOR_UNREAD=1`: pictures are taken and their pixels let be. What comes out is a grey picture, coded
    /// when the encoder is initialised, and then filler, which no decoder shows. To measure a hand-over that is
    /// faster than this emulator encodes.
    pub unread: bool,
    /// `NVENC_EMULATOR_REAL_CUDA=1`: only the encoder is emulated, over this machine's own `libcuda`.
    /// Read by what installs the libraries.
    pub real_cuda: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            gpu: "rtx-3060".into(),
            uuid: None,
            driver: 570,
            trace: None,
            faults: None,
            faults_file: None,
            exact: false,
            sessions: None,
            latency: false,
            unread: false,
            real_cuda: false,
        }
    }
}

/// A variable's value means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}={value:?} is not {expected}")]
pub struct BadSetting {
    /// The variable.
    pub variable: &'static str,
    /// What it holds.
    pub value: String,
    /// What it may hold.
    pub expected: &'static str,
}

impl Settings {
    /// Reads this process's environment.
    ///
    /// # Errors
    /// A variable's value means nothing.
    pub fn from_env() -> Result<Self, BadSetting> {
        Self::read(std::env::var)
    }

    fn read(variable: impl Fn(&'static str) -> Result<String, VarError>) -> Result<Self, BadSetting> {
        let text = |name: &'static str| match variable(name) {
            Ok(value) if value.is_empty() => Ok(None),
            Ok(value) => Ok(Some(value)),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(value)) => Err(BadSetting {
                variable: name,
                value: value.to_string_lossy().into_owned(),
                expected: "valid UTF-8",
            }),
        };
        let flag = |name: &'static str| match text(name)?.as_deref() {
            None | Some("0") => Ok(false),
            Some("1") => Ok(true),
            Some(value) => Err(BadSetting { variable: name, value: value.into(), expected: "0 or 1" }),
        };
        let default = Self::default();
        let driver = match text("NVENC_EMULATOR_DRIVER")? {
            None => default.driver,
            Some(value) => value.parse().map_err(|_| BadSetting {
                variable: "NVENC_EMULATOR_DRIVER",
                value: value.clone(),
                expected: "a driver generation such as 570",
            })?,
        };
        let uuid = match text("NVENC_EMULATOR_UUID")? {
            None => None,
            Some(value) => Some(read_uuid(&value).ok_or(BadSetting {
                variable: "NVENC_EMULATOR_UUID",
                value,
                expected: "32 hexadecimal digits",
            })?),
        };
        Ok(Self {
            uuid,
            gpu: text("NVENC_EMULATOR_GPU")?.unwrap_or(default.gpu),
            driver,
            trace: text("NVENC_EMULATOR_TRACE")?.map(PathBuf::from),
            faults: text("NVENC_EMULATOR_FAULTS")?,
            faults_file: text("NVENC_EMULATOR_FAULTS_FILE")?.map(PathBuf::from),
            exact: flag("NVENC_EMULATOR_EXACT")?,
            sessions: text("NVENC_EMULATOR_SESSIONS")?.map(PathBuf::from),
            latency: flag("NVENC_EMULATOR_LATENCY")?,
            unread: flag("NVENC_EMULATOR_UNREAD")?,
            real_cuda: flag("NVENC_EMULATOR_REAL_CUDA")?,
        })
    }

    /// The variables that say this, all of them: what is not asked for is empty, so that nothing is
    /// inherited.
    pub fn variables(&self) -> [(&'static str, OsString); 11] {
        let path = |path: &Option<PathBuf>| path.clone().map(OsString::from).unwrap_or_default();
        let flag = |on: bool| OsString::from(if on { "1" } else { "0" });
        [
            ("NVENC_EMULATOR_GPU", self.gpu.clone().into()),
            (
                "NVENC_EMULATOR_UUID",
                self.uuid.map(|it| format!("{:032x}", u128::from_be_bytes(it))).unwrap_or_default().into(),
            ),
            ("NVENC_EMULATOR_DRIVER", self.driver.to_string().into()),
            ("NVENC_EMULATOR_TRACE", path(&self.trace)),
            ("NVENC_EMULATOR_FAULTS", self.faults.clone().unwrap_or_default().into()),
            ("NVENC_EMULATOR_FAULTS_FILE", path(&self.faults_file)),
            ("NVENC_EMULATOR_EXACT", flag(self.exact)),
            ("NVENC_EMULATOR_SESSIONS", path(&self.sessions)),
            ("NVENC_EMULATOR_LATENCY", flag(self.latency)),
            ("NVENC_EMULATOR_UNREAD", flag(self.unread)),
            ("NVENC_EMULATOR_REAL_CUDA", flag(self.real_cuda)),
        ]
    }
}

fn read_uuid(digits: &str) -> Option<[u8; 16]> {
    let well_formed = digits.len() == 32 && digits.bytes().all(|it| it.is_ascii_hexdigit());
    well_formed.then(|| u128::from_str_radix(digits, 16).ok().map(u128::to_be_bytes))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, BadSetting> {
        Settings::read(|name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
                .ok_or(VarError::NotPresent)
        })
    }

    #[test]
    fn what_is_written_is_read_back() {
        let settings = Settings {
            gpu: "rtx-4090".into(),
            uuid: Some([7; 16]),
            driver: 545,
            trace: Some("/t".into()),
            faults: Some("hang".into()),
            faults_file: Some("/f".into()),
            exact: true,
            sessions: Some("/s".into()),
            latency: true,
            unread: true,
            real_cuda: true,
        };
        for settings in [settings, Settings::default()] {
            let variables = settings.variables();
            let variables: Vec<_> =
                variables.iter().map(|(name, value)| (*name, value.to_str().unwrap())).collect();
            assert_eq!(read(&variables).unwrap(), settings);
        }
        assert_eq!(read(&[]).unwrap(), Settings::default());
    }

    #[test]
    fn nonsense_is_refused_with_what_is_expected() {
        let error = read(&[("NVENC_EMULATOR_EXACT", "yes")]).unwrap_err();
        assert_eq!(error.to_string(), "NVENC_EMULATOR_EXACT=\"yes\" is not 0 or 1");
        assert!(read(&[("NVENC_EMULATOR_DRIVER", "new")]).is_err());
        assert!(read(&[("NVENC_EMULATOR_UUID", "+0000000000000000000000000000001")]).is_err());
    }
}
