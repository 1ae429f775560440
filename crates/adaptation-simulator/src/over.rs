//! What a stream goes over, and who decides about its bitrate.

use ghoststream_adaptation::Limits;

use crate::belacoder::Belacoder;
use crate::link::Link;
use crate::obs::Obs;
use crate::policy::{Ours, Policy};
use crate::run::{Outcome, Terms, run};
use crate::srt::Srt;
use crate::tcp::Tcp;
use crate::transport::Transport;

/// What a stream goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// TCP, beside OBS. A picture is late after three seconds.
    Rtmp,
    /// SRT with a latency of one second, beside belacoder.
    Srt,
}

impl Over {
    /// The bitrate to begin with, and the most.
    pub const CEILING: u32 = 6000;
    /// Milliseconds from a picture being made to it being shown.
    pub const LATENCY: u64 = 1000;

    /// How it is called in the results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rtmp => "RTMP",
            Self::Srt => "SRT",
        }
    }

    /// Whose model is compared.
    pub const fn other(self) -> &'static str {
        match self {
            Self::Rtmp => "OBS",
            Self::Srt => "belacoder",
        }
    }

    /// Milliseconds after which a picture is late.
    pub const fn deadline(self, link: &Link) -> u64 {
        match self {
            Self::Rtmp => 3000,
            Self::Srt => Self::LATENCY + link.one_way,
        }
    }

    /// One stream with a policy.
    pub fn stream(self, link: &Link, policy: &mut dyn Policy, seed: u64) -> Outcome {
        let ours = policy.patience().is_some();
        let connect = |number: u64| -> Box<dyn Transport> {
            let seed = seed + 1000 * number;
            let (tcp, srt) = (|| Tcp::new(link, seed), || Srt::new(link, seed, Self::LATENCY));
            match self {
                Self::Rtmp if ours => Box::new(tcp().sending_again()),
                Self::Rtmp => Box::new(tcp()),
                Self::Srt if ours => Box::new(srt().held_back()),
                Self::Srt => Box::new(srt()),
            }
        };
        let terms = Terms {
            kbps: Self::CEILING,
            deadline: self.deadline(link),
            late_is_lost: self == Self::Srt,
            // TCP's, and two of RTMP's; SRT's are two.
            handshake: if self == Self::Rtmp { 4 } else { 2 },
            seed,
        };
        run(link, &connect, policy, terms)
    }

    /// One stream as the product has it.
    pub fn ours(self, link: &Link, seed: u64) -> Outcome {
        self.stream(link, &mut Ours::new(Limits::new(Self::CEILING / 10, Self::CEILING)), seed)
    }

    /// One stream as the other has it.
    pub fn theirs(self, link: &Link, seed: u64) -> Outcome {
        match self {
            Self::Rtmp => self.stream(link, &mut Obs::new(Self::CEILING), seed),
            Self::Srt => self.stream(link, &mut Belacoder::new(Self::CEILING), seed),
        }
    }
}
