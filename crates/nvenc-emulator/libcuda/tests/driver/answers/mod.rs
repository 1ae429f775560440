//! What a driver answers, mistakes included: as NVIDIA's own was seen to, and the emulated one must.
//!
//! With `NVENC_EMULATOR_REAL_CUDA=1` the machine's own driver is asked the same. A driver may die of what
//! is asked of it: so all of it is asked in a child, and what follows a death in another.

mod contexts;
mod memory;
mod start;
mod streams;

use std::collections::BTreeMap;

use nvenc_emulator::Settings;

use crate::api::*;

/// In place of an answer: the process died.
const DEATH: u32 = u32::MAX;
/// In place of an answer: what comes before the question went wrong.
const UNASKED: u32 = u32::MAX - 1;

/// In place of an answer: a handle is used that was never given out or is at its end, which NVIDIA's driver
/// dies of, or leaves for later, or tells, each time otherwise.
const UNDEFINED: u32 = u32::MAX - 2;

/// Something asked of a driver.
struct Question {
    what: &'static str,
    ask: fn(&Cuda) -> u32,
    /// What NVIDIA's driver answered: 580.159.04, of CUDA 13.0, on an H100.
    nvidia: u32,
}

/// A question, with NVIDIA's answer to it.
const fn question(what: &'static str, nvidia: u32, ask: fn(&Cuda) -> u32) -> Question {
    Question { what, ask, nvidia }
}

/// Where the emulated driver finds mistakes out that NVIDIA's may not.
const STRICTER: [(&str, u32); 10] = [
    ("cuCtxPushCurrent of what was never one", INVALID_CONTEXT),
    ("cuCtxPushCurrent of one that is destroyed", INVALID_CONTEXT),
    ("cuCtxSetCurrent of one that is destroyed", INVALID_CONTEXT),
    ("cuCtxDestroy, twice", INVALID_CONTEXT),
    ("cuDevicePrimaryCtxRelease of one that nobody holds", INVALID_CONTEXT),
    ("cuCtxPushCurrent of the primary one after its release", INVALID_CONTEXT),
    ("cuStreamDestroy, twice", INVALID_HANDLE),
    ("cuStreamSynchronize of one that is destroyed", INVALID_HANDLE),
    ("cuStreamSynchronize of what was never one", INVALID_HANDLE),
    ("cuEventDestroy, twice", INVALID_HANDLE),
];

impl Question {
    fn expected(&self, real: bool) -> u32 {
        let stricter = STRICTER.iter().find(|(what, _)| !real && *what == self.what);
        stricter.map_or(self.nvidia, |(_, code)| *code)
    }
}

/// All of them, and the number of those that come before `cuInit`.
fn questions() -> (Vec<Question>, usize) {
    let mut all = start::before_init();
    let before = all.len();
    all.extend(start::devices());
    all.extend(contexts::contexts());
    all.extend(contexts::primary());
    all.extend(memory::allocations());
    all.extend(memory::copies());
    all.extend(memory::host_memory());
    all.extend(streams::streams());
    all.extend(streams::events());
    (all, before)
}

/// Set in a child: from which question on.
const FROM: &str = "NVENC_EMULATOR_TEST_FROM";
const TEST: &str = "answers::what_is_asked_of_a_driver_is_answered_as_nvidias_does";

#[test]
fn what_is_asked_of_a_driver_is_answered_as_nvidias_does() {
    if let Some(from) = std::env::var_os(FROM) {
        return ask_from(from.to_str().unwrap().parse().unwrap());
    }
    let (questions, _) = questions();
    let is_asked = |what| questions.iter().any(|question| question.what == what);
    assert!(STRICTER.iter().all(|(what, _)| is_asked(*what)));
    let real = Settings::from_env().unwrap().real_cuda;
    let answers = answers(questions.len());
    let mut others = 0;
    for (question, answer) in questions.iter().zip(&answers) {
        let expected = question.expected(real);
        let is_expected = *answer == expected || (real && expected == UNDEFINED);
        let mark = if is_expected { "" } else { " <- not as expected" };
        others += usize::from(!is_expected);
        println!("| {} | {} | {}{mark} |", question.what, name(expected), name(*answer));
    }
    assert_eq!(others, 0, "see the lines that are marked");
}

/// Asks until all is answered.
fn answers(count: usize) -> Vec<u32> {
    let mut answers = BTreeMap::new();
    while answers.len() < count {
        let from = answers.len();
        let child = child_test(TEST).arg("--nocapture").env(FROM, from.to_string()).output().unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        for line in said.lines().filter_map(|line| line.strip_prefix("answer ")) {
            let (number, code) = line.split_once(' ').unwrap();
            answers.insert(number.parse::<usize>().unwrap(), code.parse().unwrap());
        }
        if answers.len() < count {
            assert!(child.status.code().is_none(), "it must have died by a signal: {child:?}");
            answers.insert(answers.len(), DEATH);
        }
    }
    answers.into_values().collect()
}

/// In the child: each question on a thread of its own, for threads have stacks of contexts.
fn ask_from(from: usize) {
    let cuda = Cuda::load();
    let (questions, before) = questions();
    println!();
    for (number, question) in questions.iter().enumerate().skip(from) {
        if number >= before {
            assert_eq!(cu!(cuda, cuInit(0 => u32)), SUCCESS);
        }
        let answer = std::thread::scope(|scope| scope.spawn(|| (question.ask)(&cuda)).join());
        let answer = answer.unwrap_or(UNASKED);
        println!("answer {number} {answer}");
    }
}

/// An answer in words.
fn name(code: u32) -> String {
    let known = match code {
        SUCCESS => "SUCCESS",
        INVALID_VALUE => "INVALID_VALUE",
        OUT_OF_MEMORY => "OUT_OF_MEMORY",
        NOT_INITIALIZED => "NOT_INITIALIZED",
        NO_DEVICE => "NO_DEVICE",
        INVALID_DEVICE => "INVALID_DEVICE",
        INVALID_CONTEXT => "INVALID_CONTEXT",
        INVALID_HANDLE => "INVALID_HANDLE",
        NOT_FOUND => "NOT_FOUND",
        NOT_READY => "NOT_READY",
        PRIMARY_CONTEXT_ACTIVE => "PRIMARY_CONTEXT_ACTIVE",
        CONTEXT_IS_DESTROYED => "CONTEXT_IS_DESTROYED",
        HOST_MEMORY_ALREADY_REGISTERED => "HOST_MEMORY_ALREADY_REGISTERED",
        HOST_MEMORY_NOT_REGISTERED => "HOST_MEMORY_NOT_REGISTERED",
        LAUNCH_FAILED => "LAUNCH_FAILED",
        NOT_SUPPORTED => "NOT_SUPPORTED",
        UNKNOWN => "UNKNOWN",
        DEATH => "the process dies",
        UNASKED => "it cannot be asked",
        UNDEFINED => "anything",
        other => return other.to_string(),
    };
    known.to_owned()
}
