//! A V4L2 output device, such as v4l2loopback's: the camera of programs that know no other.
//!
//! See the kernel's `include/uapi/linux/videodev2.h` and, for writing, "Read/Write" in its media documentation.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ghoststream_picture::ColorSpace;

use crate::convert::Converter;
use crate::offers::SLACK;
use crate::shared::Agreed;
use crate::{CameraError, Format, Input, Pixels};

/// `struct v4l2_capability`.
#[repr(C)]
struct Capability {
    driver: [u8; 16],
    card: [u8; 32],
    bus_info: [u8; 32],
    version: u32,
    capabilities: u32,
    device_caps: u32,
    reserved: [u32; 3],
}

/// `struct v4l2_format` with a `struct v4l2_pix_format` in it.
#[repr(C, align(8))]
struct DeviceFormat {
    kind: u32,
    /// The union that follows is aligned to eight bytes.
    padding: u32,
    width: u32,
    height: u32,
    pixel_format: u32,
    field: u32,
    bytes_per_line: u32,
    size_image: u32,
    colorspace: u32,
    private: u32,
    flags: u32,
    encoding: u32,
    quantization: u32,
    transfer: u32,
    rest: [u32; 38],
}

const _: () = assert!(size_of::<Capability>() == 104 && size_of::<DeviceFormat>() == 208);

/// `VIDIOC_QUERYCAP` and `VIDIOC_S_FMT`: direction, size, `'V'` and a number.
const QUERY_CAPABILITY: libc::c_ulong = 2 << 30 | 104 << 16 | 0x56 << 8;
const SET_FORMAT: libc::c_ulong = 3 << 30 | 208 << 16 | 0x56 << 8 | 5;

const CAN_CAPTURE: u32 = 1;
const CAN_OUTPUT: u32 = 2;
const CAN_READ_WRITE: u32 = 1 << 24;
const HAS_DEVICE_CAPS: u32 = 1 << 31;

const KIND_OUTPUT: u32 = 2;
const FIELD_NONE: u32 = 1;
/// `V4L2_COLORSPACE_REC709` and `_SMPTE170M`.
const REC709: u32 = 3;
const SMPTE170M: u32 = 1;
const LIMITED_RANGE: u32 = 2;

/// What a device is asked for, in this order: what programs that look at it know best comes first.
const FORMATS: [(Format, &[u8; 4]); 3] =
    [(Format::Yuy2, b"YUYV"), (Format::I420, b"YU12"), (Format::Nv12, b"NV12")];

/// An open device that takes pictures.
#[derive(Debug)]
pub struct Device {
    path: PathBuf,
    file: File,
    card: String,
    agreed: Agreed,
    converter: Converter,
    picture: Vec<u8>,
}

impl Device {
    /// Opens a device and agrees on a format with it.
    ///
    /// # Errors
    /// It is not there, is no V4L2 device, takes no pictures, or not such ones; or somebody else has it.
    pub fn open(path: &Path, input: Input) -> Result<Self, CameraError> {
        let refused = |problem: String| CameraError::Device { path: path.to_owned(), problem };
        let file = File::options()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open(path)
            .map_err(|error| refused(cannot_open(&error)))?;
        let card = check(&file).map_err(refused)?;
        let (format, length) = negotiate(&file, &input).map_err(refused)?;
        let agreed = Agreed { format, size: input.size, rate: input.rate };
        let converter = Converter::new(&input, agreed).map_err(refused)?;
        if length < format.bytes(input.size) {
            return Err(refused(format!("it takes pictures of {length} bytes, too few for {agreed}")));
        }
        let picture = vec![0; format.bytes(input.size).max(length) + SLACK];
        Ok(Self { path: path.to_owned(), file, card, agreed, converter, picture })
    }

    /// What the device calls itself.
    pub fn card(&self) -> &str {
        &self.card
    }

    /// What it was agreed to take.
    pub const fn agreed(&self) -> Agreed {
        self.agreed
    }

    /// Writes a picture. Returns its bytes; none where the device has no room now, and the picture is dropped.
    ///
    /// # Errors
    /// The device is gone, or does not take it.
    pub fn show(&mut self, picture: &dyn Pixels) -> Result<usize, CameraError> {
        let refused = |problem: String| CameraError::Device { path: self.path.clone(), problem };
        let length = self.converter.convert(picture, &mut self.picture).map_err(&refused)?;
        match self.file.write(&self.picture[..length]) {
            Ok(written) if written == length => Ok(length),
            Ok(written) => Err(refused(format!("it took {written} of a picture's {length} bytes"))),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(0),
            Err(error) => Err(refused(format!("writing a picture failed: {error}"))),
        }
    }
}

