//! Whether there may be a driver at all, found out without loading anything.

use std::path::Path;

const LIBRARY: &str = "libcuda.so.1";

/// Where distributions keep libraries that the cache of the dynamic linker does not list.
const DIRECTORIES: &[&str] = &["/usr/lib64", "/usr/lib", "/lib64", "/lib", "/run/opengl-driver/lib"];

/// What a driver's kernel side shows; the last is Windows' subsystem for Linux.
const DEVICES: &[&str] = &["/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg"];

/// Whether a search for `libcuda.so.1` could find it. True where that is not certain: the probe's
/// child finds out for good.
pub(super) fn is_driver_there() -> bool {
    let listed = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let has_it = |directory: &Path| directory.join(LIBRARY).exists();
    std::env::split_paths(&listed).any(|it| has_it(&it))
        || DEVICES.iter().any(|it| Path::new(it).exists())
        || DIRECTORIES.iter().any(|it| has_it(Path::new(it)))
        || names("/etc/ld.so.cache", LIBRARY)
        // A program may have loaded it from anywhere, and the next who asks for it by its name gets it.
        || names("/proc/self/maps", "libcuda")
}

/// Whether a file holds these words.
fn names(path: &str, words: &str) -> bool {
    let bytes = std::fs::read(path).unwrap_or_default();
    bytes.windows(words.len()).any(|it| it == words.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn words_are_found_within_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache");
        std::fs::write(&path, b"\xff\0libcuda.so.1\0/usr/lib/libcuda.so.1\0").unwrap();
        let path = path.to_str().unwrap();
        assert!(names(path, "libcuda.so.1"));
        assert!(!names(path, "libcuda.so.2"));
        assert!(!names("/nonexistent", "x"));
    }
}
