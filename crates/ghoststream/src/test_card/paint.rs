//! Drawing: what stands still once into each buffer, what moves for each frame.

use super::canvas::{Canvas, Pixel, pixel};
use super::layout::{BLOCK_COLUMNS, BLOCK_ROWS, bar, block};
use super::texture::{Noise, ground, hue, scramble};
use super::{BARS, GLYPH_HEIGHT, GLYPH_WIDTH, Part, Stamp, blocks};
use crate::capture::LayoutError;
use crate::{Rect, Size};

const BLACK: Pixel = pixel([0; 3]);
const WHITE: Pixel = pixel([255; 3]);
const PANEL: Pixel = pixel([128; 3]);
const PAPER: Pixel = pixel([238, 236, 228]);
const INK: [Pixel; 3] = [pixel([30, 32, 40]), pixel([150, 40, 30]), pixel([30, 70, 150])];

/// Letters in a line of the scrolling text, after which it repeats.
const LINE: u32 = 96;

/// A card of one size, ready to be drawn into any number of buffers.
///
/// [`Card::paint`] draws all of it, [`Card::repaint`] what moves, over a frame of the same card that
/// is already in the buffer: which frame does not matter, so that buffers can be used in turns. All
/// movement follows the stamp's time, not its number: the card looks the same at every rate.
#[derive(Debug)]
pub struct Card {
    size: Size,
    /// The ground of [`Part::Motion`], rows without padding.
    ground: Vec<u8>,
    /// The lines of [`Part::Text`], wider by one repetition, rows without padding.
    text: Vec<u8>,
    /// Dots of the text's letters, in pixels.
    dot: u32,
}

impl Card {
    /// Prepares a card. Any size works; below [`super::READABLE`] its blocks are too small to be read.
    pub fn new(size: Size) -> Self {
        let dot = (size.height / 540).max(1);
        Self { size, ground: motion_ground(size), text: text_strip(size, dot), dot }
    }

    /// Its size.
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Draws a whole frame, BGRx with the fourth byte 255. `stride` is the bytes from row to row.
    ///
    /// # Errors
    /// The picture does not fit `bytes`.
    pub fn paint(&self, bytes: &mut [u8], stride: usize, stamp: Stamp) -> Result<(), LayoutError> {
        let mut canvas = Canvas::new(bytes, stride, self.size)?;
        paint_still(&mut canvas);
        self.paint_moving(&mut canvas, stamp);
        Ok(())
    }

    /// Draws a frame over another of the same card. Far cheaper than [`Card::paint`].
    ///
    /// # Errors
    /// The picture does not fit `bytes`.
    pub fn repaint(&self, bytes: &mut [u8], stride: usize, stamp: Stamp) -> Result<(), LayoutError> {
        self.paint_moving(&mut Canvas::new(bytes, stride, self.size)?, stamp);
        Ok(())
    }

    /// Draws a frame over the one before, which must be in the buffer: what differs and no more, which is
    /// cheaper than [`Card::repaint`].
    ///
    /// # Errors
    /// The picture does not fit `bytes`.
    pub fn advance(
        &self,
        bytes: &mut [u8],
        stride: usize,
        before: Stamp,
        after: Stamp,
    ) -> Result<(), LayoutError> {
        let mut canvas = Canvas::new(bytes, stride, self.size)?;
        paint_changed_blocks(&mut canvas, before, after);
        let motion = Part::Motion.area(self.size);
        for old in [sweep(motion, before), ball(motion, before)] {
            self.paint_ground(&mut canvas, old);
        }
        paint_sweep(&mut canvas, motion, after);
        paint_ball(&mut canvas, motion, after);
        paint_digits(&mut canvas, after);
        if before.flashes() != after.flashes() {
            self.paint_flash(&mut canvas, after);
        }
        self.paint_text(&mut canvas, after);
        Ok(())
    }

    /// What differs, at most, between two frames of this card.
    pub fn damage(&self, before: Stamp, after: Stamp) -> Vec<Rect> {
        let flash = (before.flashes() != after.flashes()).then_some(Part::Flash);
        let moving = [Part::Blocks, Part::Motion, Part::Digits, Part::Text];
        let parts = moving.into_iter().chain(flash).map(|part| part.area(self.size));
        parts.filter(|area| before != after && !area.is_empty()).collect()
    }

    fn paint_moving(&self, canvas: &mut Canvas, stamp: Stamp) {
        paint_blocks(canvas, stamp);
        self.paint_motion(canvas, stamp);
        paint_digits(canvas, stamp);
        self.paint_flash(canvas, stamp);
        self.paint_text(canvas, stamp);
    }

