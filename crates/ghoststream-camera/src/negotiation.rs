//! What is offered, what was agreed on, and the memory of buffers that comes of it.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use ghoststream_dmabuf::Mapped;
use ghoststream_pod::Object;
use pipewire::sys as pw_sys;

use crate::pool::{Maker, Pool};
use crate::shared::Agreed;
use crate::{Input, Memory, offers};

/// Where the camera stands with those who look.
#[derive(Debug)]
pub(crate) struct Negotiation {
    input: Input,
    agreed: Option<Agreed>,
    /// The memory of buffers, where the camera makes it: there DMA-BUFs are offered.
    pool: Option<Pool>,
    /// Whether a DMA-BUF could not be made. Then none is offered any more.
    gave_up: bool,
    /// Whether that was found after one had been agreed on, and has not been told.
    failed: bool,
}

/// What is answered to a format.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It is agreed on.
    Agreed(Agreed),
    /// These are offered instead.
    Instead(Vec<Object>),
}

impl Negotiation {
    pub(crate) const fn new(input: Input, pool: Option<Pool>) -> Self {
        Self { input, agreed: None, pool, gave_up: false, failed: false }
    }

    /// Who makes the memory of buffers.
    pub(crate) const fn maker(&self) -> Maker {
        if self.pool.is_some() { Maker::Camera } else { Maker::PipeWire }
    }

    const fn has_dmabufs(&self) -> bool {
        self.pool.is_some() && !self.gave_up
    }

    /// The formats that are offered now.
    pub(crate) fn formats(&self) -> Vec<Object> {
        offers::formats(&self.input, self.has_dmabufs())
    }

    /// What was agreed on.
    pub(crate) const fn agreed(&self) -> Option<Agreed> {
        self.agreed
    }

    /// Whether those who look get DMA-BUFs.
    pub(crate) fn is_in_dmabufs(&self) -> bool {
        self.agreed.is_some_and(|it| it.memory == Memory::DmaBuf)
    }

    /// Nothing is agreed on any more.
    pub(crate) fn forget(&mut self) {
        self.agreed = None;
    }

    /// Agrees on a format, if there can be buffers for it.
    ///
    /// # Errors
    /// In words: it was never offered, or there is no memory.
    pub(crate) fn agree(&mut self, format: &[u8]) -> Result<Answer, String> {
        self.agreed = None;
        let agreed = offers::agreed(format, &self.input, self.has_dmabufs())?;
        tracing::debug!(%agreed, "camera");
        match self.pool.as_mut().map_or(Ok(()), |pool| pool.check(&agreed)) {
            Err(reason) if agreed.memory == Memory::DmaBuf => {
                tracing::warn!(reason, "the camera offers no DMA-BUFs any more");
                self.gave_up = true;
                return Ok(Answer::Instead(self.formats()));
            }
            other => other?,
        }
        self.agreed = Some(agreed);
        Ok(Answer::Agreed(agreed))
    }

    /// Makes the memory of a buffer that PipeWire has just added.
    ///
    /// # Safety
    /// As for [`Pool::add`].
    pub(crate) unsafe fn add_buffer(&mut self, raw: *mut pw_sys::pw_buffer) {
        let (Some(pool), Some(agreed), Some(raw)) = (&mut self.pool, self.agreed, NonNull::new(raw)) else {
            return;
        };
        // SAFETY: the caller promises the same.
        if let Err(reason) = unsafe { pool.add(raw, &agreed) } {
            tracing::warn!(reason, "a buffer of the camera's could not be made");
            if agreed.memory == Memory::DmaBuf && !self.gave_up {
                (self.gave_up, self.failed) = (true, true);
            }
        }
    }

    /// Lets go of the memory of a buffer.
    pub(crate) fn remove_buffer(&mut self, raw: *mut pw_sys::pw_buffer) {
        if let Some(pool) = &mut self.pool {
            pool.remove(raw);
        }
    }

    /// The memory of a buffer, where the camera made it.
    pub(crate) fn memory(&mut self, raw: NonNull<pw_sys::pw_buffer>) -> Option<&mut Mapped> {
        self.pool.as_mut()?.memory(raw)
    }

    /// Whether what was agreed on has to be taken back, since its buffers could not be made. Tells it once.
    pub(crate) const fn has_failed(&mut self) -> bool {
        std::mem::replace(&mut self.failed, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::format::Format;
    use ghoststream_dmabuf::Udmabuf;
    use ghoststream_picture::{Color, ColorRange, ColorSpace, PixelFormat, Size};

    /// One that may offer DMA-BUFs and can make none: its device is another one.
    fn negotiation(dmabufs: bool) -> Negotiation {
        let color = Color::new(ColorSpace::Bt709, ColorRange::Limited);
        let input = Input { format: PixelFormat::Nv12, size: Size::new(640, 360), color, rate: (30, 1) };
        let device = || Arc::new(Udmabuf::open_at("/dev/null".as_ref()).unwrap());
        Negotiation::new(input, dmabufs.then(|| Pool::new(device())))
    }

    fn bytes(objects: &[Object]) -> Vec<Vec<u8>> {
        objects.iter().map(Object::to_bytes).collect()
    }

    #[test]
    fn when_no_dmabuf_can_be_made_the_rest_is_offered_once_more() {
        let mut it = negotiation(true);
        let formats = bytes(&it.formats());
        assert!(offers::is_in_dmabufs(&formats[0]));
        let Answer::Instead(instead) = it.agree(&formats[0]).unwrap() else { panic!("{it:?}") };
        assert_eq!(bytes(&instead), bytes(&offers::formats(&it.input, false)));
        assert_eq!(it.agreed(), None, "on nothing yet");
        assert_eq!(bytes(&it.formats()), bytes(&instead), "never again");
        let shared = it.agree(&bytes(&instead)[0]).unwrap();
        let Answer::Agreed(agreed) = shared else { panic!("{shared:?}") };
        assert_eq!((agreed.format, agreed.memory), (Format::Yuy2, Memory::Shared));
        assert_eq!((it.agreed(), it.maker(), it.has_failed()), (Some(agreed), Maker::Camera, false));
    }

    #[test]
    fn without_being_asked_for_there_are_none() {
        let mut it = negotiation(false);
        let formats = bytes(&it.formats());
        assert!(!formats.iter().any(|it| offers::is_in_dmabufs(it)) && it.maker() == Maker::PipeWire);
        // Nor where somebody speaks of modifiers all the same.
        let with = bytes(&negotiation(true).formats());
        let answer = it.agree(&with[0]).unwrap();
        assert!(matches!(answer, Answer::Agreed(Agreed { memory: Memory::Shared, .. })), "{answer:?}");
    }
}
