//! NVENC as the emulated driver of `nvenc-emulator` has it, and what it was asked.
#![allow(unsafe_code)]

use nvenc_emulator::Installed;
use serde_json::Value;

/// The emulated driver in this process, for as long as it lives, with a trace of every call.
pub(super) struct Emulator {
    installed: Installed,
    directory: tempfile::TempDir,
}

impl Emulator {
    /// This GPU under this driver; every picture is coded exactly.
    pub(super) fn load(gpu: &str, driver: u32) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let installed = Installed::new(gpu, driver)
            .expect("the emulated libraries are built")
            .with_exact()
            .with_trace(directory.path().join("trace.jsonl"));
        for (name, value) in installed.environment() {
            // SAFETY: each test has a process of its own, which has no other thread yet that reads
            // the environment. The probe's child process finds the libraries by it.
            unsafe { std::env::set_var(name, value) };
        }
        installed.load().expect("they load");
        Self { installed, directory }
    }

    /// Every call of this process so far, in order.
    pub(super) fn calls(&self) -> Vec<Value> {
        let _held = &self.installed;
        let text = std::fs::read_to_string(self.directory.path().join("trace.jsonl")).expect("a trace");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// The calls of one function.
    pub(super) fn calls_of(&self, function: &str) -> Vec<Value> {
        self.calls().into_iter().filter(|call| call["call"] == function).collect()
    }

    /// Forgets the calls so far.
    pub(super) fn clear(&self) {
        std::fs::write(self.directory.path().join("trace.jsonl"), "").expect("written");
    }
}
