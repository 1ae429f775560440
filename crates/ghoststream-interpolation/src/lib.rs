//! Pictures between two pictures, where things move.
//!
//! A source of 30 pictures a second shown at 60 either repeats each, which stutters, or blends neighbours,
//! which shows everything twice. This crate finds how each block of the picture moves, in both directions,
//! and makes the picture in which everything is part of the way.
//!
//! 1. Both pictures' luma is halved in size, several times.
//! 2. Each block of each picture is searched for in the other, from the smallest size to the largest, down
//!    to quarters of a pixel.
//! 3. Blocks that point at each other are matched; the rest is taken to be covered by something in front.
//! 4. All blocks are moved to the time between, where each place chooses what it shows: something that is
//!    seen in both pictures or in one of them.
//! 5. Pixels are made from both pictures along the vectors of the four blocks around them.
//!
//! Where most blocks are found nowhere, the scene was cut: the nearer picture stands for the one between.
//! What is the same in both pictures stays as it is, to the bit.
//!
//! All arithmetic is of whole numbers, and no step depends on an order, so that a GPU makes the same
//! pictures. This crate knows neither FFmpeg nor Vulkan.
//!
//! ```
//! use ghoststream_interpolation::{Interpolator, PictureMut, PictureRef, Time};
//! use ghoststream_picture::{PixelFormat, Size};
//!
//! let size = Size::new(64, 32);
//! let (luma, chroma) = (vec![80; 64 * 32], vec![128; 64 * 16]);
//! let before = PictureRef::new(PixelFormat::Nv12, size, [(&luma, 64), (&chroma, 64), (&[], 0)])?;
//! let after = before;
//! let (mut luma, mut chroma) = (vec![0; 64 * 32], vec![0; 64 * 16]);
//! let mut between =
//!     PictureMut::new(PixelFormat::Nv12, size, [(&mut luma, 64), (&mut chroma, 64), (&mut [], 0)])?;
//!
//! let mut interpolator = Interpolator::new(PixelFormat::Nv12, size)?;
//! interpolator.between(&before, &after)?.at(Time::HALF, &mut between)?;
//! assert!(luma.iter().all(|it| *it == 80));
//! # Ok::<(), ghoststream_interpolation::Error>(())
//! ```
#![warn(missing_docs)]

mod choose;
mod field;
mod layers;
mod parallel;
mod picture;
mod project;
mod pyramid;
mod search;
mod synthesis;
mod vector;
mod window;

pub use picture::{PictureMut, PictureRef};
pub use vector::Time;

use choose::Known;
use ghoststream_picture::{PixelFormat, Size};
use layers::Layers;
use picture::Shape;
use pyramid::Pyramid;

/// Why there is no picture between.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Only planes of luma and chroma are interpolated.
    #[error("pictures of {0:?} cannot be interpolated: use a planar YUV format, such as NV12")]
    Format(PixelFormat),
    /// The picture is too small or too large.
    #[error("pictures of {0} cannot be interpolated: each side has to be 16 to 8192 pixels")]
    Size(Size),
    /// A plane is too short, or its rows are.
    #[error("plane {plane} has {bytes} bytes in rows of {stride}, too few for the picture's size")]
    Plane {
        /// Which, from 0.
        plane: usize,
        /// Its length.
        bytes: usize,
        /// From row to row.
        stride: usize,
    },
    /// A picture differs in size or format from what the interpolator was made for.
    #[error("a picture differs in size or format from the others: make a new interpolator")]
    Shape,
}

/// Of ten blocks, as many are matched at least where a scene goes on. Of unrelated pictures about one is.
const GOES_ON: usize = 3;

/// Makes pictures between pictures of one size and format.
#[derive(Debug)]
pub struct Interpolator {
    shape: Shape,
    pyramids: [Pyramid; 2],
}

impl Interpolator {
    /// One for pictures of this kind.
    ///
    /// # Errors
    /// The format is no planar YUV, or a side is not 16 to 8192 pixels.
    pub fn new(format: PixelFormat, size: Size) -> Result<Self, Error> {
        let shape = Shape::new(format, size)?;
        let pyramid = Pyramid::new(size.width as i32, size.height as i32);
        Ok(Self { shape, pyramids: [pyramid.clone(), pyramid] })
    }

    /// Finds what moves from the picture `before` to the picture `after`.
    ///
    /// # Errors
    /// A picture is not of the kind that the interpolator was made for.
    pub fn between<'a>(
        &'a mut self,
        before: &'a PictureRef<'a>,
        after: &'a PictureRef<'a>,
    ) -> Result<Between<'a>, Error> {
        if before.shape != self.shape || after.shape != self.shape {
            return Err(Error::Shape);
        }
        self.pyramids[0].build(before);
        self.pyramids[1].build(after);
        let fields = search::search(&self.pyramids);
        let layers = layers::layers(&fields[0], &fields[1]);
        Ok(Between { pictures: [before, after], pyramids: &self.pyramids, layers })
    }
}

/// Two pictures, and what moves from one to the other.
#[derive(Debug)]
pub struct Between<'a> {
    pictures: [&'a PictureRef<'a>; 2],
    pyramids: &'a [Pyramid; 2],
    layers: [Layers; 2],
}

impl Between<'_> {
    /// Whether the scene was cut: the pictures have too little in common.
    pub fn is_cut(&self) -> bool {
        let matched: usize = self.layers.iter().map(Layers::matched).sum();
        matched * 10 < 2 * self.layers[0].cells.len() * GOES_ON
    }

    /// Makes the picture at a time between. Where the scene was cut it is the nearer picture.
    ///
    /// # Errors
    /// `out` is of another size or format.
    pub fn at(&self, time: Time, out: &mut PictureMut<'_>) -> Result<(), Error> {
        if out.shape != self.pictures[0].shape {
            return Err(Error::Shape);
        }
        if time.parts() == 0 || time.parts() == Time::WHOLE || self.is_cut() {
            out.copy(self.pictures[usize::from(time >= Time::HALF)]);
            return Ok(());
        }
        let levels = [&self.pyramids[0].levels[0], &self.pyramids[1].levels[0]];
        let choices = choose::choose(&Known { levels, layers: &self.layers }, time);
        synthesis::synthesise(&self.pictures, &choices, time, out);
        Ok(())
    }
}
