//! Work that the device does in order, and waiting for it.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use super::functions::{Copy2d, DEVICE, EVENT_FLAGS, HOST, NON_BLOCKING, NOT_READY, RawEvent, RawStream};
use super::{Context, CudaError, Slot};

/// A queue of work. Clones share it.
#[derive(Clone, Debug)]
pub struct Stream(Arc<Owner>);

#[derive(Debug)]
struct Owner {
    context: Context,
    raw: RawStream,
}

// SAFETY: a CUstream may be used from any thread; CUDA locks it.
unsafe impl Send for Owner {}
// SAFETY: as above.
unsafe impl Sync for Owner {}

/// Planes of a picture in host memory.
///
/// # Safety
/// As long as it is held, and whoever else has a part in it, the planes stay the same bytes at the same
/// place.
pub unsafe trait Source: Send {
    /// The bytes of a plane from its first row on, and the bytes from row to row.
    fn plane(&self, index: usize) -> (&[u8], usize);
}

impl Stream {
    /// An empty queue.
    ///
    /// # Errors
    /// The driver failed.
    pub fn new(context: &Context) -> Result<Self, CudaError> {
        let _current = context.push()?;
        let library = context.library();
        let mut raw = ptr::null_mut();
        // SAFETY: the place is valid for the call, and the context current.
        let code = unsafe { (library.functions().stream_create)(&mut raw, NON_BLOCKING) };
        library.check("cuStreamCreate", code)?;
        Ok(Self(Arc::new(Owner { context: context.clone(), raw })))
    }

    /// Begins to copy a picture up. `source` is held until the copy is done.
    ///
    /// # Errors
    /// The driver failed; or a plane of the source is shorter than the slot's, which is
    /// `CUDA_ERROR_INVALID_VALUE`.
    pub fn upload<S: Source>(&self, source: S, slot: &Slot) -> Result<Pending<S>, CudaError> {
        let context = slot.context();
        let _current = context.push()?;
        // Made before anything is copied: from then on the source is held whatever fails.
        let pending =
            Pending { done: Event::new(context)?, stream: self.clone(), source: Some(Box::new(source)) };
        if let Some(source) = &pending.source {
            for plane in 0..3 {
                self.copy_plane(source.plane(plane), slot, plane)?;
            }
        }
        pending.done.record(self)?;
        Ok(pending)
    }

    /// The context must be current; the source's bytes stay until the stream is through.
    fn copy_plane(
        &self,
        (bytes, stride): (&[u8], usize),
        slot: &Slot,
        plane: usize,
    ) -> Result<(), CudaError> {
        let layout = slot.layout();
        let Some(offset) = layout.offset(plane) else { return Ok(()) };
        let (width, height) = layout.size(plane);
        let library = self.0.context.library();
        let needed = stride.checked_mul(height - 1).and_then(|it| it.checked_add(width));
        if stride < width || needed.is_none_or(|it| it > bytes.len()) {
            return library.check("cuMemcpy2DAsync", 1);
        }
        let copy = Copy2d {
            source_x: 0,
            source_y: 0,
            source_kind: HOST,
            source_host: bytes.as_ptr().cast(),
            source_device: 0,
            source_array: ptr::null_mut(),
            source_pitch: stride,
            target_x: 0,
            target_y: 0,
            target_kind: DEVICE,
            target_host: ptr::null_mut(),
            target_device: slot.address() + offset as u64,
            target_array: ptr::null_mut(),
            target_pitch: layout.pitch(),
            width,
            height,
        };
        // SAFETY: the rows lie within the source, as was just checked, and within the slot by its
        // layout. Both are held until the copy is done: the source by `Pending`, the slot's memory by
        // its ring, whose freeing waits for the device.
        library.check("cuMemcpy2DAsync", unsafe { (library.functions().copy_2d)(&copy, self.0.raw) })
    }

    /// Waits until the queue is empty.
    ///
    /// # Errors
    /// The driver failed.
    pub fn synchronize(&self) -> Result<(), CudaError> {
        let _current = self.0.context.push()?;
        let library = self.0.context.library();
        // SAFETY: the stream lives as long as self.
        library.check("cuStreamSynchronize", unsafe { (library.functions().stream_synchronize)(self.0.raw) })
    }

