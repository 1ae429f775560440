//! The ordered table of encoders, and how one of its rows is tried.

use super::libav::Running;
use super::wish::{Plan, Unmet, Wish};
use super::{InputSpec, Opened, Request, Track, TrackKind, x264};
use crate::av::{EncoderInfo, OpenFailure, VideoFormat};
use crate::stats::Refusal;
use crate::{Codec, Container, EncoderChoice, FrameRateMode};

/// One encoder of libavcodec.
pub(super) struct Backend {
    /// Its name there.
    pub(super) name: &'static str,
    /// What it makes.
    pub(super) codec: Codec,
    /// By which word it is asked for; never `Auto`.
    pub(super) kind: EncoderChoice,
    /// Where to get it, when this FFmpeg lacks it.
    pub(super) missing: &'static str,
    /// Its options for a wish, or why it cannot meet it.
    pub(super) plan: fn(&Wish<'_>) -> Result<Plan, Unmet>,
    /// What a failure to open means.
    pub(super) explain: fn(&OpenFailure) -> Unmet,
}

/// Every encoder, the preferred ones of a codec first.
pub(super) static TABLE: &[Backend] = &[Backend {
    name: "libx264",
    codec: Codec::H264,
    kind: EncoderChoice::Software,
    missing: "install an FFmpeg that was built with libx264 (Fedora: from RPM Fusion)",
    plan: x264::plan,
    explain: as_said,
}];

/// The rows to try for a request, in order.
pub(super) fn candidates(
    codec: Codec,
    choice: EncoderChoice,
    containers: &[Container],
) -> impl Iterator<Item = &'static Backend> {
    TABLE.iter().filter(move |row| {
        (codec == Codec::Auto || row.codec == codec)
            && (choice == EncoderChoice::Auto || row.kind == choice)
            && containers.iter().all(|&container| row.codec.fits(container))
    })
}

/// Opens a row's encoder for real.
pub(super) fn try_open(backend: &'static Backend, request: &Request<'_>) -> Result<Opened, Refusal> {
    let refuse = |unmet: Unmet| Refusal {
        encoder: backend.name.to_owned(),
        reason: unmet.reason,
        remedy: unmet.remedy,
    };
    let info = EncoderInfo::find(backend.name).ok_or_else(|| {
        let reason = format!("FFmpeg {} was built without it", crate::av::version());
        refuse(Unmet::new(reason, backend.missing))
    })?;
    let wish = Wish::new(request, backend.codec, info);
    let plan = (backend.plan)(&wish).map_err(refuse)?;
    tracing::debug!(encoder = backend.name, ?plan, "opening");
    let config = request.config;
    let format =
        VideoFormat { format: plan.format, size: request.size, color: config.color, rate: wish.rate };
    let open = info.open(&format, &plan.options).map_err(|failure| refuse((backend.explain)(&failure)))?;
    let parameters =
        open.parameters().map_err(|error| refuse(Unmet { reason: error.to_string(), remedy: None }))?;
    let constant = config.frame_rate_mode == FrameRateMode::Constant;
    Ok(Opened {
        encoder: Box::new(Running::new(backend.name, open, wish.rate, constant)),
        name: backend.name,
        codec: backend.codec,
        input: InputSpec { format: plan.format, size: request.size, color: config.color },
        track: Track {
            kind: TrackKind::Video { fps: request.fps, constant },
            parameters: std::sync::Arc::new(parameters),
            title: None,
            language: None,
        },
        refused: vec![],
        notes: plan.notes,
    })
}

/// A failure in the encoder's own words.
pub(super) fn as_said(failure: &OpenFailure) -> Unmet {
    let reason = match failure.said.last() {
        Some(line) => line.clone(),
        None => failure.error.to_string(),
    };
    Unmet { reason, remedy: None }
}
