//! Faults that count what happens, and know when it is their turn.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::{BadFault, Fault, Kind, parse};

/// What is to fail in this process.
#[derive(Debug)]
pub struct Faults {
    /// From the environment: read once.
    fixed: Mutex<Counted>,
    /// From a file: read again whenever it changes.
    file: Option<Mutex<FaultFile>>,
}

/// What becomes of one picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PictureFault {
    /// It takes so much longer.
    pub delay: Duration,
    /// Encoding it fails.
    pub error: bool,
    /// The GPU is lost with it.
    pub lost: Option<Loss>,
}

/// How a GPU is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// For good.
    Gone,
    /// With everything that there is; what is made anew works.
    Reset,
}

/// Faults, and how far what they wait for has come since they were asked for.
#[derive(Debug, Default)]
struct Counted {
    faults: Vec<Fault>,
    sessions: u64,
    pictures: u64,
    allocations: u64,
}

#[derive(Debug)]
struct FaultFile {
    path: PathBuf,
    /// Time and size of what was read; none while there is no file.
    stamp: Option<(SystemTime, u64)>,
    read: Result<Counted, BadFault>,
}

impl Faults {
    /// Faults from a text, and from a file that may change or come later.
    ///
    /// # Errors
    /// A fault of the text has no meaning. What is wrong in the file is told by the calls that ask.
    pub fn new(text: &str, file: Option<PathBuf>) -> Result<Self, BadFault> {
        let fixed = Mutex::new(Counted { faults: parse::list(text)?, ..Counted::default() });
        let file = file.map(|path| Mutex::new(FaultFile { path, stamp: None, read: Ok(Counted::default()) }));
        Ok(Self { fixed, file })
    }

    /// Whether a fault that waits for nothing is asked for.
    ///
    /// # Errors
    /// A fault has no meaning.
    pub fn has(&self, kind: Kind) -> Result<bool, BadFault> {
        self.any(|counted| counted.faults.iter().any(|fault| fault.kind == kind))
    }

    /// Counts a session that is about to be opened. Whether it is refused.
    ///
    /// # Errors
    /// A fault has no meaning.
    pub fn next_session(&self) -> Result<bool, BadFault> {
        self.any(|counted| {
            counted.sessions += 1;
            counted.is_due(Kind::SessionLimit, counted.sessions)
        })
    }

    /// Counts an allocation that is about to be made. Whether it is refused.
    ///
    /// # Errors
    /// A fault has no meaning.
    pub fn next_allocation(&self) -> Result<bool, BadFault> {
        self.any(|counted| {
            counted.allocations += 1;
            counted.is_due(Kind::OutOfMemory, counted.allocations)
        })
    }

    /// Counts a picture that is about to be encoded, of whichever session. What becomes of it.
    ///
    /// # Errors
    /// A fault has no meaning.
    pub fn next_picture(&self) -> Result<PictureFault, BadFault> {
        let mut result = PictureFault::default();
        self.any(|counted| {
            counted.pictures += 1;
            let number = counted.pictures;
            result.error |= counted.is_due(Kind::EncodeError, number);
            if counted.is_due(Kind::DeviceLost, number) {
                result.lost = Some(Loss::Gone);
            } else if counted.is_due(Kind::DriverReset, number) {
                result.lost = result.lost.or(Some(Loss::Reset));
            }
            let slow = |fault: &&Fault| fault.kind == Kind::Slow && fault.span.contains(number);
            result.delay +=
                Duration::from_millis(counted.faults.iter().filter(slow).map(|f| f.milliseconds).sum());
            // Nothing is found early: both sources count every picture.
            false
        })?;
        Ok(result)
    }

    /// Whether the GPU was lost for good by a picture counted here.
    ///
    /// # Errors
    /// A fault has no meaning.
    pub fn device_is_gone(&self) -> Result<bool, BadFault> {
        self.any(|counted| counted.is_due(Kind::DeviceLost, counted.pictures))
    }

    /// Asks both sources, each of which may count.
    fn any(&self, mut ask: impl FnMut(&mut Counted) -> bool) -> Result<bool, BadFault> {
        let fixed = ask(&mut lock(&self.fixed));
        let Some(file) = &self.file else { return Ok(fixed) };
        let mut file = lock(file);
        file.refresh();
        match &mut file.read {
            Ok(counted) => Ok(ask(counted) || fixed),
            Err(error) => Err(error.clone()),
        }
    }
}

impl Counted {
    fn is_due(&self, kind: Kind, number: u64) -> bool {
        self.faults.iter().any(|fault| fault.kind == kind && fault.span.contains(number))
    }
}

impl FaultFile {
    fn refresh(&mut self) {
        let stamp = std::fs::metadata(&self.path).and_then(|data| Ok((data.modified()?, data.len()))).ok();
        if stamp == self.stamp {
            return;
        }
        self.stamp = stamp;
        // A file that went away between the two is as one that was never there.
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        self.read = parse::list(&text).map(|faults| Counted { faults, ..Counted::default() });
        if let Err(error) = &self.read {
            eprintln!("nvenc-emulator: {}: {error}", self.path.display());
        }
    }
}

/// A thread that panicked while counting has left nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_comes_at_its_turn() {
        let text = "session-limit@2,encode-error@2,slow:7@2-3,device-lost@4,out-of-memory@2";
        let faults = Faults::new(text, None).unwrap();
        let sessions: Vec<_> = (0..3).map(|_| faults.next_session().unwrap()).collect();
        assert_eq!(sessions, [false, true, true]);
        let memory: Vec<_> = (0..3).map(|_| faults.next_allocation().unwrap()).collect();
        assert_eq!(memory, [false, true, false]);

        let slow = Duration::from_millis(7);
        let lost = Some(Loss::Gone);
        assert!(!faults.device_is_gone().unwrap());
        let pictures: Vec<_> = (0..5).map(|_| faults.next_picture().unwrap()).collect();
        assert_eq!(
            pictures,
            [
                PictureFault::default(),
                PictureFault { delay: slow, error: true, lost: None },
                PictureFault { delay: slow, ..PictureFault::default() },
                PictureFault { lost, ..PictureFault::default() },
                PictureFault { lost, ..PictureFault::default() },
            ]
        );
        assert!(faults.device_is_gone().unwrap());
    }

    #[test]
    fn a_file_may_come_later_and_counts_from_then() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("faults");
        let faults = Faults::new("hang", Some(path.clone())).unwrap();
        assert!(!faults.next_picture().unwrap().error);
        assert!(faults.has(Kind::Hang).unwrap());

        std::fs::write(&path, "encode-error@2\n").unwrap();
        assert!(!faults.next_picture().unwrap().error);
        assert!(faults.next_picture().unwrap().error);

        std::fs::write(&path, "encode-eror@2").unwrap();
        assert!(faults.next_picture().unwrap_err().to_string().contains("encode-eror"));
        std::fs::remove_file(&path).unwrap();
        assert!(!faults.next_picture().unwrap().error);
    }
}
