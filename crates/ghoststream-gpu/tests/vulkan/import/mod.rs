//! Pictures of other programs: DMA-BUFs of the kernel's, read by shaders. They need a kernel that makes them
//! and a driver that imports them, which the virtual machine of `make test-vm` has.

mod painted;
mod passed;

use std::fs;
use std::sync::Arc;

use ghoststream_gpu::vulkan::{
    Binding, Buffer, Commands, DescriptorSet, Device, ImportError, Imported, Layout, Pipeline, Use, imports,
    vk,
};
use ghoststream_gpu::{DmaBuf, DmaBufError, DmaBufPlane, LINEAR};
use ghoststream_picture::{PixelFormat, Size};
use painted::{Painted, Planes};
use rustix::fs::{MemfdFlags, memfd_create};
use testkit_dmabuf::Source;

use crate::rig::Rig;

/// A device that imports.
fn watched() -> Rig {
    // Mesa 25.0's lavapipe tells the features of its modifiers in the first form of the list and not in the
    // second, in which the layer looks for them and then finds that images can be used for nothing.
    let mistaken = "VUID-VkImageViewCreateInfo-None-02273";
    // SAFETY: nextest runs each test in a process of its own, and no thread runs yet.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var("VK_LAYER_MESSAGE_ID_FILTER", mistaken);
    }
    let rig = Rig::new();
    assert!(rig.device.physical().abilities.dma_buf, "{:?} imports nothing", rig.device);
    rig
}

/// Shows what a shader sees.
struct Probe {
    device: Device,
    layout: Layout,
    pipeline: Pipeline,
}

impl Probe {
    fn new(device: &Device) -> Self {
        let layout = Layout::new(device, &[&[Binding::Storage, Binding::Picture]], 0).expect("a layout");
        let code = include_bytes!("../../../shaders/probe.spv");
        let pipeline = Pipeline::new(&layout, code, &[]).expect("a pipeline");
        Self { device: device.clone(), layout, pipeline }
    }

    /// Every pixel of every plane's image.
    fn see(&self, picture: &Imported, sizes: &[Size]) -> Vec<Vec<[f32; 4]>> {
        let see = |(view, size): (vk::ImageView, &Size)| {
            let seen = Buffer::new(&self.device, size.area() * 16, Use::Readback).expect("memory");
            let mut set = DescriptorSet::new(&self.layout, 0).expect("a set");
            set.set_buffer(0, &seen);
            set.set_picture(1, view, vk::ImageLayout::GENERAL);
            let point = vk::PipelineBindPoint::COMPUTE;
            // SAFETY: what is named lives until `run_once` has waited for it.
            #[allow(unsafe_code)]
            let bytes = unsafe {
                Commands::run_once(&self.device, |device, list| {
                    picture.acquire(list);
                    device.cmd_bind_pipeline(list, point, self.pipeline.raw());
                    device.cmd_bind_descriptor_sets(list, point, self.layout.raw(), 0, &[set.raw()], &[]);
                    device.cmd_dispatch(list, size.width.div_ceil(8), size.height.div_ceil(8), 1);
                    picture.release(list);
                })
                .expect("the device works");
                seen.bytes()
            };
            let number = |it: &[u8; 4]| f32::from_ne_bytes(*it);
            let pixel = |it: &[u8; 16]| std::array::from_fn(|at| number(&it.as_chunks::<4>().0[at]));
            bytes.as_chunks::<16>().0.iter().map(pixel).collect()
        };
        picture.views().zip(sizes).map(see).collect()
    }
}

fn assert_seen(probe: &Probe, painted: &Painted, what: &str) {
    let picture =
        Imported::new(&probe.device, &painted.described()).unwrap_or_else(|it| panic!("{what}: {it}"));
    let half = Size::new(painted.size.width.div_ceil(2), painted.size.height.div_ceil(2));
    let planes = probe.see(&picture, &[painted.size, half, half]);
    assert_eq!(planes.len(), painted.format.planes(), "{what}");
    for (plane, seen) in planes.iter().enumerate() {
        let wanted = painted.seen(plane);
        assert_eq!(seen.len(), wanted.len(), "{what}, plane {plane}");
        for (index, (seen, wanted)) in seen.iter().zip(&wanted).enumerate() {
            let close = seen.iter().zip(wanted).all(|(seen, wanted)| (seen - wanted).abs() < 1e-6);
            assert!(close, "{what}, plane {plane}, pixel {index}: {seen:?}, not {wanted:?}");
        }
    }
}

