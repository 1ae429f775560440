//! Compiled shaders, kept from one run to the next.
//!
//! A driver's data come back to it only if they are whole, and were made by the same version of the same driver for
//! the same device: drivers are not known for checking them well. In front of Vulkan's own header, which says
//! device and driver, stands one of ours, which says length and sum.
//!
//! See *Pipeline Cache* in Vulkan's specification.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ash::vk;
use rustix::fs::OFlags;

use super::{Physical, VulkanError};

/// What is read or written at most, in bytes: some hundred times what all of our shaders take.
pub const MOST: u64 = 16 << 20;

const MAGIC: [u8; 8] = *b"GSTPIPE1";
/// Magic, driver version, length and sum.
const HEADER: usize = 8 + 4 + 8 + 8;

/// Why kept shaders cannot be used, or kept. They are compiled anew.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineCacheError {
    /// The file cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, #[source] io::Error),
    /// It was not written by us, or not to its end.
    #[error("{0} is damaged")]
    Damaged(PathBuf),
    /// It is larger than what is ever written.
    #[error("{0} has more than {MOST} bytes")]
    Large(PathBuf),
    /// The driver refused.
    #[error(transparent)]
    Vulkan(#[from] VulkanError),
}

/// What a device's data must begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Maker {
    driver: u32,
    vendor: u32,
    device: u32,
    uuid: [u8; vk::UUID_SIZE],
}

impl Maker {
    pub(super) fn of(physical: &Physical) -> Self {
        // SAFETY: the device is of this instance.
        let core = unsafe { physical.instance().raw().get_physical_device_properties(physical.raw()) };
        Self {
            driver: core.driver_version,
            vendor: core.vendor_id,
            device: core.device_id,
            uuid: core.pipeline_cache_uuid,
        }
    }

    /// Whether data begin with Vulkan's header, and it is this maker's: 32 bytes, of which the numbers are
    /// little-endian.
    fn made(&self, data: &[u8]) -> bool {
        let number =
            |at: usize| data.get(at..at + 4).map(|it| u32::from_le_bytes([it[0], it[1], it[2], it[3]]));
        number(0).is_some_and(|length| (32..=data.len()).contains(&(length as usize)))
            && number(4) == Some(vk::PipelineCacheHeaderVersion::ONE.as_raw() as u32)
            && number(8) == Some(self.vendor)
            && number(12) == Some(self.device)
            && data.get(16..32) == Some(&self.uuid[..])
    }
}

/// What was kept for a device; `None` where nothing was, or by another driver.
pub(super) fn read(path: &Path, maker: &Maker) -> Result<Option<Vec<u8>>, PipelineCacheError> {
    let failed = |error| PipelineCacheError::File(path.to_owned(), error);
    let damaged = || PipelineCacheError::Damaged(path.to_owned());
    // What is no file may have nobody who writes to it.
    let file = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path);
    let file = match file {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(damaged());
    }
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MOST {
        return Err(PipelineCacheError::Large(path.to_owned()));
    }
    let (header, data) = bytes.split_at_checked(HEADER).ok_or_else(damaged)?;
    let whole = header[..8] == MAGIC
        && header[12..20] == (data.len() as u64).to_le_bytes()
        && header[20..] == sum(data).to_le_bytes();
    if !whole {
        return Err(damaged());
    }
    let same = header[8..12] == maker.driver.to_le_bytes() && maker.made(data);
    Ok(same.then(|| data.to_vec()))
}

/// Keeps data for a device: whole, or not at all. What the driver does not mark as its own is not kept.
pub(super) fn write(path: &Path, maker: &Maker, data: &[u8]) -> Result<(), PipelineCacheError> {
    let failed = |error| PipelineCacheError::File(path.to_owned(), error);
    if data.len() as u64 > MOST - HEADER as u64 {
        return Err(PipelineCacheError::Large(path.to_owned()));
    }
    if !maker.made(data) {
        return Err(PipelineCacheError::Damaged(path.to_owned()));
    }
    if let Some(directory) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(name);
    let written = put(&beside, maker, data).and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        // It may not be there.
        let _ = fs::remove_file(&beside);
        failed(error)
    })
}

