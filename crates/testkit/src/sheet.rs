//! A contact sheet: pictures spread over a recording, on one page, for eyes to judge.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use ffmpeg_next::{Packet, Rational, codec, ffi, format, frame, media, software::scaling};
use ghoststream::test_card::{GLYPH_HEIGHT, GLYPH_WIDTH, glyph};
use image::{Rgb, RgbImage, imageops};

/// Pictures across and down.
const GRID: (u32, u32) = (4, 3);
/// The longer side of a picture on the sheet, in pixels.
const SIDE: u32 = 480;
const MARGIN: u32 = 24;
/// Below each picture, for its time.
const CAPTION: u32 = 34;

const PAPER: Rgb<u8> = Rgb([22, 24, 29]);
const EDGE: Rgb<u8> = Rgb([58, 62, 72]);
const BRIGHT: Rgb<u8> = Rgb([236, 238, 242]);
const DIM: Rgb<u8> = Rgb([156, 163, 175]);
const ACCENT: Rgb<u8> = Rgb([255, 190, 92]);

/// A picture of a recording and its time, seconds.
struct Shot {
    at: f64,
    picture: RgbImage,
}

/// Writes a PNG with pictures spread evenly over `recording`, headed by `title` and `lines`.
///
/// # Errors
/// The recording cannot be read, has no pictures, or the PNG cannot be written.
pub fn write(recording: &Path, title: &str, lines: &[String], png: &Path) -> Result<()> {
    let shots = shots(recording).with_context(|| format!("pictures of {}", recording.display()))?;
    let sheet = arrange(&shots, title, lines);
    sheet.save_with_format(png, image::ImageFormat::Png).with_context(|| format!("writing {}", png.display()))
}

/// Takes the pictures: from each key frame before the wanted time on, as a player seeks.
fn shots(recording: &Path) -> Result<Vec<Shot>> {
    ffmpeg_next::init()?;
    let mut input = format::input(recording)?;
    let stream = input.streams().best(media::Type::Video).context("there are no pictures")?;
    let (index, base) = (stream.index(), stream.time_base());
    let start = if input.duration() > 0 { stream.start_time().max(0) } else { 0 };
    let start = seconds(start, base);
    let length = (input.duration() as f64 / 1e6).max(0.0);
    let mut decoder = codec::Context::from_parameters(stream.parameters())?.decoder().video()?;
    let count = GRID.0 * GRID.1;
    let mut shots = Vec::<Shot>::new();
    for number in 0..count {
        let wanted = start + (length - start).max(0.0) * (f64::from(number) + 0.5) / f64::from(count);
        let micros = (wanted * 1e6) as i64;
        if input.seek(micros, ..micros + 1).is_err() && number > 0 {
            continue;
        }
        decoder.flush();
        if let Some(shot) = next_at(&mut input, index, base, &mut decoder, wanted)?
            && shots.last().is_none_or(|last| last.at < shot.at)
        {
            shots.push(shot);
        }
    }
    if shots.is_empty() {
        bail!("not one picture could be decoded");
    }
    Ok(shots)
}

/// Decodes up to the picture that is shown at `wanted`; the last one where there is none.
fn next_at(
    input: &mut format::context::Input,
    stream: usize,
    base: Rational,
    decoder: &mut codec::decoder::Video,
    wanted: f64,
) -> Result<Option<Shot>> {
    let mut last = None;
    let mut packet = Packet::empty();
    loop {
        let more = packet.read(input).is_ok();
        if more && packet.stream() != stream {
            continue;
        }
        // A damaged packet spoils its own pictures only.
        let _ = if more { decoder.send_packet(&packet) } else { decoder.send_eof() };
        let mut picture = frame::Video::empty();
        while decoder.receive_frame(&mut picture).is_ok() {
            let at = seconds(picture.pts().or(picture.timestamp()).unwrap_or(0), base);
            let reached = at >= wanted - 0.001;
            last = Some((at, std::mem::replace(&mut picture, frame::Video::empty())));
            if reached {
                break;
            }
        }
        let reached = last.as_ref().is_some_and(|(at, _)| *at >= wanted - 0.001);
        if reached || !more {
            return last.map(|(at, picture)| Ok(Shot { at, picture: small(&picture)? })).transpose();
        }
    }
}

/// The picture in RGB by its own tags, scaled to the sheet.
fn small(picture: &frame::Video) -> Result<RgbImage> {
    let (width, height) = (picture.width(), picture.height());
    let longer = width.max(height).max(1);
    let side = |it: u32| (it * SIDE / longer).max(2);
    let (to_width, to_height) = (side(width), side(height));
    let flags = scaling::Flags::AREA | scaling::Flags::ACCURATE_RND | scaling::Flags::FULL_CHR_H_INT;
    let rgb = format::Pixel::RGB24;
    let mut scaler = scaling::Context::get(picture.format(), width, height, rgb, to_width, to_height, flags)?;
    let matrix = match picture.color_space() {
        ffmpeg_next::color::Space::BT709 => ffi::SWS_CS_ITU709,
        ffmpeg_next::color::Space::BT2020NCL | ffmpeg_next::color::Space::BT2020CL => ffi::SWS_CS_BT2020,
        ffmpeg_next::color::Space::Unspecified if height > 576 => ffi::SWS_CS_ITU709,
        _ => ffi::SWS_CS_ITU601,
    };
    let full = i32::from(picture.color_range() == ffmpeg_next::color::Range::JPEG);
    // SAFETY: the context is open; the coefficients are static tables of libswscale.
    unsafe {
        let from = ffi::sws_getCoefficients(matrix);
        let to = ffi::sws_getCoefficients(ffi::SWS_CS_DEFAULT);
        ffi::sws_setColorspaceDetails(scaler.as_mut_ptr(), from, full, to, 1, 0, 1 << 16, 1 << 16);
    }
    let mut scaled = frame::Video::empty();
    scaler.run(picture, &mut scaled)?;
    let row = to_width as usize * 3;
    let rows = scaled.data(0).chunks(scaled.stride(0)).take(to_height as usize);
    let bytes: Vec<u8> = rows.flat_map(|it| &it[..row]).copied().collect();
    RgbImage::from_raw(to_width, to_height, bytes).context("a scaled picture has another size than asked for")
}

