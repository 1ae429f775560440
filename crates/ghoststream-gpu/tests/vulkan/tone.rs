//! Light in the shaders, judged by the reference of ghoststream-picture.
#![allow(unsafe_code)]

use ghoststream_gpu::pass::tone::{ToneKinds, block};
use ghoststream_gpu::vulkan::{Binding, Buffer, Commands, DescriptorSet, Device, Layout, Pipeline, Use, vk};
use ghoststream_picture::gamut::Primaries;
use ghoststream_picture::ictcp::Itp;
use ghoststream_picture::transfer::{pq, sdr};
use ghoststream_picture::{Color, ColorRange, ColorSpace, Conversion, Tone, ToneCurve, Transfer};

use crate::rig::Rig;

const SDR: Color = Color::new(ColorSpace::Bt709, ColorRange::Full);
const WIDE: Color = Color::new(ColorSpace::Bt2020, ColorRange::Full);
const PQ: Color = WIDE.with_transfer(Transfer::Pq);
const HLG: Color = WIDE.with_transfer(Transfer::Hlg);
const SCRGB: Color = SDR.with_transfer(Transfer::Linear);

/// Shaders that convert colours of any kind, and those of ten bits by tables.
const SHADERS: [&[u8]; 2] =
    [include_bytes!("../../shaders/probe_tone.spv"), include_bytes!("../../shaders/probe_tone_tables.spv")];

/// What a shader makes of colours, and the greatest brightness that it has seen.
fn convert(
    device: &Device,
    shader: &[u8],
    conversion: &Conversion,
    colours: &[[f64; 3]],
) -> (Vec<[f64; 3]>, f32) {
    let bindings = [Binding::Storage, Binding::Uniform, Binding::Uniform, Binding::Storage, Binding::Storage];
    let layout = Layout::new(device, &[&bindings], 0).expect("a layout");
    let mut constants = [0; 14];
    constants[10..].copy_from_slice(&ToneKinds::new(conversion, true).constants());
    let pipeline = Pipeline::new(&layout, shader, &constants).expect("a pipeline");
    let numbers = colours.iter().flat_map(|[r, g, b]| [*r as f32, *g as f32, *b as f32, 0.0]).collect();
    let buffers = [numbers, Vec::new(), block(conversion), vec![0.0]].map(|numbers: Vec<f32>| {
        let bytes: Vec<u8> = numbers.iter().flat_map(|it| it.to_ne_bytes()).collect();
        let mut buffer = Buffer::new(device, bytes.len().max(4) as u64, Use::Readback).expect("memory");
        // SAFETY: nothing runs on the GPU.
        let place = unsafe { buffer.bytes_mut() };
        place[..bytes.len()].copy_from_slice(&bytes);
        buffer
    });
    let mut set = DescriptorSet::new(&layout, 0).expect("a set");
    (0..).zip(&buffers).for_each(|(binding, buffer)| set.set_buffer(binding, buffer));
    set.set_buffer(4, &buffers[2]);
    // SAFETY: what is named lives until `run_once` has waited for it.
    unsafe {
        Commands::run_once(device, |device, list| {
            let point = vk::PipelineBindPoint::COMPUTE;
            device.cmd_bind_pipeline(list, point, pipeline.raw());
            device.cmd_bind_descriptor_sets(list, point, layout.raw(), 0, &[set.raw()], &[]);
            device.cmd_dispatch(list, (colours.len() as u32).div_ceil(64), 1, 1);
        })
        .expect("the device works");
    }
    let [made, _, _, seen] = buffers.each_ref().map(|it| {
        // SAFETY: the GPU is done.
        let numbers = unsafe { it.bytes() }.as_chunks::<4>().0.iter();
        numbers.map(|it| f32::from_ne_bytes(*it)).collect::<Vec<f32>>()
    });
    (made.chunks_exact(4).map(|it| [0, 1, 2].map(|c| f64::from(it[c]))).collect(), seen[0])
}

