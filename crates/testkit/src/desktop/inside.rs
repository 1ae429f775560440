//! What the desktop's own programs find: their directory, their environment and their configurations.

use std::path::Path;

use anyhow::{Result, ensure};

use super::Setup;

/// The desktop's directory, as programs of the desktop see it.
pub(super) const INSIDE: &str = "/mnt";

/// The environment of the desktop's own programs.
pub(super) fn environment() -> Vec<(&'static str, String)> {
    let path = |name: &str| format!("{INSIDE}/{name}");
    vec![
        ("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin".into()),
        ("LANG", "C.UTF-8".into()),
        ("HOME", path("home")),
        ("XDG_RUNTIME_DIR", path("run")),
        ("XDG_CONFIG_HOME", path("config")),
        ("XDG_STATE_HOME", path("state")),
        ("XDG_DATA_HOME", path("data")),
        ("XDG_CACHE_HOME", path("cache")),
        ("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={INSIDE}/run/bus")),
        ("WAYLAND_DISPLAY", "wayland-1".into()),
        ("SWAYSOCK", path("run/sway.sock")),
        ("XDG_CURRENT_DESKTOP", "sway".into()),
        ("XDG_SESSION_TYPE", "wayland".into()),
        ("WLR_BACKENDS", "headless".into()),
        ("WLR_RENDERER", "pixman".into()),
        ("WLR_LIBINPUT_NO_DEVICES", "1".into()),
        ("GSETTINGS_BACKEND", "memory".into()),
    ]
}

/// Writes what they read at their start.
pub(super) fn write_config(dir: &Path, setup: &Setup) -> Result<()> {
    ensure!(!setup.size.is_empty(), "a monitor needs a size, not {}", setup.size);
    let config = dir.join("config");
    let write = |name: &str, text: String| {
        let path = config.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(&config))?;
        std::fs::write(path, text)
    };
    let Setup { size, refresh, output } = setup;
    write("bus.conf", crate::session::bus_config(&Path::new(INSIDE).join("run/bus")))?;
    write(
        "sway",
        format!(
            "xwayland disable\nswaybg_command -\ndefault_border none\nfocus_follows_mouse no\n\
             output HEADLESS-1 mode --custom {size}@{refresh}Hz position 0,0\n"
        ),
    )?;
    write("wlr", format!("[screencast]\noutput_name={output}\nmax_fps={refresh}\nchooser_type=none\n"))?;
    write("xdg-desktop-portal/portals.conf", "[preferred]\ndefault=wlr\n".into())?;
    Ok(())
}