    fn paint_flash(&self, canvas: &mut Canvas, stamp: Stamp) {
        canvas.fill(Part::Flash.area(self.size), if stamp.flashes() { WHITE } else { BLACK });
    }

    fn paint_motion(&self, canvas: &mut Canvas, stamp: Stamp) {
        let area = Part::Motion.area(self.size);
        self.paint_ground(canvas, area);
        paint_sweep(canvas, area, stamp);
        paint_ball(canvas, area, stamp);
    }

    /// Draws a part of the ground of [`Part::Motion`], within which it lies.
    fn paint_ground(&self, canvas: &mut Canvas, part: Rect) {
        let area = Part::Motion.area(self.size);
        if part.is_empty() {
            return;
        }
        let (left, length) = ((part.x - area.x) as usize * 4, part.width as usize * 4);
        let rows = self.ground.chunks_exact(area.width as usize * 4).skip((part.y - area.y) as usize);
        for (row, ground) in (0..part.height).zip(rows) {
            canvas.row(part, row).copy_from_slice(&ground[left..left + length]);
        }
    }

    fn paint_text(&self, canvas: &mut Canvas, stamp: Stamp) {
        let area = Part::Text.area(self.size);
        let period = repetition(self.dot);
        // A repetition takes six seconds.
        let shift = phase(stamp, 6_000) * f64::from(period);
        let shift = (shift as usize).min(period as usize - 1) * 4;
        let strip = (area.width + period) as usize * 4;
        for (row, line) in (0..area.height).zip(self.text.chunks_exact(strip)) {
            let row = canvas.row(area, row);
            let length = row.len();
            row.copy_from_slice(&line[shift..shift + length]);
        }
    }
}

/// How far the stamp is within a period of so many milliseconds, 0 to 1.
fn phase(stamp: Stamp, millis: i64) -> f64 {
    let period = millis * 1_000_000;
    stamp.time.as_nanos().rem_euclid(period) as f64 / period as f64
}

/// To and fro, 0 to 1 to 0.
fn swing(phase: f64) -> f64 {
    1.0 - (2.0 * phase - 1.0).abs()
}

fn paint_still(canvas: &mut Canvas) {
    let size = canvas.size();
    let bars = Part::Bars.area(size);
    for (index, color) in BARS.into_iter().enumerate() {
        canvas.fill(bar(bars, index), pixel(color));
    }
    paint_across(canvas, Part::Ramp.area(size), |at| pixel([(at * 255.0).round() as u8; 3]));
    paint_across(canvas, Part::Rainbow.area(size), |at| pixel(hue(at)));
    canvas.fill(Part::Panel.area(size), PANEL);
}

/// Fills an area whose colour depends on the column alone, 0 to 1.
fn paint_across(canvas: &mut Canvas, area: Rect, color: impl Fn(f32) -> Pixel) {
    if area.is_empty() {
        return;
    }
    let last = area.width.saturating_sub(1).max(1) as f32;
    for (column, pixel) in canvas.row(area, 0).as_chunks_mut().0.iter_mut().enumerate() {
        *pixel = color(column as f32 / last);
    }
    canvas.repeat_first_row(area);
}

fn paint_blocks(canvas: &mut Canvas, stamp: Stamp) {
    let size = canvas.size();
    let words = blocks::encode(stamp);
    for (row, word) in (0..BLOCK_ROWS).zip(words) {
        for column in 0..BLOCK_COLUMNS {
            let set = word >> (BLOCK_COLUMNS - 1 - column) & 1 == 1;
            canvas.fill(block(size, row, column), if set { WHITE } else { BLACK });
        }
    }
}

/// The blocks that differ.
fn paint_changed_blocks(canvas: &mut Canvas, before: Stamp, after: Stamp) {
    let size = canvas.size();
    for (row, (old, new)) in
        (0..BLOCK_ROWS).zip(blocks::encode(before).into_iter().zip(blocks::encode(after)))
    {
        for column in 0..BLOCK_COLUMNS {
            let bit = 1 << (BLOCK_COLUMNS - 1 - column);
            if (old ^ new) & bit != 0 {
                canvas.fill(block(size, row, column), if new & bit != 0 { WHITE } else { BLACK });
            }
        }
    }
}

/// Where the sweep is: a line that crosses in two seconds.
fn sweep(area: Rect, stamp: Stamp) -> Rect {
    let x = area.x + (phase(stamp, 2_000) * f64::from(area.width)) as u32;
    Rect::new(x, area.y, (area.width / 100).max(1), area.height).intersection(area)
}

/// A bright line.
fn paint_sweep(canvas: &mut Canvas, area: Rect, stamp: Stamp) {
    let sweep = sweep(area, stamp);
    for row in 0..sweep.height {
        for pixel in canvas.row(sweep, row).as_chunks_mut::<4>().0 {
            *pixel = pixel.map(|it| it.saturating_add(96));
        }
    }
}

