//! Pictures, sound and metadata as messages: the bodies of FLV's tags (Adobe's *Video File Format
//! Specification*, version 10.1, annex E), and of *Enhanced RTMP*, version 2, for what FLV has not got.

use crate::amf::Value;

/// A codec of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoCodec {
    /// H.264, as FLV has it.
    Avc,
    /// HEVC, `hvc1` of Enhanced RTMP.
    Hevc,
    /// AV1, `av01` of Enhanced RTMP.
    Av1,
}

impl VideoCodec {
    /// Its code, where it is Enhanced RTMP's.
    pub(crate) const fn four_cc(self) -> Option<&'static str> {
        match self {
            Self::Avc => None,
            Self::Hevc => Some("hvc1"),
            Self::Av1 => Some("av01"),
        }
    }
}

/// What is sent of pictures.
#[derive(Clone, Copy, Debug)]
pub enum Video<'a> {
    /// What a decoder must know first: the `avcC`, `hvcC` or `av1C` record (ISO/IEC 14496-15, *AV1
    /// Codec ISO Media File Format Binding*) without its box.
    Header(&'a [u8]),
    /// A picture: H.264 and HEVC as NAL units with lengths of four bytes, AV1 as a temporal unit
    /// without temporal delimiters.
    Picture {
        /// Its bytes.
        data: &'a [u8],
        /// Whether decoding can start here.
        key: bool,
        /// How long after it is decoded it is shown, in milliseconds; not negative.
        composition: u32,
    },
    /// There are no more.
    End,
}

/// What is sent of sound: AAC only, which is what servers take.
#[derive(Clone, Copy, Debug)]
pub enum Audio<'a> {
    /// The `AudioSpecificConfig` (ISO/IEC 14496-3).
    Header(&'a [u8]),
    /// A raw AAC frame.
    Frame(&'a [u8]),
}

/// What is said of the stream at its beginning (`onMetaData`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metadata {
    /// The codec of the picture.
    pub codec: VideoCodec,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Pictures a second.
    pub fps: f64,
    /// Kilobits a second of pictures.
    pub video_kbps: u32,
    /// Sound: samples a second, channels and kilobits a second.
    pub audio: Option<(u32, u32, u32)>,
}

/// Frame types of FLV.
const KEY: u8 = 1;
const INTER: u8 = 2;
/// FLV's number of H.264.
const AVC: u8 = 7;
/// AAC at 44 kHz, 16 bits, stereo, whatever it really is: the `AudioSpecificConfig` says that.
const AAC: u8 = 0xAF;

/// The first bytes of a picture's message; its data follows.
pub(crate) fn video_head(codec: VideoCodec, video: &Video<'_>) -> Vec<u8> {
    match codec.four_cc() {
        None => avc_head(video),
        Some(four_cc) => enhanced_head(codec, four_cc, video),
    }
}

fn avc_head(video: &Video<'_>) -> Vec<u8> {
    let (frame, packet, composition) = match *video {
        Video::Header(_) => (KEY, 0, 0),
        Video::Picture { key, composition, .. } => (if key { KEY } else { INTER }, 1, composition),
        Video::End => (KEY, 2, 0),
    };
    let [_, a, b, c] = composition.to_be_bytes();
    vec![frame << 4 | AVC, packet, a, b, c]
}

/// Enhanced RTMP: ExVideoTagHeader. Packet types: 0 the header, 1 a picture with its composition
/// time, 2 the end, 3 a picture that is shown when it is decoded.
fn enhanced_head(codec: VideoCodec, four_cc: &str, video: &Video<'_>) -> Vec<u8> {
    const EXTENDED: u8 = 0x80;
    let timed = |composition| composition > 0 && codec == VideoCodec::Hevc;
    let (frame, packet) = match *video {
        Video::Header(_) => (KEY, 0),
        Video::Picture { key, composition, .. } => {
            let packet = if codec == VideoCodec::Av1 || timed(composition) { 1 } else { 3 };
            (if key { KEY } else { INTER }, packet)
        }
        Video::End => (KEY, 2),
    };
    let mut head = vec![EXTENDED | frame << 4 | packet];
    head.extend(four_cc.as_bytes());
    if let Video::Picture { composition, .. } = *video
        && timed(composition)
    {
        head.extend(&composition.to_be_bytes()[1..]);
    }
    head
}

