//! The trace: every call of a client as a line of JSON.
//!
//! ```json
//! {"library":"cuda","call":"cuMemAlloc_v2","process":71,"thread":71,"time":5120031,"took":4,"result":"CUDA_SUCCESS","bytesize":4096}
//! ```
//!
//! `time` is in microseconds of `CLOCK_MONOTONIC`, when the call began; `took` is how many it took inside
//! the library. Lines of both libraries, all threads and several processes may go to one file: each is
//! appended in one write.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use serde_json::{Map, Value};

use crate::Library;
use crate::account::Entry;

/// Where calls are written down.
#[derive(Debug)]
pub struct Trace {
    file: Option<File>,
}

impl Trace {
    /// Writes nothing.
    pub const fn off() -> Self {
        Self { file: None }
    }

    /// Appends to a file, which is made where it is not there.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn to(path: &Path) -> std::io::Result<Self> {
        let file = File::options().append(true).create(true).open(path)?;
        Ok(Self { file: Some(file) })
    }

    /// Whether calls are written down: where not, fields need not be gathered.
    pub const fn is_on(&self) -> bool {
        self.file.is_some()
    }

    /// Begins a call.
    pub fn call(&self, library: Library, name: &'static str) -> Call<'_> {
        let entry = Entry::begin();
        let started = if self.is_on() { now() } else { 0 };
        Call { trace: self, library, name, started, fields: Map::new(), _entry: entry }
    }

    fn append(&self, record: &Map<String, Value>) {
        let Some(mut file) = self.file.as_ref() else { return };
        let mut line = serde_json::to_vec(record).unwrap_or_default();
        line.push(b'\n');
        // O_APPEND makes one write one whole line, whoever else is writing.
        if let Err(error) = file.write_all(&line) {
            eprintln!("nvenc-emulator: a line of the trace is lost: {error}");
        }
    }
}

/// A call that is going on.
#[derive(Debug)]
#[must_use = "a call is written down when it ends"]
pub struct Call<'a> {
    trace: &'a Trace,
    library: Library,
    name: &'static str,
    started: u64,
    fields: Map<String, Value>,
    /// Last, so that it counts the others' end too.
    _entry: Entry,
}

impl Call<'_> {
    /// Adds a field. Its value is made only where calls are written down.
    pub fn field<V: Into<Value>>(&mut self, name: &str, value: impl FnOnce() -> V) {
        if self.trace.is_on() {
            self.fields.insert(name.to_owned(), value().into());
        }
    }

    /// Ends the call and writes it down.
    pub fn end(self, result: &str) {
        if !self.trace.is_on() {
            return;
        }
        let mut record = Map::new();
        record.insert("library".into(), self.library.trace_name().into());
        record.insert("call".into(), self.name.into());
        record.insert("process".into(), std::process::id().into());
        record.insert("thread".into(), rustix::thread::gettid().as_raw_nonzero().get().into());
        record.insert("time".into(), self.started.into());
        record.insert("took".into(), (now() - self.started).into());
        record.insert("result".into(), result.into());
        record.extend(self.fields);
        self.trace.append(&record);
    }
}

/// Microseconds of `CLOCK_MONOTONIC`.
fn now() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_many_threads_stay_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trace");
        let traces = [Trace::to(&path).unwrap(), Trace::to(&path).unwrap()];
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let trace = &traces[thread % 2];
                scope.spawn(move || {
                    for number in 0..100 {
                        let mut call = trace.call(Library::Cuda, "cuInit");
                        call.field("number", || number);
                        call.field("padding", || "x".repeat(number));
                        call.end("CUDA_SUCCESS");
                    }
                });
            }
        });
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 800);
        assert_eq!(lines.iter().map(|line| line["number"].as_u64().unwrap()).sum::<u64>(), 8 * 4950);
        assert!(lines.iter().all(|line| line["library"] == "cuda" && line["result"] == "CUDA_SUCCESS"));
    }

    #[test]
    fn nothing_is_gathered_where_nothing_is_written() {
        let off = Trace::off();
        let mut call = off.call(Library::NvidiaEncode, "NvEncOpenEncodeSessionEx");
        call.field("never", || -> Value { unreachable!("the trace is off") });
        call.end("NV_ENC_SUCCESS");
    }
}
