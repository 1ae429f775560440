//! What a server's viewers must know before the first picture and sound.

use ghoststream_rtmp::{Metadata, VideoCodec};

use crate::av::ffi::AVCodecID::*;
use crate::bitstream::Form;
use crate::encode::{Track, TrackKind};
use crate::output::file::decoder_configuration;
use crate::output::live::{LinkError, LinkFault};
use crate::output::services::Wanted;
use crate::{Codec, Size};

/// The tracks of a stream, as RTMP wants them described.
#[derive(Debug)]
pub(super) struct Headers {
    pub(super) metadata: Metadata,
    pub(super) video: Vec<u8>,
    /// How packets become what is sent of pictures.
    pub(super) form: Form,
    /// The track that is sent as sound, and its `AudioSpecificConfig`. RTMP has room for one.
    pub(super) audio: Option<(usize, Vec<u8>)>,
}

impl Headers {
    pub(super) fn of(tracks: &[Track]) -> Result<Self, LinkError> {
        let unfit = |text: String| LinkError::new(LinkFault::Address, text);
        let picture = tracks.first().ok_or_else(|| unfit("a stream needs a picture".to_owned()))?;
        let TrackKind::Video { fps, .. } = picture.kind else {
            return Err(unfit("a stream needs a picture before its sound".to_owned()));
        };
        let fields = picture.parameters.fields();
        let codec = match fields.codec_id {
            AV_CODEC_ID_H264 => VideoCodec::Avc,
            AV_CODEC_ID_HEVC => VideoCodec::Hevc,
            AV_CODEC_ID_AV1 => VideoCodec::Av1,
            other => return Err(unfit(format!("RTMP has no place for {other:?}; take codec h264"))),
        };
        let video = decoder_configuration(picture).map_err(|error| unfit(error.to_string()))?;
        let sound = tracks.iter().enumerate().find(|it| matches!(it.1.kind, TrackKind::Audio { .. }));
        let audio = match sound {
            None => None,
            Some((index, track)) if track.parameters.fields().codec_id == AV_CODEC_ID_AAC => {
                Some((index, track.parameters.extradata().to_vec()))
            }
            Some(_) => return Err(unfit("RTMP servers take AAC only; take --audio-codec aac".to_owned())),
        };
        let described = sound.map(|(_, track)| {
            let fields = track.parameters.fields();
            let kbps = u32::try_from(fields.bit_rate / 1000).unwrap_or(0);
            (fields.sample_rate.unsigned_abs(), fields.ch_layout.nb_channels.unsigned_abs(), kbps)
        });
        let metadata = Metadata {
            codec,
            width: fields.width.unsigned_abs(),
            height: fields.height.unsigned_abs(),
            fps,
            video_kbps: u32::try_from(fields.bit_rate / 1000).unwrap_or(0),
            audio: described,
        };
        let form = Form::of(fields.codec_id, picture.parameters.extradata());
        Ok(Self { metadata, video, form, audio })
    }

    /// What is known of them now that the encoders are open.
    pub(super) fn wanted(&self) -> Wanted {
        let known = |it: u32| Some(it).filter(|it| *it > 0);
        let it = &self.metadata;
        Wanted {
            codec: Some(match it.codec {
                VideoCodec::Avc => Codec::H264,
                VideoCodec::Hevc => Codec::Hevc,
                VideoCodec::Av1 => Codec::AV1,
            }),
            kbps: known(it.video_kbps),
            audio_kbps: it.audio.and_then(|(_, _, kbps)| known(kbps)),
            size: Some(Size::new(it.width, it.height)),
            fps: Some(it.fps),
            ..Wanted::default()
        }
    }
}
