//! The browsers, and how each is told to answer its own question and to look for cameras in PipeWire.

use std::process::Command;

use anyhow::{Context, Result};

use crate::Session;

/// A browser that is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `chromium`
    Chromium,
    /// `firefox-esr`, or `firefox`
    Firefox,
}

/// What `about:config` would be told: the camera as documented for users, the page's question answered, and nothing
/// of what a first start opens and looks up.
const FIREFOX: &str = r#"
user_pref("media.webrtc.camera.allow-pipewire", true);
user_pref("media.navigator.permission.disabled", true);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.enabled", false);
user_pref("app.normandy.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
"#;

impl Program {
    /// What starts it, headless, with a profile in the session. The portal's question is not touched by any of this.
    pub(super) fn command(self, session: &Session) -> Result<Command> {
        let profile = session.dir().join("profile");
        std::fs::create_dir_all(&profile)?;
        let mut command = Command::new(self.executable()?);
        match self {
            Self::Chromium => {
                command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"]);
                command.args(["--mute-audio", "--use-fake-ui-for-media-stream", "--enable-logging=stderr"]);
                command.arg("--enable-features=WebRtcPipeWireCamera");
                command.arg(format!("--user-data-dir={}", profile.display()));
            }
            Self::Firefox => {
                std::fs::write(profile.join("user.js"), FIREFOX)?;
                command.args(["--headless", "--no-remote", "--profile"]).arg(&profile);
            }
        }
        Ok(command)
    }

    /// Its name for the shell.
    ///
    /// # Errors
    /// It is not installed.
    pub fn executable(self) -> Result<&'static str> {
        let names: &[&str] = match self {
            Self::Chromium => &["chromium"],
            Self::Firefox => &["firefox-esr", "firefox"],
        };
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let there = |name: &&&str| std::env::split_paths(&paths).any(|it| it.join(name).is_file());
        names.iter().find(there).copied().with_context(|| format!("{} is not installed", names[0]))
    }
}
