//! Where sizes differ: which shaders scale, and what they are told of the filters.

use std::sync::Arc;

use ash::vk;
use ghoststream_picture::filter::{Axis, Filter};
use ghoststream_picture::{Rect, Size};

use super::axes::{Exact, MOST_EXACT, Table};
use super::kinds::Kinds;
use super::record::{self, COPIED, WRITTEN};
use crate::vulkan::{Buffer, DescriptorSet, Device, Kind, Layout, Pipeline, Use, VulkanError};

/// Invocations of a workgroup of `scale.comp`, each of which filters two columns at a time.
const GROUP: u32 = 64;
const COLUMNS: u32 = 2 * GROUP;
/// Columns that it has room for.
const ROOM: u32 = 160;
/// Rows of the output that a workgroup makes.
const ROWS: u32 = 16;
/// Columns of the output that a workgroup makes: a multiple of this, up to [`WIDEST`].
const BLOCK: u32 = 8;
const WIDEST: u32 = 128;
/// Invocations of a workgroup of `scale_across.comp`, across and down.
const ACROSS: (u32, u32) = (32, 4);
/// Rows of the source that an invocation reads before it uses the first. A driver that runs on the CPU gains
/// nothing by it, and is long in compiling what it makes of the loop.
const AHEAD: u32 = 18;
const AHEAD_ON_CPU: u32 = 4;

/// Invocations of `scale_half.comp` side by side, each of which filters two columns; how many times as many a
/// workgroup has, one below the other; and the rows of the output that each makes.
const LANES: u32 = 32;
const GROUPS: u32 = 1;
const HALF_ROWS: u32 = 4;

/// What a scaler is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scaling {
    /// What is read and written; the workgroup does not matter.
    pub(super) kinds: Kinds,
    /// Pixels of the source that are shown.
    pub(super) from: Size,
    /// Where in the output they are shown.
    pub(super) content: Rect,
    /// The output.
    pub(super) size: Size,
}

/// One geometry's filters in the device's memory, and what is dispatched.
#[derive(Debug)]
pub(super) struct Scaler {
    scaling: Scaling,
    set: DescriptorSet,
    /// In order: the one that filters across, where there are two.
    steps: Vec<(Arc<Pipeline>, (u32, u32))>,
    /// What takes the place of the last step's where the pointer is over the picture.
    pointed: Option<Arc<Pipeline>>,
    /// Both tables and what is said of them, in the order of the bindings.
    buffers: [Buffer; 3],
    /// Rows between two dispatches; a single pixel, never used, where there is one.
    _halfway: Buffer,
    /// What the buffers will hold, one after the other.
    staging: Buffer,
    /// Whether the buffers hold it, once what was submitted is done.
    filled: bool,
}

/// The pipelines that scale, each made when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Scalers {
    pipelines: Vec<(Shader, Vec<u32>, Arc<Pipeline>)>,
    last: Option<Box<Scaler>>,
}

/// The shaders that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shader {
    Scale,
    Across,
    Half,
}

impl Shader {
    const fn code(self) -> &'static [u8] {
        match self {
            Self::Scale => include_bytes!("../../shaders/scale.spv"),
            Self::Across => include_bytes!("../../shaders/scale_across.spv"),
            Self::Half => include_bytes!("../../shaders/scale_half.spv"),
        }
    }
}

/// How the work is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// Exactly half the size both ways; so many columns of the output to a workgroup.
    Half(u32),
    /// Every result has the same weights; so many columns of the output to a workgroup.
    Exact(u32),
    /// Any ratio.
    Any(u32),
    /// Across first, in a dispatch of its own, for any ratio.
    Halfway,
}

impl Scaling {
    /// Whether sizes differ at all.
    pub(super) fn is_needed(&self) -> bool {
        self.from != self.content.size()
    }
}

impl Scalers {
    /// Makes what scales in this way, unless it was the same before. What was there instead must not go
    /// before the GPU is done with it.
    pub(super) fn prepare(
        &mut self,
        device: &Device,
        layout: &Layout,
        filter: Filter,
        scaling: Scaling,
    ) -> Result<Option<Box<Scaler>>, VulkanError> {
        if self.last.as_ref().is_some_and(|it| it.scaling == scaling) {
            return Ok(None);
        }
        let made = Scaler::new(device, layout, self, filter, scaling)?;
        Ok(self.last.replace(Box::new(made)))
    }

    /// What was recorded last was submitted: the filters are in the device's memory.
    pub(super) fn filled(&mut self) {
        self.last.iter_mut().for_each(|it| it.filled = true);
    }

    /// The dispatches of a picture whose other sets are these, as prepared. `pointed`: with the pointer over it.
    ///
    /// # Safety
    /// The list is being recorded, and will be submitted after those that were recorded before; self and
    /// what the sets name live until it is done.
    pub(super) unsafe fn record(
        &self,
        device: &ash::Device,
        list: vk::CommandBuffer,
        sets: [vk::DescriptorSet; 3],
        pointed: bool,
    ) {
        if let Some(scaler) = &self.last {
            // SAFETY: the caller's promises.
            unsafe { scaler.record(device, list, sets, pointed) };
        }
    }

