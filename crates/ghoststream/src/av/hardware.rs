//! Pictures in a GPU's memory, as libav* passes them on: our own allocations, wrapped.

use std::ffi::c_void;
use std::ptr::{self, NonNull};

use ghoststream_gpu::cuda::{Context, Layout, Stream};

use super::picture::av_pixel_format;
use super::{AvError, AvFrame, check, ffi};
use crate::{PixelFormat, Size};

/// `AVCUDADeviceContext` of `libavutil/hwcontext_cuda.h`, which `ffmpeg-next` leaves out because it
/// wants CUDA's headers. A test compares it with that header.
#[repr(C)]
struct CudaDeviceContext {
    cuda_ctx: *mut c_void,
    stream: *mut c_void,
    internal: *mut c_void,
}

/// What the device context of libavutil keeps alive.
struct Kept {
    _stream: Stream,
    _context: Context,
}

/// What encoders are told of pictures of one format and size in the memory of one CUDA context
/// (`AVHWFramesContext`).
pub struct HardwareFrames {
    frames: NonNull<ffi::AVBufferRef>,
    size: Size,
}

// SAFETY: the reference count is atomic, and what is behind it is not changed any more.
unsafe impl Send for HardwareFrames {}

impl HardwareFrames {
    /// For pictures of this format that are written in `stream` of `context`. Both live as long as any
    /// libav* structure refers to them.
    ///
    /// # Errors
    /// This FFmpeg was built without CUDA, does not know the format in it, or has no memory.
    pub fn new(context: &Context, stream: &Stream, format: PixelFormat, size: Size) -> Result<Self, AvError> {
        let invalid = AvError(-libc::EINVAL);
        let device = cuda_device(context, stream)?;
        // SAFETY: the device is initialised; the frames context takes its own reference to it.
        let frames = unsafe { ffi::av_hwframe_ctx_alloc(device.0.as_ptr()) };
        let frames = NonNull::new(frames).map(Reference).ok_or(AvError(-libc::ENOMEM))?;
        // SAFETY: a fresh frames context, of which we have the only reference.
        unsafe {
            let it = &mut *(*frames.0.as_ptr()).data.cast::<ffi::AVHWFramesContext>();
            it.format = ffi::AVPixelFormat::AV_PIX_FMT_CUDA;
            it.sw_format = av_pixel_format(format).ok_or(invalid)?;
            it.width = i32::try_from(size.width).map_err(|_| invalid)?;
            it.height = i32::try_from(size.height).map_err(|_| invalid)?;
            check(ffi::av_hwframe_ctx_init(frames.0.as_ptr()))?;
        }
        Ok(Self { frames: frames.into_raw(), size })
    }

    /// A picture that lies so at an address of the device's. Whatever `owner` it belongs to goes with the
    /// last reference to it.
    ///
    /// # Errors
    /// Out of memory.
    pub fn picture<T: Send + 'static>(
        &self,
        address: u64,
        layout: &Layout,
        owner: T,
    ) -> Result<DevicePicture, AvError> {
        let no_memory = AvError(-libc::ENOMEM);
        // SAFETY: returns a fresh frame that we own, or null.
        let frame = NonNull::new(unsafe { ffi::av_frame_alloc() }).ok_or(no_memory)?;
        let mut picture = DevicePicture(frame);
        // SAFETY: the frame is ours alone. Its data pointers are CUdeviceptrs, as
        // hwcontext_cuda.h says; the owner of what is behind them is the buffer's, which frees it once.
        unsafe {
            let it = picture.0.as_mut();
            it.format = ffi::AVPixelFormat::AV_PIX_FMT_CUDA as i32;
            (it.width, it.height) = (self.size.width as i32, self.size.height as i32);
            for plane in 0..3 {
                if let Some(offset) = layout.offset(plane) {
                    it.data[plane] = ptr::without_provenance_mut((address as usize) + offset);
                    it.linesize[plane] = layout.pitch() as i32;
                }
            }
            it.hw_frames_ctx = ffi::av_buffer_ref(self.frames.as_ptr());
            let kept = Box::into_raw(Box::new(owner));
            it.buf[0] = ffi::av_buffer_create(it.data[0], layout.len(), Some(give_back::<T>), kept.cast(), 0);
            if it.buf[0].is_null() {
                drop(Box::from_raw(kept));
            }
            if it.hw_frames_ctx.is_null() || it.buf[0].is_null() {
                return Err(no_memory);
            }
        }
        Ok(picture)
    }

    /// Another reference, for a codec context, which owns it.
    pub(super) fn reference(&self) -> *mut ffi::AVBufferRef {
        // SAFETY: self owns a valid reference.
        unsafe { ffi::av_buffer_ref(self.frames.as_ptr()) }
    }
}