/// Code values of ten bits, every grey and a mesh of colours.
fn colours() -> Vec<[f64; 3]> {
    let steps = [0.0, 1.0, 20.0, 70.0, 150.0, 290.0, 400.0, 512.0, 594.0, 640.0, 700.0, 769.0, 924.0, 1023.0];
    let mesh = steps.iter().flat_map(|r| steps.iter().flat_map(|g| steps.map(|b| [*r, *g, b])));
    let greys = (0..1024).map(|it| [f64::from(it); 3]);
    greys.chain(mesh).map(|it| it.map(|it| it / 1023.0)).collect()
}

#[test]
fn tone_mapping_cannot_be_told_from_the_reference() {
    let rig = Rig::new();
    let itp = Itp::new(&Primaries::BT709);
    let light = |code: [f64; 3]| code.map(|it| sdr::to_light(it) * 203.0);
    let scene = |colours: Vec<[f64; 3]>, from: Color| -> Vec<[f64; 3]> {
        match from.transfer {
            Transfer::Linear => {
                colours.iter().map(|it| it.map(|it| pq::to_light(it) / 80.0 - 0.02)).collect()
            }
            _ => colours,
        }
    };
    let all =
        SHADERS.iter().enumerate().flat_map(|(tables, it)| [PQ, HLG, SCRGB].map(|from| (tables, it, from)));
    for (tables, shader, from) in all {
        for curve in ToneCurve::ALL {
            let tone = Tone { curve, peak: 4000.0, ..Tone::default() };
            let conversion = Conversion::new(from, SDR, tone).expect("they differ");
            let source = scene(colours(), from);
            let (made, seen) = convert(&rig.device, shader, &conversion, &source);
            let differences: Vec<f64> = source
                .iter()
                .zip(&made)
                .map(|(source, made)| itp.difference(light(conversion.apply(*source)), light(*made)))
                .collect();
            let mean = differences.iter().sum::<f64>() / differences.len() as f64;
            let most = differences.iter().copied().fold(0.0, f64::max);
            println!(
                "{:?}, {curve:?}, {tables}: ΔE ITP {mean:.4} on average, {most:.3} at most",
                from.transfer
            );
            assert!(mean < 1.0 && most < 3.0, "{from:?}, {curve:?}: ΔE ITP {mean}, at most {most}");
            let brightest =
                source.iter().map(|it| conversion.brightness(conversion.decode(*it))).fold(0.0, f64::max);
            assert!((f64::from(seen) / brightest - 1.0).abs() < 1e-3, "{seen}, not {brightest}");
        }
    }
}

#[test]
fn every_light_becomes_every_other_to_a_code_value() {
    let rig = Rig::new();
    for (from, to) in
        [(PQ, SDR), (HLG, SDR), (WIDE, SDR), (SDR, WIDE), (SDR, PQ), (SDR, HLG), (PQ, HLG), (HLG, PQ)]
    {
        let conversion = Conversion::new(from, to, Tone::default()).expect("they differ");
        let source = colours();
        // HDR becomes SDR of eight bits; all else may be of ten.
        let most = if conversion.maps_tones() && to == SDR { 255.0 } else { 1023.0 };
        for shader in SHADERS {
            let (made, _) = convert(&rig.device, shader, &conversion, &source);
            for (source, made) in source.iter().zip(&made) {
                let wanted = conversion.apply(*source);
                let off = (0..3).map(|c| (made[c] - wanted[c]).abs() * most).fold(0.0, f64::max);
                assert!(off < 1.0, "{from:?} to {to:?}: {source:?} becomes {made:?}, not {wanted:?}");
            }
        }
    }
}

#[test]
fn what_is_no_number_is_black_and_what_is_infinite_is_the_brightest() {
    let rig = Rig::new();
    let conversion = Conversion::new(SCRGB, PQ, Tone::default()).expect("they differ");
    let (made, _) =
        convert(&rig.device, SHADERS[0], &conversion, &[[f64::NAN; 3], [f64::INFINITY; 3], [-1.0; 3]]);
    assert!(made[0].iter().chain(&made[2]).all(|it| *it < 1e-3), "{made:?}");
    assert!(made[1].iter().all(|it| (it - 1.0).abs() < 1e-3), "{made:?}");
}
