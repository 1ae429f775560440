//! Which codecs a container takes.

use crate::av::ffi::AVCodecID::{self, *};
use crate::encode::Track;
use crate::output::OutputError;
use crate::{Codec, Container};

/// Whether the container takes every track.
pub(in crate::output) fn check(container: Container, tracks: &[Track]) -> Result<(), OutputError> {
    let unsuitable = |codec: &str, remedy: &str| {
        Err(OutputError::Unsuitable { container, codec: codec.to_owned(), remedy: remedy.to_owned() })
    };
    if tracks.is_empty() {
        return unsuitable("a recording without tracks", "record a picture or sound");
    }
    for track in tracks {
        let id = track.parameters.fields().codec_id;
        let Some((name, fits)) = name(id, container) else {
            return unsuitable(&format!("{id:?}"), "use H.264, HEVC or AV1, and AAC, Opus or FLAC");
        };
        if !fits {
            return unsuitable(
                name,
                "WebM holds AV1 and Opus only; choose those codecs, or record to .mkv or .mp4",
            );
        }
    }
    Ok(())
}

/// Whether files are recorded in the format.
pub(in crate::output) fn check_recorded(container: Container) -> Result<(), OutputError> {
    match container {
        Container::Flv | Container::MpegTs => Err(not_recorded(container)),
        _ => Ok(()),
    }
}

/// The format is one of streams.
pub(super) fn not_recorded(container: Container) -> OutputError {
    let (codec, remedy) =
        ("a recording", "it is what streams are sent in; record to a .mkv, .mp4 or .webm file");
    OutputError::Unsuitable { container, codec: codec.to_owned(), remedy: remedy.to_owned() }
}

/// A codec's name, and whether the container takes it.
fn name(id: AVCodecID, container: Container) -> Option<(&'static str, bool)> {
    let not_in_webm = container != Container::WebM;
    Some(match id {
        AV_CODEC_ID_H264 => ("H.264", Codec::H264.fits(container)),
        AV_CODEC_ID_HEVC => ("HEVC", Codec::Hevc.fits(container)),
        AV_CODEC_ID_AV1 => ("AV1", Codec::AV1.fits(container)),
        AV_CODEC_ID_AAC => ("AAC", not_in_webm),
        AV_CODEC_ID_OPUS => ("Opus", true),
        AV_CODEC_ID_FLAC => ("FLAC", not_in_webm),
        _ => return None,
    })
}
