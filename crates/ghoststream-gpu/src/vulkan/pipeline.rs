//! Shaders and what they are bound to.

use std::sync::Arc;

use ash::vk;

use super::{Buffer, Device, VulkanError};

/// What a shader finds at a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// A buffer that it reads and writes.
    Storage,
    /// A small buffer that it reads.
    Uniform,
    /// A picture, fetched pixel by pixel without a sampler.
    Picture,
    /// A picture with a sampler that takes the nearest pixel, at the edges the last, for gathers of two
    /// by two.
    Gathered,
}

/// The bindings of each set, and the bytes of push constants, that shaders have in common. Clones share
/// it.
#[derive(Clone, Debug)]
pub struct Layout(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    device: Device,
    sets: Vec<(vk::DescriptorSetLayout, Vec<Binding>)>,
    sampler: vk::Sampler,
    raw: vk::PipelineLayout,
}

impl Layout {
    /// Set `n` has the bindings `sets[n]`, counted from 0.
    ///
    /// # Errors
    /// The driver failed.
    pub fn new(device: &Device, sets: &[&[Binding]], push_constants: u32) -> Result<Self, VulkanError> {
        let (sampler, raw) = (vk::Sampler::null(), vk::PipelineLayout::null());
        let mut this = Shared { device: device.clone(), sets: Vec::new(), sampler, raw };
        let edge = vk::SamplerAddressMode::CLAMP_TO_EDGE;
        let info = vk::SamplerCreateInfo::default().address_mode_u(edge).address_mode_v(edge);
        // SAFETY: the structure is whole; it says nearest where it says nothing.
        this.sampler = unsafe { device.raw().create_sampler(&info, None) }
            .map_err(VulkanError::of("vkCreateSampler"))?;
        device.count();
        let samplers = [this.sampler];
        for bindings in sets {
            let described: Vec<_> =
                (0..).zip(*bindings).map(|(index, it)| describe(index, *it, &samplers)).collect();
            let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&described);
            // SAFETY: what the structure points to lives during the call.
            let raw = unsafe { device.raw().create_descriptor_set_layout(&info, None) }
                .map_err(VulkanError::of("vkCreateDescriptorSetLayout"))?;
            device.count();
            this.sets.push((raw, bindings.to_vec()));
        }
        let layouts: Vec<_> = this.sets.iter().map(|(raw, _)| *raw).collect();
        let range =
            vk::PushConstantRange::default().stage_flags(vk::ShaderStageFlags::COMPUTE).size(push_constants);
        let ranges = [range];
        let mut info = vk::PipelineLayoutCreateInfo::default().set_layouts(&layouts);
        if push_constants > 0 {
            info = info.push_constant_ranges(&ranges);
        }
        // SAFETY: as above.
        this.raw = unsafe { device.raw().create_pipeline_layout(&info, None) }
            .map_err(VulkanError::of("vkCreatePipelineLayout"))?;
        device.count();
        Ok(Self(Arc::new(this)))
    }

    /// The handle, valid as long as self lives.
    pub fn raw(&self) -> vk::PipelineLayout {
        self.0.raw
    }
}

fn describe(index: u32, binding: Binding, sampler: &[vk::Sampler; 1]) -> vk::DescriptorSetLayoutBinding<'_> {
    let described = vk::DescriptorSetLayoutBinding::default()
        .binding(index)
        .descriptor_type(kind(binding))
        .descriptor_count(1)
        .stage_flags(vk::ShaderStageFlags::COMPUTE);
    if binding == Binding::Gathered { described.immutable_samplers(sampler) } else { described }
}

const fn kind(binding: Binding) -> vk::DescriptorType {
    match binding {
        Binding::Storage => vk::DescriptorType::STORAGE_BUFFER,
        Binding::Uniform => vk::DescriptorType::UNIFORM_BUFFER,
        Binding::Picture => vk::DescriptorType::SAMPLED_IMAGE,
        Binding::Gathered => vk::DescriptorType::COMBINED_IMAGE_SAMPLER,
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let Some(device) = self.device.to_destroy() else { return };
        // SAFETY: pipelines and sets that were made with it hold a clone; null is allowed.
        unsafe {
            device.destroy_pipeline_layout(self.raw, None);
            for (raw, _) in &self.sets {
                device.destroy_descriptor_set_layout(*raw, None);
            }
            device.destroy_sampler(self.sampler, None);
        }
    }
}

/// A compute shader, compiled. It must not go while the GPU uses it.
#[derive(Debug)]
pub struct Pipeline {
    layout: Layout,
    raw: vk::Pipeline,
}

