//! libswscale, as a peer.
#![allow(unsafe_code)]

use std::ptr::{NonNull, null, null_mut};

use ffmpeg_next::ffi;
use ghoststream::{Scaler, Size};

/// A context from BGRx to NV12, and pictures to write to in turn.
pub struct Swscale {
    context: NonNull<ffi::SwsContext>,
    from: Size,
    to: Size,
    pictures: Vec<Vec<u8>>,
    round: usize,
}

impl Swscale {
    /// BT.709, limited range, as the processor's.
    pub fn new(from: Size, to: Size, scaler: Scaler) -> Self {
        let flags = match scaler {
            Scaler::Lanczos => ffi::SWS_LANCZOS,
            Scaler::Nearest => ffi::SWS_POINT,
            _ => ffi::SWS_BILINEAR,
        };
        use ffi::AVPixelFormat::{AV_PIX_FMT_BGR0, AV_PIX_FMT_NV12};
        // SAFETY: plain values in; the answer is checked. The tables are libswscale's own statics.
        let context = unsafe {
            let context = ffi::sws_getContext(
                from.width as i32,
                from.height as i32,
                AV_PIX_FMT_BGR0,
                to.width as i32,
                to.height as i32,
                AV_PIX_FMT_NV12,
                flags as _,
                null_mut(),
                null_mut(),
                null(),
            );
            let context = NonNull::new(context).expect("libswscale converts BGRx to NV12");
            let table = ffi::sws_getCoefficients(ffi::SWS_CS_ITU709 as _);
            ffi::sws_setColorspaceDetails(context.as_ptr(), table, 1, table, 0, 0, 1 << 16, 1 << 16);
            context
        };
        let pictures = (0..7).map(|_| vec![1; (to.area() * 3 / 2) as usize]).collect();
        Self { context, from, to, pictures, round: 0 }
    }

    /// Converts a picture whose rows have no padding.
    pub fn convert(&mut self, source: &[u8]) {
        assert!(source.len() as u64 >= self.from.area() * 4, "a whole picture");
        self.round = (self.round + 1) % self.pictures.len();
        let picture = self.pictures[self.round].as_mut_ptr();
        let width = self.to.width as i32;
        // SAFETY: the source was checked, and each picture has room for both planes.
        let rows = unsafe {
            let planes = [picture, picture.add(self.to.area() as usize)];
            let sources = [source.as_ptr()];
            ffi::sws_scale(
                self.context.as_ptr(),
                [sources[0], null(), null(), null()].as_ptr(),
                [self.from.width as i32 * 4, 0, 0, 0].as_ptr(),
                0,
                self.from.height as i32,
                [planes[0], planes[1], null_mut(), null_mut()].as_ptr(),
                [width, width, 0, 0].as_ptr(),
            )
        };
        assert_eq!(rows, self.to.height as i32);
    }
}

impl Drop for Swscale {
    fn drop(&mut self) {
        // SAFETY: the context is ours, and freed once.
        unsafe { ffi::sws_freeContext(self.context.as_ptr()) };
    }
}
