//! A picture that was made for an encoder, wherever it is.

use std::time::Duration;

use ghoststream_gpu::pass::{Output, PassError};

use super::{EncodeError, InputSpec};
use crate::Size;
use crate::av::{AvError, Picture};

/// How long a picture is waited for that a GPU makes: shorter than an encoder's call may take, so that an
/// encoder is not taken for stuck because of it.
const PATIENCE: Duration = Duration::from_secs(1);

/// A picture for an encoder.
#[derive(Debug)]
pub enum AnyPicture {
    /// In memory that the CPU reads.
    Memory(Picture),
    /// In a GPU's.
    Gpu(GpuPicture),
}

/// A picture that a GPU makes, or has made. Sharing it is cheap; its memory is written again once every
/// reference is gone.
#[derive(Clone, Debug)]
pub struct GpuPicture {
    output: Output,
    input: InputSpec,
}

/// A picture is not there: the GPU does not come to it, or is lost.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Absent {
    #[error(transparent)]
    Pass(#[from] PassError),
    #[error("no memory for a picture of {size}: {source}")]
    Memory { size: Size, source: AvError },
}

impl From<Absent> for EncodeError {
    fn from(absent: Absent) -> Self {
        Self::Picture { source: absent.into() }
    }
}

impl AnyPicture {
    /// Another reference to the same picture.
    ///
    /// # Errors
    /// Out of memory.
    pub(crate) fn share(&self) -> Result<Self, AvError> {
        match self {
            Self::Memory(picture) => picture.share().map(Self::Memory),
            Self::Gpu(picture) => Ok(Self::Gpu(picture.clone())),
        }
    }

    /// The picture, if it is in memory that the CPU reads.
    pub(crate) const fn memory(&self) -> Option<&Picture> {
        match self {
            Self::Memory(picture) => Some(picture),
            Self::Gpu(_) => None,
        }
    }

    /// The same in memory that the CPU reads. Waits until it is there.
    ///
    /// # Errors
    /// It never will be.
    pub(crate) fn into_memory(self) -> Result<Picture, Absent> {
        match self {
            Self::Memory(picture) => Ok(picture),
            Self::Gpu(picture) => picture.into_memory(),
        }
    }

    /// Whether it need not be waited for: it is there, or never will be.
    pub(crate) fn is_settled(&self) -> bool {
        match self {
            Self::Memory(_) => true,
            Self::Gpu(picture) => picture.output.wait(Duration::ZERO).unwrap_or(true),
        }
    }

    /// Pixels across and down.
    pub fn size(&self) -> Size {
        match self {
            Self::Memory(picture) => picture.size(),
            Self::Gpu(picture) => picture.input.size,
        }
    }
}

impl From<Picture> for AnyPicture {
    fn from(picture: Picture) -> Self {
        Self::Memory(picture)
    }
}

impl GpuPicture {
    /// What a pass was told to make.
    pub(crate) const fn new(output: Output, input: InputSpec) -> Self {
        Self { output, input }
    }

    /// Where it is, and when it is there.
    pub(crate) const fn output(&self) -> &Output {
        &self.output
    }

    /// The same in memory that the CPU reads, without a copy where the GPU reads back. Waits until it is
    /// there.
    ///
    /// # Errors
    /// It never will be.
    pub(crate) fn into_memory(self) -> Result<Picture, Absent> {
        let InputSpec { format, size, color } = self.input;
        let host = self.output.into_host(PATIENCE)?;
        Picture::of_host(host, format, size, color).map_err(|source| Absent::Memory { size, source })
    }

    /// Waits until it is there.
    ///
    /// # Errors
    /// It never will be.
    pub(crate) fn wait(output: &Output) -> Result<(), Absent> {
        match output.wait(PATIENCE).map_err(PassError::from)? {
            true => Ok(()),
            false => Err(PassError::Late(PATIENCE).into()),
        }
    }
}
