//! A GPU under a driver: what a client is told.

use std::sync::LazyLock;

use super::{ApiVersion, Cap, Codec, Coding, Driver, Gpu, InputFormat};

/// A GPU under a driver.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// The GPU.
    pub gpu: &'static Gpu,
    /// The driver.
    pub driver: &'static Driver,
}

/// There is no such profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownProfile {
    /// No GPU of that name.
    #[error("there is no GPU profile {name:?}; there are {known} (NVENC_EMULATOR_GPU)")]
    Gpu {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// No driver of that branch.
    #[error("there is no driver profile {branch}; there are {known} (NVENC_EMULATOR_DRIVER)")]
    Driver {
        /// What was asked for.
        branch: u32,
        /// What there is.
        known: String,
    },
}

/// A profile that does not read is found by the first test of this package.
fn read<T: serde::de::DeserializeOwned>(files: &[(&str, &str)]) -> Vec<T> {
    files.iter().map(|(name, text)| toml::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"))).collect()
}

/// Files by name, embedded.
macro_rules! embed {
    ($directory:literal: $($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../", $directory, "/", $name, ".toml")))),*]
    };
}

/// All GPUs, oldest first.
pub fn gpus() -> &'static [Gpu] {
    static GPUS: LazyLock<Vec<Gpu>> = LazyLock::new(|| {
        read(embed!(
            "gpus": "gtx-1050" "gtx-1660" "rtx-2070" "rtx-3060" "rtx-4070" "rtx-4090" "h100" "rtx-5070-ti" "rtx-5090"
        ))
    });
    &GPUS
}

/// All driver generations, oldest first.
pub fn drivers() -> &'static [Driver] {
    static DRIVERS: LazyLock<Vec<Driver>> =
        LazyLock::new(|| read(embed!("drivers": "525" "545" "570" "610")));
    &DRIVERS
}

impl Machine {
    /// A GPU by its profile's name under a driver by its branch.
    ///
    /// # Errors
    /// There is no such profile.
    pub fn new(gpu: &str, driver: u32) -> Result<Self, UnknownProfile> {
        let list = |names: Vec<String>| names.join(", ");
        let gpu = gpus().iter().find(|known| known.id == gpu).ok_or_else(|| UnknownProfile::Gpu {
            name: gpu.into(),
            known: list(gpus().iter().map(|gpu| gpu.id.clone()).collect()),
        })?;
        let driver =
            drivers().iter().find(|known| known.branch == driver).ok_or_else(|| UnknownProfile::Driver {
                branch: driver,
                known: list(drivers().iter().map(|driver| driver.branch.to_string()).collect()),
            })?;
        Ok(Self { gpu, driver })
    }

    /// Whether the driver knows the GPU. Where not, CUDA finds no device.
    pub fn is_supported(&self) -> bool {
        let branch = self.driver.branch;
        self.gpu.first_driver <= branch && self.gpu.last_driver.is_none_or(|last| branch <= last)
    }

    /// The newest NVENC API.
    pub fn api(&self) -> ApiVersion {
        self.driver.nvenc
    }

    /// The codecs that the driver lists.
    pub fn codecs(&self) -> impl Iterator<Item = Codec> {
        Codec::ALL.into_iter().filter(|codec| self.coding(*codec).is_some())
    }

    /// What can be done in a codec, where it can be had at all.
    pub fn coding(&self, codec: Codec) -> Option<&'static Coding> {
        if codec.since() > self.api() {
            return None;
        }
        self.gpu.codecs.get(&codec)
    }

    /// A capability as the driver reports it. None where the driver does not know it.
    pub fn cap(&self, codec: Codec, cap: Cap) -> Option<u32> {
        let coding = self.coding(codec)?;
        (cap.since() <= self.api()).then(|| coding.cap(cap, self.driver.branch))
    }

    /// A capability by its name, such as `WIDTH_MAX`; 0 where the driver does not know it.
    ///
    /// # Panics
    /// There is no such name: a mistake in the program.
    pub fn named(&self, codec: Codec, name: &str) -> u32 {
        let cap = Cap::from_name(name).unwrap_or_else(|| panic!("no capability is called {name}"));
        self.cap(codec, cap).unwrap_or(0)
    }

    /// The profiles that the driver lists, by the API's names without prefix: `MAIN`, `HIGH_444`.
    pub fn profiles(&self, codec: Codec) -> Vec<&'static str> {
        let profiles = self.coding(codec).map_or(&[][..], |coding| &coding.profiles);
        let since = |name: &str| match name {
            "HIGH_10" | "HIGH_422" => ApiVersion::new(13, 0),
            _ => ApiVersion::new(11, 1),
        };
        profiles.iter().map(String::as_str).filter(|name| since(name) <= self.api()).collect()
    }

    /// The input formats that the driver lists.
    pub fn formats(&self, codec: Codec) -> Vec<InputFormat> {
        let formats = self.coding(codec).map_or(&[][..], |coding| &coding.formats);
        formats.iter().copied().filter(|format| format.since() <= self.api()).collect()
    }

    /// Sessions at once, over all processes. None where there is no limit.
    pub fn session_limit(&self) -> Option<u32> {
        self.gpu.geforce.then_some(self.driver.geforce_sessions)
    }
}
