//! What a free choice comes to, and what is said about it.

use super::backend::{Backend, Wish};
use crate::{Codec, EncoderChoice};

/// What was chosen where the choice was free, and what to expect of it.
pub(super) fn notes(wish: &Wish<'_>, backend: &Backend) -> Vec<String> {
    let config = wish.config;
    let mut notes = Vec::new();
    if config.codec == Codec::Auto {
        notes.push(format!("codec auto: {} by {}, {}", backend.codec, backend.name, reason(wish, backend)));
    }
    if wish.preset != config.preset {
        notes.push(format!(
            "encoder preset {} instead of {}: it is the best with which {} keeps up with {} at {} fps on {}",
            wish.preset,
            config.preset,
            backend.name,
            wish.size,
            wish.fps,
            cores(wish.load.cores),
        ));
    }
    if let Some(speed) = backend.speed {
        let expected = wish.load.expected_fps(speed, wish.preset);
        if expected < wish.fps {
            notes.push(format!(
                "{} at encoder preset {} may reach only about {expected:.0} of {} fps at {} on {}: frames may \
                 be dropped; a smaller size, a lower rate or a faster encoder preset helps",
                backend.name,
                wish.preset,
                wish.fps,
                wish.size,
                cores(wish.load.cores),
            ));
        }
    }
    if let Some(pictures) = config.lookahead
        && f64::from(pictures) > wish.fps
    {
        notes.push(format!(
            "a lookahead of {pictures} pictures keeps {:.1} s in the encoder: that much is lost if GhostStream \
             is killed",
            f64::from(pictures) / wish.fps
        ));
    }
    notes
}

fn reason(wish: &Wish<'_>, backend: &Backend) -> &'static str {
    let only_av1 = wish.containers.iter().any(|&container| !Codec::H264.fits(container));
    match backend.kind {
        EncoderChoice::Software if only_av1 => "the one codec that the container takes",
        EncoderChoice::Software if wish.config.color.is_hdr() => "the first software encoder that keeps HDR",
        EncoderChoice::Software if backend.codec == Codec::H264 => "in software, where it costs least",
        EncoderChoice::Software => "the first software encoder that this FFmpeg has",
        _ => "the best that the hardware makes",
    }
}

fn cores(count: usize) -> String {
    if count == 1 { "one processor".to_owned() } else { format!("{count} processors") }
}
