//! What a program leaves behind is told when it ends.

use crate::api::*;

/// Where the child is to write.
const TRACE: &str = "NVENC_EMULATOR_TEST_TRACE";

#[test]
fn what_was_never_given_back_is_traced_at_the_end() {
    if let Some(trace) = std::env::var_os(TRACE) {
        return leave_things_behind(trace);
    }
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("trace");
    let name = "leaks::what_was_never_given_back_is_traced_at_the_end";
    let child = child_test(name).env(TRACE, &trace).output().unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));

    let text = std::fs::read_to_string(trace).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let leaks: Vec<_> = lines
        .filter(|line| line["call"] == "leak")
        .map(|line| (line["kind"].as_str().unwrap().to_owned(), line["size"].as_u64()))
        .collect();
    let expected = [("context", None), ("memory", Some(64)), ("event", None)];
    assert_eq!(leaks, expected.map(|(kind, size)| (kind.to_owned(), size)));
}

fn leave_things_behind(trace: std::ffi::OsString) {
    let cuda = Cuda::load_with(|installed| installed.with_trace(trace));
    assert_eq!(cu!(cuda, cuInit(0 => u32)), SUCCESS);
    cuda.context();
    cuda.memory(64);
    let freed = cuda.memory(128);
    assert_eq!(cu!(cuda, cuMemFree_v2(freed => u64)), SUCCESS);
    assert_eq!(cu!(cuda, cuEventCreate(&mut 0 => *mut usize, 0 => u32)), SUCCESS);
}
