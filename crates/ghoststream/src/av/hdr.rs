//! HDR metadata as libavformat's muxers look for it: side data of a stream.

use std::ptr::NonNull;
use std::sync::LazyLock;

use ghoststream_picture::HdrMetadata;
use ghoststream_picture::hdr::{Chromaticity, ContentLight, MasteringDisplay};

use super::ffi::AVPacketSideDataType::{
    self, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
};
use super::{AvError, check, ffi};

/// `AVMasteringDisplayMetadata` of `libavutil/mastering_display_metadata.h`, of which there are no
/// bindings. The same from FFmpeg 5.1 to 9.
#[repr(C)]
#[derive(Clone, Copy)]
struct AvMasteringDisplay {
    /// Red, green and blue, x and y.
    primaries: [[ffi::AVRational; 2]; 3],
    white: [ffi::AVRational; 2],
    least_luminance: ffi::AVRational,
    most_luminance: ffi::AVRational,
    has_primaries: i32,
    has_luminance: i32,
}

/// `AVContentLightMetadata`, of the same header.
#[repr(C)]
#[derive(Clone, Copy)]
struct AvContentLight {
    most: u32,
    most_average: u32,
}

impl AvMasteringDisplay {
    fn new(display: &MasteringDisplay) -> Self {
        let steps = |count: u32, den| ffi::AVRational { num: i32::try_from(count).unwrap_or(i32::MAX), den };
        let point = |it: Chromaticity| [steps(it.x.into(), 50_000), steps(it.y.into(), 50_000)];
        Self {
            primaries: display.primaries.map(point),
            white: point(display.white),
            least_luminance: steps(display.least_luminance, 10_000),
            most_luminance: steps(display.most_luminance, 10_000),
            has_primaries: 1,
            has_luminance: 1,
        }
    }
}

impl From<ContentLight> for AvContentLight {
    fn from(light: ContentLight) -> Self {
        Self { most: light.most.into(), most_average: light.most_average.into() }
    }
}

/// Adds what is known to a stream whose parameters are complete, before its header is written.
///
/// # Errors
/// Out of memory.
///
/// # Safety
/// `stream` is a stream of a muxer's context.
pub(crate) unsafe fn describe(stream: *mut ffi::AVStream, metadata: HdrMetadata) -> Result<(), AvError> {
    if let Some(display) = &metadata.mastering {
        let data = AvMasteringDisplay::new(display);
        // SAFETY: the caller guarantees the stream; this kind of side data is that structure.
        unsafe { add(stream, AV_PKT_DATA_MASTERING_DISPLAY_METADATA, data) }?;
    }
    if let Some(light) = metadata.light {
        // SAFETY: as above.
        unsafe { add(stream, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, AvContentLight::from(light)) }?;
    }
    Ok(())
}

/// # Safety
/// `stream` is a stream of a muxer's context, and `T` what this kind of side data is.
unsafe fn add<T: Copy>(
    stream: *mut ffi::AVStream,
    kind: AVPacketSideDataType,
    value: T,
) -> Result<(), AvError> {
    // SAFETY: av_memdup copies a T, or gives null. The caller guarantees the stream.
    unsafe {
        let data = ffi::av_memdup((&raw const value).cast(), size_of::<T>()).cast::<u8>();
        let data = NonNull::new(data).ok_or(NO_MEMORY)?;
        match *ADD_TO_STREAM {
            Some(add) => check(add(stream, kind, data.as_ptr(), size_of::<T>()))
                .map(drop)
                .inspect_err(|_| ffi::av_free(data.as_ptr().cast())),
            None => add_to_parameters((*stream).codecpar, kind, data, size_of::<T>()),
        }
    }
}

const NO_MEMORY: AvError = AvError(-libc::ENOMEM);

type AddToStream =
    unsafe extern "C" fn(*mut ffi::AVStream, AVPacketSideDataType, *mut u8, usize) -> libc::c_int;

