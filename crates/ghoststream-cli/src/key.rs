//! Stream keys and passphrases that are not typed: whoever looks at the list of processes sees a command line.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ghoststream::Service;

use crate::failure::Failure;

/// Where a service's key is looked for when no file is named.
const VARIABLE: &str = "GHOSTSTREAM_STREAM_KEY";
/// More than any service's key has.
const LONGEST: u64 = 2048;

/// The key in the file or in the variable that was named.
pub fn given(file: Option<&Path>, variable: Option<&str>) -> Result<Option<String>, Failure> {
    let Some(name) = variable else { return file.map(read).transpose() };
    let key = in_variable(name).ok_or_else(|| {
        Failure::usage(format!("--key-env {name}: there is no such variable, or nothing in it"))
    })?;
    Ok(Some(key))
}

/// The key of a service where nothing was named.
pub fn of_service(service: &Service) -> Result<String, Failure> {
    in_variable(VARIABLE).ok_or_else(|| {
        Failure::usage(format!(
            "{} wants a stream key: put it into a file of mode 0600 and take --key-file FILE, or into the \
             variable {VARIABLE}; it is found at {}",
            service.name, service.key_page
        ))
    })
}

fn in_variable(name: &str) -> Option<String> {
    let key = std::env::var(name).ok()?.trim().to_owned();
    (!key.is_empty()).then_some(key)
}

/// The key in a file that nobody else may read.
fn read(path: &Path) -> Result<String, Failure> {
    let wrong = |why: String| Failure::usage(format!("--key-file {}: {why}", path.display()));
    let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
    let mode = file.metadata().map_err(|error| wrong(error.to_string()))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(wrong(format!("other users may read it (mode {:04o}): chmod 600 it", mode & 0o7777)));
    }
    let mut text = String::new();
    let read = file.take(LONGEST + 1).read_to_string(&mut text);
    read.map_err(|_| wrong("it is no text".to_owned()))?;
    match text.trim() {
        "" => Err(wrong("it is empty: the stream key belongs into it".to_owned())),
        key if key.len() as u64 > LONGEST || key.lines().count() > 1 => {
            Err(wrong("it holds more than a stream key, which is one line".to_owned()))
        }
        key => Ok(key.to_owned()),
    }
}
