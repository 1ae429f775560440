//! The ordered table of encoders, and how one of its rows is tried.

use std::sync::Arc;

use super::backend::{Backend, Plan, Unmet, Wish};
use super::hdr::Injector;
use super::libav::{Follows, Restart, Running};
use super::nvenc::Feed;
use super::speed::Speed;
use super::{InputSpec, Opened, Request, Track, TrackKind, aom, choice, nvenc, svtav1, x264, x265};
use crate::av::{AvError, EncoderInfo, OpenEncoder, Parameters, Picture, VideoFormat};
use crate::stats::Refusal;
use crate::{Codec, Container, EncoderChoice, FrameRateMode, HdrMetadata};

/// Every encoder. Hardware stands before software, and of each the order is the one in which a free
/// choice of codec tries them: the codec that needs the fewest bits first where hardware makes it,
/// H.264 first where a processor must keep up.
pub(super) static TABLE: &[Backend] = &[
    nvenc("av1_nvenc", Codec::AV1, "it came with FFmpeg 6.0 and NVENC headers 12.0 (Debian 13 has it)"),
    nvenc("hevc_nvenc", Codec::Hevc, "install an FFmpeg that was built with NVENC"),
    nvenc("h264_nvenc", Codec::H264, "install an FFmpeg that was built with NVENC"),
    software("libx264", Codec::H264, &x264::SPEED, x264::plan),
    software("libsvtav1", Codec::AV1, &svtav1::SPEED, svtav1::plan),
    software("libaom-av1", Codec::AV1, &aom::SPEED, aom::plan),
    software("libx265", Codec::Hevc, &x265::SPEED, x265::plan),
];

const fn nvenc(name: &'static str, codec: Codec, missing: &'static str) -> Backend {
    let (plan, explain) = (nvenc::plan, nvenc::explain);
    Backend { name, codec, kind: EncoderChoice::Nvenc, missing, speed: None, plan, explain }
}

const fn software(
    name: &'static str,
    codec: Codec,
    speed: &'static Speed,
    plan: fn(&Wish<'_>) -> Result<Plan, Unmet>,
) -> Backend {
    let missing = "install an FFmpeg that was built with it (Fedora: from RPM Fusion)";
    let (kind, speed) = (EncoderChoice::Software, Some(speed));
    Backend { name, codec, kind, missing, speed, plan, explain: Unmet::as_said }
}

/// The rows to try for a request, in order.
pub(super) fn candidates(
    codec: Codec,
    choice: EncoderChoice,
    containers: &[Container],
    hdr: bool,
) -> impl Iterator<Item = &'static Backend> {
    TABLE.iter().filter(move |row| {
        (codec == Codec::Auto || row.codec == codec)
            && (choice == EncoderChoice::Auto || row.kind == choice)
            && containers.iter().all(|&container| row.codec.fits(container))
            && (codec != Codec::Auto || hdr || containers.iter().all(|&it| row.codec.is_usual_in(it)))
            && (!hdr || row.codec.carries_hdr())
    })
}

/// Opens a row's encoder for real.
pub(super) fn try_open(backend: &'static Backend, request: &Request<'_>) -> Result<Opened, Refusal> {
    open_row(backend, request).map_err(|unmet| Refusal {
        encoder: backend.name.to_owned(),
        reason: unmet.reason,
        remedy: unmet.remedy,
    })
}

fn open_row(backend: &'static Backend, request: &Request<'_>) -> Result<Opened, Unmet> {
    let info = EncoderInfo::find(backend.name).ok_or_else(|| {
        let reason = format!("FFmpeg {} was built without it", crate::av::version());
        Unmet::new(reason, backend.missing)
    })?;
    let wish = Wish::new(request, backend, info);
    let plan = (backend.plan)(&wish)?;
    tracing::debug!(encoder = backend.name, ?plan, "opening");
    let (config, size) = (request.config, request.size);
    let format = VideoFormat { format: plan.format, size, color: config.color, rate: wish.rate };
    let (feed, without) = match plan.gpu.map(|gpu| Feed::open(gpu, format.format, size)).transpose() {
        Ok(feed) => (feed, None),
        // The encoder then copies pictures itself, or says better what the matter is.
        Err(error) => (None, Some(format!("pictures go to {} through system memory: {error}", backend.name))),
    };
    let open = info
        .open(&format, &plan.options, feed.as_ref().map(Feed::frames))
        .map_err(|failure| (backend.explain)(&failure))?;
    let mut parameters = parameters(&info, &format, &plan.options, &open)
        .map_err(|error| Unmet { reason: error.to_string(), remedy: None })?;
    let metadata = if config.color.is_hdr() { config.hdr_metadata } else { HdrMetadata::default() };
    parameters.set_hdr(metadata);
    let constant = config.frame_rate_mode == FrameRateMode::Constant;
    let reordered = usize::try_from(parameters.fields().video_delay).unwrap_or(0);
    let delay = (backend.kind == EncoderChoice::Nvenc).then_some(reordered);
    let mut notes = choice::notes(&wish, backend);
    notes.extend(plan.notes);
    notes.extend(without);
    let restart = plan.restart_for_key.then_some(Restart { info, format, options: plan.options });
    let memory = feed.as_ref().map(|it| it.memory().clone());
    let follows = Follows { bitrate: plan.follows_bitrate, counts_pictures: plan.counts_pictures };
    let mut running = Running::new(backend.name, open, feed, wish.rate, constant, restart, follows, delay)
        .with_key_frames(plan.keys_every);
    if plan.fills {
        running = running.with_filler_for(wish.kbps);
    }
    Ok(Opened {
        encoder: Box::new(running.with_hdr(Injector::new(backend.codec, metadata))),
        name: backend.name,
        codec: backend.codec,
        input: InputSpec { format: plan.format, size, color: config.color },
        memory,
        track: Track {
            kind: TrackKind::Video { fps: request.fps, constant },
            parameters: Arc::new(parameters),
            title: None,
            language: None,
        },
        kbps: config.rate_control.has_bitrate().then_some(wish.kbps),
        follows_bitrate: follows.bitrate,
        refused: vec![],
        notes,
    })
}

/// What a muxer must know, headers included.
///
/// libaom makes its headers with the first packet only, and a muxer wants them before: a twin with
/// the same settings makes them from one picture.
fn parameters(
    info: &EncoderInfo,
    format: &VideoFormat,
    options: &[(&'static str, String)],
    open: &OpenEncoder,
) -> Result<Parameters, AvError> {
    let mut parameters = open.parameters()?;
    if !parameters.extradata().is_empty() {
        return Ok(parameters);
    }
    let mut twin = info.open(format, options, None).map_err(|failure| failure.error)?;
    let mut picture = Picture::alloc(format.format, format.size, format.color)?;
    for (plane, _) in picture.planes_mut().into_iter().flatten() {
        plane.fill(0);
    }
    twin.send(&mut picture, 0, true)?;
    twin.end()?;
    while let Some(packet) = twin.receive()? {
        if let Some(headers) = packet.new_extradata() {
            parameters.set_extradata(headers)?;
        }
    }
    Ok(parameters)
}