impl Drop for HardwareFrames {
    fn drop(&mut self) {
        drop(Reference(self.frames));
    }
}

/// A buffer reference that goes away on errors.
struct Reference(NonNull<ffi::AVBufferRef>);

impl Reference {
    fn into_raw(self) -> NonNull<ffi::AVBufferRef> {
        std::mem::ManuallyDrop::new(self).0
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let mut raw = self.0.as_ptr();
        // SAFETY: self owns the reference.
        unsafe { ffi::av_buffer_unref(&mut raw) };
    }
}

/// Our context, as a device of libavutil's.
fn cuda_device(context: &Context, stream: &Stream) -> Result<Reference, AvError> {
    // SAFETY: returns a fresh reference that we own, or null where FFmpeg was built without CUDA.
    let device = unsafe { ffi::av_hwdevice_ctx_alloc(ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_CUDA) };
    let device = NonNull::new(device).map(Reference).ok_or(AvError(-libc::ENOSYS))?;
    let kept = Box::new(Kept { _stream: stream.clone(), _context: context.clone() });
    // SAFETY: a fresh device context of CUDA's kind, whose hwctx is an AVCUDADeviceContext. The
    // handles in it are valid while `kept` lives, which libavutil frees last.
    unsafe {
        let it = &mut *(*device.0.as_ptr()).data.cast::<ffi::AVHWDeviceContext>();
        let cuda = &mut *it.hwctx.cast::<CudaDeviceContext>();
        (cuda.cuda_ctx, cuda.stream) = (context.as_raw(), stream.as_raw());
        it.user_opaque = Box::into_raw(kept).cast();
        it.free = Some(free_kept);
        check(ffi::av_hwdevice_ctx_init(device.0.as_ptr()))?;
    }
    Ok(device)
}

/// # Safety
/// libavutil calls it once, with the device context that `cuda_device` filled in.
unsafe extern "C" fn free_kept(device: *mut ffi::AVHWDeviceContext) {
    // SAFETY: user_opaque is the box that was put there, and no one uses it after.
    drop(unsafe { Box::from_raw((*device).user_opaque.cast::<Kept>()) });
}

/// # Safety
/// libavutil calls it once, with the opaque pointer of `HardwareFrames::picture`.
unsafe extern "C" fn give_back<T>(owner: *mut c_void, _data: *mut u8) {
    // SAFETY: it is the box that was put there, and no one uses it after.
    drop(unsafe { Box::from_raw(owner.cast::<T>()) });
}

/// An `AVFrame` whose pixels are in a GPU's memory.
pub struct DevicePicture(NonNull<ffi::AVFrame>);

// SAFETY: an AVFrame has no thread affinity, and its buffers' reference counts are atomic.
unsafe impl Send for DevicePicture {}

impl AvFrame for DevicePicture {
    fn as_mut_ptr(&mut self) -> *mut ffi::AVFrame {
        self.0.as_ptr()
    }
}

impl Drop for DevicePicture {
    fn drop(&mut self) {
        let mut frame = self.0.as_ptr();
        // SAFETY: self owns the frame; av_frame_free drops its references and frees it.
        unsafe { ffi::av_frame_free(&mut frame) };
    }
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};
    use std::process::Command;

    use super::*;

    /// Compiles against libavutil's own header, with CUDA's two types declared as the pointers that
    /// they are.
    #[test]
    fn the_device_context_lies_as_in_libavutils_header() {
        let directory = tempfile::tempdir().expect("a directory");
        let (source, program) = (directory.path().join("layout.c"), directory.path().join("layout"));
        std::fs::write(
            &source,
            "#define CUDA_VERSION 1\n\
             typedef struct CUctx_st *CUcontext;\n\
             typedef struct CUstream_st *CUstream;\n\
             #include <libavutil/hwcontext_cuda.h>\n\
             #include <stddef.h>\n\
             #include <stdio.h>\n\
             int main(void) {\n\
               typedef AVCUDADeviceContext C;\n\
               printf(\"%zu %zu %zu %zu\", sizeof(C), offsetof(C, cuda_ctx), offsetof(C, stream), offsetof(C, internal));\n\
               return 0;\n\
             }\n",
        )
        .expect("written");
        let built = Command::new("cc").arg(&source).arg("-o").arg(&program).status().expect("a C compiler");
        assert!(built.success());
        let out = Command::new(&program).output().expect("it runs").stdout;
        type C = CudaDeviceContext;
        let ours = [size_of::<C>(), offset_of!(C, cuda_ctx), offset_of!(C, stream), offset_of!(C, internal)];
        assert_eq!(String::from_utf8_lossy(&out), ours.map(|it| it.to_string()).join(" "));
    }
}
