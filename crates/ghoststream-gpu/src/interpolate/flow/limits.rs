//! What a device's optical flow engine takes.

use ash::{nv, vk};
use ghoststream_picture::Size;

use super::FlowError;
use crate::vulkan::Physical;

/// Luma, and vectors in 32nds of a pixel.
pub(super) const LUMA: vk::Format = vk::Format::R8_UNORM;
pub(super) const VECTORS: vk::Format = vk::Format::R16G16_S10_5_NV;
/// A vector for each of our blocks of four by four pixels.
pub(super) const GRID: vk::OpticalFlowGridSizeFlagsNV = vk::OpticalFlowGridSizeFlagsNV::TYPE_4X4;

/// The sizes of picture that an engine takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) smallest: Size,
    pub(super) largest: Size,
}

impl Limits {
    /// Those of a device, where its engine does what interpolation needs.
    pub(super) fn of(physical: &Physical) -> Result<Self, FlowError> {
        if !physical.abilities.optical_flow {
            return Err(FlowError::NoEngine);
        }
        let mut engine = vk::PhysicalDeviceOpticalFlowPropertiesNV::default();
        let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut engine);
        // SAFETY: the device is of this instance and has the extension; what is chained lives during the call.
        unsafe {
            physical.instance().raw().get_physical_device_properties2(physical.raw(), &mut properties);
        }
        if engine.bidirectional_flow_supported == vk::FALSE {
            return Err(FlowError::Lacks("vectors in both directions"));
        }
        if !engine.supported_output_grid_sizes.contains(GRID) {
            return Err(FlowError::Lacks("a vector for every 4 by 4 pixels"));
        }
        if !knows(physical, vk::OpticalFlowUsageFlagsNV::INPUT, LUMA)? {
            return Err(FlowError::Lacks("pictures of 8-bit luma"));
        }
        if !knows(physical, vk::OpticalFlowUsageFlagsNV::OUTPUT, VECTORS)? {
            return Err(FlowError::Lacks("vectors in 32nds of a pixel"));
        }
        Ok(Self {
            smallest: Size::new(engine.min_width, engine.min_height),
            largest: Size::new(engine.max_width, engine.max_height),
        })
    }

    /// Whether the engine takes pictures of this size.
    pub(super) fn check(&self, size: Size) -> Result<(), FlowError> {
        let Self { smallest, largest } = *self;
        let fits = (smallest.width..=largest.width).contains(&size.width)
            && (smallest.height..=largest.height).contains(&size.height);
        if fits { Ok(()) } else { Err(FlowError::Size { size, smallest, largest }) }
    }
}

/// Whether the engine knows a format for a use.
fn knows(
    physical: &Physical,
    usage: vk::OpticalFlowUsageFlagsNV,
    format: vk::Format,
) -> Result<bool, FlowError> {
    let vulkan = physical.instance();
    let functions = nv::optical_flow::Instance::new(vulkan.entry(), vulkan.raw());
    let list = functions.fp().get_physical_device_optical_flow_image_formats_nv;
    let info = vk::OpticalFlowImageFormatInfoNV::default().usage(usage);
    // There are three for pictures today; those that find no room are not ours.
    let mut formats = [vk::OpticalFlowImageFormatPropertiesNV::default(); 16];
    let mut count = formats.len() as u32;
    // SAFETY: the device is of this instance and has the extension, and there is room for so many.
    let result = unsafe { list(physical.raw(), &info, &mut count, formats.as_mut_ptr()) };
    match result {
        vk::Result::SUCCESS | vk::Result::INCOMPLETE => {
            Ok(formats.iter().take(count as usize).any(|it| it.format == format))
        }
        vk::Result::ERROR_FORMAT_NOT_SUPPORTED => Ok(false),
        result => {
            let call = "vkGetPhysicalDeviceOpticalFlowImageFormatsNV";
            Err(FlowError::Vulkan(crate::vulkan::VulkanError { call, result }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_beyond_the_engine_s_are_refused() {
        let limits = Limits { smallest: Size::new(32, 32), largest: Size::new(8192, 4096) };
        for (width, height) in [(32, 32), (8192, 4096), (1921, 33)] {
            assert!(limits.check(Size::new(width, height)).is_ok(), "{width}x{height}");
        }
        for (width, height) in [(31, 100), (100, 31), (8193, 100), (100, 4097)] {
            let refused = limits.check(Size::new(width, height));
            assert!(matches!(refused, Err(FlowError::Size { .. })), "{width}x{height}");
        }
    }
}
