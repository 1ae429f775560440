//! What a caller asks of a rendition's encoder while it runs.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::lock;
use crate::encode::EncodeError;
use crate::{ConfigError, Error, RateControl};

/// Between the caller's handle and a rendition's encoder thread. Of what is asked for between two
/// pictures the last holds.
#[derive(Debug)]
pub(super) struct Control {
    rate_control: RateControl,
    /// The bitrate to change to; zero for none.
    kbps: AtomicU32,
    key_frame: AtomicBool,
    /// The encoder that runs, where it cannot change its bitrate.
    fixed: Mutex<Option<&'static str>>,
}

/// What was asked for since the last picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) kbps: Option<u32>,
    pub(super) key_frame: bool,
}

impl Control {
    pub(super) const fn new(rate_control: RateControl) -> Self {
        Self {
            rate_control,
            kbps: AtomicU32::new(0),
            key_frame: AtomicBool::new(false),
            fixed: Mutex::new(None),
        }
    }

    /// Remembers which encoder runs, and whether it follows.
    pub(super) fn runs(&self, encoder: &'static str, follows_bitrate: bool) {
        *lock(&self.fixed) = (!follows_bitrate).then_some(encoder);
    }

    /// Asks for another bitrate; the range was checked.
    pub(super) fn ask_bitrate(&self, kbps: u32) -> Result<(), Error> {
        if !self.rate_control.has_bitrate() {
            let allowed = "with rate control vbr or cbr; the quality sets the bitrate of the others";
            return Err(ConfigError::new("bitrate", kbps, allowed).into());
        }
        if let Some(encoder) = *lock(&self.fixed) {
            return Err(EncodeError::fixed_bitrate(encoder).into());
        }
        self.kbps.store(kbps, Ordering::Release);
        Ok(())
    }

    /// Asks for a key frame.
    pub(super) fn ask_key_frame(&self) {
        self.key_frame.store(true, Ordering::Release);
    }

    /// Takes what was asked for.
    pub(super) fn take(&self) -> Asked {
        let kbps = self.kbps.swap(0, Ordering::AcqRel);
        Asked { kbps: (kbps > 0).then_some(kbps), key_frame: self.key_frame.swap(false, Ordering::AcqRel) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_what_was_asked_for_is_taken_once() {
        let control = Control::new(RateControl::Cbr);
        assert_eq!(control.take(), Asked::default());
        control.ask_bitrate(100).unwrap();
        control.ask_bitrate(200).unwrap();
        control.ask_key_frame();
        assert_eq!(control.take(), Asked { kbps: Some(200), key_frame: true });
        assert_eq!(control.take(), Asked::default());
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
}
