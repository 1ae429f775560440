//! What a decoder or a muxer must know of a stream.

use std::ptr::NonNull;

use ghoststream_picture::HdrMetadata;

use super::{AvError, check, ffi};

/// An owned `AVCodecParameters`.
pub struct Parameters {
    fields: NonNull<ffi::AVCodecParameters>,
    /// What a container says of HDR.
    hdr: HdrMetadata,
}

// SAFETY: plain data, without thread affinity.
unsafe impl Send for Parameters {}
// SAFETY: through `&Parameters` it is only read.
unsafe impl Sync for Parameters {}

impl Parameters {
    /// Parameters that say nothing yet.
    ///
    /// # Errors
    /// Out of memory.
    pub fn empty() -> Result<Self, AvError> {
        // SAFETY: returns fresh parameters that we own, or null.
        let parameters = unsafe { ffi::avcodec_parameters_alloc() };
        let fields = NonNull::new(parameters).ok_or(AvError(-libc::ENOMEM))?;
        Ok(Self { fields, hdr: HdrMetadata::default() })
    }

    /// The parameters of an open codec context.
    ///
    /// # Errors
    /// Out of memory.
    ///
    /// # Safety
    /// `context` points to an opened codec context.
    pub unsafe fn of_context(context: *const ffi::AVCodecContext) -> Result<Self, AvError> {
        let mut parameters = Self::empty()?;
        // SAFETY: the caller guarantees context; the parameters are ours.
        check(unsafe { ffi::avcodec_parameters_from_context(parameters.fields.as_mut(), context) })?;
        Ok(parameters)
    }

    /// The same once more.
    ///
    /// # Errors
    /// Out of memory.
    pub fn duplicate(&self) -> Result<Self, AvError> {
        let mut copy = Self::empty()?;
        // SAFETY: both are valid parameters, and copy's are ours.
        check(unsafe { ffi::avcodec_parameters_copy(copy.fields.as_ptr(), self.fields.as_ptr()) })?;
        copy.hdr = self.hdr;
        Ok(copy)
    }

    /// The same of a stream that was begun before: nothing at its start is padding.
    ///
    /// # Errors
    /// Out of memory.
    pub fn without_padding(&self) -> Result<Self, AvError> {
        let mut copy = self.duplicate()?;
        // SAFETY: copy owns its parameters.
        unsafe { copy.fields.as_mut() }.initial_padding = 0;
        if self.fields().codec_id == ffi::AVCodecID::AV_CODEC_ID_OPUS && self.extradata().len() >= 19 {
            // The pre-skip of an OpusHead (RFC 7845, section 5.1).
            let mut head = self.extradata().to_vec();
            head[10..12].fill(0);
            copy.set_extradata(&head)?;
        }
        Ok(copy)
    }

    /// The fields.
    pub fn fields(&self) -> &ffi::AVCodecParameters {
        // SAFETY: self owns valid parameters.
        unsafe { self.fields.as_ref() }
    }

    /// The codec's headers: SPS and PPS, `OpusHead`, and so on.
    pub fn extradata(&self) -> &[u8] {
        let fields = self.fields();
        if fields.extradata.is_null() || fields.extradata_size <= 0 {
            return &[];
        }
        // SAFETY: extradata and its size belong together and live as long as self.
        unsafe { std::slice::from_raw_parts(fields.extradata, fields.extradata_size as usize) }
    }

    /// Replaces the codec's headers.
    ///
    /// # Errors
    /// Out of memory.
    pub fn set_extradata(&mut self, headers: &[u8]) -> Result<(), AvError> {
        let padding = ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize;
        let size = i32::try_from(headers.len()).map_err(|_| AvError(-libc::EINVAL))?;
        // SAFETY: the new block is zeroed and large enough for the bytes and libav*'s padding; the
        // old one belongs to the parameters and is freed once.
        unsafe {
            let block = ffi::av_mallocz(headers.len() + padding).cast::<u8>();
            if block.is_null() {
                return Err(AvError(-libc::ENOMEM));
            }
            std::ptr::copy_nonoverlapping(headers.as_ptr(), block, headers.len());
            let fields = self.fields.as_mut();
            ffi::av_freep((&raw mut fields.extradata).cast());
            fields.extradata = block;
            fields.extradata_size = size;
        }
        Ok(())
    }

    /// The parameters, for libav* calls. They stay owned by self.
    pub fn as_ptr(&self) -> *const ffi::AVCodecParameters {
        self.fields.as_ptr()
    }

    /// What a container says of HDR: nothing, unless it was set.
    pub const fn hdr(&self) -> HdrMetadata {
        self.hdr
    }

    /// Sets what a container says of HDR.
    pub const fn set_hdr(&mut self, hdr: HdrMetadata) {
        self.hdr = hdr;
    }
}

impl Drop for Parameters {
    fn drop(&mut self) {
        let mut parameters = self.fields.as_ptr();
        // SAFETY: self owns the parameters.
        unsafe { ffi::avcodec_parameters_free(&mut parameters) };
    }
}

impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parameters")
            .field("codec", &self.fields().codec_id)
            .field("extradata", &self.extradata().len())
            .finish()
    }
}
