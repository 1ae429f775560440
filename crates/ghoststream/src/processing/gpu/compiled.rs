//! Compiled shaders, in `$XDG_CACHE_HOME/ghoststream`, by default `~/.cache/ghoststream`: a file for each device.

use std::ffi::OsString;
use std::path::PathBuf;

use ghoststream_gpu::vulkan::{Device, Kind, Physical};

use super::digits;

/// Takes up what was compiled before. What goes wrong is told, and costs time alone.
pub(super) fn restore(device: &Device) -> Option<String> {
    let path = path(device.physical(), |name| std::env::var_os(name))?;
    let restored = device.restore_pipelines(&path);
    restored.err().map(|error| format!("shaders are compiled anew: {error}"))
}

/// Keeps what was compiled for the next time.
pub(super) fn keep(device: &Device) {
    let kept = path(device.physical(), |name| std::env::var_os(name)).map(|it| device.keep_pipelines(&it));
    if let Some(Err(error)) = kept {
        tracing::debug!(%error, "compiled shaders are not kept");
    }
}

/// A device's file; `None` for a processor that plays a GPU, whose drivers keep nothing, and where there is no place.
fn path(physical: &Physical, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if physical.kind == Kind::Cpu {
        return None;
    }
    let absolute = |name| variable(name).map(PathBuf::from).filter(|it| it.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(caches.join(format!("ghoststream/shaders-{}", digits(&physical.uuid))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_device_has_a_file_where_caches_are() {
        let instance = ghoststream_gpu::vulkan::Instance::open().expect("Vulkan's loader");
        let mut device = instance.physical().expect("devices").remove(0);
        (device.kind, device.uuid) = (Kind::Discrete, [0xAB; 16]);
        let name = format!("ghoststream/shaders-{}", "ab".repeat(16));
        let with = |xdg: &'static str, home: &'static str| {
            path(&device, |name| Some(OsString::from(if name == "HOME" { home } else { xdg })))
        };
        assert_eq!(with("/caches", "/home/u"), Some(PathBuf::from("/caches").join(&name)));
        assert_eq!(with("relative", "/home/u"), Some(PathBuf::from("/home/u/.cache").join(&name)));
        assert_eq!(with("", ""), None);
        device.kind = Kind::Cpu;
        assert_eq!(path(&device, |_| Some("/caches".into())), None);
    }
}
