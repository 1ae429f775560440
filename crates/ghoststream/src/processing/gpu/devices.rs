//! The GPUs that Vulkan knows, looked for while other things are being opened.

use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ghoststream_gpu::Imports;
use ghoststream_gpu::vulkan::{Device, Instance, Kind, Physical, imports};

use super::compiled;
use crate::Processing;
use crate::processing::mapped;

/// How long a driver may take to say what there is. It takes some 100 ms.
const PATIENCE: Duration = Duration::from_secs(3);
/// The same where a GPU was asked for: a machine may be slow, and what was asked for should be had.
const PATIENCE_ASKED: Duration = Duration::from_secs(30);

/// What was found; or what is still being looked for.
pub(crate) struct Devices(Mutex<Inner>);

struct Inner {
    state: State,
    importer: Option<[u8; 16]>,
}

enum State {
    /// It is not wanted, or there can be none: why.
    None(String),
    Looking(Receiver<Result<Found, String>>, Duration),
    Found(Found),
}

#[derive(Clone, Default)]
struct Found {
    physical: Vec<Physical>,
    /// Those that are open. Renditions share them.
    open: Vec<Device>,
    /// What a user should know of them.
    notes: Vec<String>,
}

impl Devices {
    /// Begins to look for them, if any of these may want one.
    pub(crate) fn begin<'a>(wishes: impl Iterator<Item = &'a Processing>) -> Self {
        let wishes: Vec<_> = wishes.collect();
        let asked = wishes.iter().any(|it| matches!(it, Processing::Gpu | Processing::Device(_)));
        let may = asked || wishes.iter().any(|it| **it == Processing::Auto) && has_nodes(Path::new("/dev"));
        if !may {
            return Self::new(State::None("there is no GPU".to_owned()));
        }
        let (sender, receiver) = sync_channel(1);
        // A driver that hangs keeps its thread; nobody waits for it for long.
        let spawned = std::thread::Builder::new().name("gs-gpu".into()).spawn(move || {
            let _ = sender.send(look(asked));
        });
        Self::new(match spawned {
            Ok(_) => State::Looking(receiver, if asked { PATIENCE_ASKED } else { PATIENCE }),
            Err(error) => State::None(format!("no thread to look for it: {error}")),
        })
    }

    const fn new(state: State) -> Self {
        Self(Mutex::new(Inner { state, importer: None }))
    }

    /// What pictures in a GPU's memory can be taken for these wishes: what the GPU imports that meets them all; else
    /// what the CPU can read.
    pub(crate) fn imports<'a>(&self, wishes: impl Iterator<Item = &'a Processing>) -> Imports {
        let imports = self.importable(wishes).filter(|it| !it.is_empty() || it.opaque.is_some());
        imports.unwrap_or_else(|| Imports::by_cpu(mapped::FORMATS))
    }

    fn importable<'a>(&self, mut wishes: impl Iterator<Item = &'a Processing>) -> Option<Imports> {
        let wish = wishes.next()?;
        if *wish == Processing::Cpu || wishes.any(|it| it != wish) {
            return None;
        }
        let device = self.device(wish, None).ok()?;
        self.lock().importer = Some(device.physical().uuid);
        Some(imports(device.physical()))
    }

    /// The UUID of the device whose imports were asked for.
    pub(super) fn importer(&self) -> Option<[u8; 16]> {
        self.lock().importer
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A device for a wish; the encoder's own, if it is on one, before others.
    ///
    /// # Errors
    /// There is none, in words.
    pub(super) fn device(&self, wish: &Processing, encoder: Option<[u8; 16]>) -> Result<Device, String> {
        let mut inner = self.lock();
        let found = inner.state.found()?;
        let physical = pick(&found.physical, wish, encoder)?;
        if let Some(device) = found.open.iter().find(|it| it.physical().uuid == physical.uuid) {
            return Ok(device.clone());
        }
        let device = Device::open(physical).map_err(|error| format!("{}: {error}", physical.name))?;
        found.notes.extend(compiled::restore(&device));
        found.open.push(device.clone());
        Ok(device)
    }

    /// What a user should know of the devices that were opened since the last time.
    pub(super) fn notes(&self) -> Vec<String> {
        match &mut self.lock().state {
            State::Found(found) => std::mem::take(&mut found.notes),
            _ => Vec::new(),
        }
    }
}