/// Where the ball is, which bounces between the edges; empty where there is no room for one.
fn ball(area: Rect, stamp: Stamp) -> Rect {
    let radius = area.height.min(area.width) / 6;
    let (room_x, room_y) = (area.width - 2 * radius, area.height - 2 * radius);
    let x = area.x + (swing(phase(stamp, 3_700)) * f64::from(room_x)) as u32;
    // A parabola, as a ball that falls.
    let height = 1.0 - (2.0 * phase(stamp, 1_300) - 1.0).powi(2);
    let y = area.y + ((1.0 - height) * f64::from(room_y)) as u32;
    Rect::new(x, y, 2 * radius, 2 * radius)
}

/// A shaded ball.
fn paint_ball(canvas: &mut Canvas, area: Rect, stamp: Stamp) {
    let ball = ball(area, stamp);
    if ball.is_empty() {
        return;
    }
    let radius = ball.width / 2;
    let r = radius as f32;
    for row in 0..ball.height {
        let dy = (row as f32 + 0.5 - r) / r;
        for (column, pixel) in canvas.row(ball, row).as_chunks_mut().0.iter_mut().enumerate() {
            let dx = (column as f32 + 0.5 - r) / r;
            if dx.mul_add(dx, dy * dy) > 1.0 {
                continue;
            }
            // Lit from the upper left.
            let light = (1.0 - (dx + 0.4).mul_add(dx + 0.4, (dy + 0.4) * (dy + 0.4)) * 0.45).clamp(0.15, 1.0);
            *pixel = self::pixel([255.0, 120.0, 40.0].map(|it: f32| (it * light) as u8));
        }
    }
}

fn paint_digits(canvas: &mut Canvas, stamp: Stamp) {
    let area = Part::Digits.area(canvas.size());
    canvas.fill(area, pixel([24, 26, 32]));
    let seconds = stamp.time.as_nanos().div_euclid(1_000_000_000);
    let millis = stamp.time.as_nanos().rem_euclid(1_000_000_000) / 1_000_000;
    let (hours, minutes) = ((seconds / 3600).rem_euclid(100), (seconds / 60).rem_euclid(60));
    let clock = format!("{hours:02}:{minutes:02}:{:02}.{millis:03}", seconds.rem_euclid(60));
    let number = format!("#{:>11}", stamp.frame);
    // Twelve letters and a margin of one on either side.
    let dot = (area.width / ((GLYPH_WIDTH + 1) * 14)).min(area.height / (GLYPH_HEIGHT * 4));
    if dot == 0 {
        return;
    }
    let (x, line) = (area.x + (GLYPH_WIDTH + 1) * dot, GLYPH_HEIGHT * dot);
    canvas.text(x, area.y + area.height / 2 - line * 3 / 2, dot, &number, WHITE);
    canvas.text(x, area.y + area.height / 2 + line / 2, dot, &clock, pixel([255, 196, 64]));
}

fn motion_ground(size: Size) -> Vec<u8> {
    let area = Part::Motion.area(size);
    let noise = Noise::new();
    let pixels = (0..area.height).flat_map(|y| (0..area.width).map(move |x| (x, y)));
    pixels.flat_map(|(x, y)| ground(&noise, x, y, area.width, area.height)).collect()
}

/// Pixels after which the text repeats.
const fn repetition(dot: u32) -> u32 {
    LINE * (GLYPH_WIDTH + 1) * dot
}

/// Lines of letters in no order, with gaps as between words.
fn text_strip(size: Size, dot: u32) -> Vec<u8> {
    let area = Part::Text.area(size);
    let strip = Size::new(area.width + repetition(dot), area.height);
    let mut bytes = vec![0; strip.width as usize * strip.height as usize * 4];
    let stride = strip.width as usize * 4;
    let Ok(mut canvas) = Canvas::new(&mut bytes, stride, strip) else {
        return bytes;
    };
    canvas.fill(Rect::of(strip), PAPER);
    let pitch = (GLYPH_HEIGHT + 3) * dot;
    for line in 0..strip.height.saturating_sub(2 * dot) / pitch {
        let ink = INK[scramble(line) as usize % INK.len()];
        let letters: String = (0..LINE).map(|column| letter(line * LINE + column)).collect();
        let text = letters.repeat(1 + strip.width.div_ceil(repetition(dot)) as usize);
        canvas.text(0, 2 * dot + line * pitch, dot, &text, ink);
    }
    bytes
}