/// `av_stream_add_side_data`, up to FFmpeg 7: the only way before 6.1, and gone in 8. Looked for at
/// run time, since it need not be there.
static ADD_TO_STREAM: LazyLock<Option<AddToStream>> = LazyLock::new(|| {
    // SAFETY: the name is NUL-terminated.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"av_stream_add_side_data".as_ptr()) };
    // SAFETY: it is a function of libavformat with this signature, or null, which is `None`.
    unsafe { std::mem::transmute::<*mut libc::c_void, Option<AddToStream>>(found) }
});

/// From FFmpeg 6.1 on parameters have a list for it, which the oldest headers do not know: so it goes
/// there by way of a codec context, which always had one.
///
/// # Safety
/// `parameters` are valid; `data` came from libavutil's allocator and is taken over.
unsafe fn add_to_parameters(
    parameters: *mut ffi::AVCodecParameters,
    kind: AVPacketSideDataType,
    data: NonNull<u8>,
    size: usize,
) -> Result<(), AvError> {
    // SAFETY: the context is ours and never opened; what is in its list it frees. The copy back to the
    // parameters is a deep one.
    unsafe {
        let mut context = ffi::avcodec_alloc_context3(std::ptr::null());
        if context.is_null() {
            ffi::av_free(data.as_ptr().cast());
            return Err(NO_MEMORY);
        }
        let entry = ffi::AVPacketSideData { data: data.as_ptr(), size, type_: kind };
        let appended = check(ffi::avcodec_parameters_to_context(context, parameters))
            .and_then(|_| append(&mut *context, entry))
            .inspect_err(|_| ffi::av_free(data.as_ptr().cast()));
        let copied = appended.and_then(|()| check(ffi::avcodec_parameters_from_context(parameters, context)));
        ffi::avcodec_free_context(&mut context);
        copied.map(drop)
    }
}

/// # Safety
/// The context's list is libav*'s own; what the entry points to is taken over on success.
unsafe fn append(context: &mut ffi::AVCodecContext, entry: ffi::AVPacketSideData) -> Result<(), AvError> {
    let count = usize::try_from(context.nb_coded_side_data).unwrap_or(0);
    let bytes = (count + 1) * size_of::<ffi::AVPacketSideData>();
    // SAFETY: the list came from the same allocator, or is null; the new one has room for the entry.
    unsafe {
        let list = ffi::av_realloc(context.coded_side_data.cast(), bytes);
        let list = NonNull::new(list.cast::<ffi::AVPacketSideData>()).ok_or(NO_MEMORY)?;
        list.add(count).write(entry);
        context.coded_side_data = list.as_ptr();
    }
    context.nb_coded_side_data += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The way of FFmpeg 6.1 and newer, as far as older ones can show it: the context's list reaches the
    /// parameters where they have one, and nothing is lost on the way there and back.
    #[test]
    fn parameters_keep_what_they_said() {
        // SAFETY: all is made and freed here.
        unsafe {
            let mut parameters = ffi::avcodec_parameters_alloc();
            (*parameters).codec_type = ffi::AVMediaType::AVMEDIA_TYPE_VIDEO;
            (*parameters).codec_id = ffi::AVCodecID::AV_CODEC_ID_HEVC;
            (*parameters).width = 64;
            (*parameters).color_trc = ffi::AVColorTransferCharacteristic::AVCOL_TRC_SMPTE2084;
            for _ in 0..2 {
                let data = NonNull::new(ffi::av_mallocz(8).cast()).unwrap();
                add_to_parameters(parameters, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, data, 8).unwrap();
            }
            assert_eq!((*parameters).width, 64);
            assert_eq!((*parameters).codec_id, ffi::AVCodecID::AV_CODEC_ID_HEVC);
            assert_eq!((*parameters).color_trc, ffi::AVColorTransferCharacteristic::AVCOL_TRC_SMPTE2084);
            ffi::avcodec_parameters_free(&mut parameters);
        }
    }
}
