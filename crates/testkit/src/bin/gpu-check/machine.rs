//! Which machine this is.

use serde_json::Value;

/// GPU, driver, processor and system in one line.
pub fn describe(doctor: &Value) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim_matches(['\t', ' ', ':', '=', '"']).to_owned())
    };
    let gpu = doctor["nvenc"]["gpus"][0]["name"].as_str().unwrap_or("a GPU that CUDA does not show");
    let driver = doctor["nvidia_driver"].as_str().unwrap_or("of unknown version");
    let cuda = doctor["nvenc"]["cuda"].as_str().unwrap_or("?");
    let api = doctor["nvenc"]["driver_api"].as_str().unwrap_or("?");
    let processor = field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "an unknown CPU".into());
    let system = field(&read("/etc/os-release"), "PRETTY_NAME").unwrap_or_else(|| "Linux".into());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!(
        "{gpu}, driver {driver} (CUDA {cuda}, NVENC {api}), {processor}, {cores} cores, {system}, FFmpeg {}",
        ghoststream::ffmpeg_version()
    )
}
