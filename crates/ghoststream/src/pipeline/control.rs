//! What a caller, and outputs whose paths carry less, ask of a rendition's encoder while it runs.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::lock;
use crate::encode::{EncodeError, Opened};
use crate::output::live::RateTerms;
use crate::{ConfigError, Error, RateControl};

/// Between the caller's handle and a rendition's encoder thread. Of what is asked for between two
/// pictures the last holds.
#[derive(Debug)]
pub(super) struct Control {
    rate_control: RateControl,
    /// The bitrate to change to; zero for none.
    kbps: AtomicU32,
    key_frame: AtomicBool,
    /// The bitrate that was set, by the configuration or by the caller; zero where there is none.
    ceiling: AtomicU32,
    /// The bitrate that the encoder was told last; zero where it has its first one.
    told: AtomicU32,
    /// The encoder that runs.
    encoder: Mutex<Running>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Running {
    name: &'static str,
    follows_bitrate: bool,
}

/// What was asked for since the last picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) kbps: Option<u32>,
    pub(super) key_frame: bool,
    /// Every second picture is left out.
    pub(super) half_rate: bool,
}

impl Control {
    pub(super) const fn new(rate_control: RateControl) -> Self {
        Self {
            rate_control,
            kbps: AtomicU32::new(0),
            key_frame: AtomicBool::new(false),
            ceiling: AtomicU32::new(0),
            told: AtomicU32::new(0),
            encoder: Mutex::new(Running { name: "", follows_bitrate: false }),
        }
    }

    /// The first encoder runs, at the bitrate that is the most that outputs can ask for.
    pub(super) fn begins(&self, opened: &Opened) {
        let kbps = opened.kbps.unwrap_or(0);
        self.ceiling.store(kbps, Ordering::Release);
        self.told.store(kbps, Ordering::Release);
        self.runs(opened.name, opened.follows_bitrate);
    }

    /// Remembers which encoder runs, and whether it follows.
    pub(super) fn runs(&self, encoder: &'static str, follows_bitrate: bool) {
        *lock(&self.encoder) = Running { name: encoder, follows_bitrate };
    }

    /// Asks for another bitrate; the range was checked.
    pub(super) fn ask_bitrate(&self, kbps: u32) -> Result<(), Error> {
        if !self.rate_control.has_bitrate() {
            let allowed = "with rate control vbr or cbr; the quality sets the bitrate of the others";
            return Err(ConfigError::new("bitrate", kbps, allowed).into());
        }
        let encoder = *lock(&self.encoder);
        if !encoder.follows_bitrate {
            return Err(EncodeError::fixed_bitrate(encoder.name).into());
        }
        self.kbps.store(kbps, Ordering::Release);
        Ok(())
    }

    /// Asks for a key frame.
    pub(super) fn ask_key_frame(&self) {
        self.key_frame.store(true, Ordering::Release);
    }

    /// What outputs may ask for.
    pub(super) fn terms(&self) -> RateTerms {
        let encoder = *lock(&self.encoder);
        RateTerms {
            ceiling: self.ceiling.load(Ordering::Acquire),
            follows: encoder.follows_bitrate && self.rate_control.has_bitrate(),
            // libavcodec begins anew with each change of NVENC's bitrate.
            costs_key_frame: encoder.name.ends_with("_nvenc"),
        }
    }

    /// Takes what was asked for. `wanted` is the least that an output wants, where one does: the
    /// encoder gets that or what was set, whichever is less.
    pub(super) fn take(&self, wanted: Option<u32>) -> Asked {
        let set = self.kbps.swap(0, Ordering::AcqRel);
        if set > 0 {
            self.ceiling.store(set, Ordering::Release);
        }
        let ceiling = self.ceiling.load(Ordering::Acquire);
        let least = wanted.filter(|_| lock(&self.encoder).follows_bitrate).unwrap_or(ceiling).min(ceiling);
        let changes = least > 0 && (set > 0 || least != self.told.load(Ordering::Acquire));
        if changes {
            self.told.store(least, Ordering::Release);
        }
        let key_frame = self.key_frame.swap(false, Ordering::AcqRel);
        Asked { kbps: changes.then_some(least), key_frame, half_rate: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_what_was_asked_for_is_taken_once() {
        let control = Control::new(RateControl::Cbr);
        control.runs("libx264", true);
        assert_eq!(control.take(None), Asked::default());
        control.ask_bitrate(100).unwrap();
        control.ask_bitrate(200).unwrap();
        control.ask_key_frame();
        assert_eq!(control.take(None), Asked { kbps: Some(200), key_frame: true, half_rate: false });
        assert_eq!(control.take(None), Asked::default());
    }

    #[test]
    fn what_cannot_be_done_is_refused_at_once() {
        let control = Control::new(RateControl::Crf);
        let error = control.ask_bitrate(100).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("rate control vbr or cbr"), "{error}");
        let control = Control::new(RateControl::Vbr);
        control.runs("libx265", false);
        let error = control.ask_bitrate(100).unwrap_err();
        assert!(error.to_string().contains("libx265"), "{error}");
        control.runs("hevc_nvenc", true);
        control.ask_bitrate(100).unwrap();
    }
    #[test]
    fn outputs_lower_what_the_caller_set_and_never_raise_it() {
        let control = Control::new(RateControl::Cbr);
        control.runs("libx264", true);
        control.ask_bitrate(3000).unwrap();
        assert_eq!(control.take(Some(5000)).kbps, Some(3000));
        assert_eq!(control.take(Some(1000)).kbps, Some(1000));
        assert_eq!(control.take(Some(1000)).kbps, None, "once");
        control.ask_bitrate(2000).unwrap();
        assert_eq!(control.take(Some(1000)).kbps, Some(1000), "the path still carries no more");
        assert_eq!(control.terms().ceiling, 2000);
        assert_eq!(control.take(None).kbps, Some(2000), "the output has ended");
        assert!(!control.terms().costs_key_frame);
        control.runs("h264_nvenc", true);
        assert!(control.terms().costs_key_frame);
        control.runs("libx265", false);
        assert_eq!(control.take(Some(1000)).kbps, None, "it cannot");
        assert!(!control.terms().follows);
    }
}