    fn pipeline(
        &mut self,
        layout: &Layout,
        shader: Shader,
        constants: Vec<u32>,
    ) -> Result<Arc<Pipeline>, VulkanError> {
        let same = |(of, c, _): &&(Shader, Vec<u32>, _)| *of == shader && *c == constants;
        if let Some((_, _, pipeline)) = self.pipelines.iter().find(same) {
            return Ok(Arc::clone(pipeline));
        }
        let pipeline = Arc::new(Pipeline::new(layout, shader.code(), &constants)?);
        self.pipelines.push((shader, constants, Arc::clone(&pipeline)));
        Ok(pipeline)
    }
}

impl Scaler {
    fn new(
        device: &Device,
        layout: &Layout,
        scalers: &mut Scalers,
        filter: Filter,
        scaling: Scaling,
    ) -> Result<Self, VulkanError> {
        let Scaling { from, content, size, .. } = scaling;
        let across = Table::new(&Axis::new(from.width, content.width, filter), from.width);
        let down = Table::new(&Axis::new(from.height, content.height, filter), from.height);
        let plan = Plan::new(&across, &down, &scaling);
        let words = |records: &[f32]| records.iter().flat_map(|it| it.to_ne_bytes()).collect::<Vec<u8>>();
        let parts = [words(&across.records), words(&down.records), describe(&across, &down, plan)];
        let mut staging = Buffer::new(device, parts.iter().map(|it| it.len() as u64).sum(), Use::Upload)?;
        // SAFETY: the buffer is new.
        unsafe { staging.bytes_mut() }.copy_from_slice(&parts.concat());
        let buffer = |bytes: &Vec<u8>| Buffer::new(device, bytes.len() as u64, Use::Device);
        let buffers = [buffer(&parts[0])?, buffer(&parts[1])?, buffer(&parts[2])?];
        let pixels =
            if plan == Plan::Halfway { u64::from(content.width) * u64::from(from.height) } else { 1 };
        let halfway = Buffer::new(device, pixels * 16, Use::Device)?;
        let mut set = DescriptorSet::new(layout, 3)?;
        for (binding, buffer) in (0..).zip([&buffers[0], &buffers[1], &halfway, &buffers[2]]) {
            set.set_buffer(binding, buffer);
        }
        let mut steps = Vec::new();
        if plan == Plan::Halfway {
            let pipeline =
                scalers.pipeline(layout, Shader::Across, shared_constants(scaling.kinds, ACROSS))?;
            steps.push((pipeline, (content.width.div_ceil(ACROSS.0), from.height.div_ceil(ACROSS.1))));
        }
        let on_cpu = device.physical().kind == Kind::Cpu;
        let ahead = if on_cpu { AHEAD_ON_CPU } else { AHEAD };
        let exact = across.exact.as_ref().zip(down.exact.as_ref());
        let half = matches!(plan, Plan::Half(_));
        let (shader, rows) = if half { (Shader::Half, GROUPS * HALF_ROWS) } else { (Shader::Scale, ROWS) };
        let constants = constants(scaling.kinds, plan, exact, ahead);
        // Both at once, so that a pointer that comes or goes later waits for no compiler.
        let pointed =
            half.then(|| scalers.pipeline(layout, shader, with_pointer(constants.clone()))).transpose()?;
        let pipeline = scalers.pipeline(layout, shader, constants)?;
        steps.push((pipeline, (size.width.div_ceil(plan.tile()), size.height.div_ceil(rows))));
        Ok(Self { scaling, set, steps, pointed, buffers, _halfway: halfway, staging, filled: false })
    }

    /// # Safety
    /// As for [`Scalers::record`].
    unsafe fn record(
        &self,
        device: &ash::Device,
        list: vk::CommandBuffer,
        sets: [vk::DescriptorSet; 3],
        pointed: bool,
    ) {
        let [output, source, pointer] = sets;
        let sets = [output, source, pointer, self.set.raw()];
        let shader = vk::PipelineStageFlags2::COMPUTE_SHADER;
        // SAFETY: the caller's promises; the buffers are as long as what is copied into them.
        unsafe {
            if !self.filled {
                let mut at = 0;
                for buffer in &self.buffers {
                    let region = vk::BufferCopy::default().src_offset(at).size(buffer.len());
                    device.cmd_copy_buffer(list, self.staging.raw(), buffer.raw(), &[region]);
                    at += buffer.len();
                }
                let read = vk::AccessFlags2::SHADER_STORAGE_READ | vk::AccessFlags2::UNIFORM_READ;
                record::barrier(device, list, COPIED, shader, read);
            }
            if self.steps.len() > 1 {
                // What the picture before has left halfway is read by then.
                record::barrier(device, list, WRITTEN, shader, vk::AccessFlags2::SHADER_WRITE);
            }
            for (index, (pipeline, groups)) in self.steps.iter().enumerate() {
                if index > 0 {
                    record::barrier(device, list, WRITTEN, shader, vk::AccessFlags2::SHADER_STORAGE_READ);
                }
                let pointed = self.pointed.as_ref().filter(|_| pointed && index + 1 == self.steps.len());
                record::dispatch(device, list, pointed.unwrap_or(pipeline), &sets, *groups);
            }
        }
    }
}