fn letter(key: u32) -> char {
    const LETTERS: &[u8] = b"etaoinshrdlucmfwypvbgkETAOIN(){}=0123456789._;";
    let bits = scramble(key);
    if bits.is_multiple_of(6) { ' ' } else { char::from(LETTERS[(bits >> 8) as usize % LETTERS.len()]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn stamp(frame: u32, millis: i64) -> Stamp {
        Stamp { frame, time: Timestamp::from_nanos(millis * 1_000_000) }
    }

    #[test]
    fn any_size_is_drawn_within_its_bounds() {
        for (width, height) in [(1, 1), (16, 16), (17, 33), (16, 2048), (2048, 16), (333, 77), (1366, 768)] {
            let card = Card::new(Size::new(width, height));
            let stride = width as usize * 4 + 12;
            let mut bytes = vec![0xA5; stride * height as usize];
            for millis in [0, 50, 333, 999, 1850, 123_456_789, -77] {
                card.paint(&mut bytes, stride, stamp(5, millis)).unwrap();
            }
            for row in bytes.chunks_exact(stride) {
                assert!(
                    row[width as usize * 4..].iter().all(|&it| it == 0xA5),
                    "padding of {width}x{height}"
                );
                assert!(row[..width as usize * 4].as_chunks::<4>().0.iter().all(|it| it[3] == 255));
            }
        }
    }

    #[test]
    fn memory_that_is_too_small_is_refused() {
        let card = Card::new(Size::new(64, 64));
        let mut bytes = vec![0; 64 * 64 * 4 - 1];
        assert!(card.paint(&mut bytes, 256, stamp(0, 0)).is_err());
        assert!(card.repaint(&mut bytes, 255, stamp(0, 0)).is_err());
        assert!(card.advance(&mut bytes, 256, stamp(0, 0), stamp(1, 1)).is_err());
        assert!(card.paint(&mut bytes, usize::MAX, stamp(0, 0)).is_err());
    }

    #[test]
    fn repainting_any_frame_gives_what_painting_gives() {
        let size = Size::new(640, 360);
        let card = Card::new(size);
        let mut kept = vec![0; 640 * 360 * 4];
        let mut fresh = kept.clone();
        card.paint(&mut kept, 640 * 4, stamp(0, 0)).unwrap();
        for (frame, millis) in [(1, 16), (7, 516), (3, 2000), (900, 15_099)] {
            fresh.fill(0);
            card.paint(&mut fresh, 640 * 4, stamp(frame, millis)).unwrap();
            card.repaint(&mut kept, 640 * 4, stamp(frame, millis)).unwrap();
            assert!(fresh == kept, "frame {frame} at {millis} ms");
        }
    }

    #[test]
    fn advancing_from_the_frame_before_gives_what_painting_gives() {
        for size in [Size::new(640, 360), Size::new(16, 16), Size::new(333, 77)] {
            let (card, stride) = (Card::new(size), size.width as usize * 4);
            let mut kept = vec![0; stride * size.height as usize];
            let mut before = stamp(0, 0);
            card.paint(&mut kept, stride, before).unwrap();
            for (frame, millis) in
                [(1, 16), (2, 33), (7, 516), (8, 999), (9, 2000), (900, 15_099), (900, 15_099)]
            {
                let (after, mut fresh) = (stamp(frame, millis), vec![0; kept.len()]);
                card.paint(&mut fresh, stride, after).unwrap();
                card.advance(&mut kept, stride, before, after).unwrap();
                assert!(fresh == kept, "frame {frame} at {millis} ms, {size}");
                before = after;
            }
        }
    }

    #[test]
    fn damage_holds_all_that_changed() {
        let size = Size::new(640, 360);
        let card = Card::new(size);
        let draw = |at| {
            let mut bytes = vec![0; 640 * 360 * 4];
            card.paint(&mut bytes, 640 * 4, at).unwrap();
            bytes
        };
        for (a, b) in
            [(stamp(0, 90), stamp(1, 106)), (stamp(1, 106), stamp(2, 123)), (stamp(4, 9), stamp(4, 9))]
        {
            let (before, after) = (draw(a), draw(b));
            let rects = card.damage(a, b);
            for (index, pair) in before.chunks_exact(4).zip(after.chunks_exact(4)).enumerate() {
                let (x, y) = (index as u32 % 640, index as u32 / 640);
                let inside = rects.iter().any(|it| !it.intersection(Rect::new(x, y, 1, 1)).is_empty());
                assert!(inside || pair.0 == pair.1, "pixel {x},{y} changed outside of the damage");
            }
            assert_eq!(rects.is_empty(), a == b);
            assert_eq!(rects.contains(&Part::Flash.area(size)), a.flashes() != b.flashes());
        }
    }
}
