//! Recordings with known faults, made by libavcodec without any of GhostStream's own code but the card.

use std::path::{Path, PathBuf};

use ffmpeg_next::format::sample::{Sample, Type};
use ffmpeg_next::{ChannelLayout, Dictionary, Packet, Rational, codec, color, encoder, format, frame};
use ghoststream::test_card::{Card, Stamp, beep_at};
use ghoststream::{Size, Timestamp};

/// The card's time at the start of each film: not a whole second.
pub const START: i64 = 1_234_600_000_000;
/// Samples a second of the sound.
const RATE: u32 = 48_000;

/// What to film, and how to spoil it.
pub struct Film {
    pub size: Size,
    /// Each frame: the card's number, and when it is shown, in nanoseconds of the recording.
    pub frames: Vec<(u32, i64)>,
    pub fps: u32,
    pub audio: Option<&'static str>,
    /// How much later the sound is than it should be, in seconds.
    pub late: f64,
    /// Samples left out of the sound: from second, for so many seconds.
    pub hole: Option<(f64, f64)>,
    pub full_range: bool,
    /// The matrix that the pictures are made with, red's and blue's share.
    pub matrix: (f64, f64),
    pub options: &'static str,
}

impl Film {
    pub fn new(fps: u32, count: u32) -> Self {
        let frames = (0..count).map(|it| (it, i64::from(it) * 1_000_000_000 / i64::from(fps))).collect();
        Self {
            size: Size::new(192, 108),
            frames,
            fps,
            audio: Some("flac"),
            late: 0.0,
            hole: None,
            full_range: false,
            matrix: (0.2126, 0.0722),
            options: "preset=ultrafast,crf=20",
        }
    }

    /// Writes it as `name` into `dir`.
    pub fn write(&self, dir: &Path, name: &str) -> PathBuf {
        ffmpeg_next::init().unwrap();
        ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Fatal);
        let path = dir.join(name);
        let mut output = format::output(&path).unwrap();
        let mut video = self.video_encoder(&mut output);
        let mut audio = self.audio.map(|name| audio_encoder(&mut output, name));
        output.write_header().unwrap();
        let mut sound = self.sound();
        let card = Card::new(self.size);
        for &(number, pts) in &self.frames {
            let mut picture = self.picture(&card, number);
            picture.set_pts(Some(pts / 1000));
            video.send_frame(&picture).unwrap();
            drain(&mut video, 0, &mut output);
            if let Some(audio) = &mut audio {
                sound.send(audio, pts as f64 / 1e9, &mut output);
            }
        }
        video.send_eof().unwrap();
        drain(&mut video, 0, &mut output);
        if let Some(audio) = &mut audio {
            sound.send(audio, self.seconds(), &mut output);
            audio.send_eof().unwrap();
            drain(audio, 1, &mut output);
        }
        output.write_trailer().unwrap();
        path
    }

    fn seconds(&self) -> f64 {
        self.frames.iter().map(|it| it.1).max().unwrap_or(0) as f64 / 1e9 + 1.0 / f64::from(self.fps)
    }

    fn video_encoder(&self, output: &mut format::context::Output) -> encoder::video::Encoder {
        let codec = encoder::find_by_name("libx264").expect("libx264");
        let mut encoder = codec::Context::new_with_codec(codec).encoder().video().unwrap();
        encoder.set_width(self.size.width);
        encoder.set_height(self.size.height);
        encoder.set_format(format::Pixel::YUV420P);
        encoder.set_time_base(Rational(1, 1_000_000));
        encoder.set_frame_rate(Some(Rational(self.fps as i32, 1)));
        encoder.set_gop(self.fps);
        encoder.set_colorspace(color::Space::BT709);
        encoder.set_color_range(if self.full_range { color::Range::JPEG } else { color::Range::MPEG });
        encoder.set_flags(codec::Flags::GLOBAL_HEADER);
        let mut options = Dictionary::new();
        for (name, value) in self.options.split(',').filter_map(|it| it.split_once('=')) {
            options.set(name, value);
        }
        let encoder = encoder.open_with(options).unwrap();
        add_stream(output, &encoder);
        encoder
    }

    /// When the card made a frame.
    pub fn time(&self, number: u32) -> Timestamp {
        Timestamp::from_nanos(START + i64::from(number) * 1_000_000_000 / i64::from(self.fps))
    }

    /// A frame as 4:2:0, converted here in plain arithmetic.
    fn picture(&self, card: &Card, number: u32) -> frame::Video {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let mut bgrx = vec![0; width * height * 4];
        let stamp = Stamp { frame: number, time: self.time(number) };
        card.paint(&mut bgrx, width * 4, stamp).unwrap();
        let yuv: Vec<[f64; 3]> = bgrx.as_chunks().0.iter().map(|it| self.convert(*it)).collect();
        let mut picture = frame::Video::new(format::Pixel::YUV420P, self.size.width, self.size.height);
        picture.set_color_space(color::Space::BT709);
        picture.set_color_range(if self.full_range { color::Range::JPEG } else { color::Range::MPEG });
        for plane in 0..picture.planes() {
            let stride = picture.stride(plane);
            let step = if plane == 0 { 1 } else { 2 };
            for (y, row) in picture.data_mut(plane).chunks_mut(stride).take(height / step).enumerate() {
                for (x, sample) in row.iter_mut().take(width / step).enumerate() {
                    let value = yuv[y * step * width + x * step];
                    *sample = value[plane].round() as u8;
                }
            }
        }
        picture
    }

    fn convert(&self, [b, g, r, _]: [u8; 4]) -> [f64; 3] {
        let (kr, kb) = self.matrix;
        let [r, g, b] = [r, g, b].map(|it| f64::from(it) / 255.0);
        let y = kr * r + (1.0 - kr - kb) * g + kb * b;
        let (cb, cr) = ((b - y) / (2.0 * (1.0 - kb)), (r - y) / (2.0 * (1.0 - kr)));
        if self.full_range {
            [y * 255.0, 128.0 + cb * 255.0, 128.0 + cr * 255.0].map(|it| it.clamp(0.0, 255.0))
        } else {
            [16.0 + y * 219.0, 128.0 + cb * 224.0, 128.0 + cr * 224.0]
        }
    }

    fn sound(&self) -> Sound<'_> {
        Sound { film: self, sent: 0 }
    }

    /// The sound at a second of the recording. The first frame shows the card's time at `START`.
    fn sample(&self, at: f64) -> f32 {
        beep_at(Timestamp::from_nanos(START + ((at - self.late) * 1e9).round() as i64))
    }
}