/// The data that follows the first bytes.
pub(crate) const fn video_data<'a>(video: &Video<'a>) -> &'a [u8] {
    match *video {
        Video::Header(data) | Video::Picture { data, .. } => data,
        Video::End => &[],
    }
}

/// The first bytes and the data of sound's message.
pub(crate) const fn audio<'a>(audio: &Audio<'a>) -> ([u8; 2], &'a [u8]) {
    match *audio {
        Audio::Header(data) => ([AAC, 0], data),
        Audio::Frame(data) => ([AAC, 1], data),
    }
}

/// The body of the message that says what the stream is.
pub(crate) fn metadata(it: &Metadata) -> Vec<u8> {
    let number = |name: &str, value: f64| (name.to_owned(), Value::Number(value));
    let codec = match it.codec.four_cc() {
        // Enhanced RTMP: the code as a number.
        Some(four_cc) => f64::from(four_cc.bytes().fold(0u32, |all, byte| all << 8 | u32::from(byte))),
        None => AVC.into(),
    };
    let mut all = vec![
        number("duration", 0.0),
        number("width", it.width.into()),
        number("height", it.height.into()),
        number("framerate", it.fps),
        number("videocodecid", codec),
        number("videodatarate", it.video_kbps.into()),
    ];
    if let Some((rate, channels, kbps)) = it.audio {
        all.push(number("audiocodecid", 10.0));
        all.push(number("audiodatarate", kbps.into()));
        all.push(number("audiosamplerate", rate.into()));
        all.push(number("audiosamplesize", 16.0));
        all.push(number("audiochannels", channels.into()));
        all.push(("stereo".to_owned(), Value::Boolean(channels > 1)));
    }
    let encoder = concat!("GhostStream ", env!("CARGO_PKG_VERSION"));
    all.push(("encoder".to_owned(), Value::string(encoder)));
    let mut body = Vec::new();
    for value in [Value::string("@setDataFrame"), Value::string("onMetaData"), Value::EcmaArray(all)] {
        value.write(&mut body);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(key: bool, composition: u32) -> Video<'static> {
        Video::Picture { data: b"xyz", key, composition }
    }

    #[test]
    fn heads_are_those_of_the_specifications() {
        let avc = |it| video_head(VideoCodec::Avc, &it);
        assert_eq!(avc(Video::Header(b"")), [0x17, 0, 0, 0, 0]);
        assert_eq!(avc(picture(true, 0)), [0x17, 1, 0, 0, 0]);
        assert_eq!(avc(picture(false, 0x012345)), [0x27, 1, 1, 0x23, 0x45]);
        assert_eq!(avc(Video::End), [0x17, 2, 0, 0, 0]);
        let hevc = |it| video_head(VideoCodec::Hevc, &it);
        assert_eq!(hevc(Video::Header(b"")), *b"\x90hvc1");
        assert_eq!(hevc(picture(true, 0)), *b"\x93hvc1");
        assert_eq!(hevc(picture(false, 66)), *b"\xA1hvc1\x00\x00\x42");
        let av1 = |it| video_head(VideoCodec::Av1, &it);
        assert_eq!(av1(Video::Header(b"")), *b"\x90av01");
        assert_eq!(av1(picture(false, 0)), *b"\xA1av01");
        assert_eq!(audio(&Audio::Header(b"c")), ([0xAF, 0], &b"c"[..]));
        assert_eq!(audio(&Audio::Frame(b"f")), ([0xAF, 1], &b"f"[..]));
    }
}
