//! Puts the emulated libraries where a program finds them.

use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::fault::{Faults, Kind};
use crate::{BadFault, BadSetting, Library, Machine, Settings, UnknownProfile};

/// Both libraries in a directory of their own, under the names by which clients open them.
///
/// [`command`](Self::command) starts a program over them; [`load`](Self::load) brings them into this
/// process. What the environment is to say is changed by the `with_` methods. The directory goes away on
/// drop.
#[derive(Debug)]
pub struct Installed {
    directory: TempDir,
    settings: Settings,
}

/// The libraries cannot be installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// There is no such GPU or driver.
    #[error(transparent)]
    Profile(#[from] UnknownProfile),
    /// A fault has no meaning.
    #[error(transparent)]
    Fault(#[from] BadFault),
    /// The environment says something without meaning.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// A library was not built.
    #[error("{built} is not in {places}; build it: cargo build -p {package}", built = library.built_name(), package = library.package())]
    NotBuilt {
        /// Which.
        library: Library,
        /// Where it was looked for.
        places: String,
    },
    /// Files cannot be made or read.
    #[error("cannot install the emulated libraries: {0}")]
    Io(#[from] std::io::Error),
    /// The dynamic linker refuses one.
    #[error("cannot load {library}: {source}")]
    Load {
        /// Which.
        library: Library,
        /// What the linker says.
        source: libloading::Error,
    },
}

impl Installed {
    /// Installs both libraries, which become the given GPU under the given driver.
    ///
    /// They are looked for beside this program, where cargo puts what a package's tests depend on. Where
    /// the environment says `NVENC_EMULATOR_REAL_CUDA=1`, the encoder is installed alone: so tests run over
    /// a machine's own `libcuda` unchanged.
    ///
    /// # Errors
    /// The GPU or the driver is not known, or a library was not built.
    pub fn new(gpu: &str, driver: u32) -> Result<Self, InstallError> {
        let real_cuda = Settings::from_env()?.real_cuda;
        Self::with_settings(Settings { gpu: gpu.into(), driver, real_cuda, ..Settings::default() })
    }

    /// Installs the libraries with all that can be set.
    ///
    /// # Errors
    /// As [`new`](Self::new); or a fault has no meaning.
    pub fn with_settings(settings: Settings) -> Result<Self, InstallError> {
        Machine::new(&settings.gpu, settings.driver)?;
        let directory = tempfile::Builder::new().prefix("nvenc-emulator-").tempdir()?;
        for library in Library::ALL {
            if library == Library::Cuda && settings.real_cuda {
                continue;
            }
            symlink(find(library)?, directory.path().join(library.soname()))?;
        }
        let mut installed = Self { directory, settings };
        if let Some(faults) = installed.settings.faults.clone() {
            installed = installed.with_faults(&faults)?;
        }
        Ok(installed)
    }

    /// What fails. A library that is to be missing is taken out of the directory.
    ///
    /// # Errors
    /// A fault has no meaning.
    pub fn with_faults(mut self, faults: &str) -> Result<Self, InstallError> {
        let parsed = Faults::new(faults, None)?;
        for (kind, library) in
            [(Kind::NoLibcuda, Library::Cuda), (Kind::NoLibnvidiaEncode, Library::NvidiaEncode)]
        {
            if parsed.has(kind)? {
                let path = self.directory.path().join(library.soname());
                if path.is_symlink() {
                    std::fs::remove_file(&path)?;
                }
                // A file that is no library ends the linker's search: the machine's own, where it has
                // one, is not found behind it.
                std::fs::write(&path, "missing, as asked")?;
            }
        }
        self.settings.faults = Some(faults.into());
        Ok(self)
    }

    /// A file from which faults are read again whenever it changes.
    pub fn with_faults_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.faults_file = Some(path.into());
        self
    }

    /// Every picture is coded exactly.
    pub fn with_exact(mut self) -> Self {
        self.settings.exact = true;
        self
    }

    /// The GPU has this UUID: it is taken for the device that has it in Vulkan.
    pub const fn with_uuid(mut self, uuid: [u8; 16]) -> Self {
        self.settings.uuid = Some(uuid);
        self
    }

    /// Pictures take as long as on the GPU.
    pub fn with_latency(mut self) -> Self {
        self.settings.latency = true;
        self
    }

    /// Sessions are counted with those of other processes that name this directory.
    pub fn with_sessions(mut self, directory: impl Into<PathBuf>) -> Self {
        self.settings.sessions = Some(directory.into());
        self
    }

    /// Calls are appended to this file.
    pub fn with_trace(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.trace = Some(path.into());
        self
    }

    /// Where the libraries are.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What is set.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The environment for a child process, `LD_LIBRARY_PATH` included.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        let mut path = self.directory.path().as_os_str().to_owned();
        if let Some(before) = std::env::var_os("LD_LIBRARY_PATH").filter(|value| !value.is_empty()) {
            path.push(":");
            path.push(before);
        }
        let mut variables = self.settings.variables().to_vec();
        variables.push(("LD_LIBRARY_PATH", path));
        variables
    }

    /// A program over the emulated libraries. It must end before this is dropped.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.envs(self.environment());
        command
    }

    /// Brings the libraries into this process, for as long as it lives: whoever opens `libcuda.so.1` then
    /// finds the emulated one, because the dynamic linker knows it by that name already.
    ///
    /// A library that is missing by a fault is not loaded; where the machine has a real one, that is found.
    ///
    /// Sets environment variables: call it before the process has threads that read them, and once.
    ///
    /// # Errors
    /// A library cannot be loaded.
    #[allow(unsafe_code)]
    pub fn load(&self) -> Result<(), InstallError> {
        // With the path, for children of this process.
        for (name, value) in self.environment() {
            // SAFETY: the caller has no other thread that uses the environment, as the documentation asks.
            unsafe { std::env::set_var(name, value) };
        }
        for library in Library::ALL {
            let path = self.directory.path().join(library.soname());
            if !path.is_symlink() {
                continue;
            }
            // SAFETY: the library is ours, and runs nothing when it is loaded.
            let loaded = unsafe { libloading::Library::new(&path) };
            // Never unloaded: threads may be inside it until the process ends.
            std::mem::forget(loaded.map_err(|source| InstallError::Load { library, source })?);
        }
        Ok(())
    }

    /// CPU time that both libraries have taken in this process so far. A bench takes it off what it
    /// measures.
    ///
    /// # Errors
    /// A library cannot be loaded.
    #[allow(unsafe_code)]
    pub fn cpu_time(&self) -> Result<Duration, InstallError> {
        let mut sum = Duration::ZERO;
        // A real libcuda counts nothing: its part stays with the client.
        let emulated = |library: &Library| *library != Library::Cuda || !self.settings.real_cuda;
        for library in Library::ALL.into_iter().filter(emulated) {
            let failed = |source| InstallError::Load { library, source };
            // SAFETY: the library is ours, and runs nothing when it is loaded; the function is exported
            // with this signature, and is called while the library is open.
            unsafe {
                let open =
                    libloading::Library::new(self.directory.path().join(library.soname())).map_err(failed)?;
                let name = library.cpu_time_symbol().as_bytes();
                let told = open.get::<unsafe extern "C" fn() -> u64>(name).map_err(failed)?;
                sum += Duration::from_nanos(told());
            }
        }
        Ok(sum)
    }
}

/// Brings the emulated libraries into this process, as [`Installed::load`].
///
/// # Errors
/// As [`Installed::new`] and [`Installed::load`].
pub fn load(gpu: &str, driver: u32) -> Result<Installed, InstallError> {
    let installed = Installed::new(gpu, driver)?;
    installed.load()?;
    Ok(installed)
}

/// Where cargo has put a library: beside this program, or beside what this program depends on.
fn find(library: Library) -> Result<PathBuf, InstallError> {
    let program = std::env::current_exe()?;
    let beside = program.parent().unwrap_or(Path::new("."));
    let places = [beside.join("deps"), beside.to_owned(), beside.join("../deps")];
    let found = places.iter().map(|place| place.join(library.built_name())).find(|path| path.exists());
    match found {
        Some(path) => Ok(path.canonicalize()?),
        None => {
            let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
            Err(InstallError::NotBuilt { library, places: places.join(", ") })
        }
    }
}