impl Pipeline {
    /// Compiles `main` of a SPIR-V module, its specialization constants 0, 1, 2 … being `constants`.
    ///
    /// # Errors
    /// The driver failed.
    pub fn new(layout: &Layout, code: &[u8], constants: &[u32]) -> Result<Self, VulkanError> {
        let device = &layout.0.device;
        let words: Vec<u32> = code.as_chunks::<4>().0.iter().map(|it| u32::from_le_bytes(*it)).collect();
        let info = vk::ShaderModuleCreateInfo::default().code(&words);
        // SAFETY: the code is SPIR-V that was compiled with the crate.
        let module = unsafe { device.raw().create_shader_module(&info, None) }
            .map_err(VulkanError::of("vkCreateShaderModule"))?;
        let entries: Vec<_> = (0..constants.len() as u32)
            .map(|id| vk::SpecializationMapEntry::default().constant_id(id).offset(id * 4).size(4))
            .collect();
        let data: Vec<u8> = constants.iter().flat_map(|it| it.to_ne_bytes()).collect();
        let specialization = vk::SpecializationInfo::default().map_entries(&entries).data(&data);
        let stage = vk::PipelineShaderStageCreateInfo::default()
            .stage(vk::ShaderStageFlags::COMPUTE)
            .module(module)
            .name(c"main")
            .specialization_info(&specialization);
        let mut info = vk::ComputePipelineCreateInfo::default().stage(stage).layout(layout.raw());
        if device.examiner().is_some() {
            info = info.flags(vk::PipelineCreateFlags::CAPTURE_STATISTICS_KHR);
        }
        // SAFETY: what the structure points to lives during the call; the module is not needed after.
        let made = unsafe {
            let made = device.raw().create_compute_pipelines(device.pipelines(), &[info], None);
            device.raw().destroy_shader_module(module, None);
            made
        };
        let made = made.map_err(|(_, result)| VulkanError { call: "vkCreateComputePipelines", result })?;
        device.count();
        let this = Self { layout: layout.clone(), raw: made[0] };
        if let Some(examiner) = device.examiner() {
            // SAFETY: it was made above, on this device, with that flag.
            unsafe { examiner.examine(this.raw)? };
        }
        Ok(this)
    }

    /// The handle, valid as long as self lives.
    pub const fn raw(&self) -> vk::Pipeline {
        self.raw
    }

    /// What it is bound to.
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        let Some(device) = self.layout.0.device.to_destroy() else { return };
        // SAFETY: the GPU does not use it any more: see the module's documentation.
        unsafe { device.destroy_pipeline(self.raw, None) };
    }
}

/// The buffers and pictures of one set. Written while the GPU does not use it; what it names must
/// live as long as the GPU does.
#[derive(Debug)]
pub struct DescriptorSet {
    layout: Layout,
    index: usize,
    pool: vk::DescriptorPool,
    raw: vk::DescriptorSet,
}

impl DescriptorSet {
    /// A set for number `index` of the layout, with nothing in it.
    ///
    /// # Errors
    /// The driver failed.
    ///
    /// # Panics
    /// The layout has no such set.
    pub fn new(layout: &Layout, index: usize) -> Result<Self, VulkanError> {
        let device = &layout.0.device;
        let (set, bindings) = &layout.0.sets[index];
        let sizes: Vec<_> = bindings
            .iter()
            .map(|it| vk::DescriptorPoolSize::default().ty(kind(*it)).descriptor_count(1))
            .collect();
        let info = vk::DescriptorPoolCreateInfo::default().max_sets(1).pool_sizes(&sizes);
        // SAFETY: what the structure points to lives during the call.
        let pool = unsafe { device.raw().create_descriptor_pool(&info, None) }
            .map_err(VulkanError::of("vkCreateDescriptorPool"))?;
        let mut this = Self { layout: layout.clone(), index, pool, raw: vk::DescriptorSet::null() };
        let layouts = [*set];
        let info = vk::DescriptorSetAllocateInfo::default().descriptor_pool(pool).set_layouts(&layouts);
        // SAFETY: as above; the pool has room for this one.
        let sets = unsafe { device.raw().allocate_descriptor_sets(&info) }
            .map_err(VulkanError::of("vkAllocateDescriptorSets"))?;
        device.count();
        this.raw = sets[0];
        Ok(this)
    }

    /// Puts a whole buffer at a binding.
    pub fn set_buffer(&mut self, binding: u32, buffer: &Buffer) {
        let kind = kind(self.layout.0.sets[self.index].1[binding as usize]);
        let buffers = [vk::DescriptorBufferInfo::default().buffer(buffer.raw()).range(vk::WHOLE_SIZE)];
        let write = vk::WriteDescriptorSet::default()
            .dst_set(self.raw)
            .dst_binding(binding)
            .descriptor_type(kind)
            .buffer_info(&buffers);
        // SAFETY: the set and the buffer are of this device; no GPU uses the set now.
        unsafe { self.layout.0.device.raw().update_descriptor_sets(&[write], &[]) };
    }

    /// Puts a picture at a binding; it is in `layout` when the shader runs.
    pub fn set_picture(&mut self, binding: u32, view: vk::ImageView, layout: vk::ImageLayout) {
        let kind = kind(self.layout.0.sets[self.index].1[binding as usize]);
        let images = [vk::DescriptorImageInfo::default().image_view(view).image_layout(layout)];
        let write = vk::WriteDescriptorSet::default()
            .dst_set(self.raw)
            .dst_binding(binding)
            .descriptor_type(kind)
            .image_info(&images);
        // SAFETY: as above.
        unsafe { self.layout.0.device.raw().update_descriptor_sets(&[write], &[]) };
    }

    /// The handle, valid as long as self lives.
    pub const fn raw(&self) -> vk::DescriptorSet {
        self.raw
    }
}

impl Drop for DescriptorSet {
    fn drop(&mut self) {
        let Some(device) = self.layout.0.device.to_destroy() else { return };
        // SAFETY: the GPU does not use the set any more: see the module's documentation. It goes with
        // its pool.
        unsafe { device.destroy_descriptor_pool(self.pool, None) };
    }
}