impl Plan {
    fn new(across: &Table, down: &Table, scaling: &Scaling) -> Self {
        let Rect { width, height, .. } = scaling.content;
        if let (Some(across), Some(down), 0, 0) = (&across.exact, &down.exact, width % 2, height % 2) {
            if across.halves() && across == down && !scaling.kinds.target.is_wide() {
                let beside = across.weights.len() as u32 / 4;
                return Self::Half((LANES - 2 * beside - 1) / 4 * 4);
            }
            let tile = (COLUMNS - across.weights.len() as u32) / across.step / BLOCK * BLOCK;
            if tile > 0 {
                return Self::Exact(tile.min(WIDEST / 2));
            }
        }
        let tiles = (1..=WIDEST / BLOCK).rev().map(|it| it * BLOCK);
        let fits = |most: u32| tiles.clone().find(|tile| widest_span(across, scaling, *tile) <= most);
        fits(COLUMNS).or_else(|| fits(ROOM)).map_or(Self::Halfway, Self::Any)
    }

    /// Columns of the output to a workgroup.
    const fn tile(self) -> u32 {
        match self {
            Self::Half(tile) | Self::Exact(tile) | Self::Any(tile) => tile,
            Self::Halfway => COLUMNS - BLOCK,
        }
    }
}

/// The most columns of the source that a tile is made of, with the one left of it.
fn widest_span(across: &Table, scaling: &Scaling, tile: u32) -> u32 {
    let (last, left) = (i64::from(scaling.content.width) - 1, i64::from(scaling.content.x));
    let span = |x: u32| {
        let column = |x: i64| (x - left).clamp(0, last) as u32;
        let x = i64::from(x);
        let (first, end) = across.span(column(x - 1), column(x + i64::from(tile) - 1));
        end - first
    };
    (0..scaling.size.width).step_by(tile as usize).map(span).max().unwrap_or(0)
}

/// The block `Axes` of `shaders/axes.glsl`.
fn describe(across: &Table, down: &Table, plan: Plan) -> Vec<u8> {
    let origin = |table: &Table| table.exact.as_ref().map_or(0, |it| it.origin);
    let taps = [across.taps, down.taps, plan.tile(), 0].map(|it| it as i32);
    let origins = [origin(across), origin(down), 0, 0];
    let mut block: Vec<u8> = taps.iter().chain(&origins).flat_map(|it| it.to_ne_bytes()).collect();
    for table in [across, down] {
        let mut weights = table.exact.as_ref().map_or_else(Vec::new, |it| it.weights.clone());
        weights.resize(MOST_EXACT, 0.0);
        block.extend(weights.iter().flat_map(|it| it.to_ne_bytes()));
    }
    block
}

/// The specialization constants of `scale.comp` and `scale_half.comp`: those that all shaders have, then from 16 on its own.
fn constants(kinds: Kinds, plan: Plan, exact: Option<(&Exact, &Exact)>, ahead: u32) -> Vec<u32> {
    let half = matches!(plan, Plan::Half(_));
    let mut constants = shared_constants(kinds, if half { (LANES, GROUPS) } else { (GROUP, 1) });
    constants.push(u32::from(plan == Plan::Halfway));
    if let (Plan::Half(_) | Plan::Exact(_), Some((across, down))) = (plan, exact) {
        let parts = |it: &Exact| it.weights.len() as u32 / it.step;
        constants.extend([1, across.step, down.step, parts(across), parts(down)]);
        if half {
            constants.push(HALF_ROWS);
            constants.extend(across.weights[across.weights.len() / 2..].iter().map(|it| it.to_bits()));
        } else {
            constants.push(batch(ROWS + parts(down) - 1, (ahead / down.step).max(1)));
        }
    }
    constants
}

/// The same for pictures with the pointer over them: `POINTED` of `scale_half.comp`.
fn with_pointer(mut constants: Vec<u32>) -> Vec<u32> {
    constants[15] = 1;
    constants
}

/// Those that all shaders have, padded to where those of scaling begin.
fn shared_constants(kinds: Kinds, group: (u32, u32)) -> Vec<u32> {
    let mut constants = Kinds { group, ..kinds }.constants().to_vec();
    constants.resize(16, 0);
    constants
}

/// How many of `all` steps are best made at once, of `most`: few steps beyond the end, and few batches.
fn batch(all: u32, most: u32) -> u32 {
    (1..=most).min_by_key(|it| all.div_ceil(*it) * (2 * it + 1)).unwrap_or(1)
}
