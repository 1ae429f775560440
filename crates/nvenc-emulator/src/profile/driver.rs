//! Driver generations.

use std::fmt;

use serde::Deserialize;

/// A version of the NVENC API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(from = "(u32, u32)")]
pub struct ApiVersion {
    /// Before the point.
    pub major: u32,
    /// After it.
    pub minor: u32,
}

impl ApiVersion {
    /// `major.minor`.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// As `NvEncodeAPIGetMaxSupportedVersion` reports it.
    pub const fn reported(self) -> u32 {
        self.major << 4 | self.minor
    }
}

impl From<(u32, u32)> for ApiVersion {
    fn from((major, minor): (u32, u32)) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A generation of drivers: what those of one branch have in common.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Driver {
    /// The branch, such as 570.
    pub branch: u32,
    /// One driver of it.
    pub version: String,
    /// The newest NVENC API that it speaks.
    pub nvenc: ApiVersion,
    /// The newest CUDA that it speaks, major and minor.
    pub cuda: (u32, u32),
    /// Encoding sessions at once on a GeForce, over all processes.
    pub geforce_sessions: u32,
    /// Where this is known from.
    pub source: Vec<String>,
}