impl State {
    fn found(&mut self) -> Result<&mut Found, String> {
        if let Self::Looking(receiver, most) = self {
            *self = match receiver.recv_timeout(*most) {
                Ok(Ok(found)) => Self::Found(found),
                Ok(Err(why)) => Self::None(why),
                Err(_) => Self::None(format!(
                    "Vulkan's driver has not answered within {} s; check it with vulkaninfo",
                    most.as_secs()
                )),
            };
        }
        match self {
            Self::Found(found) => Ok(found),
            Self::None(why) => Err(why.clone()),
            Self::Looking(..) => unreachable!("it was waited for"),
        }
    }
}

/// Asks Vulkan, and opens the device that is the most likely to be wanted.
fn look(asked: bool) -> Result<Found, String> {
    let instance = Instance::open().map_err(|error| error.to_string())?;
    let physical = instance.physical().map_err(|error| error.to_string())?;
    let wish = if asked { Processing::Gpu } else { Processing::Auto };
    // What cannot be opened now says why when it is wanted.
    let likely = pick(&physical, &wish, None).ok().and_then(|it| Device::open(it).ok());
    let notes = likely.iter().filter_map(compiled::restore).collect();
    Ok(Found { open: likely.into_iter().collect(), physical, notes })
}

/// The device that meets a wish best. Unless it is asked for, none that is the CPU itself.
pub(crate) fn pick<'a>(
    all: &'a [Physical],
    wish: &Processing,
    encoder: Option<[u8; 16]>,
) -> Result<&'a Physical, String> {
    let fits = |it: &&Physical| match wish {
        Processing::Cpu => false,
        Processing::Auto => it.kind != Kind::Cpu,
        Processing::Gpu => true,
        Processing::Device(words) => is_named(it, words),
    };
    let rank = |it: &&Physical| (Some(it.uuid) != encoder, order(it.kind));
    all.iter().filter(fits).min_by_key(rank).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|it| it.name.as_str()).collect();
        match wish {
            Processing::Device(words) => {
                format!("no GPU is called {words:?}; there are: {}", names.join(", "))
            }
            _ if names.is_empty() => "Vulkan 1.3 knows no GPU".to_owned(),
            _ => format!("Vulkan knows no GPU but {}, which is the CPU itself", names.join(", ")),
        }
    })
}

/// By a part of its name, or the first digits of its UUID.
fn is_named(physical: &Physical, words: &str) -> bool {
    let digits = digits(&physical.uuid);
    let wanted = words.to_lowercase();
    physical.name.to_lowercase().contains(&wanted)
        || wanted.len() >= 4 && digits.starts_with(&wanted.replace('-', ""))
}

/// A UUID as hexadecimal digits, as `gpu:` takes it.
pub(crate) fn digits(uuid: &[u8; 16]) -> String {
    uuid.iter().map(|it| format!("{it:02x}")).collect()
}

const fn order(kind: Kind) -> u32 {
    match kind {
        Kind::Discrete => 0,
        Kind::Integrated => 1,
        Kind::Virtual => 2,
        Kind::Other => 3,
        Kind::Cpu => 4,
    }
}

/// Whether the kernel has a GPU that computes: without one Vulkan need not be opened to know.
pub(crate) fn has_nodes(dev: &Path) -> bool {
    let render = std::fs::read_dir(dev.join("dri")).is_ok_and(|mut nodes| {
        nodes.any(|it| it.is_ok_and(|it| it.file_name().to_string_lossy().starts_with("renderD")))
    });
    render || dev.join("nvidiactl").exists()
}
