//! Pictures in a GPU's memory that the CPU reads where they lie, since no GPU makes the pictures: linear DMA-BUFs.
//!
//! Each buffer of the source's is mapped once, and stays so until its producer takes it away.

use std::io::ErrorKind;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ghoststream_gpu::sync::fence;
use ghoststream_gpu::{Acquire, DmaBuf, Mapped, Reading};

use super::ProcessError;
use crate::PixelFormat;
use crate::capture::{CapturedFrame, CpuBuffer, GpuBuffer, GpuLease, Lease, Memory, Plane};

/// How long what is drawn into a buffer is waited for.
const PATIENCE: Duration = Duration::from_millis(100);

/// What the CPU takes in DMA-BUFs from a source that has nothing else: what sources draw in.
pub(super) const FORMATS: [PixelFormat; 6] = [
    PixelFormat::Bgrx,
    PixelFormat::Rgbx,
    PixelFormat::Xrgb,
    PixelFormat::Xbgr,
    PixelFormat::Nv12,
    PixelFormat::I420,
];

/// The buffers that are mapped.
#[derive(Debug, Default)]
pub(super) struct Mappings {
    known: Vec<(Weak<DmaBuf>, Arc<Mapped>)>,
}

impl Mappings {
    /// The frame in memory that the CPU reads, which goes back to its producer when that is dropped. `None` where it
    /// is in such memory already.
    ///
    /// # Errors
    /// The CPU cannot read it; then its producer is asked for other buffers. Or it is not drawn in time.
    pub(super) fn read(&mut self, frame: &CapturedFrame) -> Result<Option<CapturedFrame>, ProcessError> {
        let Memory::Gpu(GpuBuffer { buffer, lease }) = &frame.memory else { return Ok(None) };
        let refused = |why: String| {
            lease.refuse(&why);
            ProcessError::GpuMemory(why)
        };
        let mapped = self.find(buffer).map_err(|error| refused(error.to_string()))?;
        if let Acquire::Fence(drawn) = lease.acquire().map_err(ProcessError::GpuMemory)?
            && !fence::wait(&drawn, PATIENCE)
        {
            return Err(ProcessError::GpuMemory(format!("it was not drawn within {PATIENCE:?}")));
        }
        let reading = mapped.read(PATIENCE).map_err(|error| match error.kind() {
            ErrorKind::TimedOut => ProcessError::GpuMemory(error.to_string()),
            _ => refused(format!("its driver does not let the CPU read it: {error}")),
        })?;
        let plane = |it: &ghoststream_gpu::MappedPlane| Plane { offset: it.offset, stride: it.stride };
        let planes: Vec<_> = mapped.planes().iter().map(plane).collect();
        let lent = Arc::new(Lent { reading, _lease: Arc::clone(lease) });
        let cpu = CpuBuffer::new(lent, buffer.format, buffer.size, &planes)
            .map_err(|error| refused(error.to_string()))?;
        Ok(Some(CapturedFrame { memory: Memory::Cpu(cpu), ..frame.clone() }))
    }

    fn find(&mut self, buffer: &Arc<DmaBuf>) -> Result<Arc<Mapped>, ghoststream_gpu::MapError> {
        self.known.retain(|(known, _)| known.strong_count() > 0);
        let is_it = |known: &Weak<DmaBuf>| std::ptr::eq(known.as_ptr(), Arc::as_ptr(buffer));
        if let Some((_, mapped)) = self.known.iter().find(|(known, _)| is_it(known)) {
            return Ok(Arc::clone(mapped));
        }
        let mapped = Arc::new(Mapped::new(buffer)?);
        self.known.push((Arc::downgrade(buffer), Arc::clone(&mapped)));
        Ok(mapped)
    }
}

/// The hold on a buffer that is being read: it goes back once that has ended.
struct Lent {
    reading: Reading,
    _lease: Arc<dyn GpuLease>,
}

impl Lease for Lent {
    fn bytes(&self) -> &[u8] {
        self.reading.bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::sync::Mutex;

    use ghoststream_gpu::{DmaBufPlane, LINEAR};
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    use super::*;
    use crate::capture::Damage;
    use crate::{Color, ColorRange, ColorSpace, Rect, Size, Timestamp, Transform};

    #[derive(Default)]
    struct Told(Mutex<Vec<String>>);

    impl GpuLease for Told {
        fn acquire(&self) -> Result<Acquire, String> {
            Ok(Acquire::Now)
        }

        fn read_until(&self, _: OwnedFd) {}

        fn refuse(&self, why: &str) {
            self.0.lock().unwrap().push(why.to_owned());
        }
    }

    fn frame(modifier: u64, lease: &Arc<Told>) -> CapturedFrame {
        let (size, format) = (Size::new(16, 16), PixelFormat::Bgrx);
        let fd = memfd_create("no-dmabuf", MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&fd, 4096).unwrap();
        let plane = DmaBufPlane { fd, offset: 0, stride: 64 };
        let buffer = Arc::new(DmaBuf::new(format, size, modifier, vec![plane]));
        CapturedFrame {
            stream: 0,
            sequence: 0,
            pts: Timestamp::default(),
            arrived: Timestamp::default(),
            size,
            format,
            color: Color::new(ColorSpace::Bt709, ColorRange::Full),
            crop: Rect::of(size),
            transform: Transform::Normal,
            damage: Damage::Full,
            cursor: None,
            hdr: None,
            memory: Memory::Gpu(GpuBuffer { buffer, lease: Arc::clone(lease) as Arc<dyn GpuLease> }),
        }
    }

    /// What can be read needs DMA-BUFs: see `tests/gpu/mapped.rs`.
    #[test]
    fn what_the_cpu_cannot_read_is_refused_and_costs_only_the_frame() {
        for (modifier, why) in [(7, "tiled"), (LINEAR, "not a DMA-BUF")] {
            let told = Arc::new(Told::default());
            let error = Mappings::default().read(&frame(modifier, &told)).unwrap_err();
            assert!(error.is_of_the_frame() && error.to_string().contains(why), "{error}");
            let refused = told.0.lock().unwrap();
            assert!(refused.len() == 1 && refused[0].contains(why), "{refused:?}");
        }
    }
}
