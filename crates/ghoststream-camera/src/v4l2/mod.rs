//! A V4L2 output device, such as v4l2loopback's: the camera of programs that know no other.
//!
//! See "Read/Write" in the kernel's media documentation. Tried with v4l2loopback 0.15; 0.12 has the same calls.

mod videodev;

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ghoststream_picture::{ColorSpace, Size};
use videodev::{CAN_CAPTURE, CAN_OUTPUT, CAN_READ_WRITE, Capability, Coding, DeviceFormat, set_rate};

use crate::convert::Converter;
use crate::offers::SLACK;
use crate::shared::Agreed;
use crate::{CameraError, Format, Input, Memory, Pixels};

/// What a device is asked for, in this order: what programs that look at it know best comes first.
const FORMATS: [(Format, u32); 3] = [
    (Format::Yuy2, u32::from_le_bytes(*b"YUYV")),
    (Format::I420, u32::from_le_bytes(*b"YU12")),
    (Format::Nv12, u32::from_le_bytes(*b"NV12")),
];

/// An open device that takes pictures.
#[derive(Debug)]
pub struct Device {
    path: PathBuf,
    file: File,
    card: String,
    agreed: Agreed,
    converter: Converter,
    picture: Vec<u8>,
    /// Bytes of each write.
    length: usize,
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
        let capability = Capability::of(&file).map_err(|_| refused("it is not a video device".into()))?;
        check(&capability, path).map_err(refused)?;
        let (format, size_image) = negotiate(&file, &input).map_err(refused)?;
        // Who looks is told by the device how fast pictures come. Where it cannot be told, their times say so.
        let rate = set_rate(&file, input.rate).ok().filter(|it| it.0 > 0 && it.1 > 0).unwrap_or(input.rate);
        let agreed = Agreed { format, size: input.size, rate, memory: Memory::Shared };
        let converter = Converter::new(&input, agreed).map_err(refused)?;
        let bytes = format.bytes(input.size);
        // Other drivers want all of the buffer that they name. v4l2loopback hands on the length that was written, of
        // which programs expect that of a picture; until 0.12 the one that it names is rounded up to pages.
        let length = if capability.is_loopback() { bytes } else { size_image.max(bytes) };
        let picture = vec![0; length + SLACK];
        Ok(Self { path: path.to_owned(), file, card: capability.card(), agreed, converter, picture, length })
    }

    /// What the device calls itself.
    pub fn card(&self) -> &str {
        &self.card
    }

    /// What it was agreed to take. The rate is what it tells those who look.
    pub const fn agreed(&self) -> Agreed {
        self.agreed
    }

    /// Writes a picture. Returns its bytes; none where the device has no room now, and the picture is dropped.
    ///
    /// # Errors
    /// The device is gone, or does not take it.
    pub fn show(&mut self, picture: &dyn Pixels) -> Result<usize, CameraError> {
        let refused = |problem: String| CameraError::Device { path: self.path.clone(), problem };
        let bytes = self.converter.convert(picture, &mut self.picture).map_err(&refused)?;
        match self.file.write(&self.picture[..self.length]) {
            Ok(written) if written == self.length => Ok(bytes),
            Ok(written) => Err(refused(format!("it took {written} of a picture's {} bytes", self.length))),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(0),
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => Err(refused(OCCUPIED.into())),
            Err(error) => Err(refused(format!("writing a picture failed: {error}"))),
        }
    }
}

const OCCUPIED: &str = "another program writes to it";

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

/// Whether it takes pictures that are written.
fn check(capability: &Capability, path: &Path) -> Result<(), String> {
    let card = capability.card();
    if !capability.can(CAN_OUTPUT) {
        // With `exclusive_caps` such a device is a camera, and nothing else, while somebody writes to it.
        if capability.is_loopback() {
            let path = path.display();
            return Err(format!(
                "{OCCUPIED}. Where none does, it keeps its last format: `v4l2-ctl -d {path} -c keep_format=0`"
            ));
        }
        let other = if capability.can(CAN_CAPTURE) { " (it is a camera itself)" } else { "" };
        return Err(format!("{card:?} takes no pictures{other}: a device of v4l2loopback's does"));
    }
    if !capability.can(CAN_READ_WRITE) {
        return Err(format!(
            "{card:?} takes pictures by mapped memory only: a device of v4l2loopback's has them written"
        ));
    }
    Ok(())
}

/// Why a device does not take a format.
enum Refusal {
    /// It takes no format at all, since another program writes to it.
    Occupied,
    /// It takes pictures of this size.
    Size(Size),
    /// In words.
    Other(String),
}

/// Agrees on a format; returns it with the bytes of a picture.
fn negotiate(file: &File, input: &Input) -> Result<(Format, usize), String> {
    let mut answers = Vec::new();
    for (format, code) in FORMATS {
        match ask(file, input, format, code) {
            Ok(size_image) => return Ok((format, size_image)),
            Err(Refusal::Occupied) => return Err(OCCUPIED.into()),
            Err(Refusal::Size(size)) => {
                return Err(format!(
                    "it takes pictures of {size}, not of {}: a program that looks at it may hold it to that. End that \
                     program, or make pictures of {size}",
                    input.size
                ));
            }
            Err(Refusal::Other(answer)) => answers.push(format!("{format}: {answer}")),
        }
    }
    Err(format!("it takes no pictures of {} ({})", input.size, answers.join("; ")))
}

/// Asks for one format; returns the bytes of a picture.
fn ask(file: &File, input: &Input, format: Format, code: u32) -> Result<usize, Refusal> {
    let size = input.size;
    let coding = if input.color.space == ColorSpace::Bt601 { Coding::SMPTE170M } else { Coding::REC709 };
    let answer = set(file, DeviceFormat::new((size.width, size.height), code, coding)).map_err(|error| {
        let occupied = error.raw_os_error() == Some(libc::EBUSY);
        if occupied { Refusal::Occupied } else { Refusal::Other(error.to_string()) }
    })?;
    let (rows, bytes) = (answer.bytes_per_line as usize, answer.size_image as usize);
    if answer.pixel_format != code {
        let letters = answer.pixel_format.to_le_bytes();
        return Err(Refusal::Other(format!("it wants {}", letters.escape_ascii())));
    }
    let found = Size::new(answer.width, answer.height);
    if found != size {
        return Err(Refusal::Size(found));
    }
    if (rows != 0 && rows != format.stride(size)) || bytes < format.bytes(size) {
        return Err(Refusal::Other(format!("it wants rows of {rows} bytes, pictures of {bytes}")));
    }
    Ok(bytes)
}

/// Sets a format with its colours: v4l2loopback keeps those that it was told first for pictures of one size and layout.
fn set(file: &File, wanted: DeviceFormat) -> std::io::Result<DeviceFormat> {
    let mut answer = wanted;
    answer.set(file)?;
    let kept = DeviceFormat::of(file).is_ok_and(|it| it.coding() != wanted.coding());
    if kept && let Some((_, other)) = FORMATS.iter().find(|(_, code)| *code != wanted.pixel_format) {
        answer.pixel_format = *other;
        // Where that is refused, colours stay as they are.
        let _ = answer.set(file);
        answer = wanted;
        answer.set(file)?;
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ghoststream_picture::{Color, ColorRange, PixelFormat};

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
}
