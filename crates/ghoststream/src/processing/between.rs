//! Pictures between two others, on the CPU.

use std::time::{Duration, Instant};

use ghoststream_gpu::pass::PassError;
use ghoststream_interpolation::{Error, Interpolator, PictureMut, PictureRef, Time};

use crate::Size;
use crate::av::{AvError, Picture};
use crate::encode::InputSpec;

/// Why there is no picture between two others.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BetweenError {
    /// It takes longer than there is time.
    #[error(
        "on {by} one of {size} takes about {} ms, and there are {} ms for it; choose a smaller size or a lower rate",
        takes.as_millis(),
        limit.as_millis()
    )]
    Slow {
        /// Who would make it.
        by: String,
        /// The picture's size.
        size: Size,
        /// How long it takes.
        takes: Duration,
        /// How long it may.
        limit: Duration,
    },
    /// These pictures cannot be interpolated.
    #[error(transparent)]
    Pictures(#[from] Error),
    /// The GPU cannot interpolate pictures like these.
    #[error(transparent)]
    Pass(PassError),
    /// Out of memory.
    #[error("no memory for a picture of {size}: {source}")]
    Memory {
        /// Its size.
        size: Size,
        /// What libavutil said.
        source: AvError,
    },
    /// Of these two there is none; of the next two there may be.
    #[error("it cannot be made of the pictures around it: {0}")]
    Gone(String),
}

impl BetweenError {
    /// Whether there will be none of the next two either.
    pub(crate) const fn is_for_good(&self) -> bool {
        !matches!(self, Self::Gone(_) | Self::Memory { .. })
    }
}

/// Makes pictures between two others on the calling thread, and those of the machine that are free.
pub(super) struct Between {
    spec: InputSpec,
    interpolator: Interpolator,
}

impl Between {
    /// For pictures like `spec`, if one takes less than `limit` on this machine.
    ///
    /// # Errors
    /// It takes longer, or pictures like these cannot be interpolated.
    pub(super) fn open(spec: InputSpec, limit: Duration) -> Result<Self, BetweenError> {
        let interpolator = Interpolator::new(spec.format, spec.size)?;
        let takes = estimate(spec)?;
        if takes > limit {
            let by = "this machine's CPU".to_owned();
            return Err(BetweenError::Slow { by, size: spec.size, takes, limit });
        }
        Ok(Self { spec, interpolator })
    }

    /// The pictures at these times between two others.
    ///
    /// # Errors
    /// The two differ from what was said before, or there is no memory.
    pub(super) fn make(
        &mut self,
        [before, after]: [&Picture; 2],
        times: &[Time],
    ) -> Result<Vec<Picture>, BetweenError> {
        let InputSpec { format, size, color } = self.spec;
        let before = PictureRef::new(format, size, planes(before))?;
        let after = PictureRef::new(format, size, planes(after))?;
        let motion = self.interpolator.between(&before, &after)?;
        let one = |time: &Time| {
            let mut picture = Picture::alloc(format, size, color)
                .map_err(|source| BetweenError::Memory { size, source })?;
            let planes = picture.planes_mut().ok_or_else(|| BetweenError::Gone("it is shared".into()))?;
            motion.at(*time, &mut PictureMut::new(format, size, planes)?)?;
            Ok(picture)
        };
        times.iter().map(one).collect()
    }
}

fn planes(picture: &Picture) -> [(&[u8], usize); 3] {
    [0, 1, 2].map(|plane| picture.plane(plane))
}

/// About how long a picture takes on this machine, by a small one in which everything moves.
fn estimate(spec: InputSpec) -> Result<Duration, Error> {
    let size = Size::new(160, 96);
    let format = spec.format;
    let planes = |shift: usize| {
        [0, 1, 2].map(|plane| {
            if plane >= format.planes() {
                return (Vec::new(), 0);
            }
            let (row, rows) = format.plane_layout(plane, size);
            let value = |at: usize| ((at % row + shift) / 8 * 37 + at / row / 8 * 59) as u8;
            ((0..row * rows).map(value).collect::<Vec<u8>>(), row)
        })
    };
    let (first, second, mut third) = (planes(0), planes(4), planes(0));
    let first = PictureRef::new(format, size, first.each_ref().map(|it| (&it.0[..], it.1)))?;
    let second = PictureRef::new(format, size, second.each_ref().map(|it| (&it.0[..], it.1)))?;
    let mut interpolator = Interpolator::new(format, size)?;
    let begin = Instant::now();
    let mut out = PictureMut::new(format, size, third.each_mut().map(|it| (&mut it.0[..], it.1)))?;
    interpolator.between(&first, &second)?.at(Time::HALF, &mut out)?;
    let scale = spec.size.area() as f64 / size.area() as f64;
    Ok(begin.elapsed().mul_f64(scale))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Color, PixelFormat};

    #[test]
    fn what_is_too_large_for_the_machine_is_said() {
        let huge =
            InputSpec { format: PixelFormat::Nv12, size: Size::new(8192, 8192), color: Color::default() };
        let refused = Between::open(huge, Duration::from_millis(2)).err().expect("it is slow");
        assert!(refused.is_for_good() && refused.to_string().contains("choose a smaller size"), "{refused}");
        let packed = InputSpec { format: PixelFormat::Bgrx, size: Size::new(64, 64), ..huge };
        let refused = Between::open(packed, Duration::from_secs(9)).err().expect("it is packed");
        assert!(refused.is_for_good() && refused.to_string().contains("planar YUV"), "{refused}");
    }
}
