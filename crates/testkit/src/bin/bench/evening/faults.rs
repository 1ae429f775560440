//! What goes wrong in the evening, and when.

use std::time::Duration;

use testkit::net::Conditions;

use super::RATE;

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The server is killed, and is back after so long.
    Killed(Duration),
    /// Nothing passes for so long.
    Cut(Duration),
    /// Half of the rate, for a twentieth of the evening; then the rate is doubled again.
    Halved,
    /// Losses in bursts and jitter, for a tenth of the evening.
    Wifi,
}

/// When, in parts of the whole evening, and what.
pub(super) const EVENING: [(f64, Fault); 10] = [
    (0.05, Fault::Killed(Duration::from_secs(3))),
    (0.12, Fault::Cut(Duration::from_secs(1))),
    (0.20, Fault::Killed(Duration::from_secs(3))),
    (0.27, Fault::Cut(Duration::from_secs(5))),
    (0.35, Fault::Wifi),
    (0.48, Fault::Killed(Duration::from_secs(3))),
    (0.55, Fault::Halved),
    (0.66, Fault::Killed(Duration::from_secs(3))),
    (0.74, Fault::Cut(Duration::from_secs(30))),
    (0.90, Fault::Killed(Duration::from_secs(3))),
];

impl Fault {
    pub(super) fn words(self) -> String {
        match self {
            Self::Killed(time) => format!("server killed, back after {} s", time.as_secs()),
            Self::Cut(time) => format!("path cut for {} s", time.as_secs()),
            Self::Halved => "rate halved, then doubled".to_owned(),
            Self::Wifi => "losses of 2% in bursts, 15 ms of jitter".to_owned(),
        }
    }

    /// What the path is like meanwhile, and for which part of the evening, where it passes something.
    pub(super) fn worse(self) -> Option<(Conditions, f64)> {
        match self {
            Self::Killed(_) | Self::Cut(_) => None,
            Self::Halved => Some((good().with_rate(RATE / 2), 0.05)),
            Self::Wifi => Some((good().with_jitter(Duration::from_millis(15)).with_bursts(0.02, 4.0), 0.1)),
        }
    }
}

/// The path in good times.
pub(super) fn good() -> Conditions {
    Conditions::default().with_delay(Duration::from_millis(20)).with_rate(RATE).with_queue(128 << 10)
}
