//! What a driver imports.

use ash::vk;
use ghoststream_picture::PixelFormat;

use super::Physical;
use super::format::{PlaneFormat, plane_formats};
use crate::{Imports, LINEAR, Modifier};

/// Formats that producers draw in, those that they draw in most first.
const FORMATS: [PixelFormat; 10] = [
    PixelFormat::Bgrx,
    PixelFormat::Rgbx,
    PixelFormat::Xrgb2101010,
    PixelFormat::Xbgr2101010,
    PixelFormat::Rgba16f,
    PixelFormat::Nv12,
    PixelFormat::P010,
    PixelFormat::I420,
    PixelFormat::Xrgb,
    PixelFormat::Xbgr,
];

/// What a device imports: what may be offered to producers. Tiled pictures come before linear ones, which
/// are slow to read and to draw into.
pub fn imports(physical: &Physical) -> Imports {
    let mut found = Vec::new();
    if physical.abilities.dma_buf {
        for format in FORMATS {
            let modifiers = modifiers(physical, format);
            if !modifiers.is_empty() {
                found.push((format, modifiers));
            }
        }
    }
    let number = |(major, minor)| Some((u32::try_from(major).ok()?, u32::try_from(minor).ok()?));
    let device = physical.render_node.and_then(number);
    // NVIDIA's own driver puts no fences into DMA-BUFs; Mesa's drivers for the same GPUs do.
    let implicit_sync = !physical.driver.starts_with("NVIDIA");
    let opaque = physical.abilities.export_memory.then_some(physical.uuid);
    Imports { device, implicit_sync, opaque, ..Imports::new(found) }
}

/// The modifiers with which every plane of a format can be imported.
pub(super) fn modifiers(physical: &Physical, format: PixelFormat) -> Vec<Modifier> {
    let planes = plane_formats(format).unwrap_or_default();
    let Some((first, others)) = planes.split_first() else { return Vec::new() };
    let mut found = listed(physical, first);
    if !others.is_empty() {
        // A plane with planes of its own: in which order they come depends on the driver.
        found.retain(|it| it.planes == 1);
        for plane in others {
            let also = listed(physical, plane);
            found.retain(|it| also.contains(it));
        }
    }
    for it in &mut found {
        it.planes = it.planes.max(format.planes() as u32);
    }
    found.sort_by_key(|it| it.modifier == LINEAR);
    found
}

/// The modifiers with which shaders can read an image of another program.
fn listed(physical: &Physical, plane: &PlaneFormat) -> Vec<Modifier> {
    let properties = modifier_properties(physical, plane.format);
    let readable = |it: &&vk::DrmFormatModifierPropertiesEXT| {
        it.drm_format_modifier_tiling_features.contains(vk::FormatFeatureFlags::SAMPLED_IMAGE)
            && importable(physical, plane, it.drm_format_modifier).is_some()
    };
    let name = |it: &vk::DrmFormatModifierPropertiesEXT| Modifier {
        modifier: it.drm_format_modifier,
        planes: it.drm_format_modifier_plane_count,
    };
    properties.iter().filter(readable).map(name).collect()
}

fn modifier_properties(physical: &Physical, format: vk::Format) -> Vec<vk::DrmFormatModifierPropertiesEXT> {
    let vulkan = physical.instance().raw();
    let ask = |list: &mut vk::DrmFormatModifierPropertiesListEXT<'_>| {
        let mut answer = vk::FormatProperties2::default().push_next(list);
        // SAFETY: the device is of this instance; what is chained lives during the call.
        unsafe { vulkan.get_physical_device_format_properties2(physical.raw(), format, &mut answer) };
    };
    let mut count = vk::DrmFormatModifierPropertiesListEXT::default();
    ask(&mut count);
    let mut found = vec![Default::default(); count.drm_format_modifier_count as usize];
    let mut list =
        vk::DrmFormatModifierPropertiesListEXT::default().drm_format_modifier_properties(&mut found);
    ask(&mut list);
    let count = list.drm_format_modifier_count as usize;
    found.truncate(count);
    found
}

/// The largest image of a plane with a modifier that can be imported and read by shaders, as it is and as
/// words.
pub(super) fn importable(physical: &Physical, plane: &PlaneFormat, modifier: u64) -> Option<vk::Extent3D> {
    let formats = [plane.format, plane.words.format];
    let mut formats = vk::ImageFormatListCreateInfo::default().view_formats(&formats);
    let mut modifier = vk::PhysicalDeviceImageDrmFormatModifierInfoEXT::default()
        .drm_format_modifier(modifier)
        .sharing_mode(vk::SharingMode::EXCLUSIVE);
    let mut handle = vk::PhysicalDeviceExternalImageFormatInfo::default()
        .handle_type(vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT);
    let info = vk::PhysicalDeviceImageFormatInfo2::default()
        .format(plane.format)
        .flags(vk::ImageCreateFlags::MUTABLE_FORMAT)
        .ty(vk::ImageType::TYPE_2D)
        .tiling(vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT)
        .usage(vk::ImageUsageFlags::SAMPLED)
        .push_next(&mut modifier)
        .push_next(&mut handle)
        .push_next(&mut formats);
    let mut external = vk::ExternalImageFormatProperties::default();
    let mut answer = vk::ImageFormatProperties2::default().push_next(&mut external);
    let vulkan = physical.instance().raw();
    // SAFETY: the device is of this instance; what is chained lives during the call.
    unsafe { vulkan.get_physical_device_image_format_properties2(physical.raw(), &info, &mut answer) }
        .ok()?;
    let extent = answer.image_format_properties.max_extent;
    let features = external.external_memory_properties.external_memory_features;
    features.contains(vk::ExternalMemoryFeatureFlags::IMPORTABLE).then_some(extent)
}
