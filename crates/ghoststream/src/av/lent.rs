//! Pictures whose pixels lie in memory that is someone else's, who gets it back with the last reference.

use std::ffi::c_void;

use ghoststream_gpu::cuda::{Layout, PinnedPiece};
use ghoststream_gpu::pass::HostPicture;

use super::{AvError, Picture, ffi};
use crate::{Color, PixelFormat, Size};

/// Where a plane begins, and the bytes from row to row.
type Place = Option<(*mut u8, usize)>;

impl Picture {
    /// A picture in a piece of pinned memory. Its pixels may be anything.
    ///
    /// # Errors
    /// Out of memory, a size that is no size, or the piece is too short.
    pub fn in_piece(
        mut piece: PinnedPiece,
        layout: &Layout,
        format: PixelFormat,
        size: Size,
        color: Color,
    ) -> Result<Self, AvError> {
        let fits = |plane| {
            let (row_bytes, rows) = format.plane_layout(plane, size);
            layout.offset(plane).is_some_and(|offset| {
                row_bytes <= layout.pitch() && offset + rows * layout.pitch() <= piece.len()
            })
        };
        if !(0..format.planes()).all(fits) {
            return Err(AvError(-libc::EINVAL));
        }
        let (data, length) = (piece.as_mut_ptr(), piece.len());
        // SAFETY: each offset lies within the piece, as was just checked.
        let place = |plane| Some((unsafe { data.add(layout.offset(plane)?) }, layout.pitch()));
        let places = [0, 1, 2].map(|plane| if plane < format.planes() { place(plane) } else { None });
        let mut picture = Self::empty()?;
        picture.describe(format, size, color)?;
        // SAFETY: every plane lies within the piece, which is at its place, and no one else's, until it goes.
        unsafe { picture.borrow(piece, (data, length), places, 0) }?;
        Ok(picture)
    }

    /// A picture that a GPU has made and that the CPU can read. It is never written to.
    ///
    /// # Errors
    /// Out of memory, or the picture is of another format or size.
    pub fn of_host(
        host: HostPicture,
        format: PixelFormat,
        size: Size,
        color: Color,
    ) -> Result<Self, AvError> {
        let place = |plane| {
            let (row_bytes, rows) = format.plane_layout(plane, size);
            let (bytes, stride) = host.plane(plane)?;
            (row_bytes <= stride && rows * stride <= bytes.len()).then(|| (bytes.as_ptr().cast_mut(), stride))
        };
        let places = [0, 1, 2].map(|plane| if plane < format.planes() { place(plane) } else { None });
        if (0..format.planes()).any(|plane| places[plane].is_none()) {
            return Err(AvError(-libc::EINVAL));
        }
        let Some((first, _)) = host.plane(0) else { return Err(AvError(-libc::EINVAL)) };
        let all = (first.as_ptr().cast_mut(), first.len());
        let mut picture = Self::empty()?;
        picture.describe(format, size, color)?;
        // SAFETY: the planes stay as they are, at their places, until the host picture goes.
        unsafe { picture.borrow(host, all, places, ffi::AV_BUFFER_FLAG_READONLY) }?;
        Ok(picture)
    }

    /// Takes planes that live as long as `owner`, which goes with the last reference.
    ///
    /// # Safety
    /// So they do, wherever `owner` is moved; `self` has no planes yet.
    unsafe fn borrow<T: Send + 'static>(
        &mut self,
        owner: T,
        (data, length): (*mut u8, usize),
        places: [Place; 3],
        flags: i32,
    ) -> Result<(), AvError> {
        let kept = Box::into_raw(Box::new(owner));
        // SAFETY: the frame is ours alone; the owner belongs to the buffer, which frees it once.
        unsafe {
            let frame = &mut *self.raw();
            frame.buf[0] = ffi::av_buffer_create(data, length, Some(give_back::<T>), kept.cast(), flags);
            if frame.buf[0].is_null() {
                drop(Box::from_raw(kept));
                return Err(AvError(-libc::ENOMEM));
            }
            for (plane, place) in places.into_iter().enumerate() {
                if let Some((data, stride)) = place {
                    frame.data[plane] = data;
                    frame.linesize[plane] = i32::try_from(stride).map_err(|_| AvError(-libc::EINVAL))?;
                }
            }
        }
        Ok(())
    }
}

/// # Safety
/// libavutil calls it once, with the opaque pointer of [`Picture::borrow`].
unsafe extern "C" fn give_back<T>(owner: *mut c_void, _data: *mut u8) {
    // SAFETY: it is the box that was put there, and no one uses it after.
    drop(unsafe { Box::from_raw(owner.cast::<T>()) });
}