/// The sound, sent in step with the pictures.
struct Sound<'a> {
    film: &'a Film,
    sent: u64,
}

impl Sound<'_> {
    fn send(
        &mut self,
        encoder: &mut encoder::audio::Encoder,
        until: f64,
        output: &mut format::context::Output,
    ) {
        let size = u64::from(encoder.frame_size().max(1));
        while ((self.sent + size) as f64) <= until * f64::from(RATE) {
            let start = self.sent as f64 / f64::from(RATE);
            let hole = self.film.hole.is_some_and(|(from, length)| (from..from + length).contains(&start));
            if !hole {
                let sound = self.frame(encoder, size as usize);
                encoder.send_frame(&sound).unwrap();
                drain(encoder, 1, output);
            }
            self.sent += size;
        }
    }

    fn frame(&self, encoder: &encoder::audio::Encoder, size: usize) -> frame::Audio {
        let mut sound = frame::Audio::new(encoder.format(), size, ChannelLayout::STEREO);
        sound.set_rate(RATE);
        sound.set_pts(Some(self.sent as i64));
        let sample = |index: usize| self.film.sample((self.sent + index as u64) as f64 / f64::from(RATE));
        match encoder.format() {
            Sample::F32(Type::Planar) => {
                for channel in 0..2 {
                    let plane = sound.plane_mut::<f32>(channel);
                    plane.iter_mut().enumerate().for_each(|(index, it)| *it = sample(index));
                }
            }
            Sample::I16(Type::Packed) => {
                let plane = sound.plane_mut::<(i16, i16)>(0);
                for (index, it) in plane.iter_mut().take(size).enumerate() {
                    let value = (sample(index) * 32_767.0) as i16;
                    *it = (value, value);
                }
            }
            Sample::F32(Type::Packed) => {
                let plane = sound.plane_mut::<(f32, f32)>(0);
                plane
                    .iter_mut()
                    .take(size)
                    .enumerate()
                    .for_each(|(index, it)| *it = (sample(index), sample(index)));
            }
            other => panic!("{other:?}"),
        }
        sound
    }
}

fn audio_encoder(output: &mut format::context::Output, name: &str) -> encoder::audio::Encoder {
    let codec = encoder::find_by_name(name).expect("an audio encoder");
    let mut encoder = codec::Context::new_with_codec(codec).encoder().audio().unwrap();
    encoder.set_rate(RATE as i32);
    encoder.set_channel_layout(ChannelLayout::STEREO);
    encoder.set_format(match name {
        "flac" => Sample::I16(Type::Packed),
        "libopus" => Sample::F32(Type::Packed),
        _ => Sample::F32(Type::Planar),
    });
    encoder.set_time_base(Rational(1, RATE as i32));
    encoder.set_bit_rate(128_000);
    encoder.set_flags(codec::Flags::GLOBAL_HEADER);
    let encoder = encoder.open_as(codec).unwrap();
    let mut stream = output.add_stream(codec).unwrap();
    stream.set_parameters(&encoder);
    stream.set_metadata(Dictionary::from_iter([("language", "deu")]));
    encoder
}

fn add_stream(output: &mut format::context::Output, encoder: &encoder::video::Encoder) {
    let mut stream = output.add_stream(encoder.codec()).unwrap();
    stream.set_parameters(encoder);
    stream.set_avg_frame_rate(encoder.frame_rate());
    stream.set_time_base(Rational(1, 90_000));
}

fn drain(encoder: &mut encoder::Encoder, stream: usize, output: &mut format::context::Output) {
    let mut packet = Packet::empty();
    while encoder.receive_packet(&mut packet).is_ok() {
        packet.set_stream(stream);
        let base = output.stream(stream).unwrap().time_base();
        packet.rescale_ts(encoder.time_base(), base);
        packet.write_interleaved(output).unwrap();
    }
}
