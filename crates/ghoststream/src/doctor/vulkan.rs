//! Vulkan: the GPUs that can make pictures, what each lacks, and what `processing = auto` makes of them.

use std::path::Path;

use ghoststream_gpu::Imports;
use ghoststream_gpu::vulkan::{Abilities, Device, Instance, Kind, Physical, VulkanLoadError, imports};
use serde::Serialize;

use super::nvenc::Nvenc;
use crate::Processing;
use crate::processing::gpu::{digits, has_nodes, pick};

/// Vulkan on this machine.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Vulkan {
    /// The devices, in the loader's order.
    pub devices: Vec<VulkanDevice>,
    /// The device that `processing = auto` would use; `None` where it is the CPU.
    pub auto: Option<String>,
    /// Why, in words.
    pub reason: String,
    /// Why there are no devices.
    pub error: Option<String>,
    /// What to do about that.
    pub remedy: Option<String>,
}

/// A device that Vulkan knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VulkanDevice {
    /// Its name.
    pub name: String,
    /// `discrete`, `integrated`, `virtual`, `software` (the CPU, playing a GPU) or `other`.
    pub kind: &'static str,
    /// Its driver and that one's version.
    pub driver: String,
    /// What tells it from every other, in CUDA too, as hexadecimal digits; `gpu:` takes the first of them.
    pub uuid: String,
    /// Major and minor number of its render node, where it has one.
    pub render_node: Option<(i64, i64)>,
    /// Why it cannot be used at all.
    pub refusal: Option<String>,
    /// Formats of pictures in DMA-BUFs that it imports.
    pub formats: usize,
    /// Pairs of such a format and a modifier.
    pub modifiers: usize,
    /// The name of the GPU in CUDA that it is, by its UUID.
    pub cuda: Option<String>,
    /// What its driver lacks.
    pub missing: Vec<Missing>,
}

/// An ability that a driver lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Missing {
    /// The extension or feature.
    pub feature: &'static str,
    /// What falls away without it.
    pub without: &'static str,
}

/// Asks Vulkan, for the machine with this root directory.
pub(super) fn examine(root: &Path) -> Vulkan {
    match find() {
        Ok((physical, left_out)) => {
            let (auto, reason) = choice(&physical, None, has_nodes(&root.join("dev")));
            let devices = physical.iter().map(device).chain(left_out.into_iter().map(refused)).collect();
            Vulkan { devices, auto, reason, error: None, remedy: None }
        }
        Err(error) => without(&error.to_string()),
    }
}

/// What is known where Vulkan says nothing: an error that ends with what to do about it, after a semicolon.
pub(super) fn without(error: &str) -> Vulkan {
    let (what, remedy) = error.split_once("; ").unwrap_or((error, "check it with vulkaninfo"));
    Vulkan {
        reason: "without Vulkan pictures are made on the CPU".to_owned(),
        error: Some(what.to_owned()),
        remedy: Some(remedy.to_owned()),
        ..Vulkan::default()
    }
}

type Found = (Vec<Physical>, Vec<(String, String)>);

fn find() -> Result<Found, VulkanLoadError> {
    let instance = Instance::open()?;
    Ok((instance.physical()?, instance.left_out()?))
}

/// The device that `auto` would use, and why; `encoder` is the UUID of the GPU that encodes.
fn choice(all: &[Physical], encoder: Option<[u8; 16]>, has_nodes: bool) -> (Option<String>, String) {
    let device = match pick(all, &Processing::Auto, encoder) {
        _ if !has_nodes => return (None, "the CPU: the kernel has no GPU that computes".to_owned()),
        Err(why) => return (None, format!("the CPU: {why}")),
        Ok(device) => device,
    };
    let name = &device.name;
    let reason = if imports(device).is_empty() {
        format!("{name}, where a few pictures show it to be better than the CPU: it imports no DMA-BUFs")
    } else {
        format!("{name} for pictures in a GPU's memory; for others it or the CPU, as a few pictures show")
    };
    (Some(name.clone()), reason)
}

fn device(physical: &Physical) -> VulkanDevice {
    let Imports { formats, .. } = imports(physical);
    VulkanDevice {
        name: physical.name.clone(),
        kind: kind(physical.kind),
        driver: physical.driver.clone(),
        uuid: digits(&physical.uuid),
        render_node: physical.render_node,
        refusal: Device::open(physical).err().map(|error| format!("it cannot be opened: {error}")),
        formats: formats.len(),
        modifiers: formats.iter().map(|(_, modifiers)| modifiers.len()).sum(),
        cuda: None,
        missing: missing(physical.abilities),
    }
}

fn refused((name, why): (String, String)) -> VulkanDevice {
    VulkanDevice { name, kind: "other", refusal: Some(why), ..VulkanDevice::default() }
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Discrete => "discrete",
        Kind::Integrated => "integrated",
        Kind::Virtual => "virtual",
        Kind::Cpu => "software",
        Kind::Other => "other",
    }
}