#[test]
#[ignore = "needs /dev/udmabuf and /dev/dma_heap: make test-vm"]
fn shaders_see_every_format_as_it_was_painted() {
    let rig = watched();
    let imports = imports(rig.device.physical());
    let listed: Vec<_> = imports.formats.iter().map(|(format, _)| *format).collect();
    for format in [PixelFormat::Bgrx, PixelFormat::Xrgb2101010, PixelFormat::Rgba16f, PixelFormat::Nv12] {
        assert!(listed.contains(&format), "{format:?} is not among {listed:?}");
    }
    let probe = Probe::new(&rig.device);
    for (format, modifiers) in &imports.formats {
        eprintln!("{format:?}: {modifiers:x?}");
        // Other tilings would have to be painted by the driver that knows them.
        assert!(modifiers.iter().any(|it| it.modifier == LINEAR), "{format:?}: {modifiers:x?}");
        for (source, size) in Source::ALL.into_iter().zip([Size::new(64, 32), Size::new(61, 37)]) {
            let painted = Painted::new(source, *format, size, Planes::Together);
            assert_seen(&probe, &painted, &format!("{format:?} {size} of {source:?}"));
        }
    }
}

#[test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
fn planes_may_lie_in_buffers_of_their_own() {
    let rig = watched();
    let probe = Probe::new(&rig.device);
    for format in [PixelFormat::Nv12, PixelFormat::P010, PixelFormat::I420] {
        let painted = Painted::new(Source::Udmabuf, format, Size::new(70, 50), Planes::Apart);
        assert_seen(&probe, &painted, &format!("{format:?} in several buffers"));
    }
}

#[test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
fn what_cannot_be_true_is_refused_and_leaks_nothing() {
    use DmaBufError::{Layout, NotDmaBuf, Planes as Number, Size as Extent};
    use ImportError::{Description, Unsupported};
    let rig = watched();
    let bgrx = Painted::new(Source::Udmabuf, PixelFormat::Bgrx, Size::new(640, 360), Planes::Together);
    let nv12 = Painted::new(Source::Udmabuf, PixelFormat::Nv12, Size::new(640, 360), Planes::Together);
    let before = descriptors();
    let refused =
        |painted: &Painted, change: &dyn Fn(&mut DmaBuf), as_it_should: fn(&ImportError) -> bool| {
            let mut described = painted.described();
            change(Arc::get_mut(&mut described).expect("nobody else has it"));
            let error = Imported::new(&rig.device, &described).expect_err("it cannot be true");
            assert!(as_it_should(&error), "{error:?}");
            eprintln!("{error}");
        };
    let no_layout = |it: &ImportError| matches!(it, Description(Layout { .. }));
    refused(&bgrx, &|it| it.planes[0].stride = 2559, no_layout);
    refused(&bgrx, &|it| it.planes[0].stride *= 2, no_layout);
    refused(&nv12, &|it| it.planes[1].offset = u64::MAX, no_layout);
    refused(&bgrx, &|it| it.planes.clear(), |it| matches!(it, Description(Number { found: 0, .. })));
    refused(&nv12, &|it| it.planes.truncate(1), |it| matches!(it, Description(Number { found: 1, .. })));
    let ten = |it: &mut DmaBuf| it.planes = (0..10).map(|_| copy(&it.planes[0])).collect();
    refused(&bgrx, &ten, |it| matches!(it, Description(Number { found: 10, .. })));
    let tiled = 0x0300_0000_0060_6010;
    refused(&bgrx, &|it| it.modifier = tiled, |it| matches!(it, Unsupported { .. }));
    refused(&bgrx, &|it| it.format = PixelFormat::Rgb24, |it| matches!(it, Unsupported { .. }));
    let no_size = |it: &ImportError| matches!(it, Description(Extent(_)));
    refused(&bgrx, &|it| it.size = Size::new(0, 360), no_size);
    refused(&bgrx, &|it| it.size = Size::new(640, 1 << 20), no_size);
    let file = |it: &mut DmaBuf| it.planes[0].fd = memfd_create("none", MemfdFlags::CLOEXEC).expect("a file");
    refused(&bgrx, &file, |it| matches!(it, Description(NotDmaBuf)));
    assert_eq!(descriptors(), before, "descriptors leak");
}

fn copy(plane: &DmaBufPlane) -> DmaBufPlane {
    DmaBufPlane { fd: plane.fd.try_clone().expect("a descriptor"), ..*plane }
}

#[test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
fn ten_thousand_imports_leak_no_descriptor() {
    let rig = watched();
    let painted = Painted::new(Source::Udmabuf, PixelFormat::Nv12, Size::new(64, 32), Planes::Together);
    let import = || Imported::new(&rig.device, &painted.described()).expect("it is imported");
    drop(import());
    let before = descriptors();
    for _ in 0..10_000 {
        drop(import());
    }
    assert_eq!(descriptors(), before);
}

/// Open descriptors of this process.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("procfs").count()
}