    /// The `CUstream`, for other C interfaces. It is valid as long as self lives.
    pub fn as_raw(&self) -> *mut c_void {
        self.0.raw
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let Ok(_current) = self.context.push() else { return };
        // SAFETY: self owns the stream; what is queued is still done.
        unsafe { (self.context.library().functions().stream_destroy)(self.raw) };
    }
}

/// A copy under way, with what it reads. Dropped before it is done, it waits.
#[derive(Debug)]
pub struct Pending<S> {
    done: Event,
    stream: Stream,
    /// Boxed, so that moving this moves no bytes. Until it is dropped.
    source: Option<Box<S>>,
}

impl<S> Pending<S> {
    /// Whether the copy is done.
    ///
    /// # Errors
    /// The driver failed.
    pub fn is_done(&self) -> Result<bool, CudaError> {
        self.done.is_done()
    }
}

impl<S> Drop for Pending<S> {
    fn drop(&mut self) {
        // The event may not have been recorded where a copy failed: then only the stream tells.
        let through = self.done.is_recorded() && self.done.synchronize().is_ok();
        if !through && self.stream.synchronize().is_err() {
            // The device does not answer, and may still read: what it reads is left where it is.
            std::mem::forget(self.source.take());
        }
    }
}

/// A place in a stream.
#[derive(Debug)]
pub struct Event {
    context: Context,
    raw: RawEvent,
    recorded: std::sync::atomic::AtomicBool,
}

// SAFETY: a CUevent may be used from any thread; CUDA locks it.
unsafe impl Send for Event {}
// SAFETY: as above.
unsafe impl Sync for Event {}

impl Event {
    /// An event that was not recorded yet.
    ///
    /// # Errors
    /// The driver failed.
    pub fn new(context: &Context) -> Result<Self, CudaError> {
        let _current = context.push()?;
        let library = context.library();
        let mut raw = ptr::null_mut();
        // SAFETY: the place is valid for the call, and the context current.
        let code = unsafe { (library.functions().event_create)(&mut raw, EVENT_FLAGS) };
        library.check("cuEventCreate", code)?;
        Ok(Self { context: context.clone(), raw, recorded: false.into() })
    }

    /// Marks the end of what is in the stream now.
    ///
    /// # Errors
    /// The driver failed, or the stream is of another context.
    pub fn record(&self, stream: &Stream) -> Result<(), CudaError> {
        let _current = self.context.push()?;
        let library = self.context.library();
        // SAFETY: both live as long as the borrows.
        let code = unsafe { (library.functions().event_record)(self.raw, stream.0.raw) };
        library.check("cuEventRecord", code)?;
        self.recorded.store(true, std::sync::atomic::Ordering::Release);
        Ok(())
    }

    fn is_recorded(&self) -> bool {
        self.recorded.load(std::sync::atomic::Ordering::Acquire)
    }

    /// Whether the device has come past it.
    ///
    /// # Errors
    /// The driver failed.
    pub fn is_done(&self) -> Result<bool, CudaError> {
        let _current = self.context.push()?;
        let library = self.context.library();
        // SAFETY: the event lives as long as self.
        match unsafe { (library.functions().event_query)(self.raw) } {
            NOT_READY => Ok(false),
            code => library.check("cuEventQuery", code).map(|()| true),
        }
    }

    /// Waits until the device has come past it.
    ///
    /// # Errors
    /// The driver failed.
    pub fn synchronize(&self) -> Result<(), CudaError> {
        let _current = self.context.push()?;
        let library = self.context.library();
        // SAFETY: the event lives as long as self.
        library.check("cuEventSynchronize", unsafe { (library.functions().event_synchronize)(self.raw) })
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        let Ok(_current) = self.context.push() else { return };
        // SAFETY: self owns the event.
        unsafe { (self.context.library().functions().event_destroy)(self.raw) };
    }
}