fn put(path: &Path, maker: &Maker, data: &[u8]) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(&MAGIC)?;
    file.write_all(&maker.driver.to_le_bytes())?;
    file.write_all(&(data.len() as u64).to_le_bytes())?;
    file.write_all(&sum(data).to_le_bytes())?;
    file.write_all(data)
}

/// FNV-1a, of 64 bits.
fn sum(data: &[u8]) -> u64 {
    data.iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAKER: Maker = Maker { driver: 7, vendor: 0x10de, device: 0x2786, uuid: [5; 16] };

    /// Data as a driver's, with something behind the header.
    fn data(maker: &Maker) -> Vec<u8> {
        let numbers = [32, 1, maker.vendor, maker.device].map(u32::to_le_bytes);
        [&numbers.concat()[..], &maker.uuid, b"compiled"].concat()
    }

    fn directory() -> PathBuf {
        let unique =
            format!("ghoststream-pipelines-{}-{:?}", std::process::id(), std::thread::current().id());
        std::env::temp_dir().join(unique)
    }

    #[test]
    fn what_is_kept_comes_back_to_its_maker_alone() {
        let directory = directory();
        let path = directory.join("deeper/pipelines");
        assert!(matches!(read(&path, &MAKER), Ok(None)), "nothing was kept");
        write(&path, &MAKER, &data(&MAKER)).expect("it is written");
        assert_eq!(read(&path, &MAKER).expect("it is read"), Some(data(&MAKER)));
        for other in [
            Maker { driver: 8, ..MAKER },
            Maker { vendor: 1, ..MAKER },
            Maker { device: 1, ..MAKER },
            Maker { uuid: [6; 16], ..MAKER },
        ] {
            assert!(matches!(read(&path, &other), Ok(None)), "{other:?}");
        }
        let left = fs::read_dir(path.parent().expect("a directory")).expect("it is there").count();
        assert_eq!(left, 1, "what was written beside it is gone");
        fs::remove_dir_all(directory).expect("it is ours");
    }

    #[test]
    fn what_is_damaged_is_not_read() {
        let directory = directory();
        let path = directory.join("pipelines");
        write(&path, &MAKER, &data(&MAKER)).expect("it is written");
        let whole = fs::read(&path).expect("it is there");
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).expect("it is ours");
            assert!(matches!(read(&path, &MAKER), Err(PipelineCacheError::Damaged(_))), "cut at {length}");
        }
        // The version of the driver is not part of the sum: another one's is not ours to use.
        for at in (0..whole.len()).filter(|at| !(8..12).contains(at)) {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x20;
            fs::write(&path, flipped).expect("it is ours");
            assert!(matches!(read(&path, &MAKER), Err(PipelineCacheError::Damaged(_))), "flipped at {at}");
        }
        let long = File::create(&path).expect("it is ours");
        long.set_len(MOST + 1).expect("it is sparse");
        assert!(matches!(read(&path, &MAKER), Err(PipelineCacheError::Large(_))));
        fs::remove_dir_all(directory).expect("it is ours");
    }

    #[test]
    fn what_is_no_file_or_no_drivers_is_refused() {
        let directory = directory();
        fs::create_dir_all(&directory).expect("it is ours");
        assert!(matches!(read(&directory, &MAKER), Err(PipelineCacheError::Damaged(_))));
        let path = directory.join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .expect("a pipe");
        assert!(matches!(read(&path, &MAKER), Err(PipelineCacheError::Damaged(_))), "nobody writes to it");
        let path = directory.join("pipelines");
        for bad in [Vec::new(), vec![0; 31], data(&Maker { uuid: [6; 16], ..MAKER })] {
            assert!(matches!(write(&path, &MAKER, &bad), Err(PipelineCacheError::Damaged(_))));
        }
        let long = [data(&MAKER), vec![0; MOST as usize]].concat();
        assert!(matches!(write(&path, &MAKER, &long), Err(PipelineCacheError::Large(_))));
        let under_a_file = directory.join("file");
        fs::write(&under_a_file, "").expect("it is ours");
        let refused = write(&under_a_file.join("pipelines"), &MAKER, &data(&MAKER));
        assert!(matches!(refused, Err(PipelineCacheError::File(..))), "{refused:?}");
        fs::remove_dir_all(directory).expect("it is ours");
    }
}
