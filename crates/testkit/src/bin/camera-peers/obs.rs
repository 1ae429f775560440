//! OBS Studio, from a root file system that has it, on a display in memory: its PipeWire camera in a scene, recorded.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ghoststream::Size;
use serde_json::json;
use testkit::Session;
use testkit::child::Running;

use crate::bars::Rgb;
use crate::{NODE, agreed};

/// Runs a command in a root file system, with the session where it is. Its mounts end with it.
const IN_ROOT: &str = r#"
    root=$1 session=$2
    shift 2
    mount --make-rprivate /
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    mkdir -p "$root$session"
    mount --bind "$session" "$root$session"
    exec chroot "$root" "$@"
"#;

/// Runs until the session has a file `stop`; what the display shows then is in `display.png`.
const OBS: &str = r#"
    Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp 3>"$0/number" &
    while [ ! -s "$0/number" ]; do sleep 0.1; done
    export DISPLAY=:$(cat "$0/number") LIBGL_ALWAYS_SOFTWARE=1 QT_QPA_PLATFORM=xcb
    obs --multi --disable-shutdown-check --disable-missing-files-check --startrecording &
    while [ ! -e "$0/stop" ] && kill -0 $! 2>/dev/null; do sleep 0.2; done
    import -window root "$0/display.png"
    # It would ask whether to stop recording. What writes the file is a process of its own, and makes it whole.
    kill -KILL $! || echo "OBS had ended by itself"
    wait $! || true
    while pgrep obs-ffmpeg-mux >/dev/null; do sleep 0.2; done
"#;

/// Starts a program of the root file system's in the session; its log is called `name`. One that starts others has
/// `apart` processes of its own, which end with it; PipeWire wants to see those of its clients.
fn spawn(session: &Session, root: &Path, name: &str, apart: bool, words: &[&str]) -> Result<Running> {
    let mut command = Command::new("unshare");
    command.arg("--mount").args(apart.then_some(["--pid", "--fork", "--kill-child"]).iter().flatten());
    command.args(["--", "sh", "-euc", IN_ROOT, "sh"]);
    command.arg(root).arg(session.dir()).args(words).envs(session.environment());
    Running::start(&mut command, &session.dir().join("logs").join(name))
}

/// A session with the PipeWire of the root file system: an older one does not drive what a newer library makes.
pub fn session(root: &Path) -> Result<(Session, [Running; 2])> {
    let session = Session::without_pipewire()?;
    let mut pipewire = spawn(&session, root, "pipewire", false, &["pipewire"])?;
    pipewire.wait_for(&session.runtime_dir().join("pipewire-0"))?;
    let wireplumber = spawn(&session, root, "wireplumber", false, &["wireplumber"])?;
    Ok((session, [pipewire, wireplumber]))
}

/// What OBS would keep of a user who had set it up: no questions, one scene with the camera, a lossless recording.
fn set_up(session: &Session, format: u32, size: Size) -> Result<()> {
    let Size { width, height } = size;
    let config = session.dir().join("config/obs-studio");
    for part in ["basic/profiles/Untitled", "basic/scenes"] {
        std::fs::create_dir_all(config.join(part))?;
    }
    // OBS 31 keeps in `user.ini` what was in `global.ini`.
    for file in ["global.ini", "user.ini"] {
        let text = "[General]\nFirstRun=true\nInfoIncrement=99\nEnableAutoUpdates=false\n[Basic]\nProfile=Untitled\n\
                    ProfileDir=Untitled\nSceneCollection=Untitled\nSceneCollectionFile=Untitled\n";
        std::fs::write(config.join(file), text)?;
    }
    std::fs::write(
        config.join("basic/profiles/Untitled/basic.ini"),
        format!(
            "[General]\nName=Untitled\n[Output]\nMode=Simple\n\
             [SimpleOutput]\nFilePath={}\nRecFormat2=mkv\nRecQuality=HQ\nRecEncoder=x264\n\
             [Video]\nBaseCX={width}\nBaseCY={height}\nOutputCX={width}\nOutputCY={height}\nFPSCommon=30\n\
             ColorSpace=709\nColorRange=Partial\n",
            session.dir().display()
        ),
    )?;
    // OBS 30 picks the format itself; 31 turns this into settings of its own.
    let resolution = json!({ "width": width, "height": height }).to_string();
    let settings = json!({ "device_id": NODE, "pixelformat": format, "resolution": resolution });
    let scene = json!({ "id": 1, "items": [{
        "id": 1, "name": "Camera", "visible": true, "pos": { "x": 0.0, "y": 0.0 }, "scale": { "x": 1.0, "y": 1.0 },
    }]});
    let collection = json!({
        "name": "Untitled", "current_scene": "Scene", "current_program_scene": "Scene",
        "scene_order": [{ "name": "Scene" }],
        "sources": [
            { "id": "scene", "versioned_id": "scene", "name": "Scene", "settings": scene },
            { "id": "pipewire-camera-source", "versioned_id": "pipewire-camera-source", "name": "Camera",
              "settings": settings },
        ],
    });
    Ok(std::fs::write(config.join("basic/scenes/Untitled.json"), collection.to_string())?)
}

/// Records for some seconds and takes the last picture.
pub fn obs(session: &Session, root: &Path, format: u32, size: Size, display: &Path) -> Result<(Rgb, String)> {
    set_up(session, format, size)?;
    let dir = session.dir().display().to_string();
    let mut running = spawn(session, root, "obs", true, &["sh", "-c", OBS, &dir])?;
    let log = || std::fs::read_to_string(session.dir().join("logs/obs")).unwrap_or_default();
    let start = Instant::now();
    let how = loop {
        let how = agreed(session);
        if recording(session).is_some() && how.is_ok() {
            break how?;
        }
        let waits = !running.ended()? && start.elapsed() < Duration::from_secs(60);
        ensure!(waits, "{}", log());
        std::thread::sleep(Duration::from_millis(200));
    };
    std::thread::sleep(Duration::from_secs(10));
    std::fs::write(session.dir().join("stop"), "")?;
    running.wait(Duration::from_secs(60))?;
    std::fs::copy(session.dir().join("display.png"), display)?;
    let path = recording(session).context("a recording")?;
    let verdict = testkit::judge::judge(&path)?;
    let card = verdict.card.as_ref().context("the recording has no card")?;
    let how =
        format!("{how}; {} pictures of the card recorded, {} out of order", card.read, card.out_of_order);
    Ok((last_picture(&path, size)?, how))
}

fn recording(session: &Session) -> Option<std::path::PathBuf> {
    let entries = std::fs::read_dir(session.dir()).ok()?.flatten().map(|it| it.path());
    entries.filter(|it| it.extension().is_some_and(|it| it == "mkv")).last()
}

fn last_picture(path: &Path, size: Size) -> Result<Rgb> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-sseof", "-3", "-i"]).arg(path);
    command.args(["-update", "1", "-sws_flags", "accurate_rnd+full_chroma_int", "-f", "rawvideo"]);
    let output = command.args(["-pix_fmt", "rgb24", "-"]).output()?;
    let bytes = output.stdout.chunks_exact(size.width as usize * size.height as usize * 3).next_back();
    let bytes = bytes.with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok(Rgb { size, bytes: bytes.to_vec() })
}
