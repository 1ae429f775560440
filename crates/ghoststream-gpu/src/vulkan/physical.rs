//! What GPUs there are, and what they can do.

use std::ffi::CStr;
use std::fmt;

use ash::{ext, khr, vk};

use super::{Instance, optical_flow};

/// A GPU that Vulkan knows.
#[derive(Clone)]
pub struct Physical {
    pub(super) instance: Instance,
    pub(super) raw: vk::PhysicalDevice,
    /// The queue family that computes.
    pub(super) family: u32,
    /// The queue family of the optical flow engine, where there is one.
    pub(super) flow_family: Option<u32>,
    longest_buffer: u64,
    /// Its marketing name.
    pub name: String,
    /// The driver's name and version, in its own words.
    pub driver: String,
    /// Of which kind it is.
    pub kind: Kind,
    /// What tells it from every other device, in CUDA too.
    pub uuid: [u8; 16],
    /// Major and minor number of `/dev/dri/renderD…`, where it has one.
    pub render_node: Option<(i64, i64)>,
    /// What can be done with it.
    pub abilities: Abilities,
}

/// Kinds of GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A card with memory of its own.
    Discrete,
    /// A part of the processor, sharing its memory.
    Integrated,
    /// A part of one, in a virtual machine.
    Virtual,
    /// The processor, playing a GPU: never faster than our own way on the CPU.
    Cpu,
    /// Something else.
    Other,
}

/// What a driver can do that not every driver can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// It imports DMA-BUFs with their modifiers.
    pub dma_buf: bool,
    /// It exports memory as opaque descriptors, as CUDA takes it.
    pub export_memory: bool,
    /// It exports timeline semaphores as opaque descriptors.
    pub export_timeline: bool,
    /// It waits for sync files and makes them.
    pub sync_file: bool,
    /// Memory that belongs to another driver can be handed over and back.
    pub foreign_queue: bool,
    /// Invocations of a compute shader that hand numbers on to those beside them; none where they do not.
    pub subgroup: u32,
    /// It has an engine that finds motion, and `VK_NV_optical_flow` for it.
    pub optical_flow: bool,
    /// It tells of the shaders that it compiled.
    pub statistics: bool,
}

impl Physical {
    /// `None` where it does not compute, or has no Vulkan 1.3.
    pub(super) fn read(instance: &Instance, raw: vk::PhysicalDevice) -> Option<Self> {
        let vulkan = instance.raw();
        // SAFETY: the device is of this instance; here and below.
        let extensions = unsafe { vulkan.enumerate_device_extension_properties(raw) }.ok()?;
        let has = |name: &CStr| extensions.iter().any(|it| it.extension_name_as_c_str() == Ok(name));
        let mut ids = vk::PhysicalDeviceIDProperties::default();
        let mut driver = vk::PhysicalDeviceDriverProperties::default();
        let mut node = vk::PhysicalDeviceDrmPropertiesEXT::default();
        let mut subgroups = vk::PhysicalDeviceSubgroupProperties::default();
        let mut properties = vk::PhysicalDeviceProperties2::default()
            .push_next(&mut ids)
            .push_next(&mut driver)
            .push_next(&mut subgroups);
        if has(ext::physical_device_drm::NAME) {
            properties = properties.push_next(&mut node);
        }
        // SAFETY: as above; what is chained lives during the call.
        unsafe { vulkan.get_physical_device_properties2(raw, &mut properties) };
        let core = properties.properties;
        if core.api_version < vk::API_VERSION_1_3 {
            return None;
        }
        let text = |bytes: Option<&CStr>| bytes.unwrap_or_default().to_string_lossy().into_owned();
        let [name, driver_name, driver_info] = [
            text(core.device_name_as_c_str().ok()),
            text(driver.driver_name_as_c_str().ok()),
            text(driver.driver_info_as_c_str().ok()),
        ];
        let flow_family =
            if has(ash::nv::optical_flow::NAME) { optical_flow::family(vulkan, raw) } else { None };
        Some(Self {
            instance: instance.clone(),
            raw,
            family: compute_family(vulkan, raw)?,
            flow_family,
            longest_buffer: u64::from(core.limits.max_storage_buffer_range),
            name,
            driver: format!("{driver_name} {driver_info}").trim_end().to_owned(),
            kind: kind(core.device_type),
            uuid: ids.device_uuid,
            render_node: (node.has_render == vk::TRUE).then_some((node.render_major, node.render_minor)),
            abilities: Abilities {
                dma_buf: has(khr::external_memory_fd::NAME)
                    && has(ext::external_memory_dma_buf::NAME)
                    && has(ext::image_drm_format_modifier::NAME),
                export_memory: has(khr::external_memory_fd::NAME) && exports_memory(vulkan, raw),
                export_timeline: has(khr::external_semaphore_fd::NAME) && exports_timeline(vulkan, raw),
                sync_file: has(khr::external_semaphore_fd::NAME) && speaks_sync_files(vulkan, raw),
                foreign_queue: has(ext::queue_family_foreign::NAME),
                subgroup: subgroup(&subgroups),
                optical_flow: flow_family.is_some(),
                statistics: has(khr::pipeline_executable_properties::NAME),
            },
        })
    }

    /// The name of a device that was not [read](Self::read), and why.
    pub(super) fn refusal(instance: &Instance, raw: vk::PhysicalDevice) -> (String, String) {
        // SAFETY: the device is of this instance.
        let core = unsafe { instance.raw().get_physical_device_properties(raw) };
        let name = core.device_name_as_c_str().unwrap_or_default().to_string_lossy().into_owned();
        let (major, minor) =
            (vk::api_version_major(core.api_version), vk::api_version_minor(core.api_version));
        let why = if core.api_version < vk::API_VERSION_1_3 {
            format!("its driver speaks Vulkan {major}.{minor}, and 1.3 is needed: update it")
        } else {
            "it does not compute".to_owned()
        };
        (name, why)
    }

