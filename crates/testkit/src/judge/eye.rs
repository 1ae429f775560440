//! The video track: every picture's time and stamp, and now and then its colours.

use anyhow::{Context as _, Result};
use ffmpeg_next::{Rational, codec, color, ffi, format, frame, software::scaling};
use ghoststream::Size;
use ghoststream::test_card::{Luma, Reading, read};

use super::colors::{Coding, ColorMeter};
use super::file::seconds;
use super::hdr::Hdr;

/// One decoded picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// Its time in the recording, seconds.
    pub pts: f64,
    /// What the card said.
    pub reading: Option<Reading>,
}

/// Seconds between pictures whose colours are measured.
const COLOR_EVERY: f64 = 1.0;

/// Decodes a track and reads its pictures.
pub(super) struct Eye {
    pub stream: usize,
    pub time_base: Rational,
    decoder: codec::decoder::Video,
    pub(super) frames: Vec<Seen>,
    gray: Converter,
    color: Option<ColorMeter>,
    color_due: f64,
    /// How the pictures are coded, as the decoder says.
    pub coding: Option<Coding>,
    /// What the first picture says of HDR.
    pub hdr: Hdr,
    /// Names of codec, profile and pixel format.
    pub codec: String,
    pub profile: Option<String>,
    pub pixel_format: String,
    pub key_frames: u64,
    pub decode_errors: u64,
    /// Pictures whose time is not after that of the picture before.
    pub backwards: u64,
    pub size: Size,
    /// Pictures that are not of the first one's size.
    pub resized: u64,
}

impl Eye {
    pub fn open(stream: &format::stream::Stream, colors: bool) -> Result<Self> {
        let mut context = codec::Context::from_parameters(stream.parameters())?;
        context.set_threading(codec::threading::Config::kind(codec::threading::Type::Frame));
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(stream.time_base());
        let decoder = decoder.video().context("no decoder for the video track")?;
        let codec = decoder.id().name().to_owned();
        Ok(Self {
            stream: stream.index(),
            time_base: stream.time_base(),
            profile: profile_name(&decoder),
            decoder,
            frames: Vec::new(),
            gray: Converter::default(),
            color: colors.then(ColorMeter::default),
            color_due: f64::MIN,
            coding: None,
            hdr: Hdr::default(),
            codec,
            pixel_format: String::new(),
            key_frames: 0,
            decode_errors: 0,
            backwards: 0,
            size: Size::default(),
            resized: 0,
        })
    }

    pub fn frames(&self) -> &[Seen] {
        &self.frames
    }

    /// The largest colour error, in 8-bit code values.
    pub fn color_error(&self) -> Option<f64> {
        self.color.as_ref().and_then(ColorMeter::worst)
    }

    /// Takes a packet in; `None` at the end.
    pub fn take(&mut self, packet: Option<&ffmpeg_next::Packet>) {
        let sent = match packet {
            Some(packet) => {
                self.key_frames += u64::from(packet.is_key());
                self.decoder.send_packet(packet)
            }
            None => self.decoder.send_eof(),
        };
        self.decode_errors += u64::from(sent.is_err());
        let mut picture = frame::Video::empty();
        while self.decoder.receive_frame(&mut picture).is_ok() {
            self.see(&picture);
        }
    }

    fn see(&mut self, picture: &frame::Video) {
        let pts = picture.pts().or(picture.timestamp()).map_or(f64::NAN, |it| seconds(it, self.time_base));
        self.decode_errors += u64::from(picture.is_corrupt() || picture.has_decode_errors());
        self.backwards += u64::from(self.frames.last().is_some_and(|last| pts <= last.pts || pts.is_nan()));
        let size = Size::new(picture.width(), picture.height());
        if self.frames.is_empty() {
            self.size = size;
            let name = picture.format().descriptor().map(format::pixel::Descriptor::name);
            self.pixel_format = name.unwrap_or("unknown").to_owned();
            self.coding = Some(Coding::of(picture));
            self.hdr = Hdr::of(picture);
        }
        self.resized += u64::from(size != self.size);
        let reading = self.gray.luma(picture).and_then(read);
        if let (Some(reading), Some(meter)) = (reading, &mut self.color)
            && pts >= self.color_due
        {
            meter.measure(picture, reading.area);
            self.color_due = pts + COLOR_EVERY;
        }
        self.frames.push(Seen { pts, reading });
    }
}

fn profile_name(decoder: &codec::decoder::Video) -> Option<String> {
    // SAFETY: the context is open for as long as `decoder` lives; the name is a static string of
    // libavcodec or null.
    let name = unsafe {
        let context = decoder.as_ptr();
        let name = ffi::avcodec_profile_name((*context).codec_id, (*context).profile);
        (!name.is_null()).then(|| std::ffi::CStr::from_ptr(name))
    };
    name.map(|it| it.to_string_lossy().into_owned())
}

/// Gives pictures of any format as grey ones.
#[derive(Default)]
pub(super) struct Converter {
    scaler: Option<scaling::Context>,
    picture: Option<frame::Video>,
}

impl Converter {
    /// The luma of a picture: its own plane where it has one of 8 bits, a conversion otherwise.
    fn luma<'a>(&'a mut self, picture: &'a frame::Video) -> Option<Luma<'a>> {
        use format::Pixel::{NV12, YUV420P, YUV422P, YUV444P, YUVJ420P, YUVJ422P, YUVJ444P};
        let size = Size::new(picture.width(), picture.height());
        let plain = [NV12, YUV420P, YUV422P, YUV444P, YUVJ420P, YUVJ422P, YUVJ444P];
        let source = if plain.contains(&picture.format()) {
            picture
        } else {
            self.convert(picture, format::Pixel::GRAY8, size)?
        };
        Some(Luma { bytes: source.data(0), stride: source.stride(0), size })
    }

    /// The picture in another format and size.
    pub fn convert(
        &mut self,
        picture: &frame::Video,
        to: format::Pixel,
        size: Size,
    ) -> Option<&frame::Video> {
        let from = scaling::context::Definition {
            format: picture.format(),
            width: picture.width(),
            height: picture.height(),
        };
        let target = scaling::context::Definition { format: to, width: size.width, height: size.height };
        if self.scaler.as_ref().is_none_or(|it| *it.input() != from || *it.output() != target) {
            let flags =
                scaling::Flags::BILINEAR | scaling::Flags::ACCURATE_RND | scaling::Flags::FULL_CHR_H_INP;
            let (width, height) = (size.width, size.height);
            self.scaler = Some(
                scaling::Context::get(from.format, from.width, from.height, to, width, height, flags).ok()?,
            );
            self.picture = Some(frame::Video::new(to, width, height));
        }
        let converted = self.picture.as_mut()?;
        self.scaler.as_mut()?.run(picture, converted).ok()?;
        Some(converted)
    }
}

/// The name of a colour property, "unspecified" where the file says nothing.
pub(super) fn named(name: Option<&'static str>) -> String {
    name.unwrap_or("unspecified").to_owned()
}

/// Whether the picture's code values use the full range.
pub(super) fn is_full(picture: &frame::Video) -> bool {
    use format::Pixel::{YUVJ420P, YUVJ422P, YUVJ444P};
    picture.color_range() == color::Range::JPEG || [YUVJ420P, YUVJ422P, YUVJ444P].contains(&picture.format())
}
