//! A GPU.

use std::ffi::{CStr, c_char, c_int, c_uint};

use super::functions::RawDevice;
use super::{CudaError, Library};

/// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR` and `…_MINOR`.
const COMPUTE: [c_uint; 2] = [75, 76];

/// A GPU that CUDA knows.
#[derive(Clone, Debug)]
pub struct Device {
    library: Library,
    ordinal: u32,
    raw: RawDevice,
}

impl Device {
    pub(super) fn get(library: &Library, ordinal: c_int) -> Result<Self, CudaError> {
        let mut raw = 0;
        // SAFETY: the place is valid for the call; a wrong ordinal is an error.
        library.check("cuDeviceGet", unsafe { (library.functions().device_get)(&mut raw, ordinal) })?;
        Ok(Self { library: library.clone(), ordinal: ordinal.unsigned_abs(), raw })
    }

    /// The device of this number, as CUDA counts them.
    ///
    /// # Errors
    /// There is none.
    pub fn by_ordinal(library: &Library, ordinal: u32) -> Result<Self, CudaError> {
        // What is too large for CUDA's integer is a number that no device has.
        Self::get(library, c_int::try_from(ordinal).unwrap_or(c_int::MAX))
    }

    /// The device with this UUID; `None` if there is none.
    ///
    /// # Errors
    /// The driver failed.
    pub fn by_uuid(library: &Library, uuid: [u8; 16]) -> Result<Option<Self>, CudaError> {
        for device in library.devices()? {
            if device.uuid()? == uuid {
                return Ok(Some(device));
            }
        }
        Ok(None)
    }

    /// Its number, as CUDA counts them.
    pub const fn ordinal(&self) -> u32 {
        self.ordinal
    }

    /// Its marketing name.
    ///
    /// # Errors
    /// The driver failed.
    pub fn name(&self) -> Result<String, CudaError> {
        self.text("cuDeviceGetName", self.library.functions().device_name)
    }

    /// Where it sits, such as `0000:01:00.0`.
    ///
    /// # Errors
    /// The driver failed.
    pub fn address(&self) -> Result<String, CudaError> {
        self.text("cuDeviceGetPCIBusId", self.library.functions().device_pci)
    }

    /// What tells it from every other device.
    ///
    /// # Errors
    /// The driver failed.
    pub fn uuid(&self) -> Result<[u8; 16], CudaError> {
        let mut uuid = [0; 16];
        // SAFETY: the place has the 16 bytes of a CUuuid.
        let code = unsafe { (self.library.functions().device_uuid)(&mut uuid, self.raw) };
        self.library.check("cuDeviceGetUuid", code)?;
        Ok(uuid)
    }

    /// Bytes of its memory.
    ///
    /// # Errors
    /// The driver failed.
    pub fn memory(&self) -> Result<usize, CudaError> {
        let mut bytes = 0;
        // SAFETY: the place is valid for the call.
        let code = unsafe { (self.library.functions().device_memory)(&mut bytes, self.raw) };
        self.library.check("cuDeviceTotalMem", code)?;
        Ok(bytes)
    }

    /// Its compute capability, major and minor.
    ///
    /// # Errors
    /// The driver failed.
    pub fn compute_capability(&self) -> Result<(u32, u32), CudaError> {
        let mut values = [0; 2];
        for (value, attribute) in values.iter_mut().zip(COMPUTE) {
            // SAFETY: the place is valid for the call.
            let code = unsafe { (self.library.functions().device_attribute)(value, attribute, self.raw) };
            self.library.check("cuDeviceGetAttribute", code)?;
        }
        Ok((values[0].unsigned_abs(), values[1].unsigned_abs()))
    }

    /// The library that it is of.
    pub const fn library(&self) -> &Library {
        &self.library
    }

    pub(super) const fn raw(&self) -> RawDevice {
        self.raw
    }

    fn text(
        &self,
        call: &'static str,
        function: unsafe extern "C" fn(*mut c_char, c_int, RawDevice) -> c_int,
    ) -> Result<String, CudaError> {
        let mut bytes = [0u8; 256];
        // SAFETY: the length is that of the place, less one byte so that it stays zero-terminated.
        let code = unsafe { function(bytes.as_mut_ptr().cast(), bytes.len() as c_int - 1, self.raw) };
        self.library.check(call, code)?;
        Ok(CStr::from_bytes_until_nul(&bytes).unwrap_or_default().to_string_lossy().into_owned())
    }
}