fn missing(abilities: Abilities) -> Vec<Missing> {
    let all = [
        (
            abilities.dma_buf,
            "VK_EXT_external_memory_dma_buf with VK_EXT_image_drm_format_modifier",
            "pictures in a GPU's memory cannot be imported, and come through shared memory",
        ),
        (
            abilities.export_memory,
            "VK_KHR_external_memory_fd",
            "pictures are copied through system memory to NVENC",
        ),
        (
            abilities.export_timeline,
            "exported timeline semaphores",
            "a thread waits for each picture on its way to NVENC",
        ),
        (
            abilities.sync_file,
            "sync files (VK_KHR_external_semaphore_fd)",
            "a producer's buffer goes back when the picture is finished, and not when it was read",
        ),
        (abilities.optical_flow, "VK_NV_optical_flow", "frame interpolation looks for motion by shaders"),
    ];
    let lacks = all.into_iter().filter(|(has, ..)| !has);
    lacks.map(|(_, feature, without)| Missing { feature, without }).collect()
}

impl Vulkan {
    /// Says which devices are GPUs of CUDA's.
    pub(super) fn match_cuda(&mut self, nvenc: &Nvenc) {
        for device in &mut self.devices {
            let same = nvenc.gpus.iter().find(|it| it.uuid.as_ref() == Some(&device.uuid));
            device.cuda = same.map(|it| it.name.clone());
        }
    }

    /// Whether a device of it can make pictures and is no software.
    pub(super) fn has_gpu(&self) -> bool {
        self.devices.iter().any(|it| it.refusal.is_none() && it.kind != "software")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::nvenc::NvencGpu;

    #[test]
    fn lavapipe_is_known_for_software_and_never_chosen() {
        let found = examine(Path::new("/"));
        let lavapipe = found.devices.iter().find(|it| it.kind == "software").expect("lavapipe");
        assert!(lavapipe.name.starts_with("llvmpipe"), "{lavapipe:?}");
        assert!(lavapipe.refusal.is_none() && !lavapipe.driver.is_empty(), "{lavapipe:?}");
        assert_eq!(lavapipe.uuid.len(), 32);
        assert!(lavapipe.missing.iter().any(|it| it.feature == "VK_NV_optical_flow"), "{lavapipe:?}");
        assert_ne!(found.auto.as_ref(), Some(&lavapipe.name), "{}", found.reason);
        let all = Instance::open().unwrap().physical().unwrap();
        let software: Vec<_> = all.into_iter().filter(|it| it.kind == Kind::Cpu).collect();
        let (auto, reason) = choice(&software, None, true);
        assert!(auto.is_none() && reason.contains("which is the CPU itself"), "{reason}");
        assert!(choice(&software, None, false).1.contains("the kernel has no GPU"));
        let mut discrete = software[0].clone();
        discrete.kind = Kind::Discrete;
        let (auto, reason) = choice(&[discrete], None, true);
        assert!(auto.is_some() && reason.contains("as a few pictures show") | reason.contains("no DMA-BUFs"));
    }

    #[test]
    fn what_a_driver_lacks_is_told_with_what_falls_away() {
        assert_eq!(missing(Abilities::default()).len(), 5);
        let all = Abilities {
            dma_buf: true,
            export_memory: true,
            export_timeline: true,
            sync_file: true,
            foreign_queue: true,
            subgroup: 32,
            optical_flow: true,
            statistics: true,
        };
        assert!(missing(all).is_empty());
        let lacks = missing(Abilities { dma_buf: false, ..all });
        assert!(lacks.len() == 1 && lacks[0].without.contains("shared memory"), "{lacks:?}");
    }

    #[test]
    fn cudas_gpus_are_found_by_their_uuid() {
        let vulkan = |uuid: &str| VulkanDevice { uuid: uuid.to_owned(), ..VulkanDevice::default() };
        let mut found = Vulkan { devices: vec![vulkan("aa"), vulkan("bb")], ..Vulkan::default() };
        let gpu = |name: &str, uuid: Option<&str>| NvencGpu {
            name: name.to_owned(),
            uuid: uuid.map(str::to_owned),
            ..NvencGpu::default()
        };
        let gpus = vec![gpu("one that is silent", None), gpu("NVIDIA B", Some("bb"))];
        found.match_cuda(&Nvenc { gpus, ..Nvenc::default() });
        assert_eq!(found.devices[0].cuda, None);
        assert_eq!(found.devices[1].cuda.as_deref(), Some("NVIDIA B"));
    }

    #[test]
    fn an_error_is_parted_from_its_remedy() {
        let found = without("libvulkan.so.1 cannot be used: no such file; install Vulkan's loader");
        assert_eq!(found.error.as_deref(), Some("libvulkan.so.1 cannot be used: no such file"));
        assert_eq!(found.remedy.as_deref(), Some("install Vulkan's loader"));
        assert!(without("Vulkan did not answer within 6s").remedy.unwrap().contains("vulkaninfo"));
    }
}