fn cannot_open(error: &std::io::Error) -> String {
    match (error.kind(), error.raw_os_error()) {
        (ErrorKind::NotFound, _) => {
            "it is not there. `sudo modprobe v4l2loopback exclusive_caps=1` makes one (package v4l2loopback-dkms)".into()
        }
        (ErrorKind::PermissionDenied, _) => {
            "you may not open it: `sudo usermod -aG video $USER`, then log in again".into()
        }
        (_, Some(libc::EBUSY)) => "another program has it".into(),
        _ => format!("it cannot be opened: {error}"),
    }
}

/// Whether it takes pictures; what it calls itself.
fn check(file: &File) -> Result<String, String> {
    // SAFETY: plain numbers, for which zero is a value.
    let mut capability: Capability = unsafe { std::mem::zeroed() };
    // SAFETY: the request says how many bytes the kernel writes: those of the structure.
    let answer = unsafe { libc::ioctl(file.as_raw_fd(), QUERY_CAPABILITY as _, &raw mut capability) };
    if answer < 0 {
        return Err("it is not a video device".into());
    }
    let Capability { capabilities, device_caps, .. } = capability;
    let abilities = if capabilities & HAS_DEVICE_CAPS == 0 { capabilities } else { device_caps };
    let end = capability.card.iter().position(|it| *it == 0).unwrap_or(capability.card.len());
    let card = String::from_utf8_lossy(&capability.card[..end]).into_owned();
    let other = if abilities & CAN_CAPTURE == 0 { "" } else { " (it is a camera itself)" };
    if abilities & CAN_OUTPUT == 0 {
        return Err(format!("{card:?} takes no pictures{other}: a device of v4l2loopback's does"));
    }
    if abilities & CAN_READ_WRITE == 0 {
        return Err(format!(
            "{card:?} takes pictures by mapped memory only: a device of v4l2loopback's has them written"
        ));
    }
    Ok(card)
}

/// Agrees on a format; returns it with the bytes of a picture.
fn negotiate(file: &File, input: &Input) -> Result<(Format, usize), String> {
    let size = input.size;
    let mut answers = Vec::new();
    for (format, code) in FORMATS {
        // SAFETY: plain numbers, for which zero is a value.
        let mut wanted: DeviceFormat = unsafe { std::mem::zeroed() };
        wanted.kind = KIND_OUTPUT;
        (wanted.width, wanted.height, wanted.field) = (size.width, size.height, FIELD_NONE);
        wanted.pixel_format = u32::from_le_bytes(*code);
        wanted.bytes_per_line = format.stride(size) as u32;
        wanted.size_image = format.bytes(size) as u32;
        wanted.colorspace = if input.color.space == ColorSpace::Bt601 { SMPTE170M } else { REC709 };
        wanted.quantization = LIMITED_RANGE;
        // SAFETY: the request says how many bytes the kernel reads and writes: those of the structure.
        let answer = unsafe { libc::ioctl(file.as_raw_fd(), SET_FORMAT as _, &raw mut wanted) };
        if answer < 0 {
            let error = std::io::Error::last_os_error();
            if error.raw_os_error() == Some(libc::EBUSY) {
                return Err("another program writes to it".into());
            }
            answers.push(format!("{format}: {error}"));
        } else if wanted.pixel_format != u32::from_le_bytes(*code) {
            answers.push(format!("{format}: it wants another format"));
        } else if (wanted.width, wanted.height) != (size.width, size.height) {
            answers.push(format!("{format}: it wants {}x{}", wanted.width, wanted.height));
        } else if wanted.bytes_per_line != 0 && wanted.bytes_per_line as usize != format.stride(size) {
            answers.push(format!("{format}: it wants rows of {} bytes", wanted.bytes_per_line));
        } else {
            return Ok((format, wanted.size_image as usize));
        }
    }
    Err(format!("it takes no pictures of {size} ({})", answers.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ghoststream_picture::{Color, ColorRange, PixelFormat, Size};

    fn refused(path: &Path) -> String {
        let color = Color::new(ColorSpace::Bt709, ColorRange::Limited);
        let input = Input { format: PixelFormat::Nv12, size: Size::new(640, 360), color, rate: (30, 1) };
        let error = Device::open(path, input).unwrap_err().to_string();
        assert!(error.contains(&*path.to_string_lossy()), "{error}");
        error
    }

    #[test]
    fn what_is_no_device_is_told_with_what_to_do() {
        let missing = refused(Path::new("/dev/video-that-is-not-there"));
        assert!(missing.contains("modprobe v4l2loopback"), "{missing}");
        for other in ["/dev/null", "/proc/self/comm"] {
            let error = refused(Path::new(other));
            assert!(error.contains("it is not a video device"), "{error}");
        }
        let directory = refused(Path::new("/"));
        assert!(directory.contains("cannot be opened"), "{directory}");
    }

    #[test]
    fn requests_have_the_numbers_that_the_kernel_knows() {
        // As `videodev2.h` has them.
        assert_eq!(QUERY_CAPABILITY, 0x8068_5600);
        assert_eq!(SET_FORMAT, 0xc0d0_5605);
    }
}