fn arrange(shots: &[Shot], title: &str, lines: &[String]) -> RgbImage {
    let width = shots.iter().map(|it| it.picture.width()).max().unwrap_or(1);
    let height = shots.iter().map(|it| it.picture.height()).max().unwrap_or(1);
    let (columns, rows) = (GRID.0, (shots.len() as u32).div_ceil(GRID.0));
    let full_width = columns * width + (columns + 1) * MARGIN;
    let lines = wrapped(lines, (full_width - 2 * MARGIN) / ((GLYPH_WIDTH + 1) * 2));
    let head = MARGIN + GLYPH_HEIGHT * 4 + lines.len() as u32 * 24 + MARGIN;
    let mut sheet = RgbImage::from_pixel(full_width, head + rows * (height + CAPTION + MARGIN), PAPER);
    text(&mut sheet, (MARGIN, MARGIN), 3, title, BRIGHT);
    for (index, line) in lines.iter().enumerate() {
        text(&mut sheet, (MARGIN, MARGIN + GLYPH_HEIGHT * 4 + 8 + index as u32 * 24), 2, line, DIM);
    }
    for (index, shot) in shots.iter().enumerate() {
        let (column, row) = (index as u32 % columns, index as u32 / columns);
        let (x, y) = (MARGIN + column * (width + MARGIN), head + row * (height + CAPTION + MARGIN));
        let edge = RgbImage::from_pixel(shot.picture.width() + 2, shot.picture.height() + 2, EDGE);
        imageops::replace(&mut sheet, &edge, i64::from(x) - 1, i64::from(y) - 1);
        imageops::replace(&mut sheet, &shot.picture, i64::from(x), i64::from(y));
        text(&mut sheet, (x, y + shot.picture.height() + 11), 2, &clock(shot.at), ACCENT);
    }
    sheet
}

/// Breaks lines between words so that none is longer than `most` letters.
fn wrapped(lines: &[String], most: u32) -> Vec<String> {
    let mut all = Vec::new();
    for line in lines {
        let mut current = String::new();
        for word in line.split_whitespace() {
            if !current.is_empty() && current.len() + 1 + word.len() > most as usize {
                all.push(std::mem::take(&mut current));
                current.push_str("   ");
            }
            current.push_str(if current.trim().is_empty() { "" } else { " " });
            current.push_str(word);
        }
        all.push(current);
    }
    all
}

fn clock(seconds: f64) -> String {
    let millis = (seconds.max(0.0) * 1e3).round() as u64;
    let (hours, minutes, rest) = (millis / 3_600_000, millis / 60_000 % 60, millis % 60_000);
    let clock = format!("{minutes:02}:{:02}.{:03}", rest / 1000, rest % 1000);
    if hours > 0 { format!("{hours}:{clock}") } else { clock }
}

/// Writes letters of `dot` pixels a dot; what does not fit is cut off.
fn text(sheet: &mut RgbImage, (x, y): (u32, u32), dot: u32, text: &str, color: Rgb<u8>) {
    for (index, letter) in text.chars().enumerate() {
        let left = x + index as u32 * (GLYPH_WIDTH + 1) * dot;
        for (row, bits) in glyph(letter).into_iter().enumerate() {
            for column in (0..GLYPH_WIDTH).filter(|it| bits >> (GLYPH_WIDTH - 1 - it) & 1 == 1) {
                let (left, top) = (left + column * dot, y + row as u32 * dot);
                for (px, py) in (0..dot * dot).map(|it| (left + it % dot, top + it / dot)) {
                    if px < sheet.width() && py < sheet.height() {
                        sheet.put_pixel(px, py, color);
                    }
                }
            }
        }
    }
}

fn seconds(time: i64, base: Rational) -> f64 {
    time as f64 * f64::from(base.numerator()) / f64::from(base.denominator())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_clocks() {
        assert_eq!(clock(0.0), "00:00.000");
        assert_eq!(clock(61.2345), "01:01.235");
        assert_eq!(clock(3725.5), "1:02:05.500");
    }

    #[test]
    fn long_lines_are_broken_between_words() {
        let lines = wrapped(&["one two three four".to_owned()], 9);
        assert_eq!(lines, ["one two", "   three", "   four"]);
    }

    #[test]
    fn a_sheet_shows_its_pictures_in_order() {
        let colors = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 99, 199], [250, 250, 0]];
        let shot = |(index, color): (usize, &[u8; 3])| Shot {
            at: index as f64,
            picture: RgbImage::from_pixel(96, 54, Rgb(*color)),
        };
        let shots: Vec<Shot> = colors.iter().enumerate().map(shot).collect();
        let sheet = arrange(&shots, "title", &["line".to_owned()]);
        let mut found: Vec<[u8; 3]> = Vec::new();
        for pixel in sheet.pixels().map(|it| it.0).filter(|it| colors.contains(it)) {
            if !found.contains(&pixel) {
                found.push(pixel);
            }
        }
        assert_eq!(found, colors);
    }
}
