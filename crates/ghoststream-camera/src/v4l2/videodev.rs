//! What is spoken here of the kernel's `include/uapi/linux/videodev2.h`.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::os::fd::AsRawFd;

/// `V4L2_CAP_*`.
pub(super) const CAN_CAPTURE: u32 = 1;
pub(super) const CAN_OUTPUT: u32 = 2;
pub(super) const CAN_READ_WRITE: u32 = 1 << 24;
const HAS_DEVICE_CAPS: u32 = 1 << 31;

/// `V4L2_BUF_TYPE_VIDEO_OUTPUT`, `V4L2_FIELD_NONE`.
const OUTPUT: u32 = 2;
const FIELD_NONE: u32 = 1;
/// `V4L2_PIX_FMT_PRIV_MAGIC`: encoding, quantization and transfer are said, too.
const EXTENDED: u32 = 0xfeed_cafe;

/// `struct v4l2_capability`.
#[repr(C)]
pub(super) struct Capability {
    driver: [u8; 16],
    card: [u8; 32],
    bus_info: [u8; 32],
    version: u32,
    capabilities: u32,
    device_caps: u32,
    reserved: [u32; 3],
}

/// What the code values of a picture mean, as `struct v4l2_pix_format` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Coding {
    pub(super) colorspace: u32,
    pub(super) encoding: u32,
    pub(super) quantization: u32,
    pub(super) transfer: u32,
}

impl Coding {
    /// `V4L2_COLORSPACE_REC709`, `V4L2_YCBCR_ENC_709`, `V4L2_QUANTIZATION_LIM_RANGE`, `V4L2_XFER_FUNC_709`.
    pub(super) const REC709: Self = Self { colorspace: 3, encoding: 2, quantization: 2, transfer: 1 };
    /// `V4L2_COLORSPACE_SMPTE170M`, `V4L2_YCBCR_ENC_601`, the others as above.
    pub(super) const SMPTE170M: Self = Self { colorspace: 1, encoding: 1, ..Self::REC709 };
}

/// `struct v4l2_format` with a `struct v4l2_pix_format` in it.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct DeviceFormat {
    kind: u32,
    /// The union that follows is aligned to eight bytes.
    padding: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixel_format: u32,
    field: u32,
    pub(super) bytes_per_line: u32,
    pub(super) size_image: u32,
    colorspace: u32,
    private: u32,
    flags: u32,
    encoding: u32,
    quantization: u32,
    transfer: u32,
    rest: [u32; 38],
}

/// `struct v4l2_streamparm` with a `struct v4l2_outputparm` in it.
#[repr(C)]
struct StreamParameters {
    kind: u32,
    capability: u32,
    output_mode: u32,
    /// Seconds from one picture to the next.
    numerator: u32,
    denominator: u32,
    rest: [u32; 46],
}

/// A request whose argument is a `T`.
struct Request<T>(libc::c_ulong, PhantomData<T>);

impl<T> Request<T> {
    /// The kernel's `_IOC`: who reads what (1 writes to the kernel, 2 reads from it), how many bytes, `'V'` and a number.
    const fn new(direction: libc::c_ulong, number: libc::c_ulong) -> Self {
        Self(direction << 30 | (size_of::<T>() as libc::c_ulong) << 16 | 0x56 << 8 | number, PhantomData)
    }

    fn ask(&self, device: &File, argument: &mut T) -> io::Result<()> {
        // SAFETY: the request says how many bytes the kernel reads and writes, and those are the argument's.
        let answer = unsafe { libc::ioctl(device.as_raw_fd(), self.0 as _, std::ptr::from_mut(argument)) };
        if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

const QUERY_CAPABILITY: Request<Capability> = Request::new(2, 0);
const GET_FORMAT: Request<DeviceFormat> = Request::new(3, 4);
const SET_FORMAT: Request<DeviceFormat> = Request::new(3, 5);
const SET_PARAMETERS: Request<StreamParameters> = Request::new(3, 22);

impl Capability {
    /// # Errors
    /// It is no video device.
    pub(super) fn of(device: &File) -> io::Result<Self> {
        // SAFETY: plain numbers, for which zero is a value.
        let mut capability: Self = unsafe { std::mem::zeroed() };
        QUERY_CAPABILITY.ask(device, &mut capability)?;
        Ok(capability)
    }

    /// What the device calls itself.
    pub(super) fn card(&self) -> String {
        text(&self.card)
    }

    /// Whether it is one of v4l2loopback's.
    pub(super) fn is_loopback(&self) -> bool {
        text(&self.driver) == "v4l2 loopback"
    }

    /// Whether the device itself can do that, now.
    pub(super) const fn can(&self, ability: u32) -> bool {
        let own = if self.capabilities & HAS_DEVICE_CAPS == 0 { self.capabilities } else { self.device_caps };
        own & ability != 0
    }
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|it| *it == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

impl DeviceFormat {
    /// A format of pictures that are written.
    fn output() -> Self {
        // SAFETY: plain numbers, for which zero is a value.
        let mut format: Self = unsafe { std::mem::zeroed() };
        format.kind = OUTPUT;
        format
    }

    /// Pictures of a size, a layout and colours; how long rows and pictures are is left to the device.
    pub(super) fn new((width, height): (u32, u32), pixel_format: u32, coding: Coding) -> Self {
        let Coding { colorspace, encoding, quantization, transfer } = coding;
        let private = EXTENDED;
        let field = FIELD_NONE;
        let output = Self::output();
        Self {
            width,
            height,
            pixel_format,
            field,
            colorspace,
            private,
            encoding,
            quantization,
            transfer,
            ..output
        }
    }

    /// What the device has now.
    pub(super) fn of(device: &File) -> io::Result<Self> {
        let mut format = Self::output();
        GET_FORMAT.ask(device, &mut format)?;
        Ok(format)
    }

    /// Asks the device for it. It is what the device made of it, then.
    pub(super) fn set(&mut self, device: &File) -> io::Result<()> {
        SET_FORMAT.ask(device, self)
    }

    pub(super) const fn coding(&self) -> Coding {
        let Self { colorspace, encoding, quantization, transfer, .. } = *self;
        Coding { colorspace, encoding, quantization, transfer }
    }
}

/// Tells the device how many pictures a second come; returns what it takes that for.
pub(super) fn set_rate(device: &File, (numerator, denominator): (u32, u32)) -> io::Result<(u32, u32)> {
    let (kind, rest) = (OUTPUT, [0; 46]);
    let mut parameters = StreamParameters {
        kind,
        capability: 0,
        output_mode: 0,
        numerator: denominator,
        denominator: numerator,
        rest,
    };
    SET_PARAMETERS.ask(device, &mut parameters)?;
    Ok((parameters.denominator, parameters.numerator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_the_numbers_that_the_kernel_knows() {
        // As `videodev2.h` has them.
        assert_eq!(QUERY_CAPABILITY.0, 0x8068_5600);
        assert_eq!(GET_FORMAT.0, 0xc0d0_5604);
        assert_eq!(SET_FORMAT.0, 0xc0d0_5605);
        assert_eq!(SET_PARAMETERS.0, 0xc0cc_5616);
    }
}
