//! The child: comes to life before `main`, asks the driver, and ends the process.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::Write;
use std::os::fd::FromRawFd;
use std::sync::atomic::{AtomicBool, Ordering};

use super::answer::{Answer, Line, Question};
use super::cuda::Cuda;
use super::encode_api::EncodeApi;
use super::nvml;
use crate::encode::nvenc::abilities::Abilities;

/// The dynamic linker calls what stands in this section before `main`.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = before_main;

/// Whether [`before_main`] was called: a linker may leave out what nobody refers to.
static CALLED: AtomicBool = AtomicBool::new(false);

/// Runs before `main` in every program with this library in it. In all but the probe's child it
/// returns at once, having looked at one environment variable.
extern "C" fn before_main() {
    CALLED.store(true, Ordering::Relaxed);
    let Some(question) = question() else { return };
    answer(question);
    // SAFETY: ends the process without running anything of the program's or the driver's.
    unsafe { libc::_exit(0) };
}

/// What our parent wants to know. A program with more rights than its caller answers nobody.
fn question() -> Option<Question> {
    let value = std::env::var_os(super::VARIABLE)?;
    // SAFETY: reads the auxiliary vector, which is always there.
    let privileged = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    let parent = rustix::process::getppid()?.as_raw_nonzero().get().cast_unsigned();
    let asked = |it: &Question| !privileged && value == *it.word(parent);
    [Question::Abilities, Question::Everything].into_iter().find(asked)
}

/// Whether this code is part of the program that runs, so that the program, executed again, comes by
/// here before `main`.
pub(super) fn is_in_executable() -> bool {
    // SAFETY: reads the auxiliary vector, which is always there.
    let entry = unsafe { libc::getauxval(libc::AT_ENTRY) };
    let ours = object(before_main as *const () as usize);
    CALLED.load(Ordering::Relaxed) && ours.is_some() && ours == object(entry as usize)
}

/// Where the program or library that holds an address begins.
fn object(address: usize) -> Option<usize> {
    // SAFETY: all zero is valid for a struct of pointers.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: any address may be asked for; the struct is ours.
    let found = unsafe { libc::dladdr(address as *const libc::c_void, &raw mut info) };
    (found != 0).then_some(info.dli_fbase as usize)
}

/// The way to the parent.
pub(super) struct Report(File);

impl Report {
    /// Takes standard output for itself: libraries that print get a descriptor that leads nowhere.
    fn open() -> Option<Self> {
        // SAFETY: duplicates and replaces descriptors of this process, which runs nothing else yet;
        // the new one is nobody else's.
        unsafe {
            let ours = libc::fcntl(1, libc::F_DUPFD_CLOEXEC, 3);
            if ours < 0 || libc::dup2(2, 1) < 0 {
                return None;
            }
            Some(Self(File::from_raw_fd(ours)))
        }
    }

    /// Says what is done next.
    pub(super) fn step(&mut self, step: impl Into<String>) {
        self.say(&Line::Step(step.into()));
    }

    fn say(&mut self, line: &Line) {
        let Ok(mut line) = serde_json::to_vec(line) else { return };
        line.push(b'\n');
        // A parent that is gone misses nothing.
        let _ = self.0.write_all(&line);
    }
}

fn answer(question: Question) {
    let Some(mut report) = Report::open() else { return };
    // Whatever happens to the parent, the child does not outlive it.
    // SAFETY: takes a signal's number.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    let answer = ask(question, &mut report).unwrap_or_else(|answer| answer);
    report.say(&Line::Answer(answer));
}

/// Asks for everything. What ends the questions early is an answer, too.
fn ask(question: Question, report: &mut Report) -> Result<Answer, Answer> {
    let cuda = Cuda::load(report)?;
    let version = cuda.version();
    let devices = cuda.devices(report)?;
    if question == Question::Everything {
        // Before any session of our own.
        let activity = nvml::activity(&cuda, &devices, report);
        report.say(&Line::Activity(activity));
    }
    let api = EncodeApi::load(report)?;
    let mut gpus = Vec::with_capacity(devices.len());
    for device in &devices {
        gpus.push(api.abilities(&cuda, device, report)?);
    }
    Ok(Answer::Abilities(Abilities { api: api.newest(), cuda: version, gpus }))
}
