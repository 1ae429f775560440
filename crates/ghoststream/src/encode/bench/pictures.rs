//! What encoders are measured with: the test card, panned over by a window, under grain.
//!
//! A blank or a still picture costs an encoder next to nothing. Here everything moves, as when a
//! player turns his head: the whole by a few pixels, in it what moves on the card, and grain that is
//! another in each picture.

use std::sync::Arc;

use crate::av::Picture;
use crate::capture::{CapturedFrame, CpuBuffer, Damage, Memory, Plane};
use crate::encode::{InputSpec, PictureMemory};
use crate::processing::{self, Process, Recipe, ToneMapping};
use crate::test_card::{Card, Stamp};
use crate::{
    Color, ColorRange, ColorSpace, PixelFormat, ProcessError, Rect, Scaler, Size, Timestamp, Transform,
};

/// Pictures are made before the clock runs and shown again and again; this is the memory that they
/// may take.
const BYTES: u64 = 256 << 20;

/// How far the window travels.
const TRAVEL: Size = Size::new(192, 96);

/// Pictures in the encoder's format.
pub(crate) struct Pictures {
    input: InputSpec,
    pinned: bool,
    pictures: Vec<Picture>,
}

impl Pictures {
    /// In the memory that a recording would have them in: where the encoder has one of its own, as many as lie
    /// there.
    pub(crate) fn new(input: &InputSpec, memory: Option<&PictureMemory>) -> Result<Self, ProcessError> {
        let count = match memory {
            Some(_) => PictureMemory::MOST as u64,
            // Twice as much for ten bits and for full chroma, at the most.
            None => (BYTES / (input.size.area() * 3)).clamp(8, 48),
        };
        let mut film = Film::new(input.size);
        let recipe =
            Recipe { output: *input, region: None, scaler: Scaler::Nearest, tone: ToneMapping::default() };
        let mut process = processing::open_for(recipe, memory.cloned());
        let pictures =
            (0..count).map(|it| film.picture(it, count, &mut *process)).collect::<Result<_, _>>()?;
        Ok(Self { input: *input, pinned: memory.is_some(), pictures })
    }

    /// Whether they are what an encoder wants that has, or has no, memory of its own.
    pub(super) fn suit(&self, input: &InputSpec, memory: Option<&PictureMemory>) -> bool {
        self.input == *input && self.pinned == memory.is_some()
    }

    /// The picture at a place of a film without end: forwards, then backwards, so that there is no cut.
    pub(crate) fn at(&self, index: u64) -> &Picture {
        let turns = self.pictures.len() - 1;
        let place = index as usize % (2 * turns);
        &self.pictures[if place <= turns { place } else { 2 * turns - place }]
    }
}

/// A card larger than the picture.
struct Film {
    window: Size,
    card: Card,
    canvas: Vec<u8>,
}

impl Film {
    fn new(window: Size) -> Self {
        let size = Size::new(window.width + TRAVEL.width, window.height + TRAVEL.height);
        let mut canvas = vec![0; size.area() as usize * 4];
        let card = Card::new(size);
        // The canvas is as large as the card.
        let _ = card.paint(&mut canvas, size.width as usize * 4, Stamp::default());
        Self { window, card, canvas }
    }

    fn picture(
        &mut self,
        index: u64,
        count: u64,
        process: &mut dyn Process,
    ) -> Result<Picture, ProcessError> {
        let (size, stride) = (self.card.size(), self.card.size().width as usize * 4);
        // What moves on the card moves with its time: a sixtieth of a second for each picture.
        let time = Timestamp::from_nanos(index as i64 * 16_666_667);
        let _ = self.card.repaint(&mut self.canvas, stride, Stamp { frame: index as u32, time });
        let mut bytes = self.canvas.clone();
        add_grain(&mut bytes, index as u32);
        let along = |travel: u32| (u64::from(travel) * index / count) as u32;
        let (x, y) = (along(TRAVEL.width), along(TRAVEL.height));
        let plane = Plane { offset: 0, stride };
        let buffer = CpuBuffer::new(Arc::new(bytes), PixelFormat::Bgrx, size, &[plane])
            .map_err(|error| ProcessError::Region(error.size))?;
        let made = process.process(&CapturedFrame {
            stream: 0,
            sequence: index,
            pts: time,
            arrived: time,
            size,
            format: PixelFormat::Bgrx,
            color: Color::new(ColorSpace::Bt709, ColorRange::Full),
            crop: Rect::new(x, y, self.window.width, self.window.height),
            transform: Transform::Normal,
            damage: Damage::Full,
            cursor: None,
            hdr: None,
            memory: Memory::Cpu(buffer),
        })?;
        made.into_memory().map_err(|absent| ProcessError::GpuMemory(absent.to_string()))
    }
}

/// Adds up to three steps to each pixel, without a pattern.
fn add_grain(bytes: &mut [u8], seed: u32) {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    for pixel in bytes.chunks_exact_mut(4) {
        // Marsaglia's xorshift.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let grain = (state >> 30) as u8;
        for channel in &mut pixel[..3] {
            *channel = channel.saturating_add(grain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_neighbours_are_alike_and_none_is_blank() {
        let color = Color::new(ColorSpace::Bt709, ColorRange::Limited);
        let input = InputSpec { format: PixelFormat::Nv12, size: Size::new(320, 180), color };
        let pictures = Pictures::new(&input, None).unwrap();
        for index in 0..2 * pictures.pictures.len() as u64 {
            let (one, _) = pictures.at(index).plane(0);
            let (other, _) = pictures.at(index + 1).plane(0);
            let changed = one.iter().zip(other).filter(|(a, b)| a != b).count();
            assert!(changed > one.len() / 3, "{changed} of {} at {index}", one.len());
            let values: std::collections::BTreeSet<_> = one.iter().collect();
            assert!(values.len() > 64, "{} values", values.len());
        }
    }
}
