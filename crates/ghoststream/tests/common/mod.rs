//! What tests of several files need.

use nvenc_emulator::Installed;

/// Runs `body` in a child process over the emulated driver of an RTX 3060. `name` is the test's.
pub fn over_emulator<F: Future<Output = ()>>(
    name: &str,
    install: impl FnOnce(Installed) -> Installed,
    body: impl FnOnce() -> F,
) {
    const CHILD: &str = "GHOSTSTREAM_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(body());
    }
    let installed = install(Installed::new("rtx-3060", 570).unwrap());
    let output = installed
        .command(std::env::current_exe().unwrap())
        // Those that need another machine are marked ignored, and asked for by name there.
        .args(["--exact", name, "--nocapture", "--include-ignored"])
        .env(CHILD, name)
        .output()
        .unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).join("\n");
    println!("{said}");
    assert!(output.status.success() && said.contains("1 passed"), "{}", output.status);
}

/// Successful calls of one function in this process, from the trace that the child was told of.
pub fn calls_of(function: &str) -> Vec<serde_json::Value> {
    let trace = std::env::var_os("NVENC_EMULATOR_TRACE").expect("the child was told");
    let text = std::fs::read_to_string(trace).unwrap();
    let calls = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let ours = |it: &serde_json::Value| {
        let worked = ["CUDA_SUCCESS", "NV_ENC_SUCCESS"].iter().any(|word| it["result"] == *word);
        it["call"] == function && it["process"] == std::process::id() && worked
    };
    calls.filter(ours).collect()
}
