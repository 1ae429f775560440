//! What a live output and its rendition's encoder tell each other: bitrates, and key frames that are needed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::Adaptation;

/// Shared between the sending thread, which asks for a bitrate or a key frame, and the encoder's thread, which says
/// between what it can be.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    adaptation: OnceLock<Adaptation>,
    /// What the path carries, in kbit/s; zero where nothing is asked for.
    wanted: AtomicU32,
    key_frame: AtomicBool,
    half_rate: AtomicBool,
    /// What the picture has without anybody's wish; zero while that is not known.
    ceiling: AtomicU32,
    follows: AtomicBool,
    costs_key_frame: AtomicBool,
}

/// What a rendition's encoder says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The bitrate that was set for it, in kbit/s.
    pub(crate) ceiling: u32,
    /// Whether it can be changed while it runs.
    pub(crate) follows: bool,
    /// Whether each change begins with a key frame.
    pub(crate) costs_key_frame: bool,
}

impl Rate {
    /// Says whether and how far the output's bitrate follows its path; the first word holds.
    pub(crate) fn adapt(&self, adaptation: Adaptation) {
        self.adaptation.get_or_init(|| adaptation);
    }

    pub(super) fn adaptation(&self) -> Adaptation {
        self.adaptation.get().copied().unwrap_or_default()
    }

    /// Asks for so much, or leaves it to others.
    pub(super) fn want(&self, kbps: Option<u32>) {
        self.wanted.store(kbps.unwrap_or(0), Ordering::Release);
    }

    /// What is asked for.
    pub(crate) fn wanted(&self) -> Option<u32> {
        Some(self.wanted.load(Ordering::Acquire)).filter(|&it| it > 0)
    }

    /// Asks for every second picture to be left out, or no more.
    pub(super) fn want_half_rate(&self, half: bool) {
        self.half_rate.store(half, Ordering::Release);
    }

    /// Whether that is asked for.
    pub(crate) fn wants_half_rate(&self) -> bool {
        self.half_rate.load(Ordering::Acquire)
    }

    /// Asks for a key frame: the peer can use nothing before one.
    pub(super) fn ask_key_frame(&self) {
        self.key_frame.store(true, Ordering::Release);
    }

    /// Takes the wish for a key frame, where there is one.
    pub(crate) fn take_key_frame(&self) -> bool {
        self.key_frame.swap(false, Ordering::AcqRel)
    }

    /// Says what the encoder can.
    pub(crate) fn tell(&self, terms: Terms) {
        self.follows.store(terms.follows, Ordering::Relaxed);
        self.costs_key_frame.store(terms.costs_key_frame, Ordering::Relaxed);
        self.ceiling.store(terms.ceiling, Ordering::Release);
    }

    /// What the encoder can, once it has said so.
    pub(super) fn terms(&self) -> Option<Terms> {
        let ceiling = Some(self.ceiling.load(Ordering::Acquire)).filter(|&it| it > 0)?;
        Some(Terms {
            ceiling,
            follows: self.follows.load(Ordering::Relaxed),
            costs_key_frame: self.costs_key_frame.load(Ordering::Relaxed),
        })
    }
}
