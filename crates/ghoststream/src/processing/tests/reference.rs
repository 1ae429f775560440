//! Frames and pictures as the judge takes them.

use ghoststream_picture::reference::{self, Output, Planes, Source};
use ghoststream_picture::{Tone, peak};

use crate::PixelFormat;
use crate::av::Picture;
use crate::capture::CapturedFrame;
use crate::encode::InputSpec;
use crate::processing::Recipe;

fn source(frame: &CapturedFrame) -> Source<'_> {
    let buffer = frame.memory.cpu().expect("memory of the CPU");
    let plane = |index| {
        let (bytes, stride) = buffer.plane(index);
        reference::Plane { bytes, stride }
    };
    let planes: Vec<_> = (0..frame.format.planes()).map(plane).collect();
    let mut source = Source::new(frame.format, frame.size, frame.color, &planes);
    (source.crop, source.transform) = (frame.crop, frame.transform);
    source.cursor = frame.cursor.as_ref().map(|it| reference::Cursor {
        position: it.position,
        hotspot: it.hotspot,
        size: it.bitmap.size,
        rgba: &it.bitmap.rgba,
    });
    source
}

const fn output(spec: InputSpec) -> Output {
    Output { format: spec.format, size: spec.size, color: spec.color }
}

/// Frames whose peak is judged say it themselves.
fn recipe(frame: &CapturedFrame, recipe: &Recipe) -> reference::Recipe {
    let Recipe { output: spec, region, scaler, tone } = *recipe;
    let peak = frame.hdr.as_ref().and_then(peak::stated).unwrap_or(1000.0);
    let tone = Some(Tone { curve: tone.curve, white: tone.white, peak });
    reference::Recipe { output: output(spec), region, filter: scaler.into(), tone }
}

/// What a frame should become, bars and scaling included.
pub(super) fn made(frame: &CapturedFrame, of: &Recipe) -> Planes {
    reference::made(&source(frame), &recipe(frame, of))
}

/// The planes of a real picture, in code values.
pub(super) fn read(picture: &Picture, format: PixelFormat) -> Planes {
    let plane = |index| {
        let (bytes, stride) = picture.plane(index);
        reference::Plane { bytes, stride }
    };
    let planes: Vec<_> = (0..format.planes()).map(plane).collect();
    reference::read(format, picture.size(), &planes)
}

/// Asserts that a picture made without scaling is what the reference makes, within `bound`.
pub(super) fn check(frame: &CapturedFrame, of: &Recipe, picture: &Picture, bound: f64, what: &str) {
    let got = read(picture, of.output.format);
    let converted = made(frame, of);
    let wanted = match reference::carried_over(&source(frame), &recipe(frame, of)) {
        None => converted,
        Some(carried) if frame.cursor.is_none() => carried,
        // Near the pointer it is converted, elsewhere carried over.
        Some(carried) => reference::nearest(&got, &converted, &carried),
    };
    let worst = reference::worst(&got, &wanted);
    assert!(worst <= bound, "{what}: off by {worst}");
}