    /// The most pixels across and down of a picture that [`Image::new`](super::Image::new) makes in this
    /// format; `None` where the device does not read it.
    pub fn largest(&self, format: vk::Format) -> Option<(u32, u32)> {
        let info = vk::PhysicalDeviceImageFormatInfo2::default()
            .format(format)
            .ty(vk::ImageType::TYPE_2D)
            .tiling(vk::ImageTiling::OPTIMAL)
            .usage(super::Image::USAGE);
        let mut answer = vk::ImageFormatProperties2::default();
        // SAFETY: the device is of this instance.
        unsafe {
            let vulkan = self.instance.raw();
            vulkan.get_physical_device_image_format_properties2(self.raw, &info, &mut answer)
        }
        .ok()?;
        let most = answer.image_format_properties.max_extent;
        Some((most.width, most.height))
    }

    /// The most bytes of a buffer that a shader writes.
    pub const fn longest_buffer(&self) -> u64 {
        self.longest_buffer
    }

    /// The handle, valid as long as self lives.
    pub const fn raw(&self) -> vk::PhysicalDevice {
        self.raw
    }

    /// The instance that it is of.
    pub const fn instance(&self) -> &Instance {
        &self.instance
    }
}

impl fmt::Debug for Physical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Physical")
            .field("name", &self.name)
            .field("driver", &self.driver)
            .field("kind", &self.kind)
            .field("abilities", &self.abilities)
            .finish_non_exhaustive()
    }
}

fn kind(raw: vk::PhysicalDeviceType) -> Kind {
    match raw {
        vk::PhysicalDeviceType::DISCRETE_GPU => Kind::Discrete,
        vk::PhysicalDeviceType::INTEGRATED_GPU => Kind::Integrated,
        vk::PhysicalDeviceType::VIRTUAL_GPU => Kind::Virtual,
        vk::PhysicalDeviceType::CPU => Kind::Cpu,
        _ => Kind::Other,
    }
}

fn subgroup(properties: &vk::PhysicalDeviceSubgroupProperties<'_>) -> u32 {
    let computes = properties.supported_stages.contains(vk::ShaderStageFlags::COMPUTE);
    let hands_on = properties.supported_operations.contains(vk::SubgroupFeatureFlags::SHUFFLE_RELATIVE);
    if computes && hands_on { properties.subgroup_size } else { 0 }
}

/// A family that computes; one that does not draw as well runs beside the desktop's drawing.
fn compute_family(vulkan: &ash::Instance, raw: vk::PhysicalDevice) -> Option<u32> {
    // SAFETY: the device is of this instance.
    let families = unsafe { vulkan.get_physical_device_queue_family_properties(raw) };
    let computing = (0..).zip(&families).filter(|(_, it)| it.queue_flags.contains(vk::QueueFlags::COMPUTE));
    computing.min_by_key(|(_, it)| it.queue_flags.contains(vk::QueueFlags::GRAPHICS)).map(|(index, _)| index)
}

fn exports_memory(vulkan: &ash::Instance, raw: vk::PhysicalDevice) -> bool {
    let info = vk::PhysicalDeviceExternalBufferInfo::default()
        .usage(vk::BufferUsageFlags::STORAGE_BUFFER)
        .handle_type(vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD);
    let mut answer = vk::ExternalBufferProperties::default();
    // SAFETY: the device is of this instance.
    unsafe { vulkan.get_physical_device_external_buffer_properties(raw, &info, &mut answer) };
    let features = answer.external_memory_properties.external_memory_features;
    features.contains(vk::ExternalMemoryFeatureFlags::EXPORTABLE)
}

fn semaphore_features(
    vulkan: &ash::Instance,
    raw: vk::PhysicalDevice,
    handle: vk::ExternalSemaphoreHandleTypeFlags,
    kind: vk::SemaphoreType,
) -> vk::ExternalSemaphoreFeatureFlags {
    let mut kind = vk::SemaphoreTypeCreateInfo::default().semaphore_type(kind);
    let info = vk::PhysicalDeviceExternalSemaphoreInfo::default().handle_type(handle).push_next(&mut kind);
    let mut answer = vk::ExternalSemaphoreProperties::default();
    // SAFETY: the device is of this instance, and what is chained lives during the call.
    unsafe { vulkan.get_physical_device_external_semaphore_properties(raw, &info, &mut answer) };
    answer.external_semaphore_features
}

fn exports_timeline(vulkan: &ash::Instance, raw: vk::PhysicalDevice) -> bool {
    let handle = vk::ExternalSemaphoreHandleTypeFlags::OPAQUE_FD;
    semaphore_features(vulkan, raw, handle, vk::SemaphoreType::TIMELINE)
        .contains(vk::ExternalSemaphoreFeatureFlags::EXPORTABLE)
}

fn speaks_sync_files(vulkan: &ash::Instance, raw: vk::PhysicalDevice) -> bool {
    let handle = vk::ExternalSemaphoreHandleTypeFlags::SYNC_FD;
    semaphore_features(vulkan, raw, handle, vk::SemaphoreType::BINARY).contains(
        vk::ExternalSemaphoreFeatureFlags::EXPORTABLE | vk::ExternalSemaphoreFeatureFlags::IMPORTABLE,
    )
}
