//! The session that the doctor runs in: compositor, portal, memory for pictures.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::limit::first_line;
use crate::capture::{ScreenCastAbilities, probe_portal};
use crate::hotkeys;

/// The session's kind and its compositor.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Session {
    /// `wayland`, `x11` or `tty`, as `XDG_SESSION_TYPE` says.
    pub kind: Option<String>,
    /// `WAYLAND_DISPLAY`.
    pub display: Option<String>,
    /// `XDG_CURRENT_DESKTOP`.
    pub desktop: Option<String>,
    /// The compositor that runs, and its version where it tells.
    pub compositor: Option<String>,
}

/// The desktop portal.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Portal {
    /// What its program calls itself.
    pub version: Option<String>,
    /// Backends that are installed and offer screen casts.
    pub backends: Vec<String>,
    /// What it can share.
    pub screen_cast: Option<ScreenCastAbilities>,
    /// Version of its global shortcuts, by which hotkeys work; `None` where it has none, or cannot be used.
    pub global_shortcuts: Option<u32>,
    /// Why it cannot be used, and what to do.
    pub error: Option<String>,
}

/// How pictures can come from the compositor.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct MemoryTypes {
    /// What this version takes from PipeWire.
    pub taken: Vec<&'static str>,
    /// Devices of this machine that hand out DMA-BUFs.
    pub dma_buf_devices: Vec<String>,
}

/// Compositors that speak to the portal, by the names of their processes (the kernel cuts them to
/// 15 characters).
const COMPOSITORS: &[&str] = &[
    "gnome-shell",
    "kwin_wayland",
    "sway",
    "Hyprland",
    "niri",
    "river",
    "wayfire",
    "labwc",
    "cosmic-comp",
    "weston",
    "mutter",
];

pub(super) fn session(limit: Duration) -> Session {
    let variable = |name| std::env::var(name).ok().filter(|it| !it.is_empty());
    // Without a display of ours, a compositor that runs is someone else's.
    let compositor = variable("WAYLAND_DISPLAY").and_then(|_| running(COMPOSITORS)).map(|name| {
        let version = first_line(name, "--version", limit);
        version.map_or_else(|| name.to_owned(), |it| with_name(name, &it))
    });
    Session {
        kind: variable("XDG_SESSION_TYPE"),
        display: variable("WAYLAND_DISPLAY"),
        desktop: variable("XDG_CURRENT_DESKTOP"),
        compositor,
    }
}

/// The portal, asked for `limit` at most.
pub(super) fn portal(limit: Duration) -> Portal {
    let (screen_cast, error) = match probe_portal(limit) {
        Ok(abilities) => (Some(abilities), None),
        Err(error) => (None, Some(error.to_string())),
    };
    // A portal that is not there, or hangs, is not asked twice.
    let global_shortcuts = screen_cast.as_ref().and_then(|_| hotkeys::probe(limit).ok());
    let (version, backends) = (portal_version(limit), backends(&data_dirs()));
    Portal { version, backends, screen_cast, global_shortcuts, error }
}

/// What is taken where a GPU imports, and the machine's devices.
pub(super) fn memory(root: &Path, imports: bool) -> MemoryTypes {
    let mut devices: Vec<String> = ["dev/udmabuf", "dev/dma_heap/system"]
        .iter()
        .filter(|it| root.join(it).exists())
        .map(|it| format!("/{it}"))
        .collect();
    if let Ok(nodes) = std::fs::read_dir(root.join("dev/dri")) {
        let names = nodes.filter_map(|it| it.ok()?.file_name().into_string().ok());
        devices.extend(names.filter(|it| it.starts_with("renderD")).map(|it| format!("/dev/dri/{it}")));
    }
    devices.sort();
    let taken = if imports { vec!["DmaBuf", "MemFd", "MemPtr"] } else { vec!["MemFd", "MemPtr"] };
    MemoryTypes { taken, dma_buf_devices: devices }
}

/// The first of these programs that this user runs.
fn running(names: &[&'static str]) -> Option<&'static str> {
    let user = rustix::process::getuid().as_raw();
    let processes = std::fs::read_dir("/proc").ok()?;
    let running: BTreeSet<String> = processes
        .filter_map(|it| {
            let path = it.ok()?.path();
            let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&path).ok()?);
            // The superuser may be a guest in the session of another user.
            if owner != user && user != 0 {
                return None;
            }
            Some(std::fs::read_to_string(path.join("comm")).ok()?.trim().to_owned())
        })
        .collect();
    names.iter().copied().find(|it| running.contains(*it))
}

fn portal_version(limit: Duration) -> Option<String> {
    let places = ["/usr/libexec", "/usr/lib/xdg-desktop-portal", "/usr/lib"];
    let program = places.iter().map(|it| Path::new(it).join("xdg-desktop-portal")).find(|it| it.is_file())?;
    let line = first_line(program.to_str()?, "--version", limit)?;
    Some(with_name("xdg-desktop-portal", &line))
}

/// A version line that also names its program.
fn with_name(name: &str, line: &str) -> String {
    if line.to_lowercase().contains(&name.to_lowercase()) {
        line.to_owned()
    } else {
        format!("{name} {line}")
    }
}

fn data_dirs() -> Vec<PathBuf> {
    let dirs = std::env::var_os("XDG_DATA_DIRS").filter(|it| !it.is_empty());
    let dirs = dirs.unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    std::env::split_paths(&dirs).collect()
}

/// Portal backends that implement screen casts, by name.
fn backends(data_dirs: &[PathBuf]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for dir in data_dirs {
        let Ok(files) = std::fs::read_dir(dir.join("xdg-desktop-portal/portals")) else { continue };
        for path in files.filter_map(|it| Some(it.ok()?.path())) {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let casts = text.contains("org.freedesktop.impl.portal.ScreenCast");
            if let (true, Some(name)) = (casts, path.file_stem()) {
                found.insert(name.to_string_lossy().into_owned());
            }
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backends_are_those_that_cast_screens() {
        let dir = tempfile::tempdir().unwrap();
        let portals = dir.path().join("xdg-desktop-portal/portals");
        std::fs::create_dir_all(&portals).unwrap();
        let casts = "[portal]\nInterfaces=org.freedesktop.impl.portal.ScreenCast;\n";
        std::fs::write(portals.join("wlr.portal"), casts).unwrap();
        std::fs::write(
            portals.join("gtk.portal"),
            "[portal]\nInterfaces=org.freedesktop.impl.portal.Email;\n",
        )
        .unwrap();
        std::fs::write(portals.join("odd.portal"), [0xff, 0xfe]).unwrap();
        assert_eq!(backends(&[dir.path().join("none"), dir.path().to_owned()]), ["wlr"]);
    }

    #[test]
    fn devices_for_dma_bufs_are_listed() {
        let dir = tempfile::tempdir().unwrap();
        assert!(memory(dir.path(), false).dma_buf_devices.is_empty());
        std::fs::create_dir_all(dir.path().join("dev/dri")).unwrap();
        for name in ["dev/dri/renderD128", "dev/dri/card0", "dev/udmabuf"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let found = memory(dir.path(), true);
        assert_eq!(found.dma_buf_devices, ["/dev/dri/renderD128", "/dev/udmabuf"]);
        assert_eq!(found.taken, ["DmaBuf", "MemFd", "MemPtr"]);
    }

    #[test]
    fn a_version_names_its_program_once() {
        assert_eq!(with_name("sway", "sway version 1.10"), "sway version 1.10");
        assert_eq!(with_name("niri", "25.08"), "niri 25.08");
    }
}
