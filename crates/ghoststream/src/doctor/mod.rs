//! What this machine can do, what is missing, and how to fix it.
//!
//! [`examine`] asks the kernel, the NVIDIA driver, Vulkan, FFmpeg, PipeWire and the portal. It opens
//! encoders but no screen, so no dialog appears, and it ends in bounded time, whatever hangs.

mod advice;
mod desktop;
mod encoders;
mod gpu;
mod limit;
mod nvenc;
mod pipewire;
mod tier;
mod vulkan;

pub use advice::Problem;
pub use desktop::{MemoryTypes, Portal, Session};
pub use encoders::PresetChoice;
pub use gpu::Gpu;
pub use nvenc::{Clock, Nvenc, NvencCodec, NvencGpu, Wrapper};
pub use pipewire::PipeWire;
pub use tier::Tier;
pub use vulkan::{Missing, Vulkan, VulkanDevice};

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::encode::EncoderStatus;

/// What was found.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// GhostStream's version.
    pub ghoststream: &'static str,
    /// Graphics cards.
    pub gpus: Vec<Gpu>,
    /// NVIDIA's driver, where it runs.
    pub nvidia_driver: Option<String>,
    /// The best tier of the cards.
    pub tier: Option<Tier>,
    /// What the driver says of its GPUs' encoders.
    pub nvenc: Nvenc,
    /// What Vulkan says of the GPUs that can make pictures.
    pub vulkan: Vulkan,
    /// FFmpeg's version.
    pub ffmpeg: String,
    /// Each encoder, tried at 1920x1080 and 60 pictures a second.
    pub encoders: Vec<EncoderStatus>,
    /// Why the encoders could not be tried.
    pub encoders_error: Option<String>,
    /// PipeWire.
    pub pipewire: PipeWire,
    /// The portal.
    pub portal: Portal,
    /// The session.
    pub session: Session,
    /// How pictures can come from the compositor.
    pub memory: MemoryTypes,
    /// What each preset would use.
    pub presets: Vec<PresetChoice>,
    /// What is missing, what blocks first.
    pub problems: Vec<Problem>,
}

/// How long a daemon or program may take to answer.
const ANSWER: Duration = Duration::from_secs(2);
/// How long all of the encoders may take to open. A driver may hang.
const OPENING: Duration = Duration::from_secs(15);

/// Examines this machine and this session. Takes a second or two, at most some twenty.
pub fn examine() -> Diagnosis {
    let root = Path::new("/");
    // A little longer than each is told to take, which says more than the limit here does.
    let patience = ANSWER * 3;
    // Encoders use every core: they come after what is timed.
    let desktop = std::thread::scope(|scope| {
        let pipewire = scope.spawn(move || limit::within(patience, "PipeWire", || pipewire::examine(ANSWER)));
        let portal = scope.spawn(move || limit::within(patience, "the portal", || desktop::portal(ANSWER)));
        let session =
            scope.spawn(move || limit::within(patience, "the compositor", || desktop::session(ANSWER)));
        let vulkan = scope.spawn(move || limit::within(patience, "Vulkan", || vulkan::examine(root)));
        (joined(pipewire), joined(portal), joined(session), joined(vulkan))
    });
    let (gpus, nvenc) = (gpu::find(root), nvenc::examine());
    // Within a container the kernel may show no card that the driver speaks of.
    let tiers = gpus.iter().map(|it| it.tier).chain(nvenc.gpus.iter().map(|it| it.tier));
    let mut found = Diagnosis {
        ghoststream: env!("CARGO_PKG_VERSION"),
        tier: tiers.flatten().max(),
        gpus,
        nvenc,
        nvidia_driver: gpu::nvidia_driver(root),
        ffmpeg: crate::ffmpeg_version(),
        pipewire: desktop.0.unwrap_or_else(|error| PipeWire { error: Some(error), ..PipeWire::default() }),
        portal: desktop.1.unwrap_or_else(|error| Portal { error: Some(error), ..Portal::default() }),
        session: desktop.2.unwrap_or_default(),
        vulkan: desktop.3.unwrap_or_else(|error| vulkan::without(&error)),
        ..Diagnosis::default()
    };
    found.vulkan.match_cuda(&found.nvenc);
    let imports =
        found.vulkan.devices.iter().any(|it| found.vulkan.auto.as_ref() == Some(&it.name) && it.formats > 0);
    found.memory = desktop::memory(root, imports);
    let encoders = limit::within(OPENING, "the encoders", || (encoders::examine(), encoders::choices()));
    match encoders {
        Ok((encoders, presets)) => (found.encoders, found.presets) = (encoders, presets),
        Err(error) => found.encoders_error = Some(error),
    }
    found.problems = advice::problems(&found);
    found
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, Result<T, String>>) -> Result<T, String> {
    thread.join().unwrap_or_else(|_| Err("asking it panicked, which is a bug".to_owned()))
}
