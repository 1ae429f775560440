//! Faults on demand.
//!
//! ```text
//! fault  = kind [":" milliseconds] ["@" first ["-" [last]]]
//! faults = fault { ("," | white space) fault }        "#" begins a comment in a file
//! ```
//!
//! Numbers count from 1, and from the moment at which the fault was asked for: the start of the process, or
//! the change of the file.

mod injector;
mod parse;

pub use injector::{Faults, Loss, PictureFault};
pub use parse::BadFault;

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// `session-limit`: sessions are refused, from the first opening of the span on, as when other
    /// processes have taken all of them.
    SessionLimit,
    /// `driver-too-old`: the driver speaks an NVENC API older than any client's.
    DriverTooOld,
    /// `device-lost@N`: the GPU is gone from the N-th picture on, for good.
    DeviceLost,
    /// `driver-reset@N`: everything that exists at the N-th picture is lost with it; what is made anew
    /// works.
    DriverReset,
    /// `encode-error@N`: the N-th picture fails, and only it.
    EncodeError,
    /// `slow:MS`: each picture of the span takes that many milliseconds more.
    Slow,
    /// `out-of-memory@N`: the N-th allocation fails, and only it; without a number, all of them.
    OutOfMemory,
    /// `no-libcuda`: `libcuda.so.1` is missing.
    NoLibcuda,
    /// `no-libnvidia-encode`: `libnvidia-encode.so.1` is missing.
    NoLibnvidiaEncode,
    /// `hang`: initialising never returns.
    Hang,
    /// `crash`: initialising ends the process by a segmentation fault.
    Crash,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::SessionLimit,
        Self::DriverTooOld,
        Self::DeviceLost,
        Self::DriverReset,
        Self::EncodeError,
        Self::Slow,
        Self::OutOfMemory,
        Self::NoLibcuda,
        Self::NoLibnvidiaEncode,
        Self::Hang,
        Self::Crash,
    ];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::SessionLimit => "session-limit",
            Self::DriverTooOld => "driver-too-old",
            Self::DeviceLost => "device-lost",
            Self::DriverReset => "driver-reset",
            Self::EncodeError => "encode-error",
            Self::Slow => "slow",
            Self::OutOfMemory => "out-of-memory",
            Self::NoLibcuda => "no-libcuda",
            Self::NoLibnvidiaEncode => "no-libnvidia-encode",
            Self::Hang => "hang",
            Self::Crash => "crash",
        }
    }

    /// What its numbers count; nothing where it takes none.
    const fn counts(self) -> Option<&'static str> {
        match self {
            Self::SessionLimit => Some("sessions"),
            Self::DeviceLost | Self::DriverReset | Self::EncodeError | Self::Slow => Some("pictures"),
            Self::OutOfMemory => Some("allocations"),
            _ => None,
        }
    }

    /// Whether `@N` is the N-th alone, and not all from it on.
    const fn is_single(self) -> bool {
        matches!(self, Self::EncodeError | Self::OutOfMemory | Self::DriverReset)
    }
}

/// From which to which time something is done, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first, counted from 1.
    pub first: u64,
    /// The last.
    pub last: u64,
}

impl Span {
    /// Always.
    pub const ALL: Self = Self { first: 1, last: u64::MAX };

    /// Whether the `n`-th is in it.
    pub const fn contains(self, n: u64) -> bool {
        self.first <= n && n <= self.last
    }
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What fails.
    pub kind: Kind,
    /// When.
    pub span: Span,
    /// By how much: milliseconds of [`Kind::Slow`], 0 for the others.
    pub milliseconds: u64,
}
