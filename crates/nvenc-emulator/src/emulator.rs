//! One library's emulator: what the environment asked for, put together.

use std::sync::OnceLock;
use std::time::Duration;

use crate::{
    BadFault, BadSetting, Faults, Kind, Library, Machine, Sessions, Settings, Trace, UnknownProfile,
};

/// What a library needs to know and to keep, made from [`Settings`].
#[derive(Debug)]
pub struct Emulator {
    /// Which library this is.
    pub library: Library,
    /// What the environment asked for.
    pub settings: Settings,
    /// The GPU and the driver to be.
    pub machine: Machine,
    /// Where calls are written down.
    pub trace: Trace,
    /// What is to fail.
    pub faults: Faults,
    /// Encoding sessions in use.
    pub sessions: Sessions,
}

/// The environment asks for what cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A variable's value means nothing.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// There is no such GPU or driver.
    #[error(transparent)]
    Profile(#[from] UnknownProfile),
    /// A fault has no meaning.
    #[error(transparent)]
    Fault(#[from] BadFault),
    /// The trace cannot be written.
    #[error("cannot write the trace {path}: {source}; NVENC_EMULATOR_TRACE must name a writable file")]
    Trace {
        /// Where to.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
}

impl Emulator {
    /// Puts one together.
    ///
    /// # Errors
    /// What the settings ask for cannot be had.
    pub fn new(library: Library, settings: Settings) -> Result<Self, Error> {
        let machine = Machine::new(&settings.gpu, settings.driver)?;
        let trace = match &settings.trace {
            None => Trace::off(),
            Some(path) => {
                Trace::to(path).map_err(|source| Error::Trace { path: path.display().to_string(), source })?
            }
        };
        let faults = Faults::new(settings.faults.as_deref().unwrap_or(""), settings.faults_file.clone())?;
        let sessions = Sessions::new(settings.sessions.clone());
        Ok(Self { library, settings, machine, trace, faults, sessions })
    }

    /// This process's, made from its environment on the first call. A library asks at each of its calls.
    ///
    /// # Errors
    /// The environment asks for what cannot be had. This is told on standard error, once: a C caller sees
    /// no more than an error code.
    pub fn of_process(library: Library) -> Result<&'static Self, &'static Error> {
        static EMULATOR: OnceLock<Result<Emulator, Error>> = OnceLock::new();
        EMULATOR
            .get_or_init(|| {
                let made = Settings::from_env()
                    .map_err(Error::from)
                    .and_then(|settings| Self::new(library, settings));
                if let Err(error) = &made {
                    eprintln!("nvenc-emulator: {library}: {error}");
                }
                made
            })
            .as_ref()
    }

    /// The GPU's UUID.
    pub fn uuid(&self) -> [u8; 16] {
        self.settings.uuid.unwrap_or_else(|| self.machine.gpu.uuid())
    }

    /// Does what `crash` and `hang` say: ends the process by a segmentation fault, or never returns. Called
    /// where a broken driver does it, when it is initialised.
    ///
    /// # Errors
    /// A fault has no meaning.
    pub fn crash_or_hang(&self) -> Result<(), BadFault> {
        while self.faults.has(Kind::Crash)? {
            // Rust's own handler swallows the first: it expects a broken access to be tried again.
            let this = rustix::process::getpid();
            let _ = rustix::process::kill_process(this, rustix::process::Signal::SEGV);
        }
        while self.faults.has(Kind::Hang)? {
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}
